"""Two projects beside each other: what differs, with shapes and costs where they are known.

Torch-free: whoever asks brings reports and costs of both, from the worker or from `engine.tasks`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from netbuilder.compiler.report import NodeReport, Report
from netbuilder.graph.difference import FIGURES, Row, difference, matched
from netbuilder.graph.document import Document
from netbuilder.graph.matching import Matching


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: `costs` has for networks by name the figures of `summary`'s answer."""

    document: Document
    report: Report | None = None
    costs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def compare(before: Side, after: Side) -> list[Row]:
    """All that differs: drawn first, then shapes, then costs, graph by graph."""
    rows = difference(before.document, after.document)
    if not rows:
        return []
    matching = matched(before.document, after.document)
    rows += [*_shapes(before, after, matching), *_costs(before, after, matching)]
    places: dict[str, int] = {}
    for row in rows:
        places.setdefault(row.graph, len(places))
    return sorted(rows, key=lambda row: places[row.graph])


def _shapes(before: Side, after: Side, matching: Matching) -> Iterator[Row]:
    """What leaves each port, or enters it where nothing leaves."""
    if before.report is None or after.report is None:
        return
    for old, new in matching.graphs.items():
        was, now = before.report.graphs.get(old), after.report.graphs.get(new)
        if was is None or now is None:
            continue
        graph, partners = after.document.graphs[new], matching.nodes[old]
        back = {id: old_id for old_id, id in partners.items()}
        for node in graph.ordered():
            if node.id not in back:
                continue
            here = _ports(now.nodes.get(node.id))
            there = _ports(was.nodes.get(back[node.id]))
            for port in here:
                if port in there and here[port] != there[port]:
                    yield Row(
                        "changed",
                        "shape",
                        graph.name,
                        node.name,
                        port,
                        there[port],
                        here[port],
                        new,
                        node.id,
                        old,
                        back[node.id],
                    )


def _ports(report: NodeReport | None) -> dict[str, str]:
    if report is None:
        return {}
    found = report.outputs or report.inputs
    kinds = {port: tensor.dtype for port, tensor in found.items()}
    usual = {"float32", ""}
    return {
        port: tensor.text if kinds[port] in usual else f"{tensor.text} {kinds[port]}"
        for port, tensor in found.items()
    }


def _costs(before: Side, after: Side, matching: Matching) -> Iterator[Row]:
    for old, new in matching.graphs.items():
        graph = after.document.graphs[new]
        was = before.costs.get(before.document.graphs[old].name)
        now = after.costs.get(graph.name)
        if graph.kind != "network" or was is None or now is None:
            continue
        for key in FIGURES:
            if was.get(key) != now.get(key):
                figures = (was.get(key), now.get(key))
                yield Row("changed", "cost", graph.name, "", key, *figures, new, "", old)
