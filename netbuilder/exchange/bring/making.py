"""Operations that combine, fill and draw numbers, as layers."""

from __future__ import annotations

from netbuilder.exchange.bring.drafts import DraftNode
from netbuilder.exchange.bring.functions import (
    Unsupported,
    bound,
    layer_of,
    only_output,
    put,
    rule,
    value,
)
from netbuilder.exchange.bring.program import Arg, Operation, Program, Ref
from netbuilder.exchange.bring.shapes import chain, shape_of, with_batch
from netbuilder.exchange.bring.weighted import layer
from netbuilder.graph.model import Json
from netbuilder.layers import catalogue


@rule("einsum")
def einsum(operation: Operation, program: Program) -> DraftNode:
    """A port for each operand."""
    operands = operation.args.get("tensors")
    if not isinstance(operands, tuple) or operation.args.get("path") is not None:
        raise Unsupported("an einsum with a path")
    node = DraftNode("torch.einsum", "", {"equation": operation.args.get("equation")})
    for at, one in enumerate(operands):
        if not isinstance(one, Ref):
            raise Unsupported("an operand that is no tensor")
        node.inputs[f"operands_{at}"] = one.name
    return only_output(operation, node)


@rule("var", "std")
def spread(operation: Operation, program: Program) -> DraftNode:
    """`unbiased` is what `correction` was called before."""
    node = bound(operation, program, f"torch.{operation.base}", frozenset({"unbiased"}))
    if operation.args.get("unbiased") is False:
        node.params["correction"] = 0.0
    return node


@rule("mm")
def mm(operation: Operation, program: Program) -> DraftNode:
    """`x @ weight.T`, as exporters write a Linear without a bias, or any other product."""
    held = _transposed(operation, program, "self")
    return held or bound(operation, program, "torch.matmul")


@rule("addmm")
def addmm(operation: Operation, program: Program) -> DraftNode | list[DraftNode]:
    """`bias + x @ weight.T`, as exporters write a Linear, or a product and a sum."""
    if operation.args.get("beta", 1) != 1 or operation.args.get("alpha", 1) != 1:
        raise Unsupported("a sum with factors")
    held = _transposed(operation, program, "mat1")
    if held is not None:
        return held
    product = f"{operation.name}.product"
    first = DraftNode("torch.matmul", "matmul")
    first.inputs = {"input": value(operation, "mat1"), "other": value(operation, "mat2")}
    first.outputs = {product: "output"}
    second = DraftNode("torch.add", "add")
    second.inputs = {"input": product, "other": value(operation, "self")}
    return [first, only_output(operation, second)]


def _transposed(operation: Operation, program: Program, source: str) -> DraftNode | None:
    """The Linear, where the matrix is a weight with its dims exchanged."""
    given = value(operation, "mat2")
    made = next((o for o in program.operations if given in o.outputs), None)
    if made is None or made.base not in ("t", "permute", "transpose"):
        return None
    weight = next(iter(made.refs()), "")
    if weight not in program.states:
        return None
    args: dict[str, Arg] = {"input": operation.args[source], "weight": Ref(weight)}
    settings: dict[str, Json] = {"out_features": shape_of(program, weight)[0], "bias": False}
    if source == "mat1":
        bias = value(operation, "self")
        if bias not in program.states:
            return None
        args["bias"], settings["bias"] = Ref(bias), True
    as_linear = Operation(operation.name, "aten.linear.default", args, operation.outputs)
    return layer(as_linear, program, "torch.nn.Linear", settings)


@rule("floor_divide")
def floor_divide(operation: Operation, program: Program) -> DraftNode:
    """`x // y`."""
    node = bound(operation, program, "torch.div")
    node.params["rounding_mode"] = "floor"
    return node


_LOGIC = {
    "__and": "and",
    "__or": "or",
    "__xor": "xor",
    "bitwise_and": "and",
    "bitwise_or": "or",
    "bitwise_xor": "xor",
    "bitwise_not": "not",
}


@rule(*_LOGIC)
def logic(operation: Operation, program: Program) -> DraftNode:
    """`&`, `|`, `^` and `~` of true and false."""
    known = [program.types[name].dtype for name in operation.refs() if name in program.types]
    if set(known) != {"bool"}:
        raise Unsupported("it works on the bits of numbers")
    return bound(operation, program, f"torch.logical_{_LOGIC[operation.base]}")


# -- edges and windows -------------------------------------------------------------------------

_EDGES = {
    "constant": "Constant",
    "reflect": "Reflection",
    "replicate": "Replication",
    "circular": "Circular",
}


@rule("pad", "constant_pad_nd")
def pad(operation: Operation, program: Program) -> DraftNode:
    """Numbers around the last dims."""
    try:
        return bound(operation, program, layer_of("torch.nn.functional.pad"))
    except Unsupported:
        pass
    sizes, mode = operation.args.get("pad"), operation.args.get("mode", "constant")
    dims = len(shape_of(program, value(operation, "self"))) - 2
    known = isinstance(sizes, tuple) and all(isinstance(size, int) for size in sizes)
    if not known or not isinstance(sizes, tuple) or not 1 <= dims <= 3 or mode not in _EDGES:
        raise Unsupported("edges that no layer of padding makes")
    if len(sizes) > 2 * dims:
        raise Unsupported("it pads channels or the batch")
    kind = catalogue.layers()[f"torch.nn.{_EDGES[str(mode)]}Pad{dims}d"]
    node = DraftNode(kind.id, "", {}, {"input": value(operation, "self")})
    put(node, kind, "padding", (*sizes, *(0,) * (2 * dims - len(sizes))))
    if mode == "constant":
        filled = operation.args.get("value")
        node.params["value"] = float(filled) if isinstance(filled, int | float) else 0.0
    return only_output(operation, node)


