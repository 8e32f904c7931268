"""Operations that change shapes, and parts of tensors, as layers.

Traced code gives every size anew, the batch too (`x.view(x.size(0), 8, 8)`); a drawing says what
happens to the dims instead, so that it fits every batch.
"""

from __future__ import annotations

from collections.abc import Callable

from netbuilder.exchange.bring.calls import IDLE
from netbuilder.exchange.bring.drafts import DraftNode
from netbuilder.exchange.bring.functions import (
    Same,
    Unsupported,
    bound,
    layer_of,
    number,
    only_output,
    rule,
    value,
)
from netbuilder.exchange.bring.program import Dtype, Operation, Program, Size
from netbuilder.graph.model import Json

Shape = tuple[Size, ...]


def shape_of(program: Program, name: str) -> Shape:
    """The shape of a value; `Unsupported` if it is not known."""
    known = program.types.get(name)
    if known is None:
        raise Unsupported(f"the shape of '{name}' is not known")
    return known.shape


def chain(operation: Operation, steps: list[tuple[str, dict[str, Json]]]) -> list[DraftNode]:
    """Nodes one after another, from the operation's first input to its output."""
    nodes, before = [], value(operation, next(iter(operation.args)))
    for at, (layer, params) in enumerate(steps):
        last = at == len(steps) - 1
        after = operation.outputs[0] if last else f"{operation.name}.{at}"
        nodes.append(DraftNode(layer, "", params, {"input": before}, {after: "output"}))
        before = after
    return nodes


@rule("view", "reshape", "_unsafe_view", "flatten", "unflatten", "view_as", "reshape_as")
def reshape(operation: Operation, program: Program) -> list[DraftNode]:
    """Flatten, Unflatten, unsqueeze, squeeze or reshape, whatever says it best."""
    before = shape_of(program, value(operation, "self"))
    after = shape_of(program, operation.outputs[0])
    if before == after:
        raise Same(value(operation, "self"))
    return chain(operation, steps(before, after))


def steps(before: Shape, after: Shape) -> list[tuple[str, dict[str, Json]]]:
    """Layers with their parameters that make one shape of another, in order."""
    front = 0
    while front < min(len(before), len(after)) and before[front] == after[front]:
        front += 1
    back = 0
    limit = min(len(before), len(after)) - front
    while back < limit and before[-1 - back] == after[-1 - back]:
        back += 1
    old, new = before[front : len(before) - back], after[front : len(after) - back]
    free = [size for size in new if isinstance(size, str)]
    if old == () and set(new) == {1}:
        return [("torch.unsqueeze", {"dim": front})] * len(new)
    if new == () and set(old) == {1}:
        dims = tuple(range(front, front + len(old)))
        return [("torch.squeeze", {"dim": dims if len(dims) > 1 else front})]
    if len(free) > 1:
        raise Unsupported(f"{_text(before)} to {_text(after)} has several free sizes")
    if len(old) > 1 and len(new) == 1:
        return [_flatten(front, len(old), len(before))]
    if len(old) == 1 and len(new) > 1:
        return [_unflatten(front, new)]
    if sum(isinstance(size, str) for size in after) <= 1:
        return [("torch.reshape", {"shape": _free_sizes(after)})]
    rank = len(before) - len(old) + 1
    return [_flatten(front, len(old), len(before)), _unflatten(front, new, rank)]


def _flatten(start: int, count: int, rank: int) -> tuple[str, dict[str, Json]]:
    end = start + count - 1
    params: dict[str, Json] = {} if start == 1 else {"start_dim": start}
    if end != rank - 1:
        params["end_dim"] = end
    return "torch.nn.Flatten", params


def _unflatten(dim: int, sizes: Shape, rank: int = 0) -> tuple[str, dict[str, Json]]:
    return "torch.nn.Unflatten", {"dim": dim, "unflattened_size": _free_sizes(sizes)}


def _free_sizes(shape: Shape) -> tuple[int, ...]:
    return tuple(-1 if isinstance(size, str) else size for size in shape)


def _text(shape: Shape) -> str:
    return "×".join(map(str, shape)) or "scalar"


@rule("squeeze")
def squeeze(operation: Operation, program: Program) -> DraftNode | list[DraftNode]:
    """Without a dim, all dims of one go."""
    before = shape_of(program, value(operation, "self"))
    if before == shape_of(program, operation.outputs[0]):
        raise Same(value(operation, "self"))
    if "dim" in operation.args:
        return bound(operation, program, "torch.squeeze")
    ones = tuple(at for at, size in enumerate(before) if size == 1)
    dim = ones if len(ones) > 1 else ones[0]
    return chain(operation, [("torch.squeeze", {"dim": dim})])


