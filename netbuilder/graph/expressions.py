"""Small arithmetic over the declared parameters of a block: `=2*channels`.

A parameter's value may be a text that begins with `=`, also inside a list. It is read by a
parser of our own: numbers, names, `+ - * / // % **`, a minus sign, parentheses and `min max
ceil floor round`. There is no attribute, no text, and nothing is ever evaluated by Python.
Operators mean what they mean in Python, so that the generated code, in which the expression
stands as it is, computes the same.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

from netbuilder.errors import ChangeError
from netbuilder.graph.model import MAX_INT, Json

MARK = "="
INDEX = "index"
"""The name for the number of a repetition, from 0: for the values of a use that is repeated."""
MAX_LENGTH = 256
MAX_DEPTH = 32
MAX_EXPONENT = 1023

Number = int | float
Values = Mapping[str, Json]

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|\.[0-9]+(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign>//|\*\*|[-+*/%(),]))"
)
_OPERATORS: dict[type[ast.operator], Callable[[Number, Number], Number]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: lambda base, exponent: _power(base, exponent),
}
_SUMS: dict[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub}
_PRODUCTS: dict[str, type[ast.operator]] = {
    "*": ast.Mult,
    "/": ast.Div,
    "//": ast.FloorDiv,
    "%": ast.Mod,
}
_FUNCTIONS: dict[str, tuple[Callable[..., Number], int, int]] = {
    "min": (min, 2, 8),
    "max": (max, 2, 8),
    "ceil": (math.ceil, 1, 1),
    "floor": (math.floor, 1, 1),
    "round": (round, 1, 1),
}
FUNCTION_NAMES = frozenset(_FUNCTIONS)


_PLAIN = (int, float)


class ExpressionError(ChangeError):
    """Why an expression can't be read or has no value, in words for a person."""


def is_expression(value: object) -> bool:
    """Whether a parameter's value is a text that begins with `=`."""
    return isinstance(value, str) and value.startswith(MARK)


def holds_expression(value: object) -> bool:
    """Whether there is an expression in the value, however deep."""
    if isinstance(value, str):
        return value.startswith(MARK)
    # Asked of every parameter at every analysis: numbers, the usual case, end here.
    if value is None or isinstance(value, _PLAIN):
        return False
    parts = value.values() if isinstance(value, Mapping) else value
    return isinstance(parts, Iterable) and any(map(holds_expression, parts))


def names(text: str) -> tuple[str, ...]:
    """The parameters that an expression speaks of, each once; `ExpressionError`."""
    return tuple(dict.fromkeys(_names(parse(text))))


def evaluate(text: str, values: Values) -> Json:
    """The expression's value: a finite number, or whatever a mere name stands for."""
    tree = parse(text)
    if isinstance(tree, ast.Name):
        return _lookup(tree.id, values)
    return _checked(_number(tree, values))


def fill(value: Json, values: Values) -> Json:
    """The JSON value with every expression in it replaced by its value; `ExpressionError`."""
    if isinstance(value, str):
        return evaluate(value, values) if value.startswith(MARK) else value
    if isinstance(value, tuple | list):
        return tuple(fill(item, values) for item in value)
    if isinstance(value, Mapping):
        return {key: fill(item, values) for key, item in value.items()}
    return value


