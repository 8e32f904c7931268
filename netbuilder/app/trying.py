"""What a fix would do, found on a copy before anybody clicks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from netbuilder.app.asking import Post, Request, change_and_analyse, report_of
from netbuilder.compiler.report import GraphReport, NodeReport, Report
from netbuilder.engine.protocol import Reply
from netbuilder.errors import Fix, NetbuilderError, Problem
from netbuilder.graph import fixes
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Node
from netbuilder.layers import catalogue

MAX_LINES = 6


@dataclass(frozen=True, slots=True)
class Trial:
    """The nodes that a fix adds or changes, with their shapes after it, and what is left to do.

    `good` is whether it takes an error away and brings none.
    """

    lines: tuple[str, ...]
    verdict: str
    good: bool


OnTrial = Callable[[Trial | NetbuilderError], None]


class Trials:
    """Tries fixes one at a time: while one is tried only the latest other one waits."""

    def __init__(self, request: Request, post: Post) -> None:
        """`request` asks the worker on any thread, `post` brings answers to the session's."""
        self._request = request
        self._post = post
        self._flying = False
        self._waiting: Callable[[], None] | None = None

    def begin(self, document: Document, before: Report, fix: Fix, on_done: OnTrial) -> None:
        """Work out what `fix` would do to the document as it is now; `before` is its report."""
        old = document.copy()
        made: list[Document] = []

        def change(copy: Document) -> Document:
            made.append(fixed_copy(copy, fix))
            return made[0]

        def send() -> None:
            self._flying = True
            change_and_analyse(self._request, self._post, old, change, replied)

        def replied(reply: Reply) -> None:
            self._flying = False
            waiting, self._waiting = self._waiting, None
            if waiting is not None:
                waiting()
                return
            after = report_of(reply)
            if isinstance(after, Report):
                on_done(compare(old, made[0], before, after, fix))
            else:
                on_done(after)

        if self._flying:
            self._waiting = send
        else:
            send()


def fixed_copy(document: Document, fix: Fix) -> Document:
    """A copy of the document with the fix applied; `ChangeError` if it does not fit (any more)."""
    copy = document.copy()
    fixes.apply_fix(History(copy), fix, catalogue.ports_of)
    return copy


def compare(old: Document, new: Document, before: Report, after: Report, fix: Fix) -> Trial:
    """What the report after a fix says that the one before did not."""
    rows: list[tuple[str, ...]] = []
    for graph in new.graphs.values():
        rows += _rows(old, graph, before, after, fix)
    rows.sort(key=lambda row: not row[0].startswith("+"))
    wide = max((len(row[0]) for row in rows[:MAX_LINES]), default=0)
    lines = ["  ".join(part for part in (row[0].ljust(wide), *row[1:]) if part) for row in rows]
    lines = [line.rstrip() for line in lines]
    if len(lines) > MAX_LINES:
        lines[MAX_LINES - 1 :] = [f"and {len(lines) - MAX_LINES + 1} more"]
    verdict, good = _verdict(before, after)
    return Trial(tuple(lines), verdict, good)


def _rows(
    old: Document, graph: Graph, before: Report, after: Report, fix: Fix
) -> Iterator[tuple[str, ...]]:
    """The nodes that are new, changed or meant: name, shapes, weights."""
    earlier = old.graphs.get(graph.id)
    reports = after.graphs.get(graph.id, GraphReport()).nodes
    known = before.graphs.get(graph.id, GraphReport()).nodes
    meant = {fix.arguments.get("node"), fix.arguments.get("target"), fix.arguments.get("source")}
    for node in graph.ordered():
        was = earlier.nodes.get(node.id) if earlier is not None else None
        report = reports.get(node.id, NodeReport())
        fresh = was is None or _differs(was, node)
        if fresh or (node.id in meant and report != known.get(node.id)):
            yield _row(node, report, new=was is None)


def _differs(one: Node, other: Node) -> bool:
    return (one.params, one.name, one.mute) != (other.params, other.name, other.mute)


def _row(node: Node, report: NodeReport, *, new: bool) -> tuple[str, ...]:
    """`+ conv2d`, `N×64×56×56 → N×128×28×28`, `8,192 parameters`."""
    into = ", ".join(tensor.text for tensor in report.inputs.values())
    out = ", ".join(tensor.text for tensor in report.outputs.values())
    shapes = " → ".join(part for part in (into, out) if part)
    weights = f"{report.parameters:,} parameters" if new and report.parameters else ""
    return f"{'+ ' if new else ''}{node.name}", shapes, weights


def _key(problem: Problem) -> tuple[str, str, str, str]:
    return problem.graph, problem.node, problem.code, problem.port


def _verdict(before: Report, after: Report) -> tuple[str, bool]:
    """How many problems are left, and the first that the fix would bring."""
    had = {_key(problem) for problem in before.problems}
    errors = [problem for problem in after.problems if problem.severity == "error"]
    fewer = sum(problem.severity == "error" for problem in before.problems) - len(errors)
    fresh = next((problem for problem in errors if _key(problem) not in had), None)
    if fresh is not None:
        return f"Then: {fresh.message}", fewer > 0
    if not errors:
        left = len(after.problems)
        if not left:
            return "No problems are left then.", True
        return f"No errors are left then, {_count(left, 'warning')}.", True
    good = fewer > 0 or len(after.problems) < len(before.problems)
    if good:
        return f"{_count(len(errors), 'error')} left then.", True
    return f"The error stays: {errors[0].message}", False


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
