"""Constants, counts and stretched tensors whose sizes are those of what comes in.

A drawing has no sizes to calculate with: such a node is shown a value that has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from netbuilder.exchange.bring import making, shapes
from netbuilder.exchange.bring.drafts import DraftNode
from netbuilder.exchange.bring.functions import (
    RULES,
    Rule,
    Unsupported,
    number,
    only_output,
    plain,
    rule,
    value,
)
from netbuilder.exchange.bring.program import Arg, Operation, Program, Size
from netbuilder.exchange.bring.shapes import Shape, beside, shape_of
from netbuilder.graph.model import Json

Nodes = list[DraftNode]


def _or(first: Rule, then: Callable[[Operation, Program], Nodes]) -> Rule:
    """What the second makes of it, where the first can't."""

    def convert(operation: Operation, program: Program) -> DraftNode | Nodes:
        try:
            return first(operation, program)
        except Unsupported:
            return then(operation, program)

    return convert


# -- one number all over ---------------------------------------------------------------------------

_NUMBERS: dict[str, Arg] = {"zeros": 0, "new_zeros": 0, "ones": 1, "new_ones": 1}


def _filled(operation: Operation, program: Program) -> Nodes:
    """`zeros`, `ones` and `full` of a size that comes in."""
    given = _NUMBERS.get(operation.base, operation.args.get("fill_value"))
    if not isinstance(given, int | float):
        raise Unsupported("it is filled with what is worked out")
    made = operation.outputs[0]
    return _of_number(operation, program, given, made, shape_of(program, made))


for _name in ("zeros", "ones", "full"):
    RULES[_name] = _or(plain, _filled)
for _name in ("new_zeros", "new_ones", "new_full"):
    RULES[_name] = _or(making.new, _filled)


def _of_number(
    operation: Operation, program: Program, filled: float, made: str, shape: Shape
) -> Nodes:
    """Nodes that give a tensor of this shape with one number all over."""
    dtype = program.types[operation.outputs[0]].dtype
    try:
        same = beside(operation, program, lambda other: other == shape)
    except Unsupported:
        return _by_lane(operation, program, filled, made, shape)
    return [_like(program, filled, same, program.types[same].dtype, dtype, made)]


def _like(
    program: Program, filled: float, reference: str, had: str, dtype: str, made: str
) -> DraftNode:
    names: dict[float, str] = {0: "torch.zeros_like", 1: "torch.ones_like"}
    node = DraftNode(names.get(filled, "torch.full_like"), "", {}, {"input": reference})
    if node.layer == "torch.full_like":
        node.params["fill_value"] = filled if abs(filled) < float("inf") else str(filled)
    if had != dtype:
        node.params["dtype"] = dtype
    node.outputs = {made: "output"}
    return node


def _by_lane(
    operation: Operation, program: Program, filled: float, made: str, shape: Shape
) -> Nodes:
    """From the first places of values that have the free sizes."""
    dtype = program.types[operation.outputs[0]].dtype
    rows = f"{made}.rows"
    free = tuple(size for size in shape if isinstance(size, str))
    nodes = _rows(operation, program, rows, free)
    wide = f"{made}.wide" if len(free) < len(shape) else made
    nodes.append(_like(program, filled, rows, "int64", dtype, wide))
    if wide != made:
        tall = f"{made}.tall"
        new = ", ".join(":" if isinstance(size, str) else "None" for size in shape)
        sizes: Json = tuple(-1 if isinstance(size, str) else size for size in shape)
        nodes.append(_one("torch.Tensor.__getitem__", {"index": new}, {"input": wide}, tall))
        nodes.append(_one("torch.Tensor.expand", {"size": sizes}, {"input": tall}, made))
    return nodes


def _rows(operation: Operation, program: Program, made: str, free: tuple[str, ...]) -> Nodes:
    """Nodes that give whole numbers of these sizes, whatever they are."""
    if not free:
        raise Unsupported("there is nothing to take its size from")
    if len(free) == 1:
        return [_positions(operation, program, free[0], made)]
    parts = [f"{made}.{at}" for at in range(len(free))]
    nodes: Nodes = []
    for at, (size, part) in enumerate(zip(free, parts, strict=True)):
        nodes.append(_positions(operation, program, size, f"{part}.flat"))
        new = ", ".join(":" if other == at else "None" for other in range(len(free)))
        index = {"index": new}
        nodes.append(_one("torch.Tensor.__getitem__", index, {"input": f"{part}.flat"}, part))
    sums = [parts[0], *(f"{made}.sum{at}" for at in range(1, len(free) - 1)), made]
    for at in range(1, len(free)):
        ports = {"input": sums[at - 1], "other": parts[at]}
        nodes.append(_one("torch.add", {}, ports, sums[at]))
    return nodes


