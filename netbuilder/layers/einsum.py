"""Sums of products by Einstein's notation."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field

from netbuilder.errors import Fix
from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Family,
    Layer,
    Port,
    Ports,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import BATCH, check_same_dtype, differ, first_of, set_to
from netbuilder.layers.dims import Dim
from netbuilder.layers.operands import broadcast

_TERM = re.compile(r"[A-Za-z]*(\.\.\.)?[A-Za-z]*")


@dataclass(frozen=True, slots=True)
class Equation:
    """What an equation says: the letters of each operand and of the result, `...` as ellipsis."""

    operands: tuple[str, ...]
    result: str


@lru_cache(maxsize=1_000)
def read(text: str) -> Equation:
    """The parts of an equation; `ValueError` says what is wrong with it.

    Without an arrow the result has the letters that stand once, in alphabetical order, behind
    an ellipsis, as PyTorch has it.
    """
    left, arrow, right = text.replace(" ", "").partition("->")
    terms = tuple(left.split(","))
    for term in (*terms, right):
        if not _TERM.fullmatch(term):
            raise ValueError(
                f"'{term[:20]}' may have letters and one '...' only, as in 'nqd,nkd->nqk'"
            )
    if not any(terms):
        raise ValueError("it names no dims; write a letter for each, as in 'nqd,nkd->nqk'")
    letters = "".join(terms).replace(".", "")
    if not arrow:
        once = sorted(letter for letter in set(letters) if letters.count(letter) == 1)
        right = ("..." if any("..." in term for term in terms) else "") + "".join(once)
    for letter in right.replace(".", ""):
        if right.count(letter) > 1:
            raise ValueError(f"'{letter}' stands twice in the result '{right}'")
        if letter not in letters:
            raise ValueError(f"'{letter}' of the result '{right}' stands in no operand")
    if "..." in right and not any("..." in term for term in terms):
        raise ValueError(f"'...' of the result '{right}' stands in no operand")
    return Equation(terms, right)


def _legal(text: str) -> str:
    read(text)
    return text


Operands = Mapping[str, tuple[str, TensorType]]
"""The letters and the type of what is wired, by port."""


class Einsum(Layer):
    """Any sum of products of tensors: `nqd,nkd->nqk` are the scores of attention.

    `equation` has a letter for each dim of each operand, operands between commas, and the
    dims of the result behind an arrow. Letters that the result lacks are summed over; `...`
    stands for any further dims.
    """

    id = "torch.einsum"
    title = "einsum"
    family = Family.ARITHMETIC
    keywords = "einstein summation contraction product attention bilinear tensor"
    inputs = (Port("operands_0"), Port("operands_1"))
    positional = ("equation",)
    is_view = True
    starting = start_with(equation="nij,njk->nik")

    equation: Annotated[str, Field(max_length=200), AfterValidator(_legal)]

    def ports(self) -> Ports:
        names = (f"operands_{i}" for i in range(len(read(self.equation).operands)))
        return Ports(tuple(Port(name) for name in names), self.outputs)

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        equation = read(self.equation)
        terms = {f"operands_{i}": term for i, term in enumerate(equation.operands)}
        wired = {port: (terms[port], inputs[port]) for port in terms if port in inputs}
        first, *others = wired or ("",)
        return first_of(
            *(self._rank(port, *operand) for port, operand in wired.items()),
            *(check_same_dtype(self, inputs, first, other) for other in others),
            self._sizes(wired),
            self._batch(equation, wired),
        )

    def _rank(self, port: str, term: str, tensor: TensorType) -> Iterator[Complaint]:
        letters = term.replace("...", "")
        dots = "..." in term
        if len(letters) == tensor.rank or (dots and len(letters) < tensor.rank):
            return
        yield Complaint(
            f"'{term}' names {len(letters)} dims, {tensor} has {tensor.rank}.",
            "Write a letter for each dim, or '...' for those that don't matter.",
            port,
            code="shape.rank",
        )

    def _sizes(self, wired: Operands) -> Iterator[Complaint]:
        known: dict[str, Dim] = {}
        further: tuple[Dim, ...] = ()
        for port, (term, tensor) in wired.items():
            for letter, size in _letters(term, tensor):
                other = known.setdefault(letter, size)
                if differ(other, size) and 1 not in (other, size):
                    yield Complaint(
                        f"'{letter}' is {other} and {size} in '{self.equation}'.",
                        "A letter stands for one size: check the order of the dims.",
                        port,
                    )
                    return
                if other == 1:
                    known[letter] = size
            if "..." in term:
                further, misfit = broadcast(further, _further(term, tensor))
                if misfit is not None:
                    yield Complaint(
                        f"The dims that '...' stands for don't fit: {tensor} as '{term}'.",
                        "They must be equal, or 1.",
                        port,
                    )
                    return

    def _batch(self, equation: Equation, wired: Operands) -> Iterator[Complaint]:
        for port, (term, tensor) in wired.items():
            first = term[:1]
            if tensor.shape[:1] != (BATCH,) or first == ".":
                continue
            if first not in equation.result:
                yield Complaint(
                    f"'{self.equation}' sums over '{first}', the batch of {tensor}.",
                    f"Put '{first}' first in the result to keep samples apart.",
                    port,
                    code="shape.batch",
                    severity="warning",
                    fixes=self._kept(equation, first),
                )
                return

    def _kept(self, equation: Equation, letter: str) -> tuple[Fix, ...]:
        text = f"{','.join(equation.operands)}->{letter}{equation.result}"
        return (set_to("equation", text),)

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return code.call(self.id, code.const(self.equation), *inputs.values())

    def subtitle(self) -> str:
        return self.equation if len(self.equation) < 30 else f"{self.equation[:28]}…"


def _letters(term: str, tensor: TensorType) -> Iterator[tuple[str, Dim]]:
    """Each letter with its size."""
    head, dots, tail = term.partition("...")
    yield from zip(head, tensor.shape, strict=False)
    if dots and tail:
        yield from zip(tail, tensor.shape[-len(tail) :], strict=True)


def _further(term: str, tensor: TensorType) -> tuple[Dim, ...]:
    """The sizes that the ellipsis stands for."""
    head, _, tail = term.partition("...")
    return tensor.shape[len(head) : tensor.rank - len(tail)]
