"""What the nodes of the shown graph cost: asked for while nothing else is under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netbuilder.compiler.report import Report
from netbuilder.engine.protocol import Reply
from netbuilder.graph.document import Graph

MOST_NODES = 1500
"""Larger networks take seconds to build, which an analysis would have to wait for."""


class Costs(dict[str, int]):
    """Multiply-accumulates of one sample's way through the graph, by node id.

    `kept` are the bytes of a sample that training keeps for the gradient. In a block both are
    those of one use, all repetitions together.
    """

    def __init__(self, macs: Mapping[str, int], kept: Mapping[str, int]) -> None:
        super().__init__(macs)
        self.kept = kept


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
        self._path = ""
        self._known: Costs | None = None

    def begin(
        self,
        project: Callable[[], Mapping[str, Any]],
        graph: Graph,
        report: Report,
        on_done: Callable[[Costs], None],
        path: str = "",
    ) -> None:
        """Tell `on_done` what a network costs, now or when the worker has counted it.

        With the `path` of a use of a block in it (as in `Report.uses`), what that use costs.

        An answer that can't be read, or about an older report, is told to nobody.
        """
        path = path or graph.id
        if self._report is report and self._path == path:
            if self._known is not None:
                on_done(self._known)
            return
        self._report, self._path, self._known = report, path, None

        def replied(reply: Reply) -> None:
            if self._report is report and self._path == path:
                self._known = _by_node(reply, graph.name, path)
                on_done(self._known)

        self._ask("summary", {"project": project(), "network": graph.name}, replied)


def _by_node(reply: Reply, network: str, path: str) -> Costs:
    try:
        told = reply.result["networks"][network]
        uses = {str(use["path"]): use["nodes"] for use in told.get("blocks", ())}
        nodes = uses[path] if "/" in path else told["nodes"]
        macs = {str(node["id"]): int(node["macs"]) for node in nodes}
        return Costs(macs, {str(node["id"]): int(node.get("kept_bytes", 0)) for node in nodes})
    except (TypeError, ValueError, LookupError):
        return Costs({}, {})
