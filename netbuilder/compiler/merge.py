"""One class for all uses of a block: what differs between them becomes a parameter.

The expressions of the uses are laid over one another. A size that PyTorch needs and that
follows from what comes in (`in_channels`) is written as one of the block's own parameters
where that is what it always is, as a number where it is always the same, and else as a
further argument of the class.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netbuilder.graph import expressions, rules
from netbuilder.graph.expressions import ExpressionError
from netbuilder.graph.model import Json
from netbuilder.layers import code

TELLING = 8
"""A size below this is no sign that it is meant to be the parameter that it equals."""

Values = tuple[Json, ...]
"""What something is in each use."""


@dataclass(slots=True)
class Arguments:
    """The arguments of a block's class: declared ones by name, and those that the uses need.

    `candidates` are the expressions over declared parameters that stand in the block.
    """

    uses: Sequence[Mapping[str, Json]]
    """The values of the declared parameters, for each use."""
    candidates: Sequence[str]
    reserved: frozenset[str]
    further: dict[str, Values] = field(default_factory=dict)
    """Arguments beside the declared ones, with their value in each use."""

    def stand_in(self, names: Sequence[str], values: Values) -> ast.expr:
        """What to write for something with these values; `names` are wishes for an argument."""
        if _alike(values) and not _telling(values[0]):
            return code.const(values[0])
        for text in self.candidates:
            if self._evaluated(text) == _typed(values):
                return expressions.python(text)
        if _alike(values):
            return code.const(values[0])
        for name, known in self.further.items():
            if _typed(known) == _typed(values):
                return expressions.parameter_name(name)
        taken = {*self.further, *self.uses[0], *self.reserved}
        free = [name for name in names if name not in taken]
        name = free[0] if free else rules.unique_name(names[-1], taken)
        self.further[name] = values
        return expressions.parameter_name(name)

    def _evaluated(self, text: str) -> Any:
        try:
            return _typed(tuple(expressions.evaluate(text, values) for values in self.uses))
        except ExpressionError:
            return None


def _typed(values: Values) -> Any:
    # 1, 1.0 and True are equal in Python, and not in code.
    return tuple((type(value), value) for value in values)


def _alike(values: Values) -> bool:
    return len(set(map(repr, values))) == 1


def _telling(value: Json) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= TELLING


StandIn = Callable[[Values], ast.expr]


def form(tree: ast.expr | None) -> str:
    """The expression without its literals: what uses must have in common to be one class."""
    return "" if tree is None else ast.dump(_blank(tree))


def _blank(tree: ast.expr) -> ast.expr:
    class Blank(ast.NodeTransformer):
        def generic_visit(self, node: ast.AST) -> ast.AST:
            if isinstance(node, ast.expr) and _is_literal(node):
                return ast.Constant("?")
            # A copy: the tree itself is still needed.
            fields = {name: _visited(self, value) for name, value in ast.iter_fields(node)}
            return type(node)(**fields)

    blank: ast.expr = Blank().visit(tree)
    return blank


def _visited(visitor: ast.NodeTransformer, value: Any) -> Any:
    if isinstance(value, list):
        return [visitor.visit(item) for item in value]
    return visitor.visit(value) if isinstance(value, ast.AST) else value


def merge(trees: Sequence[ast.expr], stand_in: StandIn) -> ast.expr:
    """One expression for several of the same form; where literals differ, `stand_in` decides."""
    first = trees[0]
    if all(_is_literal(tree) for tree in trees):
        values = tuple(_value(tree) for tree in trees)
        return first if _alike(values) else stand_in(values)
    if isinstance(first, ast.Name):
        return first
    fields = {}
    for name, value in ast.iter_fields(first):
        others = [getattr(tree, name) for tree in trees]
        fields[name] = _merge_field(value, others, stand_in)
    return type(first)(**fields)


def _merge_field(value: Any, others: list[Any], stand_in: StandIn) -> Any:
    if isinstance(value, ast.expr):
        return merge(others, stand_in)
    if isinstance(value, ast.keyword):
        return ast.keyword(value.arg, merge([other.value for other in others], stand_in))
    if isinstance(value, ast.comprehension):
        iterated = merge([other.iter for other in others], stand_in)
        return ast.comprehension(value.target, iterated, value.ifs, value.is_async)
    if isinstance(value, list):
        return [
            _merge_field(item, [o[i] for o in others], stand_in) for i, item in enumerate(value)
        ]
    return value


def _is_literal(node: ast.expr) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
            return True
        case ast.Tuple(elts=parts):
            return bool(parts) and all(map(_is_literal, parts))
    return False


def _value(node: ast.expr) -> Json:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Tuple(elts=parts):
            return tuple(_value(part) for part in parts)
    raise TypeError(f"{ast.dump(node)} is no literal")


def names_in(tree: ast.expr) -> list[str]:
    """The parameters that an expression speaks of."""
    return [node.id for node in ast.walk(tree) if expressions.is_parameter(node)]  # type: ignore[attr-defined]


def replace_names(tree: ast.expr, by: Callable[[str], ast.expr | None]) -> ast.expr:
    """The expression with parameters replaced; those for which `by` has None stay."""

    class Replacer(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.expr:
            found = by(node.id) if expressions.is_parameter(node) else None
            return node if found is None else found

    replaced: ast.expr = Replacer().visit(tree)
    return replaced
