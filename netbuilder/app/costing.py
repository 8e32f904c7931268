"""What the nodes of the shown network cost: asked for while nothing else is under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netbuilder.compiler.report import Report
from netbuilder.engine.protocol import Reply
from netbuilder.graph.document import Graph

MOST_NODES = 1500
"""Larger networks take seconds to build, which an analysis would have to wait for."""

Costs = Mapping[str, int]
"""Multiply-accumulates of one sample's way through the network, by node id."""


def countable(graph: Graph, report: Report | None) -> bool:
    """Whether a network can be built, and fast enough, to count what it does."""
    if graph.kind != "network" or report is None or len(graph.nodes) > MOST_NODES:
        return False
    return not any(
        problem.severity == "error" and problem.graph in (graph.id, "")
        for problem in report.problems
    )


class Costing:
    """Remembers the costs for one report, and asks once for each."""

    def __init__(
        self, ask: Callable[[str, Mapping[str, Any], Callable[[Reply], None]], None]
    ) -> None:
        self._ask = ask
        self._report: Report | None = None
        self._graph = ""
        self._known: Costs | None = None

    def begin(
        self,
        project: Callable[[], Mapping[str, Any]],
        graph: Graph,
        report: Report,
        on_done: Callable[[Costs], None],
    ) -> None:
        """Tell `on_done` the costs of a network, now or when the worker has counted them.

        An answer that can't be read, or about an older report, is told to nobody.
        """
        if self._report is report and self._graph == graph.id:
            if self._known is not None:
                on_done(self._known)
            return
        self._report, self._graph, self._known = report, graph.id, None
        id = graph.id

        def replied(reply: Reply) -> None:
            if self._report is report and self._graph == id:
                self._known = _by_node(reply, graph.name)
                on_done(self._known)

        self._ask("summary", {"project": project(), "network": graph.name}, replied)


def _by_node(reply: Reply, network: str) -> Costs:
    try:
        nodes = reply.result["networks"][network]["nodes"]
        return {str(node["id"]): int(node["macs"]) for node in nodes}
    except (TypeError, ValueError, LookupError):
        return {}
