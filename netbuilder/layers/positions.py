"""Where something stands: encodings and masks for sequences and windows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from netbuilder.graph.model import Json
from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Inferred,
    Layer,
    Port,
    Positive,
    Size,
    Size2,
    Targets,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_dim,
    check_floating,
    check_rank,
    check_same_dtype,
    check_size,
    check_weights,
    differ,
    first_of,
    insert,
    set_to,
    size_at,
)


def _even(layer: Layer, inputs: Types, port: str, unit: str) -> Iterator[Complaint]:
    """Complains if the last dim can't be cut into pairs of sine and cosine."""
    size = size_at(inputs, port, -1)
    if size is not None and size % 2:
        yield Complaint(
            f"{layer.title} needs an even number of {unit}, gets {size}.",
            f"Change the layer before it to {size + 1} or {max(2, size - 1)}.",
            port,
        )


class SinusoidalPositions(Layer):
    """Adds waves of different lengths to N×T×C, which tell a transformer the order.

    The encoding of Attention Is All You Need, for sequences of any length: nothing is learnt.
    `add` off gives the table T×C alone.
    """

    id = "netbuilder.SinusoidalPositions"
    part = "positions.SinusoidalPositions"
    title = "SinusoidalPositions"
    family = Family.ATTENTION
    keywords = "positional encoding position sine cosine transformer embedding"

    base: Positive = 10000.0
    add: bool = True

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (2, 3, 4), "N×T×C"),
            check_floating(self, inputs, "input"),
            self._channels(inputs),
            _even(self, inputs, "input", "channels"),
        )

    def _channels(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and size_at(inputs, "input", -1) is None:
            yield Complaint(
                f"The last dim of {tensor} varies, so its waves can't be told.",
                "Give the last dim a fixed size.",
                "input",
            )

    def subtitle(self) -> str:
        return "" if self.add else "not added"


class LearnedPositions(Layer):
    """Adds a learnt vector for each position to N×T×C, up to `max_length`.

    `add` off gives the table T×C alone. Sequences may be shorter, not longer.
    """

    id = "netbuilder.LearnedPositions"
    part = "positions.LearnedPositions"
    title = "LearnedPositions"
    family = Family.ATTENTION
    keywords = "positional embedding position transformer bert gpt vit"
    positional = ("max_length", "channels")
    starting = start_with(max_length=1024)

    max_length: Size
    channels: Inferred = None
    add: bool = True

    def infer(self, inputs: Types) -> dict[str, Json]:
        size = size_at(inputs, "input", -1)
        return {} if size is None else {"channels": size}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (2, 3, 4), "N×T×C"),
            check_weights(self, inputs),
            check_size(self, "channels", "channels", inputs, "input", -1),
            self._length(inputs),
        )

    def _length(self, inputs: Types) -> Iterator[Complaint]:
        length = size_at(inputs, "input", -2)
        if length is not None and length > self.max_length:
            yield Complaint(
                f"The sequence has {length} positions, max_length is {self.max_length}.",
                "Set max_length to the longest sequence.",
                "input",
                fixes=(set_to("max_length", length),),
            )

    def subtitle(self) -> str:
        return f"up to {self.max_length}{', not added' if not self.add else ''}"


class RotaryEmbedding(Layer):
    """Turns query and key by their positions, so that attention sees how far apart they are.

    Both are N×heads×T×d, or N×T×d; put it between the projections and the attention.
    `interleaved` pairs neighbouring numbers as in the paper (RoFormer, 2021); off, the first
    half with the second, as in Llama.
    """

    id = "netbuilder.RotaryEmbedding"
    part = "positions.RotaryEmbedding"
    title = "RotaryEmbedding"
    family = Family.ATTENTION
    keywords = "rope rotary position encoding llama relative"
    inputs = (Port("query"), Port("key"))
    outputs = (Port("query"), Port("key"))
    returns: ClassVar[Targets] = ("query", "key")

    base: Positive = 10000.0
    interleaved: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        ports = ("query", "key")
        return first_of(
            *(check_rank(self, inputs, p, (2, 3, 4, 5), "N×heads×T×d") for p in ports),
            *(check_floating(self, inputs, p) for p in ports),
            check_same_dtype(self, inputs, *ports),
            *(_even(self, inputs, p, "numbers a head") for p in ports),
            self._sizes(inputs),
        )

    def _sizes(self, inputs: Types) -> Iterator[Complaint]:
        query, key = inputs.get("query"), inputs.get("key")
        if query and key and differ(query.shape[-1], key.shape[-1]):
            yield Complaint(
                f"query has {query.shape[-1]} numbers a head and key {key.shape[-1]}.",
                "Both must have the same last dim.",
                "key",
            )