def substitute(text: str, renamed: Mapping[str, str]) -> str:
    """The expression with parameters renamed; `=` and the usual spaces included."""

    class Renamer(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.Name:
            return ast.Name(renamed.get(node.id, node.id), ast.Load())

    return MARK + ast.unparse(Renamer().visit(parse(text)))


def python(text: str) -> ast.expr:
    """The expression as Python code over names; `ceil` and `floor` are those of `math`.

    The names are made by `parameter_name`, so that they can be told from variables.
    """

    class Dotter(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            return node if node.id in FUNCTION_NAMES else parameter_name(node.id)

        def visit_Call(self, node: ast.Call) -> ast.expr:
            self.generic_visit(node)
            if isinstance(node.func, ast.Name) and node.func.id in ("ceil", "floor"):
                node.func = ast.Attribute(ast.Name("math", ast.Load()), node.func.id, ast.Load())
            return node

    expression: ast.expr = Dotter().visit(parse(text))
    return expression


def parameter_name(name: str) -> ast.Name:
    """A name in code that stands for a parameter; `is_parameter` tells it from a variable."""
    result = ast.Name(name, ast.Load())
    result.parameter = True  # type: ignore[attr-defined]
    return result


def is_parameter(node: ast.AST) -> bool:
    """Whether a name in code was made by `parameter_name`."""
    return isinstance(node, ast.Name) and getattr(node, "parameter", False)


# -- reading -------------------------------------------------------------------------------


def parse(text: str) -> ast.expr:
    """A fresh tree of numbers, names, operators and the five functions; `ExpressionError`."""
    shown = text if len(text) <= 40 else text[:37] + "..."
    if not text.startswith(MARK):
        raise ExpressionError(f"An expression begins with '=', not {shown!r}.")
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"The expression {shown!r} has more than {MAX_LENGTH} characters.")
    return _Parser(_tokens(text[1:], shown), shown).parse()


@lru_cache(maxsize=4_000)
def _tokens(text: str, shown: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(text) and not text[at:].isspace():
        match = _TOKEN.match(text, at)
        if match is None:
            left = text[at:].lstrip()
            raise ExpressionError(f"'{left[0]}' can't stand in the expression {shown!r}.")
        kind = str(match.lastgroup)
        found.append((kind, match.group(kind)))
        at = match.end()
    return tuple(found)


class _Parser:
    def __init__(self, tokens: tuple[tuple[str, str], ...], shown: str) -> None:
        self.tokens = tokens
        self.shown = shown
        self.at = 0

    def parse(self) -> ast.expr:
        result = self._sum(0)
        if self.at < len(self.tokens):
            raise self._wrong()
        return result

    def _wrong(self) -> ExpressionError:
        if self.at >= len(self.tokens):
            return ExpressionError(f"The expression {self.shown!r} breaks off.")
        word = self.tokens[self.at][1]
        return ExpressionError(f"'{word[:20]}' is out of place in the expression {self.shown!r}.")

    def _sign(self) -> str:
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "sign":
            return self.tokens[self.at][1]
        return ""

    def _take(self, sign: str) -> None:
        if self._sign() != sign:
            raise self._wrong()
        self.at += 1

    def _sum(self, depth: int) -> ast.expr:
        return self._chain(_SUMS, self._product, depth)

    def _product(self, depth: int) -> ast.expr:
        return self._chain(_PRODUCTS, self._signed, depth)

    def _chain(
        self,
        signs: Mapping[str, type[ast.operator]],
        part: Callable[[int], ast.expr],
        depth: int,
    ) -> ast.expr:
        result = part(depth)
        while (sign := self._sign()) in signs:
            self.at += 1
            result = ast.BinOp(result, signs[sign](), part(depth))
        return result

    def _signed(self, depth: int) -> ast.expr:
        if depth > MAX_DEPTH:
            raise ExpressionError(f"The expression {self.shown!r} is nested too deep.")
        if self._sign() == "-":
            self.at += 1
            return ast.UnaryOp(ast.USub(), self._signed(depth + 1))
        base = self._atom(depth)
        if self._sign() == "**":
            # As in Python: 2**-1 is a half, and 2**3**2 is 2**9.
            self.at += 1
            return ast.BinOp(base, ast.Pow(), self._signed(depth + 1))
        return base

    def _atom(self, depth: int) -> ast.expr:
        if self._sign() == "(":
            self.at += 1
            inner = self._sum(depth + 1)
            self._take(")")
            return inner
        if self.at >= len(self.tokens) or self.tokens[self.at][0] == "sign":
            raise self._wrong()
        kind, word = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            return ast.Constant(_checked(int(word) if word.isdecimal() else float(word)))
        if self._sign() == "(":
            return self._call(word, depth)
        if word in FUNCTION_NAMES:
            raise self._wrong()
        return ast.Name(word, ast.Load())

    def _call(self, name: str, depth: int) -> ast.expr:
        if name not in _FUNCTIONS:
            known = ", ".join(_FUNCTIONS)
            raise ExpressionError(f"There is no function '{name[:20]}'; there are {known}.")
        self._take("(")
        arguments = [self._sum(depth + 1)]
        while self._sign() == ",":
            self.at += 1
            arguments.append(self._sum(depth + 1))
        self._take(")")
        _, least, most = _FUNCTIONS[name]
        if not least <= len(arguments) <= most:
            many = str(least) if least == most else f"{least} to {most}"
            raise ExpressionError(f"'{name}' takes {many} numbers, gets {len(arguments)}.")
        return ast.Call(ast.Name(name, ast.Load()), arguments, [])


def _names(tree: ast.expr) -> Iterator[str]:
    match tree:
        case ast.Name(id=name):
            yield name
        case ast.BinOp(left=left, right=right):
            yield from _names(left)
            yield from _names(right)
        case ast.UnaryOp(operand=operand):
            yield from _names(operand)
        case ast.Call(args=arguments):
            for argument in arguments:
                yield from _names(argument)


# -- values --------------------------------------------------------------------------------


def _number(tree: ast.expr, values: Values) -> Number:
    match tree:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.Name(id=name):
            found = _lookup(name, values)
            if isinstance(found, bool) or not isinstance(found, int | float):
                raise ExpressionError(f"'{name}' is no number; it can only stand alone: ={name}.")
            return found
        case ast.UnaryOp(operand=operand):
            return -_number(operand, values)
        case ast.BinOp(left=left, op=op, right=right):
            first, second = _number(left, values), _number(right, values)
            try:
                return _checked(_OPERATORS[type(op)](first, second))
            except ZeroDivisionError:
                raise ExpressionError("The expression divides by zero.") from None
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return _checked(_FUNCTIONS[name][0](*(_number(a, values) for a in arguments)))
    raise ExpressionError("The expression can't be read.")


def _lookup(name: str, values: Values) -> Json:
    if name not in values:
        if name == INDEX:
            raise ExpressionError("there is no repetition here that 'index' could count.")
        known = ", ".join(values) or "none are declared here"
        raise ExpressionError(f"There is no parameter '{name}'; parameters: {known}.")
    value = values[name]
    return _checked(value) if isinstance(value, int | float) else value


def _power(base: Number, exponent: Number) -> Number:
    # Long numbers are refused before they are worked out, roots of what is negative too.
    if abs(exponent) > MAX_EXPONENT:
        raise ExpressionError(f"The exponent {exponent:g} is beyond {MAX_EXPONENT}.")
    try:
        value = base**exponent
    except OverflowError:
        raise ExpressionError("The expression's value is beyond 2^53.") from None
    if isinstance(value, complex):
        raise ExpressionError("The expression takes a root of a negative number.")
    return value


def _checked(value: Number) -> Number:
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionError("The expression's value is not finite.")
    if abs(value) > MAX_INT:
        raise ExpressionError("The expression's value is beyond 2^53.")
    return value
