"""A project as plain lines for people and for `git diff`: a line a setting and a node.

Only what has a meaning is listed, by names: not where nodes stand, and no ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node

_SETTINGS = ("data", "training", "code", "weights", "about")


def lines(document: Document) -> Iterator[str]:
    """All of a project. A node is `name: layer parameter=value <- what feeds it`."""
    project = document.project
    yield f"project {_text(project.title)}"
    if project.description:
        yield f"  description: {_text(project.description)}"
    for name in _SETTINGS:
        yield from _settings(getattr(project, name), f"  {name}.")
    extra = {key: value for key, value in project.extra.items() if key != "layout"}
    yield from _settings(extra, "  ")
    for kind in ("network", "block", "step"):
        for graph in document.of_kind(kind):
            yield ""
            yield from _graph(graph)


def _graph(graph: Graph) -> Iterator[str]:
    yield f"{graph.kind} {graph.name}"
    yield from _settings(graph.info.settings, "  ")
    extra = {key: value for key, value in graph.info.extra.items() if key != "layout"}
    yield from _settings(extra, "  ")
    for node in graph.ordered():
        yield f"  {node.name}: {' '.join(_node(graph, node))}"
    for item in sorted(graph.unreadable.values(), key=lambda item: (item.section, item.index)):
        if item.section in ("nodes", "wires"):
            yield f"  not readable in {item.section}: {_json(item.raw)}"


def _node(graph: Graph, node: Node) -> Iterator[str]:
    yield node.layer
    for key, value in sorted(node.params.items()):
        yield f"{key}={_json(value)}"
    if node.mute:
        yield f"({node.mute})"
    if node.shares:
        owner = graph.nodes.get(node.shares)
        yield f"(weights of {owner.name if owner is not None else node.shares})"
    for key, value in sorted(node.extra.items()):
        if key != "layout":
            yield f"{key}={_json(value)}"
    if node.note:
        yield f"note={_json(node.note)}"
    wires = sorted(graph.wires_into(node.id), key=lambda wire: wire.target_port)
    if wires:
        yield "<-"
        ends = []
        for wire in wires:
            source = graph.nodes[wire.source].name
            end = source if wire.source_port == "output" else f"{source}.{wire.source_port}"
            ends.append(end if wire.target_port == "input" else f"{wire.target_port}: {end}")
        yield ", ".join(ends)


def _settings(value: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key in sorted(value):
        if isinstance(value[key], Mapping) and value[key]:
            yield from _settings(value[key], f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}: {_json(value[key])}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _text(value: str) -> str:
    """A text as it is where it is one plain line."""
    return value if value.isprintable() else _json(value)
