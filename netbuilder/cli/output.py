"""What the command line says: answers on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from netbuilder.errors import (
    SEVERITY_WORDS,
    ExportError,
    NetbuilderError,
    Problem,
    ProblemsError,
    RunError,
    UntrustedCodeError,
)

DONE, PROBLEMS, USAGE, RUN_FAILED, UNTRUSTED = range(5)


class UsageError(NetbuilderError):
    """The command was not used as it is meant to be."""


def exit_code(error: NetbuilderError) -> int:
    """The exit code that belongs to an error."""
    match error:
        case ProblemsError() | ExportError():
            return PROBLEMS
        case RunError():
            return RUN_FAILED
        case UntrustedCodeError():
            return UNTRUSTED
    return USAGE


def answer(value: Any) -> None:
    """The one JSON document of `--json`."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        # Names of files that are no text, or a terminal that knows few letters.
        text = json.dumps(value, allow_nan=False, indent=1)
    print(text)


def say(text: str) -> None:
    """A line for people, on stderr."""
    print(text, file=sys.stderr, flush=True)


def error(fault: NetbuilderError, *, as_json: bool) -> int:
    """Report an error; its exit code."""
    problems = list(fault.problems) if isinstance(fault, ProblemsError) else []
    if as_json:
        value: dict[str, Any] = {
            "error": {"kind": type(fault).__name__, "message": str(fault), "hint": fault.hint}
        }
        if problems:
            value["problems"] = [problem.to_json() for problem in problems]
        answer(value)
    say(f"netbuilder: {fault}")
    if fault.hint:
        say(f"  {fault.hint}")
    if len(problems) > 1:
        for problem in problems:
            say(f"  - {describe(problem)}")
    return exit_code(fault)


def describe(problem: Problem, place: str = "") -> str:
    """A problem in one line."""
    at = f" [{place}]" if place else ""
    hint = f" {problem.hint}" if problem.hint else ""
    return f"{SEVERITY_WORDS[problem.severity]}{at}: {problem.message}{hint}"


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows in columns on stdout, as wide as they need to be."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [
        max(len(line[place]) for line in (list(columns), *cells)) for place in range(len(columns))
    ]
    for line in (list(columns), *cells):
        shown = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        print(shown.rstrip())


def dims(shape: Sequence[int | str]) -> str:
    """A shape for people: `N×10`."""
    return "×".join(map(str, shape)) or "scalar"


def number(value: Any) -> str:
    """A metric for people."""
    return f"{value:.4g}" if isinstance(value, int | float) else "-"
