"""Attention: every element looks at every other."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import PrivateAttr

from netbuilder.graph.model import Json
from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Family,
    Inferred,
    Layer,
    Port,
    Probability,
    Size,
    Targets,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    bad_parameter,
    cast,
    check_batch_first,
    check_rank,
    check_size,
    check_weights,
    differ,
    first_of,
    set_to,
    size_at,
)
from netbuilder.layers.dims import Dim

# -- what all layers with attention share ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Attention:
    """One attention of a layer by its port names, and the parameter that makes it causal."""

    query: str
    key: str
    mask: str
    padding: str
    causal: str = ""


def check_heads(layer: Layer, size: str, heads: str) -> Iterator[Complaint]:
    """Complains if the features can't be split evenly into heads."""
    features, count = getattr(layer, size), getattr(layer, heads)
    if features is None or features % count == 0:
        return
    fitting = [h for h in (1, 2, 3, 4, 5, 6, 7, 8, 12, 16) if features % h == 0]
    nearest = min(fitting, key=lambda h: abs(h - count))
    yield bad_parameter(
        f"{size} {features} can't be split into {count} heads.",
        f"Choose a {heads} that divides {size} without a rest.",
        set_to(heads, nearest),
    )


def check_same_batch(layer: Layer, inputs: Types, one: str, other: str) -> Iterator[Complaint]:
    """Complains if two sequences have not the same batch."""
    batch = 0 if getattr(layer, "batch_first", True) else 1
    a, b = inputs.get(one), inputs.get(other)
    if a is not None and b is not None and differ(a.shape[batch], b.shape[batch]):
        yield Complaint(
            f"{one} is {a} and {other} is {b}: the batch differs.",
            "Bring both to the same batch.",
            other,
        )


def check_masks(
    layer: Layer, inputs: Types, attention: Attention, heads: int
) -> Iterator[Complaint]:
    """Complains about the masks of one attention; its sequences have three dims each."""
    query, key = inputs.get(attention.query), inputs.get(attention.key)
    if query is None or key is None:
        return
    time, batch = (1, 0) if getattr(layer, "batch_first", True) else (0, 1)
    rows, columns, many = query.shape[time], key.shape[time], key.shape[batch]
    mask, padding = inputs.get(attention.mask), inputs.get(attention.padding)
    yield from first_of(
        _check_mask(attention.padding, padding, attention.key, (many, columns)),
        _check_mask(
            attention.mask,
            mask,
            attention.key,
            (rows, columns) if mask is None or mask.rank != 3 else (many * heads, rows, columns),
        ),
        _causal(layer, attention, mask, rows, columns),
        _alike(layer, attention, mask, padding),
    )


def _check_mask(
    port: str, mask: TensorType | None, key: str, wanted: tuple[Dim, ...]
) -> Iterator[Complaint]:
    if mask is None:
        return
    if mask.dtype not in ("bool", "float32"):
        yield Complaint(
            f"{port} must be bool (true for what is left out), gets {mask.dtype}.",
            "Set the Input's dtype to bool.",
            port,
            code="dtype.mismatch",
            fixes=(cast(port, "float32" if mask.floating else "bool"),),
        )
    if mask.rank != len(wanted) or any(map(differ, mask.shape, wanted)):
        yield Complaint(
            f"{port} is {mask}, but {'×'.join(map(str, wanted))} is needed.",
            f"Its last dim are the elements of {key}.",
            port,
        )


def _causal(
    layer: Layer, attention: Attention, mask: TensorType | None, rows: Dim, columns: Dim
) -> Iterator[Complaint]:
    name = attention.causal
    if not name or not getattr(layer, name):
        return
    if mask is not None:
        yield Complaint(
            f"{name} says that {attention.mask} hides the future and nothing else; what else is "
            "in it may not count.",
            f"Set {name} to False if the mask is another one, or remove the wire.",
            attention.mask,
            code="mask.causal",
            severity="warning",
            fixes=(set_to(name, False),),
        )
    elif differ(rows, columns):
        yield Complaint(
            f"{name} hides the future of one sequence, but {attention.query} has {rows} elements "
            f"and {attention.key} {columns}.",
            f"Set {name} to False and connect {attention.mask}.",
            attention.query,
            code="mask.causal",
            fixes=(set_to(name, False),),
        )


def _alike(
    layer: Layer, attention: Attention, mask: TensorType | None, padding: TensorType | None
) -> Iterator[Complaint]:
    causal = attention.causal and getattr(layer, attention.causal) and mask is None
    other = "bool" if causal else mask.dtype if mask is not None else None
    if padding is not None and other is not None and padding.dtype != other:
        yield Complaint(
            f"{attention.padding} is {padding.dtype} and {attention.mask} {other}: PyTorch is "
            "about to refuse such pairs.",
            "Make both bool: true for what is left out.",
            attention.padding,
            code="dtype.mismatch",
            severity="warning",
        )


