"""Small builders of `ast` expressions. All code of a network is made of these.

Dotted names are written in full (`torch.nn.Conv2d`); the emitter shortens them to the
usual aliases and adds the imports. No text of a file ever becomes code here: names are
those of this package, values go through `const`.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Sequence

from netbuilder.graph import expressions
from netbuilder.graph.model import Json


def dotted(name: str) -> ast.expr:
    """The expression for a dotted name such as `torch.nn.Conv2d`."""
    head, *rest = name.split(".")
    result: ast.expr = ast.Name(head, ast.Load())
    for part in rest:
        if not part.isidentifier():
            raise ValueError(f"{name!r} is not a dotted name")
        result = ast.Attribute(result, part, ast.Load())
    if not head.isidentifier():
        raise ValueError(f"{name!r} is not a dotted name")
    return result


def const(value: Json) -> ast.expr:
    """A literal: None, bool, int, finite or infinite float, str, tuple of those.

    A text that begins with `=` is an expression over a block's parameters: code over names.
    """
    if isinstance(value, tuple | list):
        return ast.Tuple([const(item) for item in value], ast.Load())
    if isinstance(value, float) and not math.isfinite(value):
        return call("float", ast.Constant(str(value)))
    if expressions.is_expression(value):
        return expressions.python(str(value))
    if value is None or isinstance(value, bool | int | float | str):
        if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
            return ast.UnaryOp(ast.USub(), ast.Constant(-value))
        return ast.Constant(value)
    raise TypeError(f"{type(value).__name__} is no literal")


def call(function: str | ast.expr, /, *args: ast.expr, **named: ast.expr) -> ast.Call:
    """`function(*args, **named)`; a str is a dotted name."""
    target = dotted(function) if isinstance(function, str) else function
    return ast.Call(target, list(args), [ast.keyword(k, v) for k, v in named.items()])


def method(value: ast.expr, name: str, /, *args: ast.expr, **named: ast.expr) -> ast.Call:
    """`value.name(*args, **named)`."""
    return call(attribute(value, name), *args, **named)


def pack(values: Iterable[ast.expr]) -> ast.Tuple:
    """`(a, b)`."""
    return ast.Tuple(list(values), ast.Load())


def operation(left: ast.expr, operator: ast.operator | ast.cmpop, right: ast.expr) -> ast.expr:
    """`left + right`, `left < right` and the like."""
    if isinstance(operator, ast.cmpop):
        return ast.Compare(left, [operator], [right])
    return ast.BinOp(left, operator, right)


def subscript(value: ast.expr, parts: Sequence[ast.expr]) -> ast.Subscript:
    """`value[part, part]`."""
    index = parts[0] if len(parts) == 1 else ast.Tuple(list(parts), ast.Load())
    return ast.Subscript(value, index, ast.Load())


def attribute(value: ast.expr, name: str) -> ast.Attribute:
    """`value.name`."""
    return ast.Attribute(value, name, ast.Load())
