"""Where one is: the uses of blocks through which one came to the graph that is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from netbuilder.compiler.report import GraphReport, Report
from netbuilder.graph import blocks
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Json
from netbuilder.layers import catalogue
from netbuilder.layers.blocks import Block, Loop


@dataclass(frozen=True, slots=True)
class Entered:
    """A block was entered: through this node of this graph, by ids."""

    graph: str
    node: str


MOST_STEPS = 2_000
"""Blocks that use each other twice have more ways to them than can be counted."""

Trail = tuple[Entered, ...]


def entered(document: Document, graph: str, node: str) -> Graph | None:
    """The block that a node uses, by ids; None if there is no such node or block."""
    found = document.graphs.get(graph)
    use = found.nodes.get(node) if found is not None else None
    return blocks.block_of(document, use) if use is not None else None


def still_leads(document: Document, trail: Trail, shown: str) -> bool:
    """Whether each node is still there and uses the block that the next one stands in."""
    ends = [*(step.graph for step in trail), shown][1:]
    for step, end in zip(trail, ends, strict=True):
        block = entered(document, step.graph, step.node)
        if block is None or block.id != end:
            return False
    return True


def trail_of(document: Document, path: str) -> Trail:
    """The trail of a use by its path in `Report.uses`; empty if it is no more."""
    graph, *nodes = path.split("/")
    steps = []
    for node in nodes:
        block = entered(document, graph, node)
        if block is None:
            return ()
        steps.append(Entered(graph, node))
        graph = block.id
    return tuple(steps)


def path_of(report: Report, trail: Trail) -> str:
    """The path in `Report.uses` that a trail stands for; empty if there is no trail.

    A trail that begins in a block goes on from that block's first use.
    """
    if not trail:
        return ""
    first = trail[0].graph
    begin = next(iter(report.uses.get(first, {})), first)
    return "/".join((begin, *(step.node for step in trail)))


def graph_report(report: Report | None, graph: Graph, trail: Trail) -> GraphReport:
    """What is known of the shown graph, for the use through which one came, else the first."""
    if report is None:
        return GraphReport()
    uses: Mapping[str, GraphReport] = report.uses.get(graph.id, {})
    found = uses.get(path_of(report, trail))
    return found or report.graphs.get(graph.id) or GraphReport()


def use_path(report: Report, graph: Graph, trail: Trail) -> str:
    """The path in `Report.uses` of the shown graph: its own id if it is no block in use."""
    uses = report.uses.get(graph.id, {})
    path = path_of(report, trail)
    return path if path in uses else next(iter(uses), graph.id)


def first_use(document: Document, report: Report | None, block: Graph) -> Trail:
    """The use that a block's part of the report is about when one came by none."""
    path = next(iter(report.uses.get(block.id, {})), "") if report is not None else ""
    return trail_of(document, path)


def values_here(document: Document, trail: Trail) -> Mapping[str, Json]:
    """What the use through which one came gives the shown block's parameters."""
    values: Mapping[str, Json] = {}
    for step in trail:
        graph = document.graphs.get(step.graph)
        node = graph.nodes.get(step.node) if graph is not None else None
        if graph is None or node is None:
            return {}
        around = {**catalogue.parameters_of(graph), **values}
        use = catalogue.read(catalogue.owner_of(graph, node), around)
        values = use.values if isinstance(use, Block | Loop) else {}
    return values


def report_here(report: Report, graph: Graph, trail: Trail) -> Report:
    """The report with the shown graph's part as `graph_report` has it."""
    if not trail:
        return report
    here = graph_report(report, graph, trail)
    return replace(report, graphs={**report.graphs, graph.id: here})


def paths_to(document: Document, block: Graph, most: int = 50) -> list[str]:
    """The paths of a block's uses, as in `Report.uses`; of very many the first ones."""
    found: list[str] = []
    steps: list[tuple[Graph, tuple[str, ...], frozenset[str]]] = [(block, (), frozenset())]
    for _ in range(MOST_STEPS):
        if not steps or len(found) >= most:
            break
        graph, rest, above = steps.pop()
        if graph.kind == "network":
            found.append("/".join((graph.id, *rest)))
        elif graph.id not in above:
            inside = above | {graph.id}
            users = reversed(blocks.uses(document, graph))
            steps += [(user, (node.id, *rest), inside) for user, node in users]
    return found