class TimestepEmbedding(Layer):
    """Makes waves N×C of one number a sample: tells a diffusion model how noisy its input is.

    `channels`: how many numbers there shall be, half of them cosines, half sines.
    """

    id = "netbuilder.TimestepEmbedding"
    part = "positions.TimestepEmbedding"
    title = "TimestepEmbedding"
    family = Family.SIGNAL
    keywords = "diffusion ddpm time step sinusoidal noise level fourier"
    positional = ("channels",)
    starting = start_with(channels=64)
    summary_fields = ("channels",)

    channels: Size
    base: Positive = 10000.0

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._odd(), self._numbers(inputs))

    def _numbers(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None or tensor.rank == 1:
            return
        single = tensor.rank == 2 and tensor.shape[1] == 1
        yield Complaint(
            f"{self.title} expects one number a sample, N, gets {tensor}.",
            "Remove its last dim." if single else "Connect the step of each sample.",
            "input",
            code="shape.rank",
            fixes=(insert("Remove the last dim", "input", "torch.squeeze", dim=-1),)
            if single
            else (),
        )

    def _odd(self) -> Iterator[Complaint]:
        if self.channels % 2:
            yield bad_parameter(
                f"channels must be even, not {self.channels}.",
                "Half of them are cosines, half sines.",
                set_to("channels", self.channels + 1),
            )


# -- masks and biases ------------------------------------------------------------------------


class _OfLength(Layer):
    """What has the length of something else, at its `dim`."""

    family = Family.ATTENTION
    inputs = (Port("reference", "Its length counts, not its numbers."),)

    dim: Index = 1

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_dim(self, "dim", inputs, "reference")


class Positions(_OfLength):
    """Counts 0, 1, 2, ... along one dim of what comes in: T whole numbers for N×T×C.

    What looks up a row for each position, as an Embedding does, or compares positions, begins
    with it. `dim`: which size of the input is T.
    """

    id = "netbuilder.Positions"
    part = "positions.Positions"
    title = "Positions"
    keywords = "arange index position count steps sequence length range"


class CausalMask(_OfLength):
    """A mask T×T by which no position sees a later one, of the length of what comes in.

    `kind`: 'additive' has 0 and -inf and suits every attention; 'blocked' is true where
    looking is not allowed (MultiheadAttention), 'allowed' where it is
    (scaled_dot_product_attention). `dim`: which size of the input is T.
    """

    id = "netbuilder.CausalMask"
    part = "positions.CausalMask"
    title = "CausalMask"
    keywords = "attention mask autoregressive triangular future decoder gpt square subsequent"
    summary_fields = ("kind",)

    kind: Literal["additive", "blocked", "allowed"] = "additive"


class AlibiBias(Layer):
    """Numbers heads×T×T to add to attention scores, which fall with the distance.

    Each head has a slope of its own; nothing is learnt and lengths may grow (Press and others,
    2022). `causal` hides what comes later. `dim`: which size of the input is T.
    """

    id = "netbuilder.AlibiBias"
    part = "positions.AlibiBias"
    title = "AlibiBias"
    family = Family.ATTENTION
    keywords = "alibi linear bias attention position relative"
    inputs = (Port("reference", "Its length counts, not its numbers."),)
    positional = ("num_heads",)
    starting = start_with(num_heads=4)

    num_heads: Size
    dim: Index = 1
    causal: bool = True

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return check_dim(self, "dim", inputs, "reference")

    def subtitle(self) -> str:
        return f"{self.num_heads} heads"


class RelativePositionBias(Layer):
    """Learnt numbers heads×L×L to add to attention scores within a window of an image.

    One for each head and offset between two of the L = height·width places, as in Swin.
    """

    id = "netbuilder.RelativePositionBias"
    part = "positions.RelativePositionBias"
    title = "RelativePositionBias"
    family = Family.ATTENTION
    keywords = "swin window attention relative position bias table"
    inputs = ()
    positional = ("window_size", "num_heads")
    starting = start_with(window_size=7, num_heads=4)

    window_size: Size2
    num_heads: Size

    def subtitle(self) -> str:
        size = self.window_size
        shown = size if isinstance(size, tuple) else (size, size)
        return f"{'×'.join(map(str, shown))}, {self.num_heads} heads"
