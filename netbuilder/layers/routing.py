"""Gates and experts: what decides where numbers go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netbuilder.graph.model import Json
from netbuilder.layers.base import (
    Complaint,
    Family,
    Inferred,
    Layer,
    Port,
    Size,
    Targets,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_rank,
    check_size,
    check_weights,
    first_of,
    set_to,
    size_at,
)


class SqueezeExcite(Layer):
    """Weighs each channel of an image by a gate that sees the mean of all of them.

    The gate has a hidden layer of channels / reduction. Hu and others, 2018.
    """

    id = "netbuilder.SqueezeExcite"
    part = "routing.SqueezeExcite"
    title = "SqueezeExcite"
    family = Family.ROUTING
    keywords = "se block squeeze and excitation channel attention gate"
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


class MixtureOfExperts(Layer):
    """Feed-forward layers of which a router chooses the best `top_k` for each vector.

    The last dim comes out as wide as it went in. `balance` is 1 if all experts are used
    alike and num_experts if only one is: add it times 0.01 or so to the loss. All experts
    compute everything, so that a step costs num_experts feed-forward layers (Shazeer and
    others, 2017; Fedus and others, 2021).
    """

    id = "netbuilder.MixtureOfExperts"
    part = "routing.MixtureOfExperts"
    title = "MixtureOfExperts"
    family = Family.ROUTING
    keywords = "moe experts router gate sparse switch top-k transformer feed-forward"
    positional = ("features", "hidden_features", "num_experts")
    outputs = (Port("output"), Port("balance", "A number to add to the loss."))
    returns: ClassVar[Targets] = ("output", "balance")
    starting = start_with(hidden_features=128, num_experts=4)

    features: Inferred = None
    hidden_features: Size
    num_experts: Size
    top_k: Size = 2

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", -1)
        return {} if size is None else {"features": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self._few(),
            check_weights(self, inputs),
            check_size(self, "features", "features", inputs, "input", -1),
        )

    def _few(self) -> Iterator[Complaint]:
        if self.top_k > self.num_experts:
            yield bad_parameter(
                f"top_k {self.top_k} of {self.num_experts} experts can't be chosen.",
                "Choose at most as many as there are.",
                set_to("top_k", self.num_experts),
            )

    def subtitle(self) -> str:
        return f"{self.top_k} of {self.num_experts}"
