"""Attention: every element looks at every other."""

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
    Probability,
    Size,
    Targets,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_batch_first,
    check_rank,
    check_size,
    check_weights,
    differ,
    first_of,
    set_to,
    size_at,
)


class MultiheadAttention(Layer):
    """Lets each element of `query` collect from `value` what its `key` has that it looks for.

    For self-attention connect the same to all three. `embed_dim` follows from the query
    and must be a multiple of `num_heads`. `key_padding_mask` (N×S) and `attn_mask` (L×S)
    are true where nothing may be looked at. `attn_output` is N×L×embed_dim with
    `batch_first`, `attn_output_weights` the mean over the heads of who looked at whom.
    """

    id = "torch.nn.MultiheadAttention"
    title = "MultiheadAttention"
    family = Family.ATTENTION
    keywords = "self-attention transformer mha heads query key value cross"
    positional = ("embed_dim", "num_heads")
    starting = start_with(num_heads=4, batch_first=True)
    inputs = (
        Port("query"),
        Port("key"),
        Port("value"),
        Port("key_padding_mask", "N×S, true for padding.", optional=True),
        Port("attn_mask", "L×S, true where looking is not allowed.", optional=True),
    )
    outputs = (
        Port("attn_output"),
        Port("attn_output_weights", "N×L×S: who looked at whom, mean over the heads."),
    )
    returns: ClassVar[Targets] = ("attn_output", "attn_output_weights")

    embed_dim: Inferred = None
    num_heads: Size
    dropout: Probability = 0.0
    bias: bool = True
    add_bias_kv: bool = False
    add_zero_attn: bool = False
    kdim: Inferred = None
    vdim: Inferred = None
    batch_first: bool = False

    def infer(self, inputs: Types) -> dict[str, Json]:
        ports = {"embed_dim": "query", "kdim": "key", "vdim": "value"}
        sizes = {name: size_at(inputs, port, -1) for name, port in ports.items()}
        return {name: size for name, size in sizes.items() if size is not None}

    def arguments(self) -> dict[str, Json]:
        # Left out, kdim and vdim are embed_dim.
        same = {name for name in ("kdim", "vdim") if getattr(self, name) == self.embed_dim}
        return {name: value for name, value in super().arguments().items() if name not in same}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        layout = "N×T×features" if self.batch_first else "T×N×features"
        return first_of(
            self._heads(),
            *(check_rank(self, inputs, port, (3,), layout) for port in ("query", "key", "value")),
            check_weights(self, inputs, "query", "key", "value"),
            check_size(self, "embed_dim", "features", inputs, "query", -1),
            check_size(self, "kdim", "features in key", inputs, "key", -1),
            check_size(self, "vdim", "features in value", inputs, "value", -1),
            self._lengths(inputs),
            self._masks(inputs),
            check_batch_first(self, inputs, "query"),
        )

    def _heads(self) -> Iterator[Complaint]:
        if self.embed_dim is None or self.embed_dim % self.num_heads == 0:
            return
        fitting = [h for h in (1, 2, 3, 4, 5, 6, 7, 8, 12, 16) if self.embed_dim % h == 0]
        nearest = min(fitting, key=lambda heads: abs(heads - self.num_heads))
        yield bad_parameter(
            f"embed_dim {self.embed_dim} can't be split into {self.num_heads} heads.",
            "Choose a num_heads that divides embed_dim without a rest.",
            set_to("num_heads", nearest),
        )

    def _lengths(self, inputs: Types) -> Iterator[Complaint]:
        query, key, value = (inputs.get(port) for port in ("query", "key", "value"))
        time, batch = (1, 0) if self.batch_first else (0, 1)
        if key and value and differ(key.shape[time], value.shape[time]):
            yield Complaint(
                f"key has {key.shape[time]} elements and value {value.shape[time]}.",
                "They come in pairs: connect the same sequence to both.",
                "value",
            )
        if key and value and differ(key.shape[batch], value.shape[batch]):
            yield Complaint(
                f"key is {key} and value is {value}: the batch differs.",
                "Bring both to the same batch.",
                "value",
            )
        elif query and key and differ(query.shape[batch], key.shape[batch]):
            yield Complaint(
                f"query is {query} and key is {key}: the batch differs.",
                "Bring both to the same batch.",
                "key",
            )

    def _masks(self, inputs: Types) -> Iterator[Complaint]:
        query, key = inputs.get("query"), inputs.get("key")
        if query is None or key is None:
            return
        time, batch = (1, 0) if self.batch_first else (0, 1)
        long, wide = query.shape[time], key.shape[time]
        for port, wanted in (
            ("key_padding_mask", (key.shape[batch], wide)),
            ("attn_mask", (long, wide)),
        ):
            mask = inputs.get(port)
            if mask is None:
                continue
            if mask.dtype not in ("bool", "float32"):
                yield Complaint(
                    f"{port} must be bool (true for what is left out), gets {mask.dtype}.",
                    "Set the Input's dtype to bool.",
                    port,
                    code="dtype.mismatch",
                )
            # A mask for each sample and head has a dim in front: PyTorch checks that one.
            rank = 3 if port == "attn_mask" and mask.rank == 3 else 2
            pairs = zip(mask.shape[rank - 2 :], wanted, strict=False)
            if mask.rank != rank or any(differ(a, b) for a, b in pairs):
                yield Complaint(
                    f"{port} is {mask}, but {'×'.join(map(str, wanted))} is needed.",
                    "Its last dim are the elements of key.",
                    port,
                )

    def subtitle(self) -> str:
        return f"{self.num_heads} heads" if self.num_heads > 1 else "1 head"
