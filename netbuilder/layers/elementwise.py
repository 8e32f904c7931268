"""Functions of each number that no module is for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from netbuilder.graph.model import Json
from netbuilder.layers.base import Complaint, Family, Layer, Real, Types, start_with
from netbuilder.layers.checks import bad_parameter, check_numbers, check_real, first_of, set_to
from netbuilder.layers.operands import Scalar


class _Function(Layer):
    family = Family.ARITHMETIC


class _SavesOutput(_Function):
    def saves_output(self) -> bool:
        return True


class _Real(_Function):
    """Functions that complex numbers lack."""

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_real(self, inputs, "input")


class _Number(_Function):
    """Functions that true and false lack."""

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_numbers(self, inputs, "input")


class _Rounding(_Real):
    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(super().complaints(inputs), check_numbers(self, inputs, "input"))


class Neg(_Number):
    """The negative of each number, -x."""

    id = "torch.neg"
    title = "negative"
    keywords = "minus invert sign"


class Abs(_Number):
    """The absolute value of each number; of complex ones the magnitude."""

    id = "torch.abs"
    title = "abs"
    keywords = "absolute value magnitude modulus"


class Sign(_Real):
    """-1, 0 or 1: the sign of each number. No gradient passes."""

    id = "torch.sign"
    title = "sign"
    keywords = "signum positive negative binary"


class Square(_Function):
    """The square of each number, x²."""

    id = "torch.square"
    title = "square"
    keywords = "power two quadratic"


class Sqrt(_SavesOutput):
    """The square root of each number; of a negative one it is nan.

    Its gradient at 0 is infinite: add something small before.
    """

    id = "torch.sqrt"
    title = "sqrt"
    keywords = "square root"


class Rsqrt(_SavesOutput):
    """One over the square root of each number, as normalisations need it."""

    id = "torch.rsqrt"
    title = "rsqrt"
    keywords = "reciprocal inverse square root normalize"


class Reciprocal(_SavesOutput):
    """One over each number, 1/x."""

    id = "torch.reciprocal"
    title = "reciprocal"
    keywords = "inverse one over divide"


class Exp(_SavesOutput):
    """The exponential of each number, eˣ: for rates and scales, which are above zero."""

    id = "torch.exp"
    title = "exp"
    keywords = "exponential log variance vae"


class Exp2(_SavesOutput):
    """Two to the power of each number, 2ˣ."""

    id = "torch.exp2"
    title = "exp2"
    keywords = "exponential power of two"


class Expm1(_SavesOutput):
    """eˣ - 1 of each number, exact for small ones too."""

    id = "torch.expm1"
    title = "expm1"
    keywords = "exponential minus one"


class Log(_Function):
    """The natural logarithm of each number; of a negative one it is nan.

    At 0 it is minus infinity: add something small before, or use log1p.
    """

    id = "torch.log"
    title = "log"
    keywords = "natural logarithm ln"


class Log2(_Function):
    """The logarithm of each number to base 2."""

    id = "torch.log2"
    title = "log2"
    keywords = "binary logarithm bits"


class Log10(_Function):
    """The logarithm of each number to base 10, for decibels."""

    id = "torch.log10"
    title = "log10"
    keywords = "decimal logarithm decibel"


class Log1p(_Function):
    """log(1 + x) of each number, exact for small ones too: for counts and spectra."""

    id = "torch.log1p"
    title = "log1p"
    keywords = "logarithm plus one"


class Sin(_Function):
    """The sine of each number, in radians: for periodic activations and encodings."""

    id = "torch.sin"
    title = "sin"
    keywords = "sine wave periodic siren position"


class Cos(_Function):
    """The cosine of each number, in radians."""

    id = "torch.cos"
    title = "cos"
    keywords = "cosine wave periodic position"


class Tan(_SavesOutput):
    """The tangent of each number, in radians."""

    id = "torch.tan"
    title = "tan"
    keywords = "tangent"


class Atan(_Function):
    """The angle in radians whose tangent each number is, between -π/2 and π/2."""

    id = "torch.atan"
    title = "atan"
    keywords = "arctan inverse tangent angle"


class Sinh(_Function):
    """The hyperbolic sine of each number."""

    id = "torch.sinh"
    title = "sinh"
    keywords = "hyperbolic sine"


class Cosh(_Function):
    """The hyperbolic cosine of each number: its logarithm is a smooth absolute value."""

    id = "torch.cosh"
    title = "cosh"
    keywords = "hyperbolic cosine logcosh"


class Erf(_Real):
    """The error function of each number, as the normal distribution needs it."""

    id = "torch.erf"
    title = "erf"
    keywords = "error function gaussian normal"


class Floor(_Rounding):
    """Each number rounded down to a whole one. No gradient passes."""

    id = "torch.floor"
    title = "floor"
    keywords = "round down integer"


class Ceil(_Rounding):
    """Each number rounded up to a whole one. No gradient passes."""

    id = "torch.ceil"
    title = "ceil"
    keywords = "round up integer"


class Trunc(_Rounding):
    """Each number without its fraction. No gradient passes."""

    id = "torch.trunc"
    title = "trunc"
    keywords = "round towards zero integer"


class Round(_Rounding):
    """Each number rounded to `decimals` digits, halves to the even one. No gradient passes.

    For quantisation that trains, let the gradient pass by a straight-through estimator.
    """

    id = "torch.round"
    title = "round"
    keywords = "integer quantize nearest"

    decimals: Annotated[int, Field(ge=-30, le=30)] = 0

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(super().complaints(inputs), self._whole(inputs))

    def _whole(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and not tensor.floating and self.decimals:
            yield Complaint(
                f"round to {self.decimals} decimals needs numbers with a fraction, "
                f"gets {tensor.dtype}.",
                "Set decimals to 0.",
                "input",
                code="dtype.integer",
                fixes=(set_to("decimals", 0),),
            )

    def subtitle(self) -> str:
        return f"{self.decimals} decimals" if self.decimals else ""

    def onnx_refusal(self) -> str:
        return "ONNX rounds to whole numbers only." if self.decimals else ""


class Clamp(_Real):
    """Each number brought between `min` and `max`; one of the two may be left out.

    No gradient passes where a limit holds.
    """

    id = "torch.clamp"
    title = "clamp"
    keywords = "clip limit bound range saturate"
    starting = start_with(min=0.0, max=1.0)

    min: Scalar | None = None
    max: Scalar | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(super().complaints(inputs), self._limits())

    def _limits(self) -> Iterator[Complaint]:
        if self.min is None and self.max is None:
            yield bad_parameter(
                "clamp has neither min nor max.", "Set one of them.", set_to("min", 0.0)
            )
        elif self.min is not None and self.max is not None and self.min > self.max:
            yield bad_parameter(
                f"min {self.min:g} is above max {self.max:g}: all numbers would be {self.max:g}.",
                "Exchange them.",
            )

    def arguments(self) -> dict[str, Json]:
        """Limits of two kinds are written as one, which PyTorch's exporter needs."""
        found = super().arguments()
        kinds = {type(found[name]) for name in ("min", "max") if name in found}
        if kinds == {int, float}:
            found |= {name: float(getattr(self, name)) for name in ("min", "max")}
        return found

    def subtitle(self) -> str:
        low = "-∞" if self.min is None else f"{self.min:g}"
        high = "∞" if self.max is None else f"{self.max:g}"
        return f"{low} to {high}"


class NanToNum(_Function):
    """Numbers in place of nan and infinities: `nan`, `posinf` and `neginf` say which.

    An empty `posinf` or `neginf` is the largest or smallest number of the dtype.
    """

    id = "torch.nan_to_num"
    title = "nan to num"
    keywords = "missing values replace infinite invalid"

    nan: Real | None = None
    posinf: Real | None = None
    neginf: Real | None = None
