"""Numbers that come from nowhere else: constants."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from netbuilder.graph.model import Json
from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Dtype,
    Family,
    Real,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    set_to,
)
from netbuilder.layers.operands import Exact

Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Scalar = bool | Whole | Real
Fill = Literal["-inf", "inf"] | Scalar
Row = tuple[Scalar, ...]
Data = Scalar | Row | tuple[Row, ...] | tuple[tuple[Row, ...], ...]
"""A tensor of up to three dims as numbers, or true and false."""
NumberDtype = Literal["float32", "float64", "float16", "bfloat16", "int64", "int32", "uint8"]
Shape = Annotated[tuple[Size, ...], Field(max_length=16)]


class _Made(Exact):
    """A function of PyTorch's that makes a tensor of a dtype."""

    family = Family.CONSTANT

    def _named(self) -> dict[str, ast.expr]:
        return {name: _written(name, value) for name, value in self.arguments().items()}


def _written(name: str, value: Json) -> ast.expr:
    """A dtype by its name, the numbers of a tensor in brackets."""
    if name == "dtype":
        return code.dotted(f"torch.{value}")
    if name == "data" and isinstance(value, tuple | list):
        return ast.List([_written(name, item) for item in value], ast.Load())
    return code.const(float(value) if value in _ENDLESS else value)


_ENDLESS = ("-inf", "inf")


def _check_whole(fill: Fill, dtype: str | None) -> Iterator[Complaint]:
    """Complains if a dtype has no such number."""
    if fill in _ENDLESS and dtype is not None and "float" not in dtype and "complex" not in dtype:
        yield bad_parameter(
            f"There is no {fill} in {dtype}.", "Choose a number, or the dtype float32."
        )


class _Held(_Made):
    """A constant: made once and held by a module, so that it goes to the device of the weights."""

    part = "constants.Constant"
    inputs = ()

    def constructor(self) -> ast.expr:
        named = self._named()
        first = [named.pop(name) for name in self.positional if name in named]
        return code.call(f"netbuilder.parts.{self.part}", code.call(self.id, *first, **named))


def _sizes(value: Json) -> tuple[int, ...] | None:
    """The shape of nested lists; None if they are not of one length."""
    if not isinstance(value, tuple):
        return ()
    inner = {_sizes(item) for item in value}
    if len(inner) > 1 or None in inner:
        return None
    return (len(value), *(next(iter(inner), None) or ()))


class Constant(_Held):
    """A tensor of fixed numbers: one number, a row, or rows within rows.

    `data`: 0.5, or 1, 2, 3, or (1, 2), (3, 4) for a matrix. `dtype` follows from the numbers
    if left empty: float32 with a point, int64 without.
    """

    id = "torch.tensor"
    title = "tensor"
    keywords = "constant number value fixed scalar vector matrix literal"
    positional = ("data",)
    starting = start_with(data=1.0, dtype="float32")

    data: Data
    dtype: Dtype | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        if _sizes(self.data) is None:
            yield bad_parameter(
                "The rows of data are not of one length.", "Give each row as many numbers."
            )

    def subtitle(self) -> str:
        sizes = _sizes(self.data)
        return "×".join(map(str, sizes)) if sizes else str(self.data)[:30]


class _Filled(_Held):
    positional: ClassVar[tuple[str, ...]] = ("size",)
    starting = start_with(size=(1,))

    size: Shape

    def subtitle(self) -> str:
        return "×".join(map(str, self.size)) or "scalar"


class Zeros(_Filled):
    """Zeros of a shape that does not depend on what comes in."""

    id = "torch.zeros"
    title = "zeros"
    keywords = "constant empty blank"

    dtype: Dtype | None = None


class Ones(_Filled):
    """Ones of a shape that does not depend on what comes in."""

    id = "torch.ones"
    title = "ones"
    keywords = "constant"

    dtype: Dtype | None = None


