"""What people wrote that means nothing to a network: titles, descriptions, notes on the canvas.

`difference` leaves them out. Where two people wrote at one place, a merge keeps ours, and so they
are told like other things that both changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from netbuilder.graph.difference import Row
from netbuilder.graph.document import Document
from netbuilder.graph.three_way import same

Place = tuple[str, str, str]
"""A graph, a node or frame in it, and what of it; without the first two it is the project's."""


def remarks(document: Document) -> dict[Place, Any]:
    """All that is written, by ids."""
    project = document.project
    found: dict[Place, Any] = {
        ("", "", "title"): project.title,
        ("", "", "description"): project.description,
    }
    found |= {("", "", f"about.{key}"): value for key, value in project.about.items()}
    for graph in document.graphs.values():
        found |= {(graph.id, node.id, "note"): node.note for node in graph.nodes.values()}
        for frame in graph.frames.values():
            found[graph.id, frame.id, "title"] = frame.title
            found[graph.id, frame.id, "note"] = frame.note
    return found


def disputed_remarks(
    base: Mapping[Place, Any], theirs: Mapping[Place, Any], now: Document
) -> Iterator[Row]:
    """What theirs wrote since the base where the project has something else."""
    here = remarks(now)
    for place, text in theirs.items():
        if place not in here and place[1]:
            continue
        if same(here.get(place), text) or same(base.get(place, ""), text):
            continue
        graph_id, id, key = place
        graph = now.graphs[graph_id] if graph_id else None
        item = graph.item(id) if graph is not None else None
        yield Row(
            "changed",
            "remark",
            graph.name if graph is not None else "",
            str(getattr(item, "name", "") or getattr(item, "title", "")),
            key,
            text,
            here.get(place),
            graph_id,
            id,
            graph_id,
            id,
        )
