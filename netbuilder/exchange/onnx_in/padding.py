"""Numbers around a tensor, and tensors cut at their edges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from netbuilder.exchange.onnx_in.ops import Call, Function, Numbers, Unsupported, op

_MODES = {"constant": "constant", "edge": "replicate", "reflect": "reflect", "wrap": "circular"}


def pad(x: Tensor, pads: Sequence[Any], axes: Sequence[int] | None, mode: str, fill: Any) -> Tensor:
    """Numbers before and behind; negative ones cut off."""
    rank = x.dim()
    count = len(pads) // 2
    dims = [axis % rank for axis in axes] if axes is not None else list(range(count))
    both: list[tuple[Any, Any]] = [(0, 0)] * rank
    for at, dim in enumerate(dims):
        both[dim] = (pads[at], pads[at + count])
    if mode == "constant" and isinstance(fill, Tensor):
        inside = F.pad(torch.ones_like(x, dtype=torch.bool), _flat(both), "constant", False)
        return torch.where(inside, F.pad(x, _flat(both), "constant", 0), fill.to(x.dtype))
    if mode == "constant":
        return F.pad(x, _flat(both), "constant", fill)
    return _by_edges(x, both, _MODES[mode])


def _flat(both: Sequence[tuple[Any, Any]]) -> list[Any]:
    """Pairs in PyTorch's order: the last dim first, none for the dims in front that have none."""
    front = next((at for at, pair in enumerate(both) if pair != (0, 0)), len(both) - 1)
    return [size for pair in reversed(both[front:]) for size in pair]


def _by_edges(x: Tensor, both: Sequence[tuple[Any, Any]], mode: str) -> Tensor:
    front = next((at for at, pair in enumerate(both) if pair != (0, 0)), x.dim())
    if front >= x.dim():
        return x
    inner = x.dim() - front
    negative = any(size < 0 for pair in both for size in pair)
    if inner <= 3 and x.dim() in (inner + 1, inner + 2) and x.is_floating_point() and not negative:
        return F.pad(x, _flat(both), mode)
    # PyTorch knows edges of the last dims of images only: else dim by dim, by places.
    for dim, (before, behind) in enumerate(both):
        if (before, behind) != (0, 0):
            places = _places(x.shape[dim], before, behind, mode)
            x = x.index_select(dim, torch.tensor(places))
    return x


def _places(size: Any, before: int, behind: int, mode: str) -> list[int]:
    if not isinstance(size, int):
        raise Unsupported("edges are made of a dim whose size is free")
    found = []
    for at in range(-before, size + behind):
        if mode == "replicate":
            found.append(min(max(at, 0), size - 1))
        elif mode == "circular":
            found.append(at % size)
        else:
            period = max(1, 2 * (size - 1))
            found.append(min(at % period, period - at % period) if size > 1 else 0)
    return found


@op("Pad")
def pad_by_attribute(call: Call) -> Function:
    """Sizes of old files: an attribute."""
    pads = call.attr("pads", call.attr("paddings"))
    mode, fill = call.attr("mode", "constant"), call.attr("value", 0.0)
    return lambda x: pad(x, pads, None, mode, fill)


@op("Pad", since=11, known=(1, 3))
def pad_(call: Call) -> Function:
    """Numbers around a tensor."""
    mode, given = call.attr("mode", "constant"), call.constant(2)
    number = given.reshape(-1)[0].item() if given is not None and given.numel() else 0

    def run(
        x: Tensor, pads: Numbers, fill: Tensor | None = None, axes: Numbers | None = None
    ) -> Tensor:
        return pad(x, pads, axes, mode, number if given is not None or fill is None else fill)

    return run


@op("CenterCropPad", known=(1,))
def center_crop_pad(call: Call) -> Function:
    """The middle, or zeros around."""
    axes = call.attr("axes")

    def run(x: Tensor, shape: Numbers) -> Tensor:
        dims = axes if axes is not None else range(x.dim())
        for dim, size in zip(dims, shape, strict=True):
            here = x.shape[dim]
            if here > size:
                x = x.narrow(dim, (here - size) // 2, size)
            elif here < size:
                before = (size - here) // 2
                x = pad(x, (before, size - here - before), (dim,), "constant", 0)
        return x

    return run
