"""What a Scan cuts into steps, and what it gathers of them: along which dim, and which way."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from netbuilder.exchange.onnx_in.ops import Call

Ways = Sequence[int]
"""1 for each sequence that goes from its last step to the first, else 0."""


def best_dim(call: Call, positions: Sequence[int], axes: Sequence[int]) -> int:
    """Along which dim to loop over the inputs at these positions so that least is turned.

    1 where the sequences have the batch first, or were turned for this node alone.
    """
    makers = [call.maker(at) for at in positions]
    swapped = [
        m is not None and m.op == "Transpose" and m.attr("perm")[:2] == (1, 0) for m in makers
    ]
    return int(all(axis == 1 for axis in axes) or (all(swapped) and not any(axes)))


def laid_out(parts: Sequence[Tensor], axes: Sequence[int], ways: Ways, dim: int) -> list[Tensor]:
    """Sequences with their steps along a dim, in the order in which they come."""
    given = zip(parts, axes, ways, strict=True)
    return [_moved(x.flip(axis) if back else x, axis % x.dim(), dim) for x, axis, back in given]


def laid_back(parts: Sequence[Tensor], axes: Sequence[int], ways: Ways, dim: int) -> list[Tensor]:
    """What was gathered along a dim, with its steps where they are wanted."""
    given = zip(parts, axes, ways, strict=True)
    moved = [(_moved(x, dim, axis % x.dim()), axis, back) for x, axis, back in given]
    return [x.flip(axis) if back else x for x, axis, back in moved]


def _moved(x: Tensor, axis: int, to: int) -> Tensor:
    dims = [dim for dim in range(x.dim()) if dim != axis]
    dims.insert(to, axis)
    return x if axis == to else x.permute(dims)
