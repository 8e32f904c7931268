"""What a block can be told: parameters with names and defaults, and the edits of them.

They are kept in `GraphInfo.settings["parameters"]`, in the order of the constructor's
arguments. Expressions inside the block (`=2*channels`) and the `values` at its uses speak
of them by name and follow each edit. Each edit is one step to undo.
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, expressions, rules
from netbuilder.graph.changes import Changed
from netbuilder.graph.document import Graph
from netbuilder.graph.expressions import ExpressionError
from netbuilder.graph.history import History
from netbuilder.graph.model import Json, Node, freeze

RESERVED = (
    rules.RESERVED_NAMES
    | expressions.FUNCTION_NAMES
    | {"F", expressions.INDEX, "math", "module", "range", "torchmetrics"}
)
"""Names that mean something in the generated code: no parameter of a block may take them."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A declared parameter of a block; `default` is what uses get that say nothing."""

    name: str
    default: Json = 1
    help: str = ""


def declared(block: Graph) -> tuple[Parameter, ...]:
    """The parameters of a block in their order; entries that can't be read are left out."""
    entries = block.info.settings.get("parameters", ()) if block.kind == "block" else ()
    found: dict[str, Parameter] = {}
    for entry in entries if isinstance(entries, tuple) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("name"), str):
            name = entry["name"]
            found[name] = Parameter(name, entry.get("default"), str(entry.get("help", "")))
    return tuple(found.values())


def word_refusal(name: object, taken: Collection[str] = ()) -> str | None:
    """Why no parameter of a block with these `taken` names can have this one; None if one can."""
    if not isinstance(name, str) or not name:
        return "A parameter needs a name."
    if keyword.iskeyword(name) or name in RESERVED:
        return f"'{name}' means something else in code."
    if rules.identifier(name, "x", frozenset()) != name or name.startswith("_"):
        return f"'{name[:40]}' is no name: letters, digits and underscores, a letter first."
    if name in taken:
        return f"There is another parameter called '{name}'."
    return None


def name_refusal(block: Graph, name: str, own: str = "") -> str | None:
    """Why a parameter (the one now called `own`) can't have this name; None if it can."""
    return word_refusal(name, {parameter.name for parameter in declared(block)} - {own})


def declare(history: History, block: Graph, name: str, default: Json = 1, help: str = "") -> None:
    """Add a parameter at the end."""
    reason = name_refusal(block, name)
    if reason:
        raise ChangeError(reason)
    with history.step(f"Declare {name}"):
        _write(history, block, (*declared(block), Parameter(name, freeze(default), help)))


def free_name(block: Graph, wanted: str = "channels") -> str:
    """A legal name near to `wanted` that no parameter of the block has."""
    legal = rules.identifier(wanted, "value", frozenset()).strip("_") or "value"
    if word_refusal(legal):
        legal = f"{legal}_value"
    return rules.unique_name(legal, {parameter.name for parameter in declared(block)})


def set_parameter(history: History, block: Graph, name: str, **fields: Any) -> None:
    """Change a parameter's `default` or `help`; typing in one field is one step."""
    after = tuple(
        replace(parameter, **freeze(fields)) if parameter.name == name else parameter
        for parameter in declared(block)
    )
    if after != declared(block):
        with history.step(f"Change {name}", merge=("parameter", block.id, name, *fields)):
            _write(history, block, after)


def move(history: History, block: Graph, name: str, by: int) -> None:
    """Move a parameter up (-1) or down (1) in the order of the constructor's arguments."""
    order = list(declared(block))
    at = next((i for i, parameter in enumerate(order) if parameter.name == name), None)
    if at is None or not 0 <= at + by < len(order):
        return
    order.insert(at + by, order.pop(at))
    with history.step(f"Move {name}"):
        _write(history, block, order)


def rename(history: History, block: Graph, old: str, new: str) -> None:
    """Rename a parameter; expressions inside and values at all uses follow."""
    if old == new:
        return
    reason = name_refusal(block, new, old)
    if reason:
        raise ChangeError(reason)
    with history.step(f"Rename {old} to {new}"):
        _rewrite(history, block, lambda text: expressions.substitute(text, {old: new}))
        _rewrite_uses(
            history, block, lambda values: {new if k == old else k: v for k, v in values.items()}
        )
        renamed = (replace(p, name=new) if p.name == old else p for p in declared(block))
        _write(history, block, tuple(renamed))


