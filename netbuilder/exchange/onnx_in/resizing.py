"""Images of another size, and images read at places between pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.fx.experimental.symbolic_shapes import statically_known_true

from netbuilder.exchange.onnx_in.ops import Call, Function, Numbers, Unsupported, op

_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
_OF_TENSORFLOW = "tf_half_pixel_for_nn"


@dataclass(frozen=True, slots=True)
class Manner:
    """How pixels of the new image are read from the old one."""

    mode: str = "nearest"
    places: str = "half_pixel"
    nearest: str = "round_prefer_floor"
    cubic: float = -0.75
    outside: bool = False
    fill: float = 0.0
    antialias: bool = False

    @classmethod
    def of(cls, call: Call) -> Manner:
        """As the attributes say it; before version 11 pixels were counted from their corner."""
        if call.op == "Upsample" or call.opset < 11:
            return cls(call.attr("mode", "nearest"), "asymmetric", "floor")
        return cls(
            call.attr("mode", "nearest"),
            call.attr("coordinate_transformation_mode", "half_pixel"),
            call.attr("nearest_mode", "round_prefer_floor"),
            call.attr("cubic_coeff_a", -0.75),
            bool(call.attr("exclude_outside", 0)),
            call.attr("extrapolation_value", 0.0),
            bool(call.attr("antialias", 0)),
        )


def by_torch(manner: Manner, rank: int) -> dict[str, Any] | None:
    """The settings of `F.interpolate` that do the same on images of this rank; else None."""
    half = manner.places in ("half_pixel", "pytorch_half_pixel")
    if manner.antialias or manner.outside:
        return None
    match manner.mode:
        case "nearest" if manner.places == "asymmetric" and manner.nearest == "floor":
            return {"mode": "nearest"}
        case "linear" if rank in _LINEAR and (half or manner.places == "align_corners"):
            return {"mode": _LINEAR[rank], "align_corners": not half}
        case "cubic" if rank == 2 and manner.cubic == -0.75:
            if half or manner.places == "align_corners":
                return {"mode": "bicubic", "align_corners": not half}
    return None


def resized(
    x: Tensor,
    scales: Sequence[Any] | None,
    size: Sequence[Any] | None,
    manner: Manner,
    roi: Sequence[float] | None = None,
) -> Tensor:
    """The image with these factors or of this size: one for every dim."""
    if scales is not None:
        size = [_times(here, factor) for here, factor in zip(x.shape, scales, strict=True)]
        factors = list(scales)
    else:
        assert size is not None
        factors = [_times_over(here, there) for here, there in zip(x.shape, size, strict=True)]
    moved = [at for at in range(x.dim()) if _moves(x.shape[at], size[at], factors[at], manner)]
    if not moved:
        return x
    rank = x.dim() - 2
    settings = by_torch(manner, rank) if min(moved) >= 2 and x.is_floating_point() else None
    image = min(moved) >= 2 and x.is_floating_point() and rank in _LINEAR
    if image and all(repeats(manner, factors[at]) for at in moved):
        settings, scales = {"mode": "nearest"}, factors
    if manner.places == "pytorch_half_pixel" and 1 in size[2:]:
        settings = None
    if settings is not None:
        by_factor = scales is not None or all(factor is not None for factor in factors[2:])
        if by_factor and not settings.get("align_corners"):
            given = [float(factor) for factor in factors[2:]]
            one = given[0] if len(set(given)) == 1 else tuple(given)
            return F.interpolate(x, scale_factor=one, **settings)
        return F.interpolate(x, size=tuple(size[2:]), **settings)
    for at in moved:
        x = _along(x, at, size[at], factors[at], manner, _bounds(roi, at, x.dim()))
    return x


def _times(size: Any, factor: float) -> Any:
    if not isinstance(size, int) and float(factor).is_integer():
        return size * int(factor)
    if not isinstance(size, int):
        return torch.sym_int(size * factor)  # type: ignore[no-untyped-call]
    return math.floor(size * factor)


def _times_over(here: Any, there: Any) -> int | None:
    """How often a free size goes into another, where that follows from the graph."""
    if isinstance(here, int):
        return 1 if isinstance(there, int) and here == there else None
    return next((k for k in range(1, 17) if statically_known_true(there == here * k)), None)


def repeats(manner: Manner, factor: Any) -> bool:
    """Whether each pixel comes so often in a row, in images of any size."""
    if manner.mode != "nearest" or factor is None or factor < 1 or factor != int(factor):
        return False
    if manner.places not in ("half_pixel", "pytorch_half_pixel", "asymmetric", _OF_TENSORFLOW):
        return False
    count = int(factor)
    # Away from the edges all is as in the middle one of three pixels.
    middle = _sources(3, 3 * count, count, manner, (0.0, 1.0))[count : 2 * count]
    return bool((_rounded(middle, manner.nearest) == 1).all())


def _moves(here: Any, there: Any, factor: Any, manner: Manner) -> bool:
    if factor is not None and factor != 1:
        return True
    return manner.places == "tf_crop_and_resize" or bool(here != there)


def _bounds(roi: Sequence[float] | None, at: int, rank: int) -> tuple[float, float]:
    return (roi[at], roi[at + rank]) if roi else (0.0, 1.0)


# -- along one dim, by the definition -------------------------------------------------------------


def _along(
    x: Tensor, dim: int, size: Any, factor: Any, manner: Manner, bounds: tuple[float, float]
) -> Tensor:
    """The dim by a table of weights: each new pixel is a sum of old ones."""
    before = x.shape[dim]
    if not isinstance(before, int) or not isinstance(size, int):
        raise Unsupported("an image of free size in a manner that PyTorch has not")
    scale = size / before if factor is None else float(factor)
    at = _sources(before, size, scale, manner, bounds)
    table = _table(at, before, scale, manner)
    dtype = x.dtype if x.is_floating_point() else torch.float32
    made = torch.matmul(x.to(dtype).movedim(dim, -1), torch.from_numpy(table.T).to(dtype))
    if manner.places == "tf_crop_and_resize":
        beyond = (at < 0) | (at > before - 1)
        if beyond.any():
            made = torch.where(torch.from_numpy(beyond), manner.fill, made)
    made = made.movedim(-1, dim)
    if x.dtype is dtype:
        return made
    return (made if manner.mode == "nearest" else torch.round(made)).to(x.dtype)


def _sources(
    before: int, size: int, scale: float, manner: Manner, bounds: tuple[float, float]
) -> Any:
    """Where in the old image each new pixel lies."""
    new = np.arange(size, dtype=np.float64)
    match manner.places:
        case "half_pixel":
            return (new + 0.5) / scale - 0.5
        case "half_pixel_symmetric":
            # The image is cut evenly where the factor does not fit.
            adjusted = size / (scale * before)
            return before / 2 * (1 - adjusted) + (new + 0.5) / scale - 0.5
        case "pytorch_half_pixel":
            return (new + 0.5) / scale - 0.5 if size > 1 else new * 0
        case "align_corners":
            # By the whole size, as runtimes do; the standard's own tests take the factor's.
            return new * ((before - 1) / (size - 1)) if size > 1 else new * 0
        case "asymmetric":
            return new / scale
        case places if places == _OF_TENSORFLOW:
            return (new + 0.5) / scale
        case "tf_crop_and_resize":
            low, high = bounds
            if size == 1:
                return np.array([0.5 * (low + high) * (before - 1)])
            return low * (before - 1) + new * (high - low) * (before - 1) / (size - 1)
    raise Unsupported(f"pixels at places '{manner.places}'")


def _table(at: Any, before: int, scale: float, manner: Manner) -> Any:
    """The weights of old pixels for new ones, new by old."""
    if manner.mode == "nearest":
        chosen = np.clip(_rounded(at, manner.nearest), 0, before - 1).astype(np.int64)
        return np.eye(before)[chosen]
    stretch = max(1.0, 1 / scale) if manner.antialias else 1.0
    reach = 1.0 if manner.mode == "linear" else 2.0
    kernel = _linear if manner.mode == "linear" else _cubic(manner.cubic)
    made = np.zeros((len(at), before))
    for row, place in enumerate(at):
        first = math.floor(place - reach * stretch)
        near = np.arange(first, math.ceil(place + reach * stretch) + 1)
        weights = kernel(np.abs(near - place) / stretch)
        if manner.outside:
            weights = np.where((near >= 0) & (near < before), weights, 0.0)
        if manner.outside or manner.antialias:
            weights = weights / weights.sum()
        np.add.at(made[row], np.clip(near, 0, before - 1), weights)
    return made


def _linear(away: Any) -> Any:
    return np.maximum(0.0, 1.0 - away)


def _cubic(a: float) -> Any:
    def kernel(away: Any) -> Any:
        inner = ((a + 2) * away - (a + 3)) * away * away + 1
        outer = ((a * away - 5 * a) * away + 8 * a) * away - 4 * a
        return np.where(away <= 1, inner, np.where(away < 2, outer, 0.0))

    return kernel


def _rounded(at: Any, how: str) -> Any:
    match how:
        case "floor":
            return np.floor(at)
        case "ceil":
            return np.ceil(at)
        case "round_prefer_ceil":
            return np.floor(at + 0.5)
    return np.ceil(at - 0.5)


# -- operators -----------------------------------------------------------------------------------


@op("Upsample")
def upsample_by_attribute(call: Call) -> Function:
    """Factors of old files: attributes."""
    manner = Manner.of(call)
    high, wide = call.attr("height_scale", 1.0), call.attr("width_scale", 1.0)
    scales = call.attr("scales", (1.0, 1.0, high, wide))
    return lambda x: resized(x, scales, None, manner)


@op("Upsample", since=9, known=(1,))
def upsample(call: Call) -> Function:
    """Factors as an input."""
    manner = Manner.of(call)
    return lambda x, scales: resized(x, scales, None, manner)


@op("Resize", since=10, known=(1,))
def resize_of_old(call: Call) -> Function:
    """Factors alone."""
    return upsample(call)


@op("Resize", since=11, known=(1, 2, 3))
def resize(call: Call) -> Function:
    """Factors or a size, for all dims or some."""
    manner, axes = Manner.of(call), call.attr("axes")
    policy = call.attr("keep_aspect_ratio_policy", "stretch")

    def run(
        x: Tensor,
        roi: Numbers | None = None,
        scales: Numbers | None = None,
        size: Numbers | None = None,
    ) -> Tensor:
        dims = [axis % x.dim() for axis in axes] if axes is not None else list(range(x.dim()))
        bounds = _spread_roi(roi, dims, x.dim()) if roi else None
        if not size:
            return resized(x, _spread(scales or (), dims, [1.0] * x.dim()), None, manner, bounds)
        if policy == "stretch":
            return resized(x, None, _spread(size, dims, list(x.shape)), manner, bounds)
        ratios = [size[at] / x.shape[dim] for at, dim in enumerate(dims)]
        factor = min(ratios) if policy == "not_larger" else max(ratios)
        factors = _spread([factor] * len(dims), dims, [1.0] * x.dim())
        whole = [math.floor(factor * x.shape[dim] + 0.5) for dim in dims]
        return _to_both(x, factors, _spread(whole, dims, list(x.shape)), manner)

    return run


def _to_both(x: Tensor, scales: Sequence[Any], size: Sequence[Any], manner: Manner) -> Tensor:
    """Where size and factor are both known they need not fit: each dim by the definition."""
    for at in range(x.dim()):
        if x.shape[at] != size[at]:
            x = _along(x, at, size[at], scales[at], manner, (0.0, 1.0))
    return x


def _spread(given: Sequence[Any], dims: Sequence[int], whole: list[Any]) -> list[Any]:
    for dim, one in zip(dims, given, strict=True):
        whole[dim] = one
    return whole


def _spread_roi(roi: Sequence[float], dims: Sequence[int], rank: int) -> list[float]:
    count = len(dims)
    starts = _spread(roi[:count], dims, [0.0] * rank)
    return starts + _spread(roi[count:], dims, [1.0] * rank)


_SAMPLES = {"linear": "bilinear", "cubic": "bicubic"}


@op("GridSample", since=16)
def grid_sample(call: Call) -> Function:
    """An image read where a grid says."""
    mode = call.attr("mode", "linear")
    edges, corners = call.attr("padding_mode", "zeros"), bool(call.attr("align_corners", 0))
    mode = _SAMPLES.get(mode, mode)
    return lambda x, grid: F.grid_sample(x, grid, mode, edges, corners)


@op("AffineGrid", since=20, known=(1,))
def affine_grid(call: Call) -> Function:
    """The grid of an affine map."""
    corners = bool(call.attr("align_corners", 0))
    return lambda theta, size: F.affine_grid(theta, list(size), corners)
