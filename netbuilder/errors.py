"""What can go wrong, as data.

A mistake of the person who draws is a `Problem`: it belongs to a node, says what
to do and may carry fixes that one click applies. An exception is a promise that
was broken (an unreadable file, a full disk, a refused edit); every exception that
leaves netbuilder on purpose derives from `NetbuilderError` and its text can be
shown to a person as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]


def did_you_mean(word: str, known: Iterable[str], alike: float = 0.6) -> str:
    """ "Did you mean X? " for the known word that is most like this one, or nothing.

    Case does not count; `alike` is from 0, anything, to 1, the same.
    """
    lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), lower, 1, alike)
    return f"Did you mean {lower[near[0]]}? " if near else ""


@dataclass(frozen=True, slots=True)
class Fix:
    """One click that mends a problem: an operation of `graph.fixes` and its arguments.

    `arguments` are JSON values only, since fixes travel from the worker to the window.
    """

    title: str
    operation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def read(values: Any) -> tuple[Fix, ...]:
        """The fixes in a JSON list; what is none is left out."""
        found = []
        for value in values if isinstance(values, list) else ():
            match value:
                case {"title": str(title), "operation": str(operation), "arguments": dict(given)}:
                    found.append(Fix(title, operation, given))
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake at its place, with a remedy.

    `code` is stable (`shape.mismatch`), `message` says what is wrong with the real
    values, `hint` what to do. `graph`, `node` and `port` are ids and names of the
    document, empty where the problem belongs to something larger. `path` tells the use in which
    a block has the problem, as in `Report.uses`: ids of the network and of the nodes that lead to
    it; empty for what is wrong in every use.
    """

    severity: Severity
    code: str
    message: str
    hint: str = ""
    graph: str = ""
    node: str = ""
    port: str = ""
    fixes: tuple[Fix, ...] = ()
    path: str = ""

    def within(self, id: str) -> Problem:
        """The problem as it is told one level further out: in the use at that node or network."""
        return replace(self, path=f"{id}/{self.path}" if self.path else id)

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the `check` command."""
        return asdict(self)

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Problem:
        """The problem that `to_json` wrote."""
        fixes = tuple(Fix(**fix) for fix in value.get("fixes", ()))
        return Problem(**{**value, "fixes": fixes})


SEVERITY_WORDS: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "hint"}
"""What people are told that a severity is."""


def counts(problems: Iterable[Problem]) -> list[str]:
    """How many there are of each severity, in words: `1 error`, `2 warnings`, `1 hint`."""
    found = Counter(problem.severity for problem in problems)
    return [
        f"{found[severity]} {word}{'s' if found[severity] != 1 else ''}"
        for severity, word in SEVERITY_WORDS.items()
        if found[severity]
    ]


class NetbuilderError(Exception):
    """Base of all errors that netbuilder raises on purpose.

    `str(error)` is one or two plain sentences for a person; `hint` says what to do.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class ChangeError(NetbuilderError):
    """A change does not fit the document, or was made outside a history step."""


class DocumentError(NetbuilderError):
    """A file can't be read as a project, or a project can't be written."""


class ProblemsError(NetbuilderError):
    """Something was asked for that a project with errors can't do."""

    def __init__(self, message: str, problems: Iterable[Problem], hint: str = "") -> None:
        super().__init__(message, hint)
        self.problems = tuple(problems)


class RunError(NetbuilderError):
    """A training run failed; `node` is the node it failed at, if that is known.

    `fixes` change the project so that the next run may go well.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        graph: str = "",
        node: str = "",
        fixes: Iterable[Fix] = (),
    ) -> None:
        super().__init__(message, hint)
        self.graph = graph
        self.node = node
        self.fixes = tuple(fixes)

    def to_json(self) -> dict[str, Any]:
        """The `error` of a run's status and of its `finished` event."""
        return {
            "message": str(self),
            "hint": self.hint,
            "graph": self.graph,
            "node": self.node,
            "fixes": [asdict(fix) for fix in self.fixes],
        }


class ExportError(NetbuilderError):
    """A file could not be exported, or what was exported did not hold its check.

    `graph` and `node` are the node it failed at, if that is known, `use` the path of the block's
    use that it is in (as `Problem.path`). `nodes` are the errors by node, as in the answer of an
    export that was verified by node.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        graph: str = "",
        node: str = "",
        use: str = "",
        nodes: Iterable[Mapping[str, Any]] = (),
    ) -> None:
        super().__init__(message, hint)
        self.graph = graph
        self.node = node
        self.use = use
        self.nodes = tuple(nodes)

    def to_json(self) -> dict[str, Any]:
        """The error as JSON, for another process."""
        return {
            "message": str(self),
            "hint": self.hint,
            "graph": self.graph,
            "node": self.node,
            "use": self.use,
            "nodes": [dict(node) for node in self.nodes],
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> ExportError:
        """The error that `to_json` wrote; what it lacks is empty."""
        nodes = value.get("nodes")
        return ExportError(
            str(value.get("message", "")),
            str(value.get("hint", "")),
            graph=str(value.get("graph", "")),
            node=str(value.get("node", "")),
            use=str(value.get("use", "")),
            nodes=[node for node in nodes if isinstance(node, Mapping)]
            if isinstance(nodes, list)
            else (),
        )


class UntrustedCodeError(NetbuilderError):
    """The project carries code that nobody has trusted yet."""