def remove(history: History, block: Graph, name: str) -> None:
    """Remove a parameter: inside, its default takes its place; at the uses its value goes."""
    default = {p.name: p.default for p in declared(block) if p.name == name}
    with history.step(f"Remove {name}"):
        _rewrite(history, block, lambda text: put_in(text, default))
        _rewrite_uses(history, block, lambda values: {k: v for k, v in values.items() if k != name})
        _write(history, block, tuple(p for p in declared(block) if p.name != name))


def promote(history: History, block: Graph, node: str, field: str, name: str = "") -> str:
    """Make a value of a node inside into a parameter with that default; the parameter's name."""
    before = block.nodes[node]
    if field not in before.params or expressions.holds_expression(before.params[field]):
        raise ChangeError(f"'{field}' has no value of its own to begin with.")
    name = name or free_name(block, field)
    with history.step(f"Make {field} a parameter"):
        declare(history, block, name, before.params[field])
        after = replace(before, params={**before.params, field: f"={name}"})
        history.document.apply(Changed(block.id, before, after))
    return name


def names_in(value: Json) -> set[str]:
    """The parameters that the expressions in a value speak of; unreadable ones of none."""
    if isinstance(value, str):
        try:
            return set(expressions.names(value)) if expressions.is_expression(value) else set()
        except ExpressionError:
            return set()
    if isinstance(value, Mapping):
        return {name for item in value.values() for name in names_in(item)}
    if isinstance(value, tuple | list):
        return {name for item in value for name in names_in(item)}
    return set()


def counts(values: Json) -> bool:
    """Whether an expression in the values of a use speaks of the number of the repetition."""
    return expressions.INDEX in names_in(values)


def put_in(text: str, values: Mapping[str, Json]) -> Json:
    """An expression with some of its names replaced by values or by other expressions.

    Where nothing is left to know, its value; where it can't be read or worked out, the
    text as it was.
    """
    values = {name: value for name, value in values.items() if value != f"={name}"}
    try:
        tree = expressions.parse(text)
        if not values.keys() & set(expressions.names(text)):
            return text
        if isinstance(tree, ast.Name):
            found = values.get(tree.id)
            return text if found is None else found
        if set(expressions.names(text)) <= {k for k, v in values.items() if _is_number(v)}:
            return expressions.evaluate(text, values)
        return expressions.MARK + ast.unparse(_PutIn(values).visit(tree))
    except ExpressionError:
        return text


def map_expressions(value: Json, change: Callable[[str], Json]) -> Json:
    """A value with every expression in it, however deep, replaced by what `change` gives."""
    if isinstance(value, str):
        return change(value) if expressions.is_expression(value) else value
    if isinstance(value, Mapping):
        return {key: map_expressions(item, change) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return tuple(map_expressions(item, change) for item in value)
    return value


class _PutIn(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, Json]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        value = self.values.get(node.id)
        if isinstance(value, str) and expressions.is_expression(value):
            return expressions.parse(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            number = ast.Constant(abs(value))
            return number if value >= 0 else ast.UnaryOp(ast.USub(), number)
        if value is None:
            return node
        raise ExpressionError(f"'{node.id}' is no number.")

    def visit_Call(self, node: ast.Call) -> ast.expr:
        # The function's name is no parameter.
        node.args = [self.visit(argument) for argument in node.args]
        return node


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _write(history: History, block: Graph, parameters: Sequence[Parameter]) -> None:
    entries = []
    for parameter in parameters:
        entry: dict[str, Json] = {"name": parameter.name, "default": parameter.default}
        if parameter.help:
            entry["help"] = parameter.help
        entries.append(entry)
    settings = {**block.info.settings, "parameters": tuple(entries)}
    if not entries:
        del settings["parameters"]
    history.document.apply(Changed(block.id, block.info, replace(block.info, settings=settings)))


def _rewrite(history: History, block: Graph, change: Callable[[str], Json]) -> None:
    """Change the readable expressions of all nodes of a block."""

    def careful(text: str) -> Json:
        try:
            return change(text)
        except ExpressionError:
            return text

    for node in _speaking(block):
        params = map_expressions(node.params, careful)
        if params != node.params:
            history.document.apply(Changed(block.id, node, replace(node, params=params)))


def _speaking(block: Graph) -> Iterator[Node]:
    nodes = list(block.nodes.values())
    return (node for node in nodes if expressions.holds_expression(node.params))


def _rewrite_uses(
    history: History, block: Graph, change: Callable[[dict[str, Json]], dict[str, Json]]
) -> None:
    for graph, node in blocks.uses(history.document, block):
        values = node.params.get("values")
        if not isinstance(values, Mapping):
            continue
        after = change(dict(values))
        if after == values:
            continue
        params = {**node.params, "values": after}
        if not after:
            del params["values"]
        history.document.apply(Changed(graph.id, node, replace(node, params=params)))
