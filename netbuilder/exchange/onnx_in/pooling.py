"""Windows over images: their largest numbers, means and norms."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from netbuilder.exchange.onnx_in.gathering import counted
from netbuilder.exchange.onnx_in.ops import Call, Function, Numbers, Unsupported, op

_MAX: dict[int, Callable[..., Any]] = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
_AVERAGE: dict[int, Callable[..., Any]] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
_UNPOOL: dict[int, Callable[..., Any]] = {1: F.max_unpool1d, 2: F.max_unpool2d, 3: F.max_unpool3d}


@dataclass(frozen=True, slots=True)
class Windows:
    """How windows lie on the dims of an image."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    auto: str
    ceil: bool

    @classmethod
    def of(cls, call: Call, shape: tuple[int, ...] = ()) -> Windows:
        """As the attributes say it; `shape` is that of a kernel that is given."""
        kernel = shape or tuple(call.attr("kernel_shape", ()))
        count = len(kernel)
        if not 1 <= count <= 3 or min(kernel) < 1:
            raise Unsupported("windows of other than 1 to 3 dims")
        return cls(
            kernel,
            tuple(call.attr("strides", (1,) * count)),
            tuple(call.attr("dilations", (1,) * count)),
            tuple(call.attr("pads", (0,) * (2 * count))),
            call.attr("auto_pad", "NOTSET"),
            bool(call.attr("ceil_mode", 0)),
        )

    def around(self, x: Tensor) -> list[tuple[int, int]]:
        """What lies before and behind each dim."""
        count = len(self.kernel)
        if self.auto not in ("SAME_UPPER", "SAME_LOWER"):
            pads = self.pads if self.auto == "NOTSET" else (0,) * (2 * count)
            return [(pads[at], pads[at + count]) for at in range(count)]
        found = []
        for size, wide, stride in zip(x.shape[2:], self.widths(), self.strides, strict=True):
            if stride == 1:
                whole: Any = wide - 1
            elif isinstance(size, int):
                whole = max(0, (-(-size // stride) - 1) * stride + wide - size)
            else:
                raise Unsupported("the edges depend on the size of the input")
            small = whole // 2
            lower = self.auto == "SAME_LOWER"
            found.append((whole - small, small) if lower else (small, whole - small))
        return found

    def widths(self) -> list[int]:
        """How far the windows reach."""
        pairs = zip(self.kernel, self.dilations, strict=True)
        return [(size - 1) * dilation + 1 for size, dilation in pairs]

    def even(self, around: Sequence[tuple[int, int]]) -> bool:
        """Whether PyTorch's layers can pad so by themselves."""
        return all(
            before == behind and 2 * before <= size
            for (before, behind), size in zip(around, self.kernel, strict=True)
        )

    def last(self, x: Tensor, around: Sequence[tuple[int, int]]) -> list[int]:
        """What must lie behind besides for the windows that reach beyond the edge."""
        found = []
        for at, wide in enumerate(self.widths()):
            if not self.ceil:
                found.append(0)
                continue
            size = x.shape[2 + at]
            if not isinstance(size, int):
                raise Unsupported("windows reach beyond an edge whose place is free")
            padded, stride = size + sum(around[at]), self.strides[at]
            count = -(-(padded - wide) // stride) + 1
            # A window that would begin behind the edge is none.
            if (count - 1) * stride >= size + around[at][0]:
                count -= 1
            found.append(max(0, (count - 1) * stride + wide - padded))
        return found


def padding(pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Pairs in the order of `F.pad`."""
    return [size for pair in reversed(pairs) for size in pair]


def short(sizes: Sequence[int]) -> Any:
    """One number where all are equal."""
    return sizes[0] if len(set(sizes)) == 1 else tuple(sizes)


@op("MaxPool")
def max_pool(call: Call) -> Function:
    """The largest number of each window, and where it was."""
    windows = Windows.of(call)
    places = call.gives(1)
    if places and call.attr("storage_order", 0):
        raise Unsupported("places are counted by columns")

    def run(x: Tensor) -> Any:
        dtype, around = x.dtype, windows.around(x)
        x = x if x.is_floating_point() else x.float()
        if not windows.even(around):
            if places:
                raise Unsupported("places in an image with uneven edges")
            behind = windows.last(x, around)
            wider = [(a, b + more) for (a, b), more in zip(around, behind, strict=True)]
            x, around = (
                F.pad(x, padding(wider), value=torch.finfo(x.dtype).min),
                [(0, 0)] * len(around),
            )
        made = _MAX[len(windows.kernel)](
            x,
            short(windows.kernel),
            short(windows.strides),
            short([before for before, _ in around]),
            short(windows.dilations),
            windows.ceil,
            return_indices=places,
        )
        if not places:
            return made if made.dtype is dtype else made.to(dtype)
        # PyTorch counts in each channel, ONNX in the whole tensor.
        x_size = math.prod(x.shape[2:])
        samples, channels = counted(x, 0).unsqueeze(1), counted(x, 1)
        first = (samples * x.shape[1] + channels) * x_size
        first = first.reshape(*first.shape, *(1,) * (x.dim() - 2))
        return made[0].to(dtype), made[1] + first

    return run


@op("AveragePool")
def average_pool(call: Call) -> Function:
    """The mean of each window, with or without what lies around the image."""
    windows = Windows.of(call)
    inclusive = bool(call.attr("count_include_pad", 0))
    count = len(windows.kernel)

    def run(x: Tensor) -> Tensor:
        around = windows.around(x)
        dilated = any(dilation != 1 for dilation in windows.dilations)
        if windows.even(around) and not dilated:
            return _AVERAGE[count](  # type: ignore[no-any-return]
                x,
                short(windows.kernel),
                short(windows.strides),
                short([before for before, _ in around]),
                windows.ceil,
                inclusive,
            )
        behind = windows.last(x, around)
        wider = [(a, b + more) for (a, b), more in zip(around, behind, strict=True)]
        mask = torch.ones_like(x.narrow(0, 0, 1).narrow(1, 0, 1))
        mask = F.pad(mask, padding(around), value=1.0 if inclusive else 0.0)
        mask = F.pad(mask, padding([(0, more) for more in behind]))
        return _summed(F.pad(x, padding(wider)), windows) / _summed(mask, windows)

    return run


def _summed(x: Tensor, windows: Windows) -> Tensor:
    """The sum of each window."""
    for at, (size, stride) in enumerate(zip(windows.kernel, windows.strides, strict=True)):
        wide = windows.widths()[at]
        x = x.unfold(2 + at, wide, stride)[..., :: windows.dilations[at]]
        assert x.shape[-1] == size
        x = x.sum(-1)
    return x


@op("LpPool")
def lp_pool(call: Call) -> Function:
    """The norm of each window."""
    windows, p = Windows.of(call), float(call.attr("p", 2))

    def run(x: Tensor) -> Tensor:
        around = windows.around(x)
        behind = windows.last(x, around)
        wider = [(a, b + more) for (a, b), more in zip(around, behind, strict=True)]
        return _summed(F.pad(torch.abs(x), padding(wider)) ** p, windows) ** (1 / p)

    return run


@op("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(call: Call) -> Function:
    """The mean, the largest number or the norm of each channel."""
    p = call.attr("p", 2)

    def run(x: Tensor) -> Tensor:
        dims = tuple(range(2, x.dim()))
        match call.op:
            case "GlobalMaxPool":
                return torch.amax(x, dims, keepdim=True)
            case "GlobalLpPool":
                norm: Tensor = torch.linalg.vector_norm(x, p, dims, keepdim=True)
                return norm
        if 1 <= len(dims) <= 3:
            means = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)
            return means[len(dims) - 1](x, 1)
        return torch.mean(x, dims, keepdim=True)

    return run


@op("MaxUnpool", known=(2,))
def max_unpool(call: Call) -> Function:
    """Numbers back where they were the largest."""
    windows = Windows.of(call)
    count = len(windows.kernel)

    def run(x: Tensor, places: Tensor, shape: Numbers | None = None) -> Tensor:
        pads = windows.pads
        sizes = [
            (x.shape[2 + at] - 1) * windows.strides[at]
            + windows.kernel[at]
            - pads[at]
            - pads[at + count]
            for at in range(count)
        ]
        # Places count in the tensor that was pooled, whatever is asked for here.
        each = math.prod(sizes)
        flat = torch.zeros(x.shape[0] * x.shape[1] * each, dtype=x.dtype)
        made = flat.scatter(0, places.reshape(-1), x.reshape(-1))
        made = made.reshape(x.shape[0], x.shape[1], *sizes)
        if shape is None:
            return made
        # A larger image takes the numbers at the same places of its flat row.
        wanted = math.prod(shape)
        return F.pad(made.reshape(-1), (0, wanted - made.numel())).reshape(tuple(shape))

    return run


@op("Col2Im", known=(1, 2))
def col2im(call: Call) -> Function:
    """Columns added up to an image."""

    def run(x: Tensor, image: Numbers, block: Numbers) -> Tensor:
        if len(image) != 2 or not all(isinstance(size, int) for size in image):
            raise Unsupported("an image of other than 2 dims, or of free size")
        pads = call.attr("pads", (0, 0, 0, 0))
        dilations, strides = call.attr("dilations", (1, 1)), call.attr("strides", (1, 1))
        height, width = image[0] + pads[0] + pads[2], image[1] + pads[1] + pads[3]
        even = pads[:2] == pads[2:]
        if even:
            return F.fold(x, tuple(image), tuple(block), dilations, pads[:2], strides)
        made = F.fold(x, (height, width), tuple(block), dilations, 0, strides)
        return F.pad(made, (-pads[1], -pads[3], -pads[0], -pads[2]))

    return run
