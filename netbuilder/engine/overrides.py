"""`--set training.batch_size=64` and the like: a project with some settings replaced.

A key begins with `training`, `data`, the name of a training step, or that of a network and
one of its nodes. A key that does not exist is refused with those that do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from netbuilder.data.settings import DataSettings, parse
from netbuilder.errors import NetbuilderError, did_you_mean
from netbuilder.graph import edits
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.layers import catalogue
from netbuilder.training import settings
from netbuilder.training.optimisation.optimizer_settings import kinds
from netbuilder.training.settings import StepSettings, TrainingSettings


class OverrideError(NetbuilderError):
    """A key or a value that is not there to be set."""


def apply(document: Document, values: Mapping[str, Any]) -> Document:
    """A copy of the project with these values by dotted key; `OverrideError` for wrong ones."""
    result = document.copy()
    history = History(result)
    with history.step("Set values"):
        for key, value in values.items():
            _set(history, key, value)
    return result


def _set(history: History, key: str, value: Any) -> None:
    document = history.document
    head, _, rest = key.partition(".")
    step = next((graph for graph in document.of_kind("step") if graph.name == head), None)
    network = document.network(head)
    if head == "training":
        _known(key, rest, TrainingSettings.model_fields, "training.")
        settings.read_training({rest: value})
        training = {**document.project.training, rest: value}
        edits.set_project(history, training=training)
    elif head == "data":
        _set_data(history, key, rest, value)
    elif step is not None:
        _set_step(history, step, key, rest, value)
    elif network is not None:
        _set_parameter(history, network, key, rest, value)
    else:
        names = [graph.name for kind in ("step", "network") for graph in document.of_kind(kind)]
        _known(key, head, ("training", "data", *names), "")


def _known(key: str, name: str, names: Iterable[str], prefix: str) -> None:
    possible = list(names)
    if name in possible:
        return
    shown = [f"{prefix}{each}" for each in possible]
    meant = did_you_mean(f"{prefix}{name}", shown)
    listed = ", ".join(shown) or "nothing"
    raise OverrideError(f"There is no '{key}' to set.", f"{meant}There are: {listed}.")


def _set_data(history: History, key: str, rest: str, value: Any) -> None:
    data = dict(history.document.project.data)
    if rest.startswith("params."):
        data["params"] = {**data.get("params", {}), rest.removeprefix("params."): value}
    else:
        _known(key, rest, DataSettings.model_fields, "data.")
        data[rest] = value
    parse(DataSettings, data, "Data settings")
    edits.set_project(history, data=data)


def _set_step(history: History, step: Graph, key: str, rest: str, value: Any) -> None:
    values = dict(step.info.settings)
    defaults = StepSettings()
    name, _, part = rest.partition(".")
    prefix = f"{step.name}."
    if name in ("optimizer", "schedule") and part:
        group: dict[str, Any] = {"kind": getattr(defaults, name).kind, **values.get(name, {})}
        models = _kinds(name)
        _known(key, part, models.get(group["kind"], BaseModel).model_fields, f"{prefix}{name}.")
        if part == "kind":
            _known_kind(name, value, models)
        group[part] = value
        if part == "kind" and value in models:
            # What the new kind does not have goes with the old one.
            group = {k: v for k, v in group.items() if k in models[value].model_fields}
        values[name] = group
    else:
        _known(key, name, _step_keys(values, defaults), prefix)
        values[name] = value
    settings.read_step(values, step.name)
    edits.set_graph(history, step, settings=values)


def _kinds(name: str) -> dict[str, type[BaseModel]]:
    return kinds(settings.OptimizerSettings if name == "optimizer" else settings.ScheduleSettings)


def _known_kind(name: str, value: Any, kinds: Iterable[str]) -> None:
    """`OverrideError` if there is no such optimizer or schedule."""
    known = list(kinds)
    if value in known:
        return
    meant = did_you_mean(str(value), known, 0.5)
    raise OverrideError(f"There is no {name} '{value}'.", f"{meant}There are: {', '.join(known)}.")


def _step_keys(values: Mapping[str, Any], defaults: StepSettings) -> list[str]:
    keys = [name for name in StepSettings.model_fields if name not in ("optimizer", "schedule")]
    for name in ("optimizer", "schedule"):
        kind = values.get(name, {}).get("kind", getattr(defaults, name).kind)
        fields = _kinds(name).get(kind, BaseModel).model_fields
        keys += [f"{name}.{field}" for field in fields]
    return keys


def _set_parameter(history: History, network: Graph, key: str, rest: str, value: Any) -> None:
    name, _, parameter = rest.partition(".")
    node = network.named(name)
    if node is None:
        _known(key, name, [each.name for each in network.ordered()], f"{network.name}.")
        return
    layer = catalogue.find(node.layer)
    names = layer.model_fields if layer is not None else ()
    _known(key, parameter, names, f"{network.name}.{name}.")
    edits.set_parameters(history, network, [node.id], {parameter: value})
