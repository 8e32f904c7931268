"""The settings that a run was made with, flat, from the text of its project. Torch-free.

Names are `batch_size`, `data.source`, `optimizer.lr`; with several training steps those of a step
begin with its name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from netbuilder.errors import NetbuilderError
from netbuilder.training import settings as training

Value = str | float | int | bool | None
"""A setting as a table shows it; a list is its text."""
_CANONICAL = re.compile(rb'\{\n  "netbuilder": \d+,\n')
_GRAPHS = re.compile(rb',?\n  "graphs": \[')


def settings_of(project: bytes) -> dict[str, Value]:
    """Training, data and step settings in the text of a `.netb` file; none if it can't be read.

    A run's project is in canonical form. There the settings are found without parsing the
    networks, which are most of the text: strings hold no line breaks, so that lines and their
    indents tell where things are.
    """
    try:
        return _flat(_parts(project))
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
        return {}


def _parts(project: bytes) -> Mapping[str, Any]:
    cut = _GRAPHS.search(project) if _CANONICAL.match(project) else None
    if cut is not None:
        try:
            head = json.loads(project[: cut.start()] + b"}")
            steps = [
                json.loads(b"{" + piece + b"}") for piece in _step_heads(project[cut.start() :])
            ]
        except ValueError:
            pass  # canonical at first sight only
        else:
            return {**head, "graphs": steps}
    whole: Mapping[str, Any] = json.loads(project)
    return whole


def _step_heads(graphs: bytes) -> list[bytes]:
    """The texts of the training steps before their nodes."""
    found = []
    at = graphs.find(b'\n      "kind": "step",')
    while at >= 0:
        begin = graphs.rfind(b"\n    {", 0, at) + len(b"\n    {")
        end = graphs.index(b'\n      "nodes": [', at)
        found.append(graphs[begin:end].rstrip().rstrip(b","))
        at = graphs.find(b'\n      "kind": "step",', end)
    return found


def _flat(project: Mapping[str, Any]) -> dict[str, Value]:
    found: dict[str, Value] = {}
    _flatten("", project.get("training", {}), found)
    _flatten("data", project.get("data", {}), found)
    steps = [graph for graph in project.get("graphs", ()) if graph.get("kind") == "step"]
    for step in steps:
        _flatten(str(step["name"]) if len(steps) > 1 else "", step.get("settings", {}), found)
    return found


def _flatten(prefix: str, value: Any, into: dict[str, Value]) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            _flatten(f"{prefix}.{key}" if prefix else str(key), item, into)
    elif value is None or isinstance(value, str | float | int | bool):
        into[prefix] = value
    else:
        into[prefix] = json.dumps(value)


def differing(rows: Iterable[Mapping[str, Value]]) -> list[str]:
    """The names of the settings that are not the same in all of these."""
    settings = list(rows)
    names = sorted({name for entry in settings for name in entry})
    return [name for name in names if len({repr(setting(e, name)) for e in settings}) > 1]


def setting(settings: Mapping[str, Value], name: str) -> Value:
    """A setting; its default where it was left out, None where there is none."""
    if name in settings:
        return settings[name]
    head, _, last = name.rpartition(".")
    group = head.rpartition(".")[2]
    kind = settings.get(f"{head}.kind") if group in ("optimizer", "schedule") else None
    return _default(name, group if kind is not None or not head else "", str(kind), last)


@lru_cache(maxsize=4096)
def _default(name: str, group: str, kind: str, last: str) -> Value:
    field = training.TrainingSettings.model_fields.get(name)
    value = field.default if field is not None else None
    if group:
        try:
            step = training.read_step({group: {"kind": kind}})
        except NetbuilderError:
            return None
        value = getattr(getattr(step, group), last, None)
    if value is None or isinstance(value, str | float | int | bool):
        return value
    return json.dumps(value, default=str)
