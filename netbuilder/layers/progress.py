"""What changes as the training goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from netbuilder.layers.base import Complaint, Family, Layer, Probability, TensorType, Types
from netbuilder.layers.checks import bad_parameter, first_of, set_to


class Progress(Layer):
    """A number that rises evenly from 0 to 1 while its training step runs.

    For what is to come in little by little: a new layer that is faded in, the weight of a
    divergence, the scale of a turned gradient. `begin` and `end` are shares of the epochs in
    which the step runs: before the one it is 0, after the other 1. In a network it follows the
    step that calls it; outside of a training it is 1.
    """

    id = "netbuilder.Progress"
    part = "progress.Progress"
    title = "Progress"
    family = Family.CONSTANT
    keywords = "anneal annealing warm-up fade in growing schedule ramp epoch time kl weight"
    inputs = ()

    begin: Probability = 0.0
    end: Probability = 1.0

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._order())

    def _order(self) -> Iterator[Complaint]:
        if self.begin >= self.end:
            yield bad_parameter(
                f"begin {self.begin:g} must be less than end {self.end:g}.",
                "Give the shares of the step's epochs between which it rises.",
                *((set_to("end", 1.0),) if self.begin < 1.0 else (set_to("begin", 0.0),)),
            )

    def output_types(self, inputs: Types) -> Mapping[str, TensorType]:
        return {"output": TensorType(())}

    def subtitle(self) -> str:
        whole = (self.begin, self.end) == (0.0, 1.0)
        return "" if whole else f"{self.begin:g} to {self.end:g}"
