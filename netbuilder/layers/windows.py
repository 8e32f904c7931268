"""What convolution and pooling share: windows that slide over the last dims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from netbuilder.layers.base import Complaint, Layer, Types
from netbuilder.layers.checks import set_to

LAYOUTS = {1: "N×C×L", 2: "N×C×H×W", 3: "N×C×D×H×W"}
"""Inputs by the number of dims that a window slides over."""


def extent(kernel: int, dilation: int) -> int:
    """How far a window reaches."""
    return dilation * (kernel - 1) + 1


def times(sizes: Sequence[int]) -> str:
    """`3×3`."""
    return "×".join(map(str, sizes))


def check_fits(
    layer: Layer,
    inputs: Types,
    kernel: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
) -> Iterator[Complaint]:
    """Complains about a window that is larger than the padded input."""
    tensor = inputs.get("input")
    if tensor is None or tensor.rank < len(kernel):
        return
    sizes = tensor.shape[tensor.rank - len(kernel) :]
    reach = [extent(k, d) for k, d in zip(kernel, dilation, strict=True)]
    for size, pad, window in zip(sizes, padding, reach, strict=True):
        if not isinstance(size, int) or size + 2 * pad >= window:
            continue
        shown = times([s if isinstance(s, int) else 0 for s in sizes])
        if any(not isinstance(s, int) for s in sizes):
            shown = "×".join(map(str, sizes))
        padded = f" (padded by {times(padding)})" if any(padding) else ""
        needed = tuple(
            max(p, -(-(w - s) // 2)) if isinstance(s, int) else p
            for s, p, w in zip(sizes, padding, reach, strict=True)
        )
        roomy = hasattr(layer, "padding") and all(
            2 * p <= k for p, k in zip(needed, kernel, strict=True)
        )
        value = needed[0] if len(set(needed)) == 1 else needed
        fixes = [set_to("padding", value)] if roomy else []
        if set(dilation) == {1} and all(isinstance(s, int) for s in sizes):
            smaller = tuple(
                min(k, int(str(s)) + 2 * p) for k, s, p in zip(kernel, sizes, padding, strict=True)
            )
            fixes.append(set_to("kernel_size", smaller[0] if len(set(smaller)) == 1 else smaller))
        yield Complaint(
            f"The {times(reach)} window of {layer.title} is larger than its input of "
            f"{shown}{padded}.",
            "Use a smaller kernel_size, more padding, or fewer layers that shrink the input.",
            "input",
            code="shape.window",
            fixes=tuple(fixes),
        )
        return
