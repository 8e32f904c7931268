"""Operators that change shapes, and take or add parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from netbuilder.exchange.onnx_in.gathering import counted
from netbuilder.exchange.onnx_in.nodes import dtype as dtype_of
from netbuilder.exchange.onnx_in.ops import Call, Function, Numbers, Unsupported, op


@op("Reshape", since=5, known=(1,))
def reshape(call: Call) -> Function:
    """A shape in which -1 follows from the others and 0 is the size that was there."""
    plain = bool(call.attr("allowzero", 0))

    def run(x: Tensor, shape: Numbers) -> Tensor:
        return x.reshape(_kept(x, shape, plain))

    return run


@op("Reshape")
def reshape_by_attribute(call: Call) -> Function:
    """The shape of old files: an attribute."""
    shape = call.attr("shape", ())
    return lambda x: x.reshape(_kept(x, shape, False))


def _kept(x: Tensor, shape: Sequence[Any], plain: bool) -> list[Any]:
    zero = [isinstance(size, int) and size == 0 and not plain for size in shape]
    return [x.shape[at] if zero[at] else size for at, size in enumerate(shape)]


@op("Flatten")
def flatten(call: Call) -> Function:
    """Two dims: those before the axis, and the rest."""
    axis = call.attr("axis", 1)

    def run(x: Tensor) -> Tensor:
        at = axis % x.dim() if axis < 0 else axis
        x = x.flatten(at) if at < x.dim() else x.unsqueeze(-1)
        return x.flatten(0, at - 1) if at else x.unsqueeze(0)

    return run


@op("Transpose")
def transpose(call: Call) -> Function:
    """Another order of dims: the reverse where none is said."""
    order = call.attr("perm")
    return lambda x: x.permute(order if order is not None else tuple(range(x.dim()))[::-1])


def _squeezed(x: Tensor, axes: Sequence[int] | None) -> Tensor:
    if axes is None:
        return x.squeeze()
    return x.squeeze(tuple(axes)) if len(axes) != 1 else x.squeeze(axes[0])


@op("Squeeze")
def squeeze_by_attribute(call: Call) -> Function:
    """Axes of old files: an attribute."""
    axes = call.attr("axes")
    return lambda x: _squeezed(x, axes)


@op("Squeeze", since=13, known=(1,))
def squeeze(call: Call) -> Function:
    """Without dims of one."""
    return lambda x, axes=None: _squeezed(x, axes)


def _unsqueezed(x: Tensor, axes: Sequence[int]) -> Tensor:
    rank = x.dim() + len(axes)
    for axis in sorted(axis % rank for axis in axes):
        x = x.unsqueeze(axis)
    return x


@op("Unsqueeze")
def unsqueeze_by_attribute(call: Call) -> Function:
    """Axes of old files: an attribute."""
    axes = call.attr("axes")
    return lambda x: _unsqueezed(x, axes)


@op("Unsqueeze", since=13, known=(1,))
def unsqueeze(call: Call) -> Function:
    """With further dims of one."""
    return _unsqueezed


@op("Expand", since=8, known=(1,))
def expand(call: Call) -> Function:
    """Stretched as in a sum with a tensor of that shape."""

    def run(x: Tensor, shape: Numbers) -> Tensor:
        new = len(shape) - x.dim()
        wanted = [*x.shape[: -new if new < 0 else 0], *shape]
        here = [1] * max(0, new) + list(x.shape)
        return x.expand(
            [there if _is_one(size) else size for size, there in zip(wanted, here, strict=True)]
        )

    return run


def _is_one(size: Any) -> bool:
    return isinstance(size, int) and size == 1


@op("Tile", since=6, known=(1,))
def tile(call: Call) -> Function:
    """Several times along each dim."""
    return lambda x, repeats: x.repeat(*repeats)


@op("Concat")
def concat(call: Call) -> Function:
    """One after the other along a dim."""
    axis = call.attr("axis", 1)
    return lambda *parts: parts[0] if len(parts) == 1 else torch.cat(parts, axis)


def _parts(call: Call, x: Tensor, sizes: Sequence[Any] | None) -> tuple[Tensor, ...]:
    axis, count = call.attr("axis", 0), len(call.outputs)
    if sizes is not None:
        return torch.split(x, list(sizes), axis)
    part = -(-x.shape[axis] // count)
    return torch.split(x, part, axis)


def _split(call: Call, x: Tensor, sizes: Sequence[Any] | None) -> Any:
    made = _parts(call, x, sizes)
    return made if len(made) > 1 else made[0]


@op("Split")
def split_by_attribute(call: Call) -> Function:
    """Sizes of old files: an attribute."""
    sizes = call.attr("split")
    return lambda x: _split(call, x, sizes)


@op("Split", since=13, known=(1,))
def split(call: Call) -> Function:
    """Parts of one size, the last may be smaller, or of the sizes given."""
    return lambda x, sizes=None: _split(call, x, sizes)


def _cut(
    x: Tensor,
    starts: Sequence[Any],
    ends: Sequence[Any],
    axes: Sequence[int] | None,
    steps: Sequence[int] | None,
) -> Tensor:
    axes = axes if axes is not None else range(len(starts))
    steps = steps if steps is not None else [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        if not isinstance(step, int):
            raise Unsupported("a step of a slice depends on the size of the input")
        if step < 0:
            # From the end: as a slice of the flipped tensor. -1 is the last place.
            x, step = torch.flip(x, (axis,)), -step
            start, end = -1 - start, -1 - end
            start = None if isinstance(start, int) and start < -(2**31) else start
        index: list[Any] = [slice(None)] * (axis % x.dim())
        x = x[(*index, slice(start or None, None if _open(end) else end, step))]
    return x


def _open(end: Any) -> bool:
    return end is None or (isinstance(end, int) and end >= 2**31 - 1)


@op("Slice")
def slice_by_attribute(call: Call) -> Function:
    """Places of old files: attributes."""
    starts, ends, axes = call.attr("starts"), call.attr("ends"), call.attr("axes")
    return lambda x: _cut(x, starts, ends, axes, None)


@op("Slice", since=10, known=(1, 2, 3, 4))
def slice_(call: Call) -> Function:
    """Stretches of some dims."""

    def run(
        x: Tensor,
        starts: Numbers,
        ends: Numbers,
        axes: Numbers | None = None,
        steps: Numbers | None = None,
    ) -> Tensor:
        return _cut(x, starts, ends, axes, steps)

    return run


# -- blocks of an image ----------------------------------------------------------------------------


@op("DepthToSpace")
def depth_to_space(call: Call) -> Function:
    """Channels become squares of pixels."""
    block = call.attr("blocksize")
    if call.attr("mode", "DCR") == "CRD":
        return lambda x: F.pixel_shuffle(x, block)

    def run(x: Tensor) -> Tensor:
        inner = torch.unflatten(x, 1, (block, block, -1)).permute(0, 3, 4, 1, 5, 2)
        return inner.flatten(4, 5).flatten(2, 3)

    return run


@op("SpaceToDepth")
def space_to_depth(call: Call) -> Function:
    """Squares of pixels become channels."""
    block = call.attr("blocksize")
    if call.attr("mode", "DCR") == "CRD":
        return lambda x: F.pixel_unshuffle(x, block)

    def run(x: Tensor) -> Tensor:
        wide = torch.unflatten(x, 3, (-1, block))
        tall = torch.unflatten(wide, 2, (-1, block))
        return tall.permute(0, 3, 5, 1, 2, 4).flatten(1, 3)

    return run


@op("Trilu", known=(1,))
def trilu(call: Call) -> Function:
    """One side of a diagonal."""
    function = torch.triu if call.attr("upper", 1) else torch.tril
    return lambda x, k=None: function(x, k[0] if k else 0)


# -- constants -------------------------------------------------------------------------------------


@op("ConstantOfShape", known=(0,))
def constant_of_shape(call: Call) -> Function:
    """One number in a shape."""
    given = call.attr("value")
    number = given.reshape(-1).tolist()[0] if given is not None else 0.0
    dtype = given.dtype if given is not None else torch.float32
    return lambda shape: torch.full(tuple(shape), number, dtype=dtype)


@op("Range", known=(0, 1, 2))
def range_(call: Call) -> Function:
    """Numbers in a row."""
    given = [call.constant(at) for at in range(3)]
    dtype = next((one.dtype for one in given if one is not None), torch.int64)

    def run(start: Numbers, limit: Numbers, step: Numbers) -> Tensor:
        return torch.arange(start[0], limit[0], step[0], dtype=dtype)

    return run


@op("EyeLike")
def eye_like(call: Call) -> Function:
    """Ones on a diagonal."""
    dtype, k = call.attr("dtype"), call.attr("k", 0)

    def run(x: Tensor) -> Tensor:
        wanted = x.dtype if dtype is None else dtype_of(dtype)
        rows, columns = counted(x, 0), counted(x, 1)
        here = torch.eq(columns.unsqueeze(0) - rows.unsqueeze(1), k)
        return here.to(wanted)

    return run
