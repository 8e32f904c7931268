"""Numbers that belong to a network: learnt parameters, buffers, tokens, scales."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from netbuilder.graph import expressions
from netbuilder.graph.model import Json
from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Inferred,
    Layer,
    Port,
    Positive,
    Real,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_batch,
    check_dim,
    check_rank,
    check_size,
    check_weights,
    first_of,
    set_to,
    size_at,
)
from netbuilder.layers.constants import Shape

Scheme = Literal[
    "zeros",
    "ones",
    "normal",
    "uniform",
    "xavier_uniform",
    "xavier_normal",
    "kaiming_uniform",
    "kaiming_normal",
    "orthogonal",
]


class _Own(Layer):
    """A tensor that a network has of its own."""

    family = Family.CONSTANT
    where = frozenset({"network", "block"})
    positional = ("shape",)
    inputs = (Port("reference", "Wired, there is one copy for each of its samples.", True),)

    shape: Shape

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        init = getattr(self, "init", "")
        few = init.startswith(("xavier", "kaiming", "orthogonal")) and len(self.shape) < 2
        if few and not expressions.holds_expression(self.shape):
            yield bad_parameter(
                f"'{init}' needs a shape of two dims or more.",
                "Use 'normal' or 'uniform', or add a dim of 1.",
                set_to("init", "normal"),
            )
        yield from check_batch(inputs, "reference")

    def saves_output(self) -> bool:
        return True  # It is the parameter itself, or one piece of memory for all samples.

    def subtitle(self) -> str:
        return "×".join(map(str, self.shape)) or "scalar"


class LearnableParameter(_Own):
    """A tensor of numbers that are learnt like weights: queries, prompts, a start state.

    `init`: how it begins. `scale`: the standard deviation of 'normal', the bound of 'uniform'.
    With `reference` wired there is one copy for each of its samples, N in front.
    """

    id = "netbuilder.LearnableParameter"
    part = "constants.LearnableParameter"
    title = "LearnableParameter"
    keywords = "trainable weight variable free query prompt token embedding"
    starting = start_with(shape=(1, 64))

    init: Scheme = "normal"
    scale: Positive = 0.02


class Buffer(_Own):
    """A tensor that is saved with the weights and never trained.

    `init`: what is in it; random numbers are drawn once, when the network is made, and stay.
    `scale`: the standard deviation of 'normal', the bound of 'uniform'. With `reference`
    wired there is one copy for each of its samples.
    """

    id = "netbuilder.Buffer"
    part = "constants.Buffer"
    title = "Buffer"
    keywords = "fixed saved state random features frozen"
    starting = start_with(shape=(64,))

    init: Scheme = "zeros"
    scale: Positive = 1.0


class ClassToken(Layer):
    """Puts a learnt vector before a sequence N×T×C, to gather what a classifier needs.

    `count`: how many; the sequence is that much longer. Take it after the last block by
    torch.select with dim 1, index 0.
    """

    id = "netbuilder.ClassToken"
    part = "constants.ClassToken"
    title = "ClassToken"
    family = Family.CONSTANT
    keywords = "cls token vit bert register prepend"
    positional = ("channels",)

    channels: Inferred = None
    count: Size = 1

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", -1)
        return {} if size is None else {"channels": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (3,), "N×T×C"),
            check_weights(self, inputs),
            check_size(self, "channels", "channels", inputs, "input", -1),
        )

    def subtitle(self) -> str:
        return "" if self.count == 1 else f"{self.count} tokens"


class LayerScale(Layer):
    """Multiplies each channel by a learnt factor that begins near 0: for deep residual networks.

    `init`: the factor to begin with. `dim`: where the channels are, -1 for N×T×C, 1 for
    N×C×H×W.
    """

    id = "netbuilder.LayerScale"
    part = "constants.LayerScale"
    title = "LayerScale"
    family = Family.NORMALISATION
    keywords = "learned scale gamma residual convnext cait"
    positional = ("channels",)
    summary_fields = ("init",)

    channels: Inferred = None
    init: Real = 1e-5
    dim: Index = -1

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", self.dim)
        return {} if size is None else {"channels": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_dim(self, "dim", inputs),
            check_weights(self, inputs),
            check_size(self, "channels", "channels", inputs, "input", self.dim),
        )
