"""Gates, experts and capsules: what decides where numbers go."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.graph.model import Json
from netbuilder.layers.base import Complaint, Family, Inferred, Layer, Size, Types
from netbuilder.layers.checks import check_rank, check_size, check_weights, first_of, size_at


class SqueezeExcite(Layer):
    """Weighs each channel of an image by a gate that sees the mean of all of them.

    The gate has a hidden layer of channels / reduction. Hu and others, 2018.
    """

    id = "netbuilder.SqueezeExcite"
    part = "routing.SqueezeExcite"
    title = "SqueezeExcite"
    family = Family.ROUTING
    keywords = "se block channel attention gate"
    positional = ("channels",)
    summary_fields = ("reduction",)

    channels: Inferred = None
    reduction: Size = 16

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", 1)
        return {} if size is None else {"channels": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (4,), "N×C×H×W"),
            check_weights(self, inputs),
            check_size(self, "channels", "channels", inputs, "input", 1),
        )
