"""Templates on a person's own data: which fit, and what has to be set so that they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from netbuilder.app import templates
from netbuilder.app.fitting_networks import FIELD, INPUT, Params, follow, large
from netbuilder.data import settings as data_settings
from netbuilder.data.images import ImageFolder
from netbuilder.data.masks import MaskFolder
from netbuilder.data.sounds import WavFolder
from netbuilder.data.sources import Field, Source
from netbuilder.errors import ChangeError, NetbuilderError
from netbuilder.graph import edits
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Node
from netbuilder.training.settings import read_training

TASKS: Mapping[str, tuple[str, ...]] = {
    "classification": ("classification",),
    "regression": ("regression",),
    "reconstruction": ("representation",),
    "language": ("language",),
    "segmentation": ("segmentation",),
    "forecast": ("forecast",),
    "node": ("node",),
}
"""Words that a template's task has for each task of a proposal."""
FEW = 100
"""Parameters; networks with fewer are offered last."""


@dataclass(frozen=True, slots=True)
class Fit:
    """What makes a project one on other data: settings, and parameters by graph and node."""

    data: Mapping[str, Any]
    training: Mapping[str, Any]
    parameters: Mapping[tuple[str, str], Mapping[str, Any]]


def choose(proposal: Mapping[str, Any]) -> list[str]:
    """The templates that fit a proposal (`Proposal.to_json`), those with fewer parameters first.

    What has a handful of them comes last: it parts its samples by one line.
    """
    words = TASKS.get(proposal.get("task", ""), ())
    known = sorted(templates.templates(), key=lambda info: (info.parameters < FEW, info.parameters))
    found = []
    for info in known:
        if not any(word in info.task.lower() for word in words):
            continue
        try:
            fit(templates.open_template(info.id), proposal)
        except NetbuilderError:
            continue
        found.append(info.id)
    return found


def begin(template: str, proposal: Mapping[str, Any]) -> Document:
    """A template on the data of a proposal; `ChangeError` if it does not fit."""
    document = templates.open_template(template)
    history = History(document)
    apply(history, fit(document, proposal))
    title = str(proposal.get("title", "")).partition(":")[0]
    edits.set_project(history, title=title, description="", about={})
    return document


def apply(history: History, wanted: Fit, title: str = "Use the data") -> None:
    """Make the project one on that data, as one edit."""
    with history.step(title):
        edits.set_project(history, title, data=wanted.data, training=wanted.training)
        for (graph, node), values in wanted.parameters.items():
            edits.set_parameters(history, history.document.graph(graph), [node], values)


def fit(document: Document, proposal: Mapping[str, Any]) -> Fit:
    """What has to be set in the project; `ChangeError` where that is not known.

    The inputs take the shapes of the data, the last layer as many outputs as there are
    classes. A network for large images keeps its size: images can be brought to it.
    """
    old = data_settings.read(document.project.data)
    had = data_settings.source_of(old).fields() if old.source else ()
    proposal = _for_its_size(proposal, had)
    has = [_field(value) for value in proposal["fields"]]
    names = _matched(document, had, has)
    parameters: dict[tuple[str, str], Params] = {}
    for step in document.of_kind("step"):
        for node in _fields_of(step):
            name = str(node.params.get("field"))
            before = next((each for each in had if each.name == name), None)
            after = names.get(name)
            if before is None or after is None:
                raise ChangeError(f"The data has nothing for the field '{name}'.")
            if after.name != name:
                parameters[(step.id, node.id)] = {"field": after.name}
            follow(document, step, node, before, after, parameters)
    _refuse_others(document, parameters)
    kept = ("validation", "test", "seed", "stratify")
    data = {name: value for name, value in document.project.data.items() if name in kept}
    data |= {"source": proposal["source"], "params": proposal["params"], **proposal["settings"]}
    return Fit(data, _training(document, data, proposal["count"]), parameters)


def _training(document: Document, data: Mapping[str, Any], count: int) -> Mapping[str, Any]:
    """The settings of the training, with at least two batches an epoch."""
    training = document.project.training
    chosen = data_settings.read(
        {name: data[name] for name in ("validation", "test") if name in data}
    )
    half = int(count * (1 - chosen.validation - chosen.test)) // 2
    size = read_training(training).batch_size
    while size > max(1, half):
        size //= 2
    return (
        training if size == read_training(training).batch_size else {**training, "batch_size": size}
    )


def _for_its_size(proposal: Mapping[str, Any], had: tuple[Field, ...]) -> Mapping[str, Any]:
    """The proposal for data in the form that a network was made for, where files can be brought
    to it: images of its size, sounds as waves."""
    image = next((each for each in had if large(each)), None)
    wave = any(len(each.shape) == 2 and each.shape[0] == 1 for each in had)
    kind = next((each for each in (ImageFolder, MaskFolder) if each.id == proposal["source"]), None)
    if kind is not None and image is not None:
        channels, height, width = image.shape
        new: Params = {"height": height, "width": width, "colour": channels == 3}
        source: Source = data_settings.parse(kind, {**proposal["params"], **new}, "Data")
    elif proposal["source"] == WavFolder.id and wave:
        new = {"form": "wave"}
        source = data_settings.parse(WavFolder, {**proposal["params"], **new}, "Data")
    else:
        return proposal
    fields = source.fields()
    names = {each.name for each in fields}
    settings = dict(proposal["settings"])
    if "normalise" in settings:
        settings["normalise"] = [name for name in settings["normalise"] if name in names]
    return {
        **proposal,
        "params": {**proposal["params"], **new},
        "fields": [each.to_json() for each in fields],
        "settings": settings,
    }


def _field(value: Mapping[str, Any]) -> Field:
    return Field(
        value["name"],
        tuple(value["shape"]),
        value["dtype"],
        value["meaning"],
        value["high"],
        tuple(value["classes"]),
        value.get("batched", True),
    )


def _matched(document: Document, had: tuple[Field, ...], has: list[Field]) -> dict[str, Field]:
    """For each field that steps use that of the new data: of the same kind, and name if it can."""
    used = {
        str(node.params.get("field"))
        for step in document.of_kind("step")
        for node in _fields_of(step)
    }
    # Where a text is filled up is nothing to learn from by itself.
    texts = any(each.name == "text" for each in has)
    found: dict[str, Field] = {}
    for before in had:
        if before.name not in used:
            continue
        alike = [
            each
            for each in has
            if _kind(each) == _kind(before)
            and each not in found.values()
            and not (texts and each.name == "mask" != before.name)
        ]
        after = next((each for each in alike if each.name == before.name), None)
        if after is None and alike:
            after = alike[0]
        if after is not None:
            found[before.name] = after
    return found


def _kind(field: Field) -> tuple[bool, str, int, bool]:
    return field.is_class, field.dtype, len(field.shape), field.batched


def _fields_of(step: Graph) -> list[Node]:
    return [node for node in step.ordered() if node.layer == FIELD]


def _refuse_others(document: Document, parameters: Mapping[tuple[str, str], Params]) -> None:
    """`ChangeError` if inputs that are fed by other networks would have to follow."""
    changed = {key for key, values in parameters.items() if "shape" in values}
    ends = {
        (network.id, node.id): node.name
        for network in document.of_kind("network")
        for node in network.ordered()
        if node.layer == INPUT
    }
    others = [name for key, name in ends.items() if key not in changed]
    if changed and others:
        raise ChangeError(f"'{others[0]}' is fed by another network, of a size that is set.")