@rule("t", "numpy_T", "mT", "adjoint", "matrix_H")
def transpose(operation: Operation, program: Program) -> list[DraftNode]:
    """`x.t()` and `x.mT`: the last two dims exchanged."""
    rank = len(shape_of(program, value(operation, "self")))
    if rank < 2:
        raise Same(value(operation, "self"))
    if rank > 2 and operation.base == "numpy_T":
        return chain(operation, [("torch.permute", {"dims": tuple(reversed(range(rank)))})])
    return chain(operation, [("torch.transpose", {"dim0": -2, "dim1": -1})])


@rule("slice")
def slice_(operation: Operation, program: Program) -> list[DraftNode]:
    """A stretch of a dim, `x[:, 2:5]`."""
    source = value(operation, "self")
    shape = shape_of(program, source)
    if shape == shape_of(program, operation.outputs[0]) and operation.args.get("step", 1) == 1:
        raise Same(source)
    dim, step = operation.args.get("dim", 0), operation.args.get("step", 1)
    start = number(program, operation.args.get("start")) or 0
    end = number(program, operation.args.get("end"))
    if not isinstance(dim, int) or not isinstance(step, int) or isinstance(start, str):
        raise Unsupported("a slice whose bounds depend on the size of the input")
    dim, size = dim % len(shape), shape[dim]
    if end == size or (isinstance(end, int) and end >= (size if isinstance(size, int) else 2**31)):
        end = None
    if isinstance(end, str):
        raise Unsupported("a slice whose bounds depend on the size of the input")
    part = f"{start or ''}:{'' if end is None else end}{f':{step}' if step != 1 else ''}"
    index = ", ".join([*[":"] * dim, part])
    return chain(operation, [("torch.Tensor.__getitem__", {"index": index})])


@rule("narrow", "narrow_copy")
def narrow(operation: Operation, program: Program) -> list[DraftNode]:
    """The same with a length."""
    dim, start = operation.args.get("dim"), number(program, operation.args.get("start"))
    made = shape_of(program, operation.outputs[0])
    if not isinstance(dim, int) or not isinstance(start, int) or not isinstance(made[dim], int):
        raise Unsupported("a stretch whose bounds depend on the size of the input")
    return chain(operation, [("torch.narrow", {"dim": dim, "start": start, "length": made[dim]})])


@rule("to", "type_as", "_to_copy", "float", "long", "half", "double", "bfloat16", "int", "bool")
def to(operation: Operation, program: Program) -> list[DraftNode]:
    """Another dtype; devices are not drawn."""
    source, made = value(operation, "self"), operation.outputs[0]
    before, after = program.types[source].dtype, program.types[made].dtype
    if before == after:
        raise Same(source)
    return chain(operation, [("torch.Tensor.to", {"dtype": after})])


@rule("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout", "native_dropout")
def dropout(operation: Operation, program: Program) -> DraftNode:
    """Dropout acts in training only: that is what its layers do by themselves."""
    given = "input" if "input" in operation.args else "self"
    rank = len(shape_of(program, value(operation, given)))
    kind = {
        "alpha_dropout": "AlphaDropout",
        "feature_alpha_dropout": "FeatureAlphaDropout",
        "feature_dropout": {5: "Dropout3d", 3: "Dropout1d"}.get(rank, "Dropout2d"),
    }.get(operation.base, "Dropout")
    node = DraftNode(f"torch.nn.{kind}", "", {}, {"input": value(operation, given)})
    p = operation.args.get("p", 0.5)
    if p != 0.5 and isinstance(p, int | float):
        node.params["p"] = float(p)
    return only_output(operation, node)


_UPSAMPLE = {
    "upsample_nearest1d": "nearest",
    "upsample_nearest2d": "nearest",
    "upsample_nearest3d": "nearest",
    "_upsample_nearest_exact1d": "nearest-exact",
    "_upsample_nearest_exact2d": "nearest-exact",
    "_upsample_nearest_exact3d": "nearest-exact",
    "upsample_linear1d": "linear",
    "upsample_bilinear2d": "bilinear",
    "_upsample_bilinear2d_aa": "bilinear",
    "upsample_bicubic2d": "bicubic",
    "_upsample_bicubic2d_aa": "bicubic",
    "upsample_trilinear3d": "trilinear",
}


