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
from collections.abc import Callable, Mapping
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
    """The Python function `lambda arguments: body`.

    A body of calls, names and constants alone, as most layers have, is worked out as it stands:
    Python takes longer to compile it than PyTorch to run it on the meta device.
    """
    if _is_plain(body, {*arguments, *namespace}):

        def plain(*given: Any, **named: Any) -> Any:
            values = dict(zip(arguments, given, strict=not named))
            return _value(body, {**namespace, **values, **named})

        return plain
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


def _is_plain(tree: ast.expr, names: set[str]) -> bool:
    """Whether `_value` knows all that an expression is made of."""
    kind = type(tree)
    if kind is ast.Constant:
        return True
    if isinstance(tree, ast.Name):
        return tree.id in names
    if isinstance(tree, ast.Attribute):
        return _is_plain(tree.value, names)
    if isinstance(tree, ast.Tuple | ast.List):
        return all(_is_plain(part, names) for part in tree.elts)
    if isinstance(tree, ast.Call):
        named = all(word.arg is not None for word in tree.keywords)
        parts = (tree.func, *tree.args, *(word.value for word in tree.keywords))
        return named and all(_is_plain(part, names) for part in parts)
    return _is_negative(tree)


def _is_negative(tree: ast.expr) -> bool:
    """Whether an expression is a negative number, which Python writes with a sign before it."""
    if not isinstance(tree, ast.UnaryOp) or not isinstance(tree.op, ast.USub):
        return False
    return isinstance(tree.operand, ast.Constant) and isinstance(tree.operand.value, int | float)


def _value(tree: ast.expr, scope: Mapping[str, Any]) -> Any:
    """What a plain expression gives, its parts worked out in Python's order."""
    if isinstance(tree, ast.Constant):
        return tree.value
    if isinstance(tree, ast.Name):
        return scope[tree.id]
    if isinstance(tree, ast.Attribute):
        return getattr(_value(tree.value, scope), tree.attr)
    if isinstance(tree, ast.Call):
        called = _value(tree.func, scope)
        plain = [_value(part, scope) for part in tree.args]
        named = {str(word.arg): _value(word.value, scope) for word in tree.keywords}
        return called(*plain, **named)
    if isinstance(tree, ast.UnaryOp):
        return -_value(tree.operand, scope)
    assert isinstance(tree, ast.Tuple | ast.List)
    parts = [_value(part, scope) for part in tree.elts]
    return tuple(parts) if isinstance(tree, ast.Tuple) else parts
