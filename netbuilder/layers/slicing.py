"""Slices as Python writes them: `x[:, 1:-1, ::2]`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from pydantic import AfterValidator, Field

from netbuilder.layers import code
from netbuilder.layers.base import Complaint, Family, Layer, TensorType, Types, start_with
from netbuilder.layers.checks import BATCH, first_of

_NUMBER = r"-?[0-9]{1,9}"
_SLICE = re.compile(rf"({_NUMBER})?:({_NUMBER})?(?::([0-9]{{1,9}})?)?")
_LIST = re.compile(rf"\[({_NUMBER}(?:,{_NUMBER})*)\]")


@dataclass(frozen=True, slots=True)
class Range:
    """`start:stop:step`."""

    start: int | None
    stop: int | None
    step: int | None

    def plain(self) -> bool:
        """Whether it takes all there is."""
        return (self.start or 0, self.stop, self.step or 1) == (0, None, 1)


Part = int | Range | tuple[int, ...] | str | None
"""An index, a range, a choice of indices, `...`, or None for a new dim."""


@lru_cache(maxsize=1_000)
def read(text: str) -> tuple[Part, ...]:
    """The parts between the commas; `ValueError` says what is wrong."""
    packed = text.replace(" ", "")
    words = re.findall(r"\[[^\]]*\]|[^,]+", packed)
    if not words or ",".join(words) != packed:
        raise ValueError("write an index, a range or ... for each dim, as in ':, 1:-1, ::2'")
    parts = tuple(_part(word) for word in words)
    if sum(part == "..." for part in parts) > 1:
        raise ValueError("'...' may stand once only")
    if sum(isinstance(part, tuple) for part in parts) > 1:
        raise ValueError("only one dim may have a list of indices")
    if len(parts) > 16:
        raise ValueError("it has more than 16 parts")
    return parts


def _part(word: str) -> Part:
    if word == "...":
        return word
    if word == "None":
        return None
    if re.fullmatch(_NUMBER, word):
        return int(word)
    found = _SLICE.fullmatch(word)
    if found is not None:
        start, stop, step = (int(end) if end else None for end in found.groups())
        if step == 0:
            raise ValueError("a step is 1 or more")
        return Range(start, stop, step)
    listed = _LIST.fullmatch(word)
    if listed is not None:
        return tuple(int(number) for number in listed[1].split(","))
    if re.fullmatch(r"[^:]*:[^:]*:-[0-9]+", word):
        raise ValueError("PyTorch has no negative step: use torch.flip to turn a dim round")
    raise ValueError(f"'{word[:20]}' is no index, range, list, '...' or None")


def _legal(text: str) -> str:
    read(text)
    return text


def _expression(part: Part) -> ast.expr:
    if isinstance(part, Range):
        ends = (part.start, part.stop, part.step)
        return ast.Slice(*(None if end is None else code.const(end) for end in ends))
    if isinstance(part, tuple):
        return ast.List([code.const(number) for number in part], ast.Load())
    if part == "...":
        return ast.Constant(...)
    return ast.Constant(None) if part is None else code.const(part)


class Slice(Layer):
    """A part of a tensor by Python's brackets: `:, 1:-1, ::2` is x[:, 1:-1, ::2].

    `index` has a part for each dim, the batch first: a range start:stop:step, one index
    (its dim goes away), a list as in [0, 2, 5], None for a new dim of 1, and ... for all
    dims between. Dims that it does not reach stay.
    """

    id = "torch.Tensor.__getitem__"
    title = "slice"
    family = Family.INDEXING
    keywords = "index crop range brackets subscript every second stride part columns"
    is_view = True
    keeps_values = ("input",)
    starting = start_with(index=":, 1:")
    positional = ("index",)

    index: Annotated[str, Field(max_length=200), AfterValidator(_legal)]

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return iter(())
        parts = read(self.index)
        taken = sum(part is not None and part != "..." for part in parts)
        if taken > tensor.rank:
            return iter((self._too_many(tensor, taken),))
        return first_of(
            *(self._fits(tensor, dim, part) for dim, part in places(parts, tensor.rank)),
            self._batch(tensor, parts),
        )

    def _too_many(self, tensor: TensorType, taken: int) -> Complaint:
        return Complaint(
            f"[{self.index}] is for {taken} dims, {tensor} has {tensor.rank}.",
            "Remove parts from the index.",
            "input",
            code="shape.rank",
        )

    def _fits(self, tensor: TensorType, dim: int, part: Part) -> Iterator[Complaint]:
        size = tensor.shape[dim]
        if not isinstance(size, int):
            return
        if isinstance(part, Range):
            yield from self._stretch(tensor, dim, part, size)
            return
        numbers = part if isinstance(part, tuple) else (part,)
        for number in numbers:
            if isinstance(number, int) and not -size <= number < size:
                yield Complaint(
                    f"Dim {dim} of {tensor} has no index {number}.",
                    f"Choose an index from 0 to {size - 1}, or -1 for the last.",
                    "input",
                    code="index.range",
                )
                return

    def _stretch(self, tensor: TensorType, dim: int, part: Range, size: int) -> Iterator[Complaint]:
        start, stop, _ = slice(part.start, part.stop).indices(size)
        ends = [end for end in (part.start, part.stop) if end is not None]
        if stop <= start:
            yield Complaint(
                f"[{self.index}] leaves nothing of dim {dim} of {tensor}.",
                f"It has {size}: the start must come before the stop.",
                "input",
                code="index.range",
            )
        elif any(not -size <= end <= size for end in ends):
            yield Complaint(
                f"[{self.index}] reaches beyond dim {dim} of {tensor}, which has {size}.",
                "PyTorch takes what there is. Make the range smaller, or leave its end out.",
                "input",
                code="index.range",
                severity="warning",
            )

    def _batch(self, tensor: TensorType, parts: tuple[Part, ...]) -> Iterator[Complaint]:
        for dim, part in places(parts, tensor.rank):
            whole = isinstance(part, Range) and part.plain()
            if dim == 0 and tensor.shape[0] == BATCH and not whole:
                yield Complaint(
                    f"[{self.index}] takes a part of the batch of {tensor}.",
                    "Begin with : to keep all samples.",
                    "input",
                    code="shape.batch",
                    severity="warning",
                )

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        parts = [_expression(part) for part in read(self.index)]
        return code.subscript(inputs["input"], parts)

    def subtitle(self) -> str:
        return f"[{self.index}]" if len(self.index) < 30 else f"[{self.index[:27]}…]"


def places(parts: tuple[Part, ...], rank: int) -> Iterator[tuple[int, Part]]:
    """The dim that each part is for, without new ones and the ellipsis."""
    taken = sum(part is not None and part != "..." for part in parts)
    dim = 0
    for part in parts:
        if part == "...":
            dim += rank - taken
        elif part is not None:
            yield dim, part
            dim += 1
