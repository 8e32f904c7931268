"""Tensors that meet number by number, and numbers that stand for tensors.

An operand is a port, or a parameter of the same name: while the parameter is empty the port
is there and takes a wire; once it holds a number the port is gone and the code shows the
number. `torch.mul` with `other` 0.5 is `x * 0.5`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from itertools import combinations, zip_longest
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator

from netbuilder.errors import Fix
from netbuilder.layers import code
from netbuilder.layers.base import Complaint, Family, Layer, Port, Ports, Real, TensorType, Types
from netbuilder.layers.checks import BATCH, differ, first_of, insert
from netbuilder.layers.dims import Dim, Shape


def _moderate(value: int) -> int:
    if abs(value) >= 2**62:
        raise ValueError("a whole number has at most 18 digits")
    return value


Scalar = Annotated[int, AfterValidator(_moderate)] | Real
"""A number that may stand for a tensor; a whole one leaves the dtype of ids as it is."""


class Exact(Layer):
    """Layers that are equal where their numbers are of the same kinds too."""

    def __eq__(self, other: object) -> bool:
        # 2 and 2.0 are equal, but ids times 2.0 are ids no more.
        return super().__eq__(other) and self._kinds() == other._kinds()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self), *(value for _, value in self)))

    def _kinds(self) -> list[Any]:
        return [_kind(value) for _, value in self]


def _kind(value: Any) -> Any:
    """The type of a number, or those of the numbers in rows."""
    return tuple(map(_kind, value)) if isinstance(value, tuple) else type(value)


class Operands(Exact):
    """Layers some of whose ports may be numbers instead."""

    def ports(self) -> Ports:
        fields = type(self).model_fields
        wired = (p for p in self.inputs if p.name not in fields or getattr(self, p.name) is None)
        return Ports(tuple(wired), self.outputs)

    def operands(self, inputs: Mapping[str, ast.expr]) -> list[ast.expr]:
        """Wires and numbers in the order of the ports."""
        given = self.arguments()
        names = [port.name for port in self.inputs]
        return [
            inputs[name] if name in inputs else code.const(given[name])
            for name in names
            if name in inputs or name in given
        ]

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return code.call(self.id, *self.operands(inputs), **self.settings())

    def settings(self) -> dict[str, ast.expr]:
        """The parameters that are no operands, as they are written."""
        operands = {port.name for port in self.inputs}
        return {k: code.const(v) for k, v in self.arguments().items() if k not in operands}


_SYMBOLS: Mapping[type[ast.operator] | type[ast.cmpop], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "×",
    ast.Div: "÷",
    ast.Pow: "^",
    ast.Mod: "mod",
    ast.Eq: "=",
    ast.NotEq: "≠",
    ast.Lt: "<",
    ast.LtE: "≤",
    ast.Gt: ">",
    ast.GtE: "≥",
}


class Elementwise(Operands):
    """Two or more tensors of sizes that are equal or 1, combined number by number."""

    family = Family.ARITHMETIC
    inputs: ClassVar[tuple[Port, ...]] = (
        Port("input"),
        Port("other", "A tensor; or set the parameter `other`."),
    )
    operator: ClassVar[type[ast.operator] | type[ast.cmpop] | None] = None
    """Python's sign for it, which the code shows."""

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self.check_types(inputs), check_broadcast(self, inputs))

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        """What the layer has against the dtypes of its inputs."""
        return iter(())

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        if self.operator is None or self.settings():
            return super().forward(module, inputs)
        left, right = self.operands(inputs)
        return code.operation(left, self.operator(), right)

    def subtitle(self) -> str:
        value = getattr(self, self.inputs[1].name, None)
        if value is None:
            return ""
        sign = _SYMBOLS[self.operator] if self.operator is not None else "and"
        return f"{sign} {value:g}"


class WithOther(Elementwise):
    """Operators whose second operand is called `other`."""

    other: Scalar | None = None


# -- broadcasting ----------------------------------------------------------------------------


def broadcast(left: Shape, right: Shape) -> tuple[Shape, int | None]:
    """The common shape as PyTorch makes it, and the first dim (from the end) that doesn't fit."""
    result: list[Dim] = []
    misfit = None
    pairs = zip_longest(reversed(left), reversed(right), fillvalue=1)
    for i, (a, b) in enumerate(pairs):
        if a != 1 and b != 1 and differ(a, b) and misfit is None:
            misfit = -1 - i
        result.insert(0, b if a == 1 else a)
    return tuple(result), misfit


def check_broadcast(layer: Layer, inputs: Types) -> Iterator[Complaint]:
    """Complains if shapes don't combine, or do in a way that nobody wants."""
    return first_of(*(_check_pair(layer, a, b) for a, b in combinations(inputs.items(), 2)))


Named = tuple[str, TensorType]


def _check_pair(layer: Layer, one: Named, two: Named) -> Iterator[Complaint]:
    (_, left), (last, right) = one, two
    shape, misfit = broadcast(left.shape, right.shape)
    if misfit is not None:
        yield Complaint(
            f"{layer.title} can't combine {left} with {right}: dim {misfit} is "
            f"{left.shape[misfit]} and {right.shape[misfit]}.",
            "Bring both to the same shape; a size of 1 fits any other.",
            last,
            fixes=tuple(_aligned(one, two)),
        )
        return
    crossed = left.rank != right.rank and shape.count(BATCH) > 1
    if crossed and BATCH in left.shape[:1] and BATCH in right.shape[:1]:
        port, short = one if left.rank < right.rank else two
        yield Complaint(
            f"{layer.title} of {left} and {right} pairs every sample with every other: the "
            f"result would have {shape.count(BATCH)} batch dims.",
            "Add a dim of 1 to the smaller one, or remove one from the larger.",
            port,
            code="shape.broadcast",
            severity="warning",
            fixes=(
                insert(f"Insert a dim at {short.rank}", port, "torch.unsqueeze", dim=short.rank),
            ),
        )


def _aligned(one: Named, two: Named) -> Iterator[Fix]:
    """N×C meets N×C×H×W: the smaller one needs dims of 1 behind its own."""
    (port, short), (_, long) = sorted((one, two), key=lambda named: named[1].rank)
    missing = long.rank - short.rank
    if missing and short.rank and broadcast((*short.shape, *(1,) * missing), long.shape)[1] is None:
        added = {"layer": "torch.unsqueeze", "params": {"dim": -1}}
        title = f"Add {missing} dims of 1 behind {short}" if missing > 1 else "Add a dim of 1"
        yield Fix(title, "insert_chain", {"port": port, "chain": [added] * missing})