def causal_mask(sequence: ast.expr, batch_first: bool) -> ast.expr:
    """A T×T mask that is true where an element would look at a later one."""
    length = code.method(sequence, "size", code.const(1 if batch_first else 0))
    device = ast.Attribute(sequence, "device", ast.Load())
    ones = code.call("torch.ones", length, length, dtype=code.dotted("torch.bool"), device=device)
    return code.method(ones, "triu", code.const(1))


def causal_arguments(
    layer: Layer, attention: Attention, inputs: Mapping[str, ast.expr]
) -> dict[str, ast.expr]:
    """What to pass to `forward` for a causal attention: the mask, if none is wired, and that
    it is one.
    """
    if not attention.causal or not getattr(layer, attention.causal):
        return {}
    batch_first = bool(getattr(layer, "batch_first", True))
    known = {attention.mask: inputs[attention.mask]} if attention.mask in inputs else {}
    mask = known or {attention.mask: causal_mask(inputs[attention.query], batch_first)}
    return {**mask, attention.causal: code.const(True)}


# -- attention itself --------------------------------------------------------------------------


class MultiheadAttention(Layer):
    """Lets each element of `query` collect from `value` what its `key` has that it looks for.

    For self-attention connect the same to all three. `embed_dim` follows from the query
    and must be a multiple of `num_heads`. `key_padding_mask` (N×S) and `attn_mask` (L×S)
    are true where nothing may be looked at; `is_causal` hides the future without a mask.
    `attn_output` is N×L×embed_dim with `batch_first`, `attn_output_weights` who looked at
    whom: the mean over the heads, or N×heads×L×S without `average_attn_weights`.
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
        Port("attn_output_weights", "N×L×S: who looked at whom. Costs time if connected."),
    )
    returns: ClassVar[Targets] = ("attn_output", "attn_output_weights")
    in_call = ("average_attn_weights", "is_causal")
    attention: ClassVar[Attention] = Attention(
        "query", "key", "attn_mask", "key_padding_mask", "is_causal"
    )

    _need_weights: bool = PrivateAttr(True)

    embed_dim: Inferred = None
    num_heads: Size
    dropout: Probability = 0.0
    bias: bool = True
    add_bias_kv: bool = False
    add_zero_attn: bool = False
    kdim: Inferred = None
    vdim: Inferred = None
    batch_first: bool = False
    average_attn_weights: bool = True
    is_causal: bool = False

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
            check_heads(self, "embed_dim", "num_heads"),
            *(check_rank(self, inputs, port, (3,), layout) for port in ("query", "key", "value")),
            check_weights(self, inputs, "query", "key", "value"),
            check_size(self, "embed_dim", "features", inputs, "query", -1),
            check_size(self, "kdim", "features in key", inputs, "key", -1),
            check_size(self, "vdim", "features in value", inputs, "value", -1),
            self._lengths(inputs),
            check_masks(self, inputs, self.attention, self.num_heads),
            check_batch_first(self, inputs, "query"),
        )

    def _lengths(self, inputs: Types) -> Iterator[Complaint]:
        key, value = inputs.get("key"), inputs.get("value")
        time = 1 if self.batch_first else 0
        if key and value and differ(key.shape[time], value.shape[time]):
            yield Complaint(
                f"key has {key.shape[time]} elements and value {value.shape[time]}.",
                "They come in pairs: connect the same sequence to both.",
                "value",
            )
        yield from first_of(
            check_same_batch(self, inputs, "key", "value"),
            check_same_batch(self, inputs, "query", "key"),
        )

    def saves_output(self) -> bool:
        return not self.average_attn_weights

    def for_outputs(self, wired: frozenset[str]) -> Layer:
        # Without the weights PyTorch takes its fast way.
        if "attn_output_weights" in wired:
            return self
        alone = self.model_copy()
        alone._need_weights = False
        return alone

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        assert module is not None
        three = [inputs[port] for port in ("query", "key", "value")]
        named = {name: value for name, value in inputs.items() if name.endswith("mask")}
        if not self._need_weights:
            named["need_weights"] = code.const(False)
        elif not self.average_attn_weights:
            named["average_attn_weights"] = code.const(False)
        named |= causal_arguments(self, self.attention, inputs)
        if self.add_bias_kv or self.add_zero_attn:
            # The fast way of is_causal hides the added key from all: the mask alone is right.
            named.pop("is_causal", None)
        return code.call(module, *three, **named)

    def subtitle(self) -> str:
        return f"{self.num_heads} heads" if self.num_heads > 1 else "1 head"
