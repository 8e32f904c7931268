"""Fixes for data that does not fit a network: other data, or the data in another size.

The compiler knows the types of fields only; here are the data set's own settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from netbuilder.data import settings as data_settings
from netbuilder.data.sources import Field, Source
from netbuilder.errors import Fix, NetbuilderError, Problem
from netbuilder.graph.document import Document
from netbuilder.graph.model import Json, Node
from netbuilder.layers.base import TensorType
from netbuilder.layers.catalogue import called_graph

FIELD, INPUT = "netbuilder.DataField", "netbuilder.Input"
SHOWN = 3
"""Other fields that are offered."""


def mended(
    document: Document, fields: Mapping[str, TensorType], problems: Iterable[Problem]
) -> tuple[Problem, ...]:
    """The problems; those of data that a network can't take have all fixes that are known."""
    return tuple(
        replace(problem, fixes=(*problem.fixes, *_fixes(document, fields, problem)))
        if problem.code == "data.misfit"
        else problem
        for problem in problems
    )


def _fixes(document: Document, fields: Mapping[str, TensorType], problem: Problem) -> Iterator[Fix]:
    step = document.graph(problem.graph)
    call = step.nodes[problem.node]
    wire = step.wire_into(call.id, problem.port)
    source = step.nodes[wire.source] if wire is not None else None
    network = called_graph(document, call)
    start = network.named(problem.port) if network is not None else None
    if source is None or source.layer != FIELD or start is None or start.layer != INPUT:
        return
    used = str(source.params.get("field"))
    fitting = [name for name, tensor in fields.items() if name != used and _fits(start, tensor)]
    for name in fitting[:SHOWN]:
        arguments = {"graph": step.id, "node": source.id, "name": "field", "value": name}
        yield Fix(f"Use '{name}' instead", "set_parameter", arguments)
    yield from _resized(document, used, start)


def _fits(start: Node, tensor: TensorType) -> bool:
    """Whether the network's input could be this field."""
    batched = start.params.get("batched", True)
    sizes = tensor.shape[1:] if batched else tensor.shape
    wanted = tuple(start.params.get("shape", ()))
    alike = len(sizes) == len(wanted) and all(
        isinstance(want, str) or want == have for want, have in zip(wanted, sizes, strict=True)
    )
    high = start.params.get("high")
    enough = high is None or (tensor.high or 0) <= high
    return alike and tensor.dtype == start.params.get("dtype", "float32") and enough


def _resized(document: Document, name: str, start: Node) -> Iterator[Fix]:
    """The data set in the size that the network takes, where its settings can say so."""
    wanted = tuple(start.params.get("shape", ()))
    if not all(isinstance(size, int) for size in wanted):
        return
    data = document.project.data
    try:
        settings = data_settings.read(data)
        source = data_settings.source_of(settings)
    except NetbuilderError:
        return
    for params in _candidates(source, wanted):
        try:
            values = {**settings.params, **params}
            changed = data_settings.parse(type(source), values, "Data")
        except NetbuilderError:
            continue
        if _shape(changed.fields(), name) == wanted:
            new: dict[str, Any] = {**data, "params": values}
            shown = "×".join(map(str, wanted))
            yield Fix(f"Bring the data to {shown}", "set_project", {"fields": {"data": new}})
            return


def _candidates(source: Source, wanted: tuple[int, ...]) -> Iterator[dict[str, Json]]:
    """Settings of size that the source might have, for a picture or a series."""
    names = type(source).model_fields
    if len(wanted) == 3:
        channels, height, width = wanted
        sized: dict[str, Json] = {"height": height, "width": width}
        if {"height", "width"} <= names.keys():
            yield sized
            if "colour" in names:
                yield {**sized, "colour": channels == 3}
        if "size" in names and height == width:
            yield {"size": height}
    for size in wanted:
        if "length" in names:
            yield {"length": size}


def _shape(fields: tuple[Field, ...], name: str) -> tuple[int, ...] | None:
    return next((field.shape for field in fields if field.name == name), None)
