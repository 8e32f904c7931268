"""Gates, and layers that something else steers."""

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
    Positive,
    Probability,
    Real,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_rank,
    check_size,
    check_weights,
    differ,
    first_of,
    set_to,
    size_at,
)


def last_size(inputs: Types, parameter: str, port: str = "input") -> dict[str, Json]:
    """The size of the last dim as an inferred parameter."""
    size = size_at(inputs, port, -1)
    return {} if size is None else {parameter: size}


class _Gated(Layer):
    family = Family.LINEAR
    positional = ("in_features", "hidden_features")
    starting = start_with(hidden_features=128)
    summary_fields = ("hidden_features",)

    in_features: Inferred = None
    hidden_features: Size
    bias: bool = False

    def infer(self, inputs: Types) -> dict[str, Json]:
        return last_size(inputs, "in_features")

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_weights(self, inputs),
            check_size(self, "in_features", "features", inputs, "input", -1),
        )


class SwiGLU(_Gated):
    """A feed-forward layer whose hidden features are gated by SiLU: down(silu(gate x)·up x).

    The last dim comes out as wide as it went in. With three matrices, 2/3 of the hidden
    features of a plain feed-forward layer have as many weights (Shazeer, 2020).
    """

    id = "netbuilder.SwiGLU"
    part = "gating.SwiGLU"
    title = "SwiGLU"
    keywords = "gated linear unit feed-forward mlp llama swish silu transformer"


class GEGLU(_Gated):
    """A feed-forward layer whose hidden features are gated by GELU: down(gelu(gate x)·up x).

    The last dim comes out as wide as it went in (Shazeer, 2020).
    """

    id = "netbuilder.GEGLU"
    part = "gating.GEGLU"
    title = "GEGLU"
    keywords = "gated linear unit feed-forward mlp gelu transformer"


class Highway(Layer):
    """A layer and a way around it; a learnt gate says how much takes which.

    gate·relu(W x) + (1 - gate)·x, for very deep plain networks. `gate_bias` below 0 lets most
    pass by at the beginning (Srivastava and others, 2015).
    """

    id = "netbuilder.Highway"
    part = "gating.Highway"
    title = "Highway"
    family = Family.ROUTING
    keywords = "gate skip connection carry transform deep"
    positional = ("features",)

    features: Inferred = None
    gate_bias: Real = -1.0

    def infer(self, inputs: Types) -> dict[str, Json]:
        return last_size(inputs, "features")

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_weights(self, inputs),
            check_size(self, "features", "features", inputs, "input", -1),
        )


class GatedResidual(Layer):
    """Mixes a branch with what it went around; a learnt gate sees both.

    gate·input + (1 - gate)·residual, number by number of the last dim.
    """

    id = "netbuilder.GatedResidual"
    part = "gating.GatedResidual"
    title = "GatedResidual"
    family = Family.ROUTING
    keywords = "gate skip connection shortcut mix blend"
    positional = ("features",)
    inputs = (Port("input", "The branch."), Port("residual", "What it went around."))

    features: Inferred = None

    def infer(self, inputs: Types) -> dict[str, Json]:
        return last_size(inputs, "features")

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_weights(self, inputs, "input", "residual"),
            self._same(inputs),
            check_size(self, "features", "features", inputs, "input", -1),
        )

    def _same(self, inputs: Types) -> Iterator[Complaint]:
        a, b = inputs.get("input"), inputs.get("residual")
        if a is None or b is None:
            return
        if a.rank != b.rank or any(differ(x, y) for x, y in zip(a.shape, b.shape, strict=True)):
            yield Complaint(
                f"{self.title} mixes {a} with {b}: they must have the same shape.",
                "Let the branch end with what the residual has.",
                "residual",
            )


class LoRALinear(Layer):
    """A linear layer that stays as it is, with a small learnt change to it: low-rank adaptation.

    For fine-tuning: `base` is frozen, the change alpha/rank·B·A has rank·(in + out) weights
    and begins as 0. Load the weights of a trained Linear into `base` (Hu and others, 2021).
    """

    id = "netbuilder.LoRALinear"
    part = "gating.LoRALinear"
    title = "LoRALinear"
    family = Family.LINEAR
    keywords = "lora low-rank adaptation fine-tuning frozen adapter peft"
    positional = ("in_features", "out_features")
    starting = start_with(out_features=64)

    in_features: Inferred = None
    out_features: Size
    rank: Size = 8
    alpha: Positive = 16.0
    dropout: Probability = 0.0
    bias: bool = True

    def infer(self, inputs: Types) -> dict[str, Json]:
        return last_size(inputs, "in_features")

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_weights(self, inputs),
            check_size(self, "in_features", "features", inputs, "input", -1),
            self._rank(),
        )

    def _rank(self) -> Iterator[Complaint]:
        full = min(self.in_features or self.out_features, self.out_features)
        if self.rank > full:
            yield Complaint(
                f"A rank of {self.rank} is more than a matrix of "
                f"{self.out_features}×{self.in_features} can have.",
                f"Choose a rank well below {full}, or train a Linear.",
                code="parameter.useless",
                severity="warning",
                fixes=(set_to("rank", full),),
            )

    def subtitle(self) -> str:
        return f"{self.out_features}, rank {self.rank}"


