"""One line of a table of runs: how a run stands and with which settings it was made."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from netbuilder.errors import NetbuilderError
from netbuilder.training import settings as training

Value = str | float | int | bool | None
"""A setting as a table shows it; a list is its text."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as far as its folder tells; damaged values are left out.

    `started` is Unix seconds, 0 where unknown; `metrics` are the last ones, `best` is what
    `training.best.Best.summary` says. `settings` has flat names (`batch_size`,
    `optimizer.lr`, `data.source`); with several training steps those of a step begin with its
    name. `origin` is the run whose weights it started from.
    """

    path: Path
    status: str = "new"
    started: float = 0.0
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    seconds: float = 0.0
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    best: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Value] = field(default_factory=dict)
    note: str = ""
    pinned: bool = False
    origin: str = ""

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def alive(self) -> bool:
        """Whether a process is training it."""
        return self.status in ("running", "paused")

    @property
    def best_value(self) -> float | None:
        """The best value of what decides which epoch is the best."""
        return real(self.best.get("value"))

    def to_json(self) -> dict[str, Any]:
        """One row of the `runs` command."""
        return {
            "run": str(self.path),
            "name": self.name,
            "status": self.status,
            "started": self.started,
            "epoch": self.epoch,
            "epochs": self.epochs,
            "step": self.step,
            "seconds": self.seconds,
            "metrics": dict(self.metrics),
            "best": dict(self.best),
            "settings": dict(self.settings),
            "note": self.note,
            "pinned": self.pinned,
            "from": self.origin,
        }


# -- settings --------------------------------------------------------------------------------

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


def metric_names(rows: Sequence[RunRow]) -> list[str]:
    """The validation metrics that any of the runs has."""
    return sorted({key for row in rows for key in row.metrics if key.startswith("val/")})


def whole(value: Any) -> int:
    """The value as a whole number, 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def real(value: Any) -> float | None:
    """The value as a number, None for anything else."""
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if good else None