def _one(layer: str, params: dict[str, Json], inputs: dict[str, str], made: str) -> DraftNode:
    return DraftNode(layer, "", params, inputs, {made: "output"})


# -- stretched -------------------------------------------------------------------------------------


def _stretched(operation: Operation, program: Program) -> Nodes:
    """`expand` to the sizes of another value."""
    source, made = value(operation, "self"), operation.outputs[0]
    after = shape_of(program, made)
    state = program.states.get(source)
    if state is not None and state.kind == "constant":
        tensor = program.tensors[state.key]
        if tensor.numel() == 1 and not tensor.is_complex():
            return _of_number(operation, program, tensor.item(), made, after)
    node = DraftNode("torch.Tensor.expand_as", "", {}, {"input": source})
    node.outputs = {made: "output"}
    try:
        node.inputs["other"] = beside(operation, program, lambda other: other == after)
        return [node]
    except Unsupported:
        node.inputs["other"] = f"{made}.sizes"
        return [*_of_number(operation, program, 0, f"{made}.sizes", after), node]


for _name in ("expand", "broadcast_to"):
    RULES[_name] = _or(shapes.expand, _stretched)


# -- counted ---------------------------------------------------------------------------------------


def _positions(operation: Operation, program: Program, count: Size, made: str) -> DraftNode:
    source = beside(operation, program, lambda other: count in other)
    dim = shape_of(program, source).index(count)
    node = DraftNode("netbuilder.Positions", "positions", {}, {"reference": source})
    if dim != 1:
        node.params["dim"] = dim
    node.outputs = {made: "output"}
    return node


@rule("arange")
def arange(operation: Operation, program: Program) -> DraftNode | Nodes:
    """0, 1, 2 … up to a size that comes in, or between numbers."""
    try:
        return plain(operation, program)
    except Unsupported:
        start, step = operation.args.get("start", 0), operation.args.get("step", 1)
        made = operation.outputs[0]
        if not isinstance(start, int) or step != 1:
            raise
    steps: list[tuple[str, dict[str, Json]]] = []
    steps += [("torch.add", {"other": start})] if start else []
    dtype = program.types[made].dtype
    steps += [("torch.Tensor.to", {"dtype": dtype})] if dtype != "int64" else []
    names = [f"{made}.{at}" for at in range(len(steps))] + [made]
    nodes = [_positions(operation, program, shape_of(program, made)[0], names[0])]
    for at, (layer, params) in enumerate(steps):
        node = DraftNode(layer, "", params, {"input": names[at]})
        node.outputs = {names[at + 1]: "output"}
        nodes.append(node)
    return nodes


# -- parts -----------------------------------------------------------------------------------------


def _cut(operation: Operation, program: Program) -> Nodes:
    """A stretch as long as another value, or one that is counted from a free end."""
    source, made = value(operation, "self"), operation.outputs[0]
    dim = operation.args.get("dim", 0)
    shape, after = shape_of(program, source), shape_of(program, made)
    if not isinstance(dim, int) or operation.args.get("step", 1) != 1:
        raise Unsupported("a slice whose steps depend on the size of the input")
    dim %= len(shape)
    start, end = (number(program, operation.args.get(name)) for name in ("start", "end"))
    length = after[dim]
    to_end = end is None or end == shape[dim] or (isinstance(end, int) and end >= 2**31)
    if isinstance(length, int) and to_end and isinstance(start, str):
        index = ", ".join([*[":"] * dim, f"-{length}:"])
        return shapes.chain(operation, [("torch.Tensor.__getitem__", {"index": index})])
    short = re.fullmatch(rf"{re.escape(str(shape[dim]))} - (\d+)", str(length))
    if start in (None, 0) and short is not None:
        index = ", ".join([*[":"] * dim, f":-{short[1]}"])
        return shapes.chain(operation, [("torch.Tensor.__getitem__", {"index": index})])
    if start not in (None, 0) or not isinstance(length, str):
        raise Unsupported("a slice whose bounds depend on the size of the input")
    rows = f"{made}.rows"
    node = DraftNode("torch.index_select", "", {"dim": dim}, {"input": source, "index": rows})
    return [_positions(operation, program, length, rows), only_output(operation, node)]


RULES["slice"] = _or(shapes.slice_, _cut)


@rule("select")
def select(operation: Operation, program: Program) -> DraftNode:
    """One place of a dim; the last one of a free dim is -1."""
    dim, at = operation.args.get("dim"), number(program, operation.args.get("index"))
    source = value(operation, "self")
    if (
        isinstance(at, str)
        and isinstance(dim, int)
        and at == f"{shape_of(program, source)[dim]} - 1"
    ):
        args: dict[str, Arg] = {**operation.args, "index": -1}
        operation = Operation(
            operation.name, operation.target, args, operation.outputs, operation.stack
        )
    return plain(operation, program)
