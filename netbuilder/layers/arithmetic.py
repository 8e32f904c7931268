"""Sums, products and the like of tensors, number by number."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Literal

from netbuilder.layers import code
from netbuilder.layers.base import Complaint, Port, Real, Types
from netbuilder.layers.checks import (
    bad_parameter,
    cast,
    check_numbers,
    check_real,
    check_same_dtype,
    first_of,
)
from netbuilder.layers.operands import Elementwise, Scalar, WithOther


class _Sum(WithOther):
    alpha: Real = 1.0

    def subtitle(self) -> str:
        if self.alpha == 1 or self.other is not None:
            return super().subtitle()
        return f"{self.alpha:g} × other"


class Add(_Sum):
    """The sum input + alpha·other, number by number: for skip connections and weighted losses.

    Sizes must be equal, or 1 in one of the two. `other` may be a number instead of a wire.
    """

    id = "torch.add"
    title = "add"
    keywords = "sum plus residual skip connection"
    operator = ast.Add


class _Difference(_Sum):
    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return check_numbers(self, inputs, *inputs)


class Sub(_Difference):
    """The difference input - alpha·other, number by number.

    Sizes must be equal, or 1 in one of the two. `other` may be a number instead of a wire.
    """

    id = "torch.sub"
    title = "subtract"
    keywords = "difference minus"
    operator = ast.Sub


class Rsub(_Difference):
    """The difference the other way round, other - alpha·input: 1 - x for gates and masks."""

    id = "torch.rsub"
    title = "subtract from"
    keywords = "one minus complement invert mask reverse"
    operator = ast.Sub

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        if self.settings():
            return super().forward(module, inputs)
        left, right = self.operands(inputs)
        return code.operation(right, ast.Sub(), left)

    def subtitle(self) -> str:
        if self.other is None:
            return super().subtitle()
        return f"{self.other:g} - x" if self.alpha == 1 else f"{self.other:g} - {self.alpha:g}·x"


class Mul(WithOther):
    """The product input · other, number by number: for gates and masks.

    Sizes must be equal, or 1 in one of the two. `other` may be a number instead of a wire.
    """

    id = "torch.mul"
    title = "multiply"
    keywords = "product times gate scale hadamard"
    operator = ast.Mult


class Div(WithOther):
    """The quotient input / other, number by number.

    `rounding_mode`: 'floor' rounds it down and 'trunc' towards zero, which leaves whole
    numbers whole. `other` may be a number instead of a wire.
    """

    id = "torch.div"
    title = "divide"
    keywords = "quotient ratio scale floor_divide over"
    operator = ast.Div

    rounding_mode: Literal["trunc", "floor"] | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(_by_zero(self), super().complaints(inputs))

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return check_real(self, inputs, *inputs) if self.rounding_mode else iter(())


def _by_zero(layer: WithOther) -> Iterator[Complaint]:
    if layer.other == 0:
        yield bad_parameter(f"{layer.title} divides by 0.", "Set other to another number.")


class Remainder(WithOther):
    """What is left of input after division by other, with the sign of other.

    `other` may be a number instead of a wire.
    """

    id = "torch.remainder"
    title = "remainder"
    keywords = "modulo mod rest wrap cyclic"
    operator = ast.Mod

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(_by_zero(self), super().complaints(inputs))

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return check_real(self, inputs, *inputs)


class Pow(Elementwise):
    """input to the power of exponent, number by number; a fraction of a negative one is nan.

    `exponent` may be a number instead of a wire.
    """

    id = "torch.pow"
    title = "power"
    keywords = "exponent square cube root polynomial"
    inputs = (Port("input"), Port("exponent", "A tensor; or set the parameter `exponent`."))
    operator = ast.Pow

    exponent: Scalar | None = None

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        whole = isinstance(self.exponent, int) and self.exponent < 0
        if tensor is not None and not tensor.floating and whole:
            yield Complaint(
                f"Whole numbers have no power of {self.exponent}.",
                "Convert them to float32.",
                "input",
                code="dtype.integer",
                fixes=(cast("input", "float32"),),
            )

    def saves_output(self) -> bool:
        return self.exponent is None


class _RealPair(Elementwise):
    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return check_real(self, inputs, *inputs)


class Minimum(_RealPair):
    """The smaller of two numbers, number by number; for a fixed limit use clamp."""

    id = "torch.minimum"
    title = "minimum"
    keywords = "min smaller elementwise lower"
    keeps_values = ("input", "other")


class Maximum(_RealPair):
    """The larger of two numbers, number by number; for a fixed limit use clamp."""

    id = "torch.maximum"
    title = "maximum"
    keywords = "max larger elementwise maxout"
    keeps_values = ("input", "other")


class Atan2(_RealPair):
    """The angle in radians of the point (other, input), from -π to π."""

    id = "torch.atan2"
    title = "atan2"
    keywords = "arctan angle direction heading polar"

    def onnx_refusal(self) -> str:
        # Found by comparing: for some points the file gives the angle a turn apart.
        return "PyTorch's export to ONNX gives some angles a whole turn apart."


class Lerp(Elementwise):
    """A mixture of two, input + weight·(end - input): at weight 0 the input, at 1 the end.

    `weight` may be a number instead of a wire.
    """

    id = "torch.lerp"
    title = "lerp"
    keywords = "linear interpolation mix blend mixup moving average"
    inputs = (
        Port("input"),
        Port("end"),
        Port("weight", "A tensor; or set the parameter `weight`."),
    )

    weight: Real | None = None

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_same_dtype(self, inputs, "input", "end"),
            check_same_dtype(self, inputs, "input", "weight"),
        )

    def subtitle(self) -> str:
        return "" if self.weight is None else f"weight {self.weight:g}"


class Addcmul(Elementwise):
    """input + value·tensor1·tensor2, number by number: a scale and a shift in one."""

    id = "torch.addcmul"
    title = "addcmul"
    keywords = "add product scale shift film modulation affine"
    inputs = (Port("input"), Port("tensor1"), Port("tensor2"))

    value: Real = 1.0

    def subtitle(self) -> str:
        return "" if self.value == 1 else f"{self.value:g} × product"
