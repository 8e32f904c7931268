"""Expressions as text, laid out as ruff and Black lay them out: 88 columns, double quotes.

Only what the compiler writes is known here: calls, names, literals, operators, subscripts,
collections and comprehensions. Anything else is a broken promise (`TypeError`).
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Union

WIDTH = 88
"""The longest line; ruff's and Black's default."""

Doc = list[Union[str, "Brackets", "Operation"]]
"""An expression: texts, and what may go on lines of its own."""


@dataclass(frozen=True, slots=True)
class Brackets:
    """A pair of brackets around parts that commas (or nothing, in a comprehension) part.

    `joined` contents may share one indented line, as arguments do; a collection has a line
    for each of its parts. `single` marks a tuple of one, whose comma always stands; what
    `picks` is a subscript.
    """

    open: str
    parts: tuple[Doc, ...]
    close: str
    joined: bool = False
    single: bool = False
    comma: str = ","
    picks: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """A sum or the like; all operands but the first begin with their operator."""

    operands: tuple[Doc, ...]


def unparse(tree: ast.expr) -> str:
    """The expression on one line."""
    return _flat(_doc(tree))


def assignment(target: str, value: str, depth: int) -> list[str]:
    """`target = value` as one line or several, without the indentation of the first.

    `value` is an expression on one line; `depth` counts levels of indentation.
    """
    if 4 * depth + len(target) + 3 + len(value) <= WIDTH:
        return [f"{target} = {value}"]
    if "," in target and 4 * depth + len(target) + 8 > WIDTH:
        return _lines([*_parsed(target), " = ", *_parsed(value)], depth)
    return _statement(f"{target} = ", value, depth)


def returned(value: str, depth: int) -> list[str]:
    """`return value` as one line or several; a tuple has no brackets on one line."""
    if 4 * depth + 7 + len(value) <= WIDTH:
        return [f"return {value}"]
    return _statement("return ", value, depth)


def framed(head: str, value: str, tail: str, depth: int) -> list[str]:
    """An expression in a statement, such as `for x in ` and `:`; `value` may be empty."""
    return _lines([head, *(_parsed(value) if value else []), tail], depth)


def signature(head: str, arguments: Sequence[str], tail: str, depth: int) -> list[str]:
    """`def name(` + arguments + `) -> result:` as one line or several."""
    parts: tuple[Doc, ...] = tuple([argument] for argument in arguments)
    return _lines([head, Brackets("(", parts, ")", joined=True), tail], depth)


def _statement(head: str, value: str, depth: int) -> list[str]:
    tree = ast.parse(value, mode="eval").body
    doc = _doc(tree)
    flat, may_open = doc, True
    match doc:
        case [Operation(operands=operands)]:
            flat = [part for operand in operands for part in operand]
            may_open = len(operands) == 2 and (_opens(flat[-1]) or _opens(flat[0]))
    if not may_open or not _head_fits(head, flat, depth):
        # A pair of brackets of its own lets the whole begin on a line of its own.
        return [f"{head}(", *map(_indent, _lines(doc, depth + 1)), ")"]
    return _lines([head, *flat], depth)


def _opens(part: str | Brackets | Operation) -> bool:
    """Whether brackets may be opened; what picks a part of something stays closed."""
    return isinstance(part, Brackets) and bool(part.parts) and not part.picks


def _head_fits(head: str, doc: Doc, depth: int) -> bool:
    """Whether the line up to the only brackets is short enough; of several, one will do."""
    places = [i for i, part in enumerate(doc) if isinstance(part, Brackets) and part.parts]
    return len(places) != 1 or len(head + _flat(doc[: places[0]])) < WIDTH - 4 * depth


def _parsed(value: str) -> Doc:
    return _doc(ast.parse(value, mode="eval").body)


def _indent(line: str) -> str:
    return "    " + line


def _lines(doc: Doc, depth: int, after: int = 0) -> list[str]:
    """The text on one line if it fits behind its indentation, else with brackets opened.

    Of several pairs of brackets the last is opened; the others only if that does not do.
    `after` characters follow on the last line.
    """
    flat = _flat(doc)
    room = WIDTH - 4 * depth - after
    if len(flat) <= room:
        return [flat]
    match doc:
        case [*before, Operation(operands=[first, *others])]:
            lines = _lines([*before, *first], depth)
            return [
                *lines,
                *(
                    line
                    for operand in others
                    for line in _lines([str(operand[0]).lstrip(), *operand[1:]], depth)
                ),
            ]
    places = [i for i, part in enumerate(doc) if isinstance(part, Brackets) and part.parts]
    for at in reversed(places):
        head = _flat(doc[:at])
        bracket = doc[at]
        assert isinstance(bracket, Brackets)
        if len(head) + len(bracket.open) <= room or at == places[0]:
            body = _body(bracket, depth + 1)
            tail = _lines([bracket.close, *doc[at + 1 :]], depth, after)
            return [head + bracket.open, *map(_indent, body), *tail]
    return [flat]


def _body(bracket: Brackets, depth: int) -> list[str]:
    room = WIDTH - 4 * depth
    if bracket.joined:
        line = ", ".join(map(_flat, bracket.parts))
        if len(line) <= room:
            return [line]
    lines: list[str] = []
    for part in bracket.parts:
        *first, last = _lines(part, depth, len(bracket.comma))
        lines += [*first, last + bracket.comma]
    return lines


def _flat(doc: Doc) -> str:
    return "".join(part if isinstance(part, str) else _closed(part) for part in doc)


def _closed(bracket: Brackets | Operation) -> str:
    if isinstance(bracket, Operation):
        return "".join(map(_flat, bracket.operands))
    inner = f"{bracket.comma} ".join(map(_flat, bracket.parts))
    comma = "," if bracket.single else ""
    return f"{bracket.open}{inner}{comma}{bracket.close}"


# -- from trees --------------------------------------------------------------------------------

_OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.MatMult: "@",
    ast.Pow: "**",
    ast.BitAnd: "&",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Is: "is",
    ast.IsNot: "is not",
    ast.And: "and",
    ast.Or: "or",
}
_UNARY: dict[type[ast.AST], str] = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}

# How tightly an operator binds, as in Python's grammar.
_TEST, _OR, _AND, _NOT, _COMPARE, _BITOR, _BITXOR, _BITAND, _SUM, _TERM, _UNARY_LEVEL = range(11)
_POWER, _ATOM = 11, 12
_LEVELS: dict[type[ast.AST], int] = {
    ast.BitOr: _BITOR,
    ast.BitXor: _BITXOR,
    ast.BitAnd: _BITAND,
    ast.Add: _SUM,
    ast.Sub: _SUM,
    ast.Mult: _TERM,
    ast.Div: _TERM,
    ast.FloorDiv: _TERM,
    ast.Mod: _TERM,
    ast.MatMult: _TERM,
    ast.Pow: _POWER,
}


def _level(tree: ast.expr) -> int:
    match tree:
        case ast.BinOp(op=op):
            return _LEVELS[type(op)]
        case ast.UnaryOp(op=ast.Not()):
            return _NOT
        case ast.UnaryOp():
            return _UNARY_LEVEL
        case ast.Compare():
            return _COMPARE
        case ast.BoolOp(op=op):
            return _AND if isinstance(op, ast.And) else _OR
        case ast.IfExp():
            return _TEST
    return _ATOM


def _within(tree: ast.expr, least: int) -> Doc:
    """The expression, in parentheses if it binds less tightly than `least`."""
    doc = _doc(tree)
    if _level(tree) >= least:
        return doc
    return [Brackets("(", (doc,), ")", comma="")]


def _number(tree: ast.expr) -> bool:
    return isinstance(tree, ast.Constant) and isinstance(tree.value, int | float)


def _doc(tree: ast.expr) -> Doc:
    match tree:
        case ast.Name(id=name):
            return [name]
        case ast.Constant(value=value):
            return [_literal(value)]
        case ast.Attribute(value=value, attr=attr):
            # An attribute of a number needs brackets around it.
            return [*_within(value, _ATOM + 1 if _number(value) else _ATOM), f".{attr}"]
        case ast.Call():
            return [*_within(tree.func, _ATOM), _arguments(tree)]
        case ast.Subscript(value=value, slice=index):
            return [
                *_within(value, _ATOM),
                Brackets("[", _indices(index), "]", joined=True, picks=True),
            ]
        case ast.Slice():
            return [_slice(tree)]
        case ast.Starred(value=value):
            return ["*", *_within(value, _BITOR)]
        case ast.Tuple(elts=parts):
            single = len(parts) == 1
            return [Brackets("(", tuple(map(_doc, parts)), ")", single=single)]
        case ast.List(elts=parts):
            return [Brackets("[", tuple(map(_doc, parts)), "]")]
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return [Brackets("{", tuple(_pair(key, value) for key, value in pairs), "}")]
        case ast.GeneratorExp():
            return [_comprehension(tree, "(", ")")]
        case ast.ListComp():
            return [_comprehension(tree, "[", "]")]
    return _operation(tree)


def _operation(tree: ast.expr) -> Doc:
    match tree:
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base, exponent = _within(left, _POWER + 1), _within(right, _UNARY_LEVEL)
            if _simple(left) and _simple(right):
                return [*base, "**", *exponent]
            return [Operation((base, [" ** ", *exponent]))]
        case ast.BinOp(left=left, op=op, right=right):
            level = _LEVELS[type(op)]
            first = _within(left, level)
            match first:
                case [Operation(operands=known)] if _level(left) == level:
                    operands = known
                case _:
                    operands = (first,)
            return [
                Operation((*operands, [f" {_OPERATORS[type(op)]} ", *_within(right, level + 1)]))
            ]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return ["not ", *_within(operand, _NOT)]
        case ast.UnaryOp(op=op, operand=operand):
            inner = _doc(operand) if _number(operand) else _within(operand, _UNARY_LEVEL)
            return [_UNARY[type(op)], *inner]
        case ast.Compare(left=left, ops=ops, comparators=others):
            doc = _within(left, _COMPARE + 1)
            for compared, other in zip(ops, others, strict=True):
                doc += [f" {_OPERATORS[type(compared)]} ", *_within(other, _COMPARE + 1)]
            return doc
        case ast.BoolOp(op=op, values=values):
            level = _level(tree) + 1
            doc = _within(values[0], level)
            for value in values[1:]:
                doc += [f" {_OPERATORS[type(op)]} ", *_within(value, level)]
            return doc
        case ast.IfExp(test=test, body=body, orelse=other):
            return [*_within(body, _OR), " if ", *_within(test, _OR), " else ", *_doc(other)]
    raise TypeError(f"{type(tree).__name__} is not among what the compiler writes")


def _arguments(tree: ast.Call) -> Brackets:
    parts = [_doc(argument) for argument in tree.args]
    parts += [[f"{word.arg}=" if word.arg else "**", *_doc(word.value)] for word in tree.keywords]
    alone = len(tree.args) == 1 and not tree.keywords
    if alone and isinstance(tree.args[0], ast.GeneratorExp):
        return _comprehension(tree.args[0], "(", ")")
    return Brackets("(", tuple(parts), ")", joined=True)


def _comprehension(tree: ast.GeneratorExp | ast.ListComp, open: str, close: str) -> Brackets:
    parts: list[Doc] = [_doc(tree.elt)]
    for loop in tree.generators:
        parts.append(["for ", *_doc(loop.target), " in ", *_within(loop.iter, _OR)])
        parts += [["if ", *_doc(test)] for test in loop.ifs]
    return Brackets(open, tuple(parts), close, comma="")


def _pair(key: ast.expr | None, value: ast.expr) -> Doc:
    return ["**", *_doc(value)] if key is None else [*_doc(key), ": ", *_doc(value)]


def _indices(index: ast.expr) -> tuple[Doc, ...]:
    if isinstance(index, ast.Tuple) and len(index.elts) > 1:
        return tuple(map(_doc, index.elts))
    return (_doc(index),)


def _slice(tree: ast.Slice) -> str:
    """`a:b`, and `a + 1 : b` where a bound is more than a name or a number."""
    bounds = [tree.lower, tree.upper, *([tree.step] if tree.step is not None else [])]
    simple = all(bound is None or _plain(bound) for bound in bounds)
    texts = ["" if bound is None else unparse(bound) for bound in bounds]
    if simple:
        return ":".join(texts)
    return " : ".join(texts).replace(" :  : ", " :: ").strip()


def _plain(tree: ast.expr) -> bool:
    match tree:
        case ast.Name() | ast.Constant():
            return True
        case ast.UnaryOp(operand=ast.Constant() | ast.Name()):
            return True
    return False


def _simple(tree: ast.expr) -> bool:
    """What a power sign stands next to without spaces: names, numbers, attributes."""
    match tree:
        case ast.Constant(value=value):
            return not isinstance(value, str)
        case ast.Name():
            return True
        case ast.UnaryOp(operand=operand):
            return _simple(operand)
        case ast.Attribute(value=value):
            return isinstance(value, ast.Name | ast.Attribute) and _simple(value)
    return False


def _literal(value: object) -> str:
    if not isinstance(value, str):
        return "..." if value is ... else repr(value)
    text = repr(value)
    if text[0] == "'" and '"' not in value:
        return f'"{text[1:-1]}"'.replace("\\'", "'")
    return text
