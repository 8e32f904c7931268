"""Exports that were asked for: how far they are, and the node at which the last one failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from netbuilder.app.link import OnDone
from netbuilder.engine.protocol import ExportProgress
from netbuilder.errors import ExportError, NetbuilderError, Problem
from netbuilder.graph.document import Document

Tell = Callable[[ExportProgress], None]
CODES = frozenset({"export.departs", "export.failed"})
"""Of the problems that come from here. They hinder nothing but the export."""
FROM_HERE = "From here on the exported file departs from the network."


class Exporting:
    """Asks the worker, which does one export after the other."""

    def __init__(
        self,
        ask: Callable[[str, Mapping[str, Any], OnDone], None],
        document: Callable[[], Document],
        changed: Callable[[], None],
    ) -> None:
        """`changed` hears that there is another `problem`, or none."""
        self._ask, self._document, self._changed = ask, document, changed
        self._tells: list[Tell] = []
        self.problem: Problem | None = None

    def bring_in(self, params: Mapping[str, Any], on_done: OnDone, tell: Tell | None) -> None:
        """Ask for an import, which the worker does in turn with exports."""
        mine: Tell = tell or (lambda progress: None)
        self._tells.append(mine)

        def done(answer: dict[str, Any] | NetbuilderError) -> None:
            self._tells.remove(mine)
            on_done(answer)

        self._ask("import", params, done)

    def begin(self, params: Mapping[str, Any], on_done: OnDone, tell: Tell | None) -> None:
        """Ask for an export; `on_done` hears the answer, `tell` how far it is."""
        self._set(None)
        mine: Tell = tell or (lambda progress: None)
        self._tells.append(mine)

        def done(answer: dict[str, Any] | NetbuilderError) -> None:
            self._tells.remove(mine)
            self._set(problem_in(answer, self._document()))
            on_done(answer)

        self._ask("export", params, done)

    def hear(self, progress: ExportProgress) -> None:
        """The worker tells how far the one under way is."""
        if self._tells:
            self._tells[0](progress)

    def edited(self) -> None:
        """What was exported is no longer what is drawn."""
        self.problem = None

    def _set(self, problem: Problem | None) -> None:
        if problem != self.problem:
            self.problem = problem
            self._changed()


def problem_in(answer: Mapping[str, Any] | NetbuilderError, document: Document) -> Problem | None:
    """The problem at the node that an answer names, if that is in the document."""
    match answer:
        case ExportError():
            graph, node, use = answer.graph, answer.node, answer.use
            code = "export.departs" if answer.nodes else "export.failed"
            text, hint = str(answer), answer.hint
            if answer.nodes:
                # The answer is of the whole file; a list and a mark at a node have little room.
                text, hint = FROM_HERE, f"{text} {hint}".strip()
        case {"departs": {"graph": str(graph), "node": str(node), "name": str(name), **rest}}:
            code, use = "export.departs", str(rest.get("use", ""))
            error = rest.get("max_rel_error")
            text = f"In the exported file '{name}' departs by a relative error of {error}."
            hint = "What the file gives was verified all the same. Look at the errors by node."
        case _:
            return None
    known = document.graphs.get(graph)
    if known is None or node not in known.nodes:
        return None
    return Problem("error", code, text, hint, graph, node, path=use)
