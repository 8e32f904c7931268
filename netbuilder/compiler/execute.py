"""The one place where code is executed.

What comes into `run` and `function` was put together from `ast` nodes by this package; texts of
a file are in it as literals and checked names only. `module` runs a person's own file: its
caller, `compiler.own_code`, has made sure that these very bytes are trusted.
"""

from __future__ import annotations

import ast
import linecache
import sys
import warnings
from collections.abc import Callable
from types import ModuleType
from typing import Any


def _nothing(name: str) -> ModuleType | None:
    return None


def run(
    code: str | ast.Module,
    filename: str,
    namespace: dict[str, Any],
    provided: Callable[[str], ModuleType | None] = _nothing,
) -> dict[str, Any]:
    """Execute a module's code in `namespace` and return that.

    Source given as text is registered with linecache, so that tracebacks show it. What it
    imports from a module that is `provided` comes from there; no path is searched for it.
    """
    if isinstance(code, str):
        _register(filename, code)
        code = _without_imports(ast.parse(code), namespace, provided)
    exec(compile(code, filename, "exec"), namespace)  # noqa: S102
    return namespace


def _without_imports(
    tree: ast.Module, namespace: dict[str, Any], provided: Callable[[str], ModuleType | None]
) -> ast.Module:
    """The code without the imports that were answered from `provided`."""
    rest: list[ast.stmt] = []
    for node in tree.body:
        known = provided(node.module or "") if isinstance(node, ast.ImportFrom) else None
        if known is None:
            rest.append(node)
            continue
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            namespace[alias.asname or alias.name] = getattr(known, alias.name)
    return ast.Module(rest, tree.type_ignores)


def _register(filename: str, text: str) -> None:
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)


def module(text: str, name: str, filename: str) -> ModuleType:
    """A person's file as a module called `name`, so that pickles and tracebacks find it."""
    made = ModuleType(name)
    made.__file__ = filename
    _register(filename, text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        code = compile(text, filename, "exec", dont_inherit=True)
    sys.modules[name] = made
    try:
        exec(code, made.__dict__)  # noqa: S102
    except BaseException:
        del sys.modules[name]
        raise
    return made


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
