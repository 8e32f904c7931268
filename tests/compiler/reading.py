"""Reading generated source in tests."""

from __future__ import annotations

import ast


def one_line(source: str) -> str:
    """The code with every statement on one line, without comments, in `ast.unparse`'s words."""
    return ast.unparse(ast.parse(source))
