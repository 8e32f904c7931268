"""Comparisons and logic, number by number. What comes out is true or false: a mask."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from netbuilder.layers.base import Complaint, Family, Layer, Port, Types
from netbuilder.layers.checks import check_bool, check_real, first_of
from netbuilder.layers.operands import Elementwise, Operands, Scalar, WithOther, check_broadcast


class _Comparison(WithOther):
    """`other` may be a number instead of a wire."""


class _Order(_Comparison):
    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return check_real(self, inputs, *inputs)


class Eq(_Comparison):
    """Whether input and other are equal, number by number: a mask of padding, for example.

    `other` may be a number instead of a wire.
    """

    id = "torch.eq"
    title = "equal"
    keywords = "same compare padding mask"
    operator = ast.Eq


class Ne(_Comparison):
    """Whether input and other differ, number by number: a mask of what is no padding.

    `other` may be a number instead of a wire.
    """

    id = "torch.ne"
    title = "not equal"
    keywords = "different compare padding mask"
    operator = ast.NotEq


class Lt(_Order):
    """Whether input is less than other, number by number.

    `other` may be a number instead of a wire.
    """

    id = "torch.lt"
    title = "less"
    keywords = "smaller below compare threshold"
    operator = ast.Lt


class Le(_Order):
    """Whether input is less than or equal to other, number by number.

    `other` may be a number instead of a wire.
    """

    id = "torch.le"
    title = "less or equal"
    keywords = "smaller at most compare threshold"
    operator = ast.LtE


class Gt(_Order):
    """Whether input is greater than other, number by number.

    `other` may be a number instead of a wire.
    """

    id = "torch.gt"
    title = "greater"
    keywords = "larger above compare threshold"
    operator = ast.Gt


class Ge(_Order):
    """Whether input is greater than or equal to other, number by number.

    `other` may be a number instead of a wire.
    """

    id = "torch.ge"
    title = "greater or equal"
    keywords = "larger at least compare threshold"
    operator = ast.GtE


# -- of one number ---------------------------------------------------------------------------


class _Question(Layer):
    family = Family.ARITHMETIC


class IsNan(_Question):
    """Whether each number is nan, which stands for what is missing or has no value."""

    id = "torch.isnan"
    title = "is nan"
    keywords = "missing invalid not a number"


class IsInf(_Question):
    """Whether each number is infinite."""

    id = "torch.isinf"
    title = "is infinite"
    keywords = "infinity overflow"


class IsFinite(_Question):
    """Whether each number is neither nan nor infinite."""

    id = "torch.isfinite"
    title = "is finite"
    keywords = "valid number check"


class LogicalNot(_Question):
    """False where the input is true, or not zero, and true elsewhere."""

    id = "torch.logical_not"
    title = "not"
    keywords = "invert mask negate logic"


# -- logic -----------------------------------------------------------------------------------


class _Logic(Elementwise):
    """Numbers count as true if they are not zero."""


class LogicalAnd(_Logic):
    """Whether both inputs are true, or not zero: where both masks hold."""

    id = "torch.logical_and"
    title = "and"
    keywords = "both masks intersection logic"


class LogicalOr(_Logic):
    """Whether one of the inputs is true, or not zero: where either mask holds."""

    id = "torch.logical_or"
    title = "or"
    keywords = "either masks union logic"


class LogicalXor(_Logic):
    """Whether exactly one of the inputs is true, or not zero: where the masks differ."""

    id = "torch.logical_xor"
    title = "xor"
    keywords = "exclusive or masks differ logic"


class Where(Operands):
    """input where the condition is true, other elsewhere, number by number.

    `input` and `other` may be numbers instead of wires. Sizes are equal, or 1.
    """

    id = "torch.where"
    title = "where"
    family = Family.ARITHMETIC
    keywords = "choose select condition mask if else"
    inputs = (
        Port("condition", "True or false."),
        Port("input", "A tensor; or set the parameter `input`."),
        Port("other", "A tensor; or set the parameter `other`."),
    )
    keeps_values = ("input", "other")

    input: Scalar | None = None
    other: Scalar | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_bool(self, inputs, "condition"),
            check_broadcast(self, inputs),
        )

    def bound(self, port: str, inputs: Types) -> int | None:
        high = super().bound(port, inputs)
        numbers = [number for number in (self.input, self.other) if number is not None]
        if high is None or any(isinstance(n, float) or n < 0 for n in numbers):
            return None
        return max(high, *(int(number) + 1 for number in numbers), 1)

    def subtitle(self) -> str:
        shown = ["·" if n is None else f"{n:g}" for n in (self.input, self.other)]
        return "" if shown == ["·", "·"] else " or ".join(shown)
