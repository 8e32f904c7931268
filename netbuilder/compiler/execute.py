"""The one place where code is executed.

What comes in here was put together from `ast` nodes by this package; texts of a file are
in it as literals and checked names only.
"""

from __future__ import annotations

import ast
import linecache
from typing import Any


def run(code: str | ast.Module, filename: str, namespace: dict[str, Any]) -> dict[str, Any]:
    """Execute a module's code in `namespace` and return that.

    Source given as text is registered with linecache, so that tracebacks show it.
    """
    if isinstance(code, str):
        linecache.cache[filename] = (len(code), None, code.splitlines(keepends=True), filename)
    exec(compile(code, filename, "exec"), namespace)  # noqa: S102
    return namespace


def function(body: ast.expr, arguments: list[str], namespace: dict[str, Any]) -> Any:
    """The Python function `lambda arguments: body`."""
    signature = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(name) for name in arguments],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    target = ast.Name("function", ast.Store())
    tree = ast.Module([ast.Assign([target], ast.Lambda(signature, body))], [])
    ast.fix_missing_locations(tree)
    return run(tree, "<layer>", namespace)["function"]
