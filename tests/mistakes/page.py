"""Writes docs/mistakes.md from the table: `python -m tests.mistakes.page`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.mistakes.base import Mistake
from tests.mistakes.table import SECTIONS, TABLE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "mistakes.md"
KINDS = {"error": "error", "warning": "warning", "info": "hint"}

HEAD = """\
# Mistakes, and what is said of them

The mistakes that people make most when they build networks: what the Problems panel and
`netbuilder check` say of each, and what one click does about it. An error keeps a network from
being built. A warning is about what runs and is hardly ever meant; a hint about what could be
better. Nothing is said of what is usual and right.

There are {count}: {errors} errors, {warnings} warnings and {hints} hints; {fixes} have a fix of
one click. Where none can be, the last column says why.

This page is written from `tests/mistakes` by `python -m tests.mistakes.page`. There each mistake
is drawn, what is said of it compared word by word, and its fix applied: the problem goes away and
no error comes in its place. To add one, add an entry to the module of its section there. The rules
themselves are [a layer's own](adding-a-layer.md) complaints and, for what follows what, a list in
`netbuilder/compiler/habits.py`.
"""


def page() -> str:
    """The page's text."""
    kinds = Counter(mistake.severity for mistake in TABLE)
    head = HEAD.format(
        count=len(TABLE),
        errors=kinds["error"],
        warnings=kinds["warning"],
        hints=kinds["info"],
        fixes=sum(bool(mistake.fix) for mistake in TABLE),
    )
    parts = [head]
    for section in SECTIONS:
        rows = "\n".join(map(_row, section.MISTAKES))
        parts.append(
            f"## {section.TITLE}\n\n"
            "| mistake | kind | what is said | fix |\n| --- | --- | --- | --- |\n"
            f"{rows}\n"
        )
    return "\n".join(parts)


def _row(mistake: Mistake) -> str:
    said = f"{mistake.message} *{mistake.hint}*"
    fix = f"**{mistake.fix}**" if mistake.fix else f"none: {mistake.why}"
    cells = (mistake.title, KINDS[mistake.severity], said, fix)
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    """The text so that Markdown shows it as it is."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("_", "\\_")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
