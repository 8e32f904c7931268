"""Sequences of ids: what a language model sees and what it is to foretell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netbuilder.graph.model import Json
from netbuilder.layers.base import (
    Complaint,
    Count,
    Family,
    Inferred,
    Layer,
    Port,
    Probability,
    Size,
    Targets,
    Types,
    start_with,
)
from netbuilder.layers.checks import bad_parameter, check_index, first_of, set_to
from netbuilder.layers.noise import DRAWN


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


class MaskTokens(Layer):
    """Hides some ids of a text from a network that is to tell them: the objective of BERT.

    Each id from `first_id` on is chosen with `probability`. Of the chosen ones eight in ten
    become `mask_id` in `masked`, one another id, one stays as it is; `target` has what was there,
    and -100 where nothing was chosen, which CrossEntropyLoss leaves out. Ids below `first_id` are
    marks and padding. It draws in training and afterwards (Devlin and others, 2019).
    """

    id = "netbuilder.MaskTokens"
    part = "sequences.MaskTokens"
    title = "MaskTokens"
    family = Family.INDEXING
    keywords = "masked language model bert mlm cloze hide fill in the blank random"
    positional = ("num_ids", "mask_id")
    starting = start_with(mask_id=3)
    outputs = (Port("masked"), Port("target"))
    returns: ClassVar[Targets] = ("masked", "target")

    num_ids: Inferred = None
    mask_id: Count
    first_id: Count = 0
    probability: Probability = 0.15

    def infer(self, inputs: Types) -> dict[str, Json]:
        high = inputs["input"].high if "input" in inputs else None
        return {} if high is None else {"num_ids": high}

    def bound(self, port: str, inputs: Types) -> int | None:
        return self.num_ids if port == "masked" else None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(check_index(self, inputs, "input"), self._ids(), self._more(inputs))

    def _ids(self) -> Iterator[Complaint]:
        for name in ("mask_id", "first_id"):
            found = getattr(self, name)
            if self.num_ids is not None and found >= self.num_ids:
                yield bad_parameter(
                    f"{name} {found} is none of the {self.num_ids} ids from 0 on.",
                    f"Choose one below {self.num_ids}.",
                    set_to(name, self.num_ids - 1 if name == "mask_id" else 0),
                )

    def _more(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and tensor.high and self.num_ids and tensor.high > self.num_ids:
            yield Complaint(
                f"{tensor.high} ids come in, {self.title} knows {self.num_ids}.",
                f"Set num_ids to {tensor.high}, or empty it.",
                "input",
                code="ids.range",
                fixes=(set_to("num_ids", tensor.high),),
            )

    def onnx_refusal(self) -> str:
        return DRAWN

    def subtitle(self) -> str:
        return f"{100 * self.probability:g} %"
