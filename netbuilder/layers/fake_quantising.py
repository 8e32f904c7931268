"""Numbers rounded as short integers would hold them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Layer,
    Positive,
    Size,
    Types,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_dim,
    check_floating,
    check_size,
    first_of,
    set_to,
)

_LOWEST = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767), "uint16": (0, 65535)}


class FakeQuantize(Layer):
    """Rounds numbers as integers of a type (`integer`) would hold them, and passes gradients on.

    What comes out are multiples of `scale`, which `zero_point` stands for 0 among; what does not
    fit is the largest or smallest that does, and has no gradient. `channels`: a scale for each
    place of `dim`. Scales are saved with the weights and not trained. `measured`: scale and zero
    point follow from the numbers that come in, each time. In ONNX it is a QuantizeLinear and a
    DequantizeLinear (Jacob and others, 2018).
    """

    id = "netbuilder.FakeQuantize"
    part = "fake_quantising.FakeQuantize"
    title = "FakeQuantize"
    family = Family.GRADIENT
    keywords = "quantization qat int8 uint8 quantizelinear dequantizelinear straight through"
    same_type = "input"

    integer: Literal["int8", "uint8", "int16", "uint16"] = "int8"
    scale: Positive = 0.05
    zero_point: Annotated[int, Field(ge=-32768, le=65535)] = 0
    channels: Size | None = None
    dim: Index = 1
    measured: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "input"),
            self._fits(),
            self._wide(),
            self._channels(inputs),
        )

    def _fits(self) -> Iterator[Complaint]:
        low, high = _LOWEST[self.integer]
        if not low <= self.zero_point <= high:
            yield bad_parameter(
                f"The zero point {self.zero_point} is no {self.integer}: {low} to {high}.",
                "Choose one that is, or another type.",
                set_to("zero_point", min(max(self.zero_point, low), high)),
            )

    def _wide(self) -> Iterator[Complaint]:
        if self.measured and (self.channels is not None or self.integer != "uint8"):
            yield bad_parameter(
                "A range that is measured is one for all numbers, and of uint8.",
                "Leave channels out and choose uint8, or fix the range.",
                set_to("measured", False),
            )

    def _channels(self, inputs: Types) -> Iterator[Complaint]:
        if self.channels is not None:
            yield from first_of(
                check_dim(self, "dim", inputs),
                check_size(self, "channels", "places of dim", inputs, "input", self.dim),
            )

    def subtitle(self) -> str:
        return f"{self.integer}, measured" if self.measured else self.integer