class Full(_Filled):
    """One number, `fill_value`, at every place of a shape."""

    id = "torch.full"
    title = "full"
    keywords = "constant fill value"
    positional = ("size", "fill_value")
    starting = start_with(size=(1,), fill_value=1.0, dtype="float32")

    fill_value: Fill
    dtype: Dtype | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return _check_whole(self.fill_value, self.dtype)


class Arange(_Held):
    """Numbers from `start` to before `end` in steps of `step`: 0, 1, 2, ..."""

    id = "torch.arange"
    title = "arange"
    keywords = "range count sequence indices positions"
    positional = ("start", "end")
    starting = start_with(start=0, end=10)

    start: Whole | Real = 0
    end: Whole | Real
    step: Whole | Real = 1
    dtype: NumberDtype | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        values = (self.start, self.end, self.step)
        if self.dtype in ("int64", "int32", "uint8") and not all(v == int(v) for v in values):
            yield bad_parameter(
                f"{self.dtype} has no fractions, which start, end or step have.",
                "Use float32, or whole numbers.",
                set_to("dtype", "float32"),
            )
        elif self.step == 0 or (self.end - self.start) / self.step <= 0:
            right = 1 if self.end > self.start else -1
            yield bad_parameter(
                f"From {self.start} steps of {self.step} do not lead to {self.end}.",
                "Change step, start or end.",
                *([set_to("step", right)] if self.end != self.start else []),
            )

    def subtitle(self) -> str:
        return f"{self.start:g} to {self.end:g}"


class Linspace(_Held):
    """`steps` numbers at equal distances from `start` to `end`, both included."""

    id = "torch.linspace"
    title = "linspace"
    keywords = "range grid coordinates equal distance"
    positional = ("start", "end", "steps")
    starting = start_with(start=0.0, end=1.0, steps=10)

    start: Real
    end: Real
    steps: Size
    dtype: NumberDtype | None = None

    def subtitle(self) -> str:
        return f"{self.steps} from {self.start:g} to {self.end:g}"


class Eye(_Held):
    """The identity matrix n×n, or n×m: ones where row and column are the same."""

    id = "torch.eye"
    title = "eye"
    keywords = "identity matrix diagonal constant"
    positional = ("n",)
    starting = start_with(n=4)
    summary_fields = ("n", "m")

    n: Size
    m: Size | None = None
    dtype: Dtype | None = None


class HannWindow(_Held):
    """A smooth window for short stretches of a signal: 0 at its ends and 1 in the middle.

    `periodic` is for Fourier transforms; off, both ends are 0.
    """

    id = "torch.hann_window"
    title = "hann_window"
    keywords = "window signal audio stft spectrum hanning"
    positional = ("window_length",)
    starting = start_with(window_length=400)
    summary_fields = ("window_length",)

    window_length: Size
    periodic: bool = True
    dtype: Literal["float32", "float64"] | None = None


# -- like something that comes in ------------------------------------------------------------


class _Like(_Made):
    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        named = self._named()
        first = [named.pop(name) for name in self.positional]
        return code.call(self.id, *inputs.values(), *first, **named)


class ZerosLike(_Like):
    """Zeros of the shape and dtype of what comes in."""

    id = "torch.zeros_like"
    title = "zeros_like"
    keywords = "constant same shape empty"

    dtype: Dtype | None = None


class OnesLike(_Like):
    """Ones of the shape and dtype of what comes in."""

    id = "torch.ones_like"
    title = "ones_like"
    keywords = "constant same shape"

    dtype: Dtype | None = None


class FullLike(_Like):
    """One number, `fill_value`, at every place of the shape of what comes in."""

    id = "torch.full_like"
    title = "full_like"
    keywords = "constant same shape fill value target label"
    positional = ("fill_value",)
    starting = start_with(fill_value=1.0)
    summary_fields = ("fill_value",)

    fill_value: Fill
    dtype: Dtype | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        return _check_whole(self.fill_value, self.dtype or (tensor.dtype if tensor else None))
