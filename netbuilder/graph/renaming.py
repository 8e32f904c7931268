"""Graphs of a document under other names, with all that names them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from netbuilder.graph.changes import Added, Changed
from netbuilder.graph.document import Document
from netbuilder.graph.model import GraphInfo, Item, Node

CALLED = ("network", "block")
"""Kinds of graphs that nodes name, each in the parameter of that name."""


def follow(document: Document, old: str, new: str) -> None:
    """Let the settings of all steps follow a network, `main`, or a node in one, `main.stem`."""
    for step in document.of_kind("step"):
        settings = updating(step.info.settings, {old: new})
        if settings != step.info.settings:
            document.apply(Changed(step.id, step.info, replace(step.info, settings=settings)))


def updating(settings: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any]:
    """The settings of a step where these paths have other names: what it updates, and its parts."""
    changed = dict(settings)
    if isinstance(updates := settings.get("updates"), tuple):
        changed["updates"] = tuple(names.get(name, name) for name in updates)
    if isinstance(parts := settings.get("parts"), tuple):
        changed["parts"] = tuple(_part(part, names) for part in parts)
    return changed


def _part(part: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(part, Mapping) or not isinstance(path := part.get("part"), str):
        return part
    for old, new in names.items():
        if path == old or path.startswith(f"{old}."):
            return {**part, "part": new + path[len(old) :]}
    return part


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
        return updating(info.settings, others["network"]) if info.kind == "step" else info.settings

    def _calling(params: Mapping[str, Any]) -> Mapping[str, Any]:
        return {
            key: _other(key, value) if key in CALLED else value for key, value in params.items()
        }

    def _other(kind: str, name: Any) -> Any:
        return others[kind].get(name, name) if isinstance(name, str) else name

    weights = {_other("network", name): entry for name, entry in document.project.weights.items()}
    project = replace(document.project, weights=weights)
    return Document.of(project, [Added(each.graph, here(each.item)) for each in document.items()])