# -- steered by a second input ---------------------------------------------------------------


class _Styled(Layer):
    """A layer on N×C×... that a vector N×K steers."""

    family = Family.NORMALISATION
    steers: ClassVar[str] = "style"
    """The port of the vector."""
    sizes: ClassVar[tuple[str, str]] = ("channels", "style_size")
    """The parameters that are inferred from both."""

    def infer(self, inputs: Types) -> dict[str, Json]:
        found = (size_at(inputs, "input", 1), size_at(inputs, self.steers, -1))
        return {k: v for k, v in zip(self.sizes, found, strict=True) if v is not None}

    def _steered(self, inputs: Types, ranks: tuple[int, ...], layout: str) -> Iterator[Complaint]:
        channels, size = self.sizes
        return first_of(
            check_rank(self, inputs, "input", ranks, layout),
            check_rank(self, inputs, self.steers, (2,), "N×K"),
            check_weights(self, inputs, "input", self.steers),
            check_size(self, channels, "channels", inputs, "input", 1),
            check_size(self, size, f"numbers in {self.steers}", inputs, self.steers, -1),
            self._batch(inputs),
        )

    def _batch(self, inputs: Types) -> Iterator[Complaint]:
        tensor, style = inputs.get("input"), inputs.get(self.steers)
        if tensor and style and differ(tensor.shape[0], style.shape[0]):
            yield Complaint(
                f"input is {tensor} and {self.steers} is {style}: the batch differs.",
                "Both must have as many samples.",
                self.steers,
            )


class FiLM(_Styled):
    """Scales and shifts each channel of N×C×... by what a condition N×K says.

    A learnt linear layer makes the factors and offsets of the condition: a class, a question,
    a time (Perez and others, 2018).
    """

    id = "netbuilder.FiLM"
    part = "gating.FiLM"
    title = "FiLM"
    keywords = "feature-wise linear modulation conditional scale shift diffusion"
    positional = ("channels", "condition_size")
    inputs = (Port("input"), Port("condition", "N×K: what steers."))
    steers = "condition"
    sizes = ("channels", "condition_size")

    channels: Inferred = None
    condition_size: Inferred = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return self._steered(inputs, (2, 3, 4, 5), "N×C×...")


class AdaIN(_Styled):
    """Normalises each channel of each image, then a style N×K says its scale and shift.

    For style transfer and generators (Huang and Belongie, 2017; Karras and others, 2019).
    """

    id = "netbuilder.AdaIN"
    part = "gating.AdaIN"
    title = "AdaIN"
    keywords = "adaptive instance normalization style transfer stylegan"
    positional = ("channels", "style_size")
    inputs = (Port("input"), Port("style", "N×K: what steers."))

    channels: Inferred = None
    style_size: Inferred = None
    eps: Positive = 1e-5

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return self._steered(inputs, (4,), "N×C×H×W")


class ModulatedConv2d(_Styled):
    """A convolution of N×C×H×W whose kernels a style N×K scales, as in StyleGAN2.

    `demodulate` brings the scaled kernels back to length 1; turn it off for the layer that
    makes colours. `kernel_size` is odd and the image keeps its size (Karras and others, 2020).
    """

    id = "netbuilder.ModulatedConv2d"
    part = "gating.ModulatedConv2d"
    title = "ModulatedConv2d"
    family = Family.CONVOLUTION
    keywords = "stylegan modulated convolution style generator"
    positional = ("in_channels", "out_channels", "kernel_size", "style_size")
    inputs = (Port("input"), Port("style", "N×K: what steers."))
    starting = start_with(out_channels=32, kernel_size=3)
    sizes = ("in_channels", "style_size")

    in_channels: Inferred = None
    out_channels: Size
    kernel_size: Size
    style_size: Inferred = None
    demodulate: bool = True
    eps: Positive = 1e-8

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._odd(), self._steered(inputs, (4,), "N×C×H×W"))

    def _odd(self) -> Iterator[Complaint]:
        if self.kernel_size % 2 == 0:
            yield bad_parameter(
                f"kernel_size must be odd, not {self.kernel_size}.",
                "An even kernel can't keep the image's size.",
                set_to("kernel_size", self.kernel_size + 1),
            )

    def subtitle(self) -> str:
        return f"{self.out_channels}, kernel {self.kernel_size}"
