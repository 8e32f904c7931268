"""Sequences of ids: what a language model sees and what it is to foretell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netbuilder.layers.base import Complaint, Family, Layer, Port, Size, Targets, Types
from netbuilder.layers.checks import first_of


class NextToken(Layer):
    """Parts ids N×T into what a language model sees and the ids that come next.

    `context` is all but the last, `target` all but the first: at each place the target is what
    stands one further. `shift`: how far ahead to look.
    """

    id = "netbuilder.NextToken"
    part = "sequences.NextToken"
    title = "NextToken"
    family = Family.INDEXING
    keywords = "language model gpt autoregressive shift targets causal teacher forcing"
    positional = ("shift",)
    outputs = (Port("context"), Port("target"))
    returns: ClassVar[Targets] = ("context", "target")
    keeps_values = ("input",)
    is_view = True

    shift: Size = 1

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._sequence(inputs), self._length(inputs))

    def _sequence(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and tensor.rank < 2:
            yield Complaint(
                f"{self.title} expects sequences N×T, gets {tensor}.",
                "Connect a field of sequences.",
                "input",
                code="shape.rank",
            )

    def _length(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        length = tensor.shape[1] if tensor is not None else None
        if isinstance(length, int) and length <= self.shift:
            yield Complaint(
                f"The sequences have {length} steps: nothing is left {self.shift} further.",
                "Use longer sequences, or a smaller shift.",
                "input",
            )

    def subtitle(self) -> str:
        return "" if self.shift == 1 else f"{self.shift} ahead"