@rule("im2col")
def im2col(operation: Operation, program: Program) -> DraftNode:
    """`F.unfold`."""
    return bound(operation, program, "torch.nn.Unfold")


@rule("col2im")
def col2im(operation: Operation, program: Program) -> DraftNode:
    """`F.fold`."""
    return bound(operation, program, "torch.nn.Fold")


@rule("grid_sampler", "grid_sampler_2d", "grid_sampler_3d")
def grid_sample(operation: Operation, program: Program) -> DraftNode:
    """Modes are numbers in ATen."""
    node = DraftNode(layer_of("torch.nn.functional.grid_sample"))
    node.inputs = {name: value(operation, name) for name in ("input", "grid")}
    modes = {
        "mode": ("interpolation_mode", ("bilinear", "nearest", "bicubic")),
        "padding_mode": ("padding_mode", ("zeros", "border", "reflection")),
    }
    kind = catalogue.layers()[node.layer]
    for name, (given, names) in modes.items():
        number = operation.args.get(given, 0)
        if not isinstance(number, int) or not 0 <= number < len(names):
            raise Unsupported("an unknown mode")
        put(node, kind, name, names[number])
    put(node, kind, "align_corners", operation.args.get("align_corners", False))
    return only_output(operation, node)


@rule("swapaxes", "swapdims")
def swapaxes(operation: Operation, program: Program) -> list[DraftNode]:
    """`transpose` under NumPy's name."""
    dims = [given for given in operation.args.values() if isinstance(given, int)]
    return chain(operation, [("torch.transpose", {"dim0": dims[0], "dim1": dims[1]})])


# -- constants and random numbers ---------------------------------------------------------------


@rule("new_zeros", "new_ones", "new_full")
def new(operation: Operation, program: Program) -> DraftNode:
    """A constant of a shape; the tensor whose dtype it has is not needed."""
    sizes = shape_of(program, operation.outputs[0])
    if not all(isinstance(size, int) for size in sizes):
        raise Unsupported("its size depends on that of the input")
    name = operation.base.removeprefix("new_")
    node = DraftNode(f"torch.{name}", name, {"size": sizes})
    if name == "full":
        kind = catalogue.layers()[node.layer]
        put(node, kind, "fill_value", operation.args.get("fill_value"))
    dtype = program.types[operation.outputs[0]].dtype
    if dtype != "float32":
        node.params["dtype"] = dtype
    return only_output(operation, node)


@rule("randn", "rand", "normal_functional", "new_empty")
def noise(operation: Operation, program: Program) -> DraftNode:
    """Noise of as many samples as another value has."""
    sizes = shape_of(program, operation.outputs[0])
    if operation.base not in ("randn", "rand") or not sizes or not isinstance(sizes[0], str):
        raise Unsupported("random numbers of a fixed shape")
    if not all(isinstance(size, int) for size in sizes[1:]):
        raise Unsupported("its size depends on that of the input")
    node = DraftNode("netbuilder.Noise", "noise", {"shape": sizes[1:]})
    if operation.base == "rand":
        node.params["distribution"] = "uniform"
    node.inputs = {"reference": with_batch(operation, program, sizes[0])}
    return only_output(operation, node)


@rule("diff")
def diff(operation: Operation, program: Program) -> list[DraftNode]:
    """Each value less the one before it, with what is put in front and behind."""
    source, dim = value(operation, "self"), operation.args.get("dim", -1)
    rank = len(shape_of(program, source))
    boolean = program.types[source].dtype == "bool"
    if operation.args.get("n", 1) != 1 or not isinstance(dim, int) or boolean:
        raise Unsupported("it is a difference of differences, or of truth values")
    made = operation.outputs[0]
    ends = (operation.args.get("prepend"), Ref(source), operation.args.get("append"))
    parts = [end.name for end in ends if isinstance(end, Ref)]
    nodes = []
    if len(parts) > 1:
        whole = f"{made}.whole"
        inputs = {f"tensors_{at}": part for at, part in enumerate(parts)}
        nodes.append(DraftNode("torch.cat", "", {"dim": dim}, inputs, {whole: "output"}))
        source = whole
    halves = {f"{made}.after": "1:", f"{made}.before": ":-1"}
    for half, rows in halves.items():
        index = ", ".join([*[":"] * (dim % rank), rows])
        params: dict[str, Json] = {"index": index}
        layer = "torch.Tensor.__getitem__"
        nodes.append(DraftNode(layer, "", params, {"input": source}, {half: "output"}))
    after, before = halves
    nodes.append(
        DraftNode("torch.sub", "", {}, {"input": after, "other": before}, {made: "output"})
    )
    return nodes
