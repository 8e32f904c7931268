"""Graphs of a document under other names, with all that names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from netbuilder.graph.changes import Added
from netbuilder.graph.document import Document
from netbuilder.graph.model import GraphInfo, Item, Node

CALLED = ("network", "block")
"""Kinds of graphs that nodes name, each in the parameter of that name."""


def renamed(document: Document, names: Mapping[str, str]) -> Document:
    """A copy in which graphs have these names by id; calls, uses, updates and weights follow."""
    others: dict[str, dict[str, str]] = {"network": {}, "block": {}, "step": {}}
    for graph in document.graphs.values():
        if names.get(graph.id, graph.name) != graph.name:
            others[graph.kind].setdefault(graph.name, names[graph.id])
    if not any(others.values()):
        return document

    def here(item: Item) -> Any:
        if isinstance(item, GraphInfo):
            return replace(item, name=names.get(item.id, item.name), settings=_updating(item))
        if isinstance(item, Node):
            return replace(item, params=_calling(item.params))
        return item

    def _updating(info: GraphInfo) -> Mapping[str, Any]:
        updates = info.settings.get("updates")
        if info.kind != "step" or not isinstance(updates, tuple):
            return info.settings
        return {**info.settings, "updates": tuple(_other("network", name) for name in updates)}

    def _calling(params: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            key: _other(key, value) if key in CALLED else value for key, value in params.items()
        }

    def _other(kind: str, name: Any) -> Any:
        return others[kind].get(name, name) if isinstance(name, str) else name

    weights = {_other("network", name): entry for name, entry in document.project.weights.items()}
    project = replace(document.project, weights=weights)
    return Document.of(project, [Added(each.graph, here(each.item)) for each in document.items()])