@rule(*_UPSAMPLE)
def interpolate(operation: Operation, program: Program) -> DraftNode:
    """A factor where one was given, else the size."""
    given = "self" if "self" in operation.args else "input"
    try:
        layer = layer_of("interpolate")
    except Unsupported:
        layer = layer_of("torch.nn.Upsample")
    node = DraftNode(layer, "", {}, {"input": value(operation, given)})
    factors = operation.args.get("scale_factors")
    if not isinstance(factors, tuple):
        names = ("scales",) if "scales" in operation.args else ("scales_d", "scales_h", "scales_w")
        factors = tuple(f for name in names if (f := operation.args.get(name)) is not None)
    spatial = shape_of(program, operation.outputs[0])[2:]
    if factors and all(isinstance(factor, int | float) for factor in factors):
        same = len(set(factors)) == 1
        node.params["scale_factor"] = factors[0] if same else factors
    elif all(isinstance(size, int) for size in spatial):
        same = len(set(spatial)) == 1
        node.params["size"] = spatial[0] if same else spatial
    else:
        node.layer = "netbuilder.ResizeLike"
        rank = len(spatial) + 2
        node.inputs["other"] = beside(
            operation, program, lambda other: len(other) == rank and other[2:] == spatial
        )
    mode = _UPSAMPLE[operation.base]
    if mode != "nearest":
        node.params["mode"] = mode
    if operation.args.get("align_corners"):
        node.params["align_corners"] = True
    if operation.base.endswith("_aa"):
        node.params["antialias"] = True
    return only_output(operation, node)


@rule("permute")
def permute(operation: Operation, program: Program) -> DraftNode:
    """Dims that stay in their order need nothing."""
    given = operation.args.get("dims")
    if isinstance(given, tuple) and given == tuple(range(len(given))):
        raise Same(value(operation, "self"))
    return bound(operation, program, "torch.permute")


@rule("split", "split_with_sizes", "unsafe_split")
def split(operation: Operation, program: Program) -> DraftNode:
    """Parts of one size, or of the sizes given."""
    sizes = operation.args.get("split_size", operation.args.get("split_sizes"))
    dim = operation.args.get("dim", 0)
    node = DraftNode("torch.split", "", {}, {"input": value(operation, "self")})
    if not isinstance(dim, int) or isinstance(sizes, Dtype):
        raise Unsupported("a split along an unknown dim")
    made = [shape_of(program, name)[dim] for name in operation.outputs]
    if any(isinstance(size, str) for size in made):
        raise Unsupported("the sizes of the parts depend on the input")
    node.params = {"split_size_or_sections": tuple(made), "dim": dim}
    node.outputs = {name: f"output_{at}" for at, name in enumerate(operation.outputs)}
    return node


@rule("expand", "broadcast_to")
def expand(operation: Operation, program: Program) -> DraftNode | list[DraftNode]:
    """Dims of one stretched; -1 for those that stay."""
    source = value(operation, "self")
    before, after = shape_of(program, source), shape_of(program, operation.outputs[0])
    if before == after:
        raise Same(source)
    new = len(after) - len(before)
    stays = [at >= new and before[at - new] == size for at, size in enumerate(after)]
    sizes = tuple(-1 if stay else size for stay, size in zip(stays, after, strict=True))
    if all(isinstance(size, int) for size in sizes):
        return chain(operation, [("torch.Tensor.expand", {"size": sizes})])
    state = program.states.get(source)
    first_alone = isinstance(after[0], str) and all(stays[1:])
    first_alone = first_alone and (new == 1 or (new == 0 and before[:1] == (1,)))
    if state is None or not first_alone or state.kind == "constant":
        raise Unsupported("it stretches a dim to a size that depends on the input")
    learnt = state.kind == "parameter"
    name = f"netbuilder.{'LearnableParameter' if learnt else 'Buffer'}"
    node = DraftNode(name, state.key.rpartition(".")[2], {"shape": before[1 - new :]})
    node.states = {"weight" if learnt else "value": state.key}
    node.inputs = {"reference": with_batch(operation, program, after[0])}
    return only_output(operation, node)


def with_batch(operation: Operation, program: Program, batch: Size) -> str:
    """A value in the same call whose first dim is the batch."""
    return beside(operation, program, lambda shape: shape[:1] == (batch,))


def beside(operation: Operation, program: Program, fits: Callable[[Shape], bool]) -> str:
    """A value made before whose shape will do: the nearest in the same call, else around it."""
    keys = [scope.key for scope in operation.stack]
    for depth in range(max(len(keys), 1), 0, -1):
        known = list(program.inputs) if depth == 1 else []
        for other in program.operations:
            if other is operation:
                break
            # What only asked for the size of a value may be all that is left of that.
            if other.base not in IDLE and [each.key for each in other.stack] == keys[:depth]:
                known += [*other.refs(), *other.outputs]
        for name in reversed(known):
            type = program.types.get(name)
            if type is not None and name not in program.states and fits(type.shape):
                return name
    raise Unsupported("there is nothing to take its size from")


@rule("clamp_min", "clamp_max")
def clamp(operation: Operation, program: Program) -> list[DraftNode]:
    """One of the limits of clamp."""
    name = operation.base.removeprefix("clamp_")
    limit = operation.args.get(name)
    if not isinstance(limit, int | float):
        raise Unsupported("a limit that is a tensor")
    return chain(operation, [("torch.clamp", {name: limit})])
