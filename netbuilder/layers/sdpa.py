"""Attention as a function of queries, keys and values."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Family,
    Layer,
    Port,
    Positive,
    Probability,
    TensorType,
    Types,
)
from netbuilder.layers.checks import (
    bad_parameter,
    check_bool,
    check_floating,
    check_same_dtype,
    differ,
    first_of,
    set_to,
)
from netbuilder.layers.functional import wrong_rank
from netbuilder.layers.operands import broadcast, check_broadcast


class ScaledDotProductAttention(Layer):
    """softmax(q·kᵀ/√d)·v: attention between queries and the keys and values of others.

    Shapes are N×heads×length×features. A mask says where attention may go: true, or numbers
    to add to the scores. `is_causal` lets each place look back only, `scale` replaces 1/√d,
    `dropout_p` drops weights in training, `enable_gqa` lets heads of queries share keys.
    """

    id = "torch.nn.functional.scaled_dot_product_attention"
    title = "attention (q, k, v)"
    family = Family.ATTENTION
    keywords = "scaled dot product sdpa flash transformer heads functional"
    inputs = (
        Port("query"),
        Port("key"),
        Port("value"),
        Port("attn_mask", "True where attention may go, or numbers to add.", optional=True),
    )

    dropout_p: Probability = 0.0
    is_causal: bool = False
    scale: Positive | None = None
    enable_gqa: bool = False

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "query"),
            *(check_same_dtype(self, inputs, "query", name) for name in ("key", "value")),
            self._mask(inputs),
            self._ranks(inputs),
            self._sizes(inputs),
            self._pairs(inputs),
        )

    def _mask(self, inputs: Types) -> Iterator[Complaint]:
        mask = inputs.get("attn_mask")
        if mask is None:
            return
        if self.is_causal:
            yield bad_parameter(
                "is_causal is on and a mask is wired.",
                "Put the causal mask into the mask, or remove its wire.",
                set_to("is_causal", False),
            )
        elif mask.dtype != "bool" and not mask.floating:
            yield from check_bool(self, inputs, "attn_mask")
        elif mask.floating:
            yield from check_same_dtype(self, inputs, "query", "attn_mask")

    def _ranks(self, inputs: Types) -> Iterator[Complaint]:
        for port in ("query", "key", "value"):
            tensor = inputs.get(port)
            if tensor is not None and tensor.rank < 2:
                yield wrong_rank(self, port, tensor, "...×length×features")
                return

    def _sizes(self, inputs: Types) -> Iterator[Complaint]:
        query, key, value = (inputs.get(name) for name in ("query", "key", "value"))
        if query is not None and key is not None and differ(query.shape[-1], key.shape[-1]):
            yield Complaint(
                f"Queries {query} and keys {key} have {query.shape[-1]} and {key.shape[-1]} "
                "features.",
                "Their last dims must be equal.",
                "key",
            )
        elif key is not None and value is not None and differ(key.shape[-2], value.shape[-2]):
            yield Complaint(
                f"There are keys {key} and values {value}: {key.shape[-2]} and {value.shape[-2]}.",
                "Each key needs a value: their last dims but one must be equal.",
                "value",
            )

    def _pairs(self, inputs: Types) -> Iterator[Complaint]:
        tensors = {n: inputs[n] for n in ("query", "key", "value") if n in inputs}
        if self.enable_gqa or len(tensors) < 3:
            return
        rests = {n: TensorType(t.shape[:-2], t.dtype) for n, t in tensors.items()}
        yield from check_broadcast(self, rests)
        mask = inputs.get("attn_mask")
        if mask is not None:
            query, key = tensors["query"], tensors["key"]
            scores = TensorType((*query.shape[:-1], key.shape[-2]))
            common, misfit = broadcast(scores.shape, mask.shape)
            if misfit is not None or len(common) > scores.rank:
                yield Complaint(
                    f"The mask {mask} is for scores {scores}.",
                    "Its sizes must be equal to those, or 1, counted from the last dim.",
                    "attn_mask",
                )

    def saves_output(self) -> bool:
        return True

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        named: dict[str, ast.expr] = {k: code.const(v) for k, v in self.arguments().items()}
        drop = named.get("dropout_p")
        if drop is not None:
            training = code.dotted("self.training")
            named["dropout_p"] = ast.IfExp(training, drop, code.const(0.0))
        plain = [inputs[name] for name in ("query", "key", "value")]
        if "attn_mask" in inputs:
            named = {"attn_mask": inputs["attn_mask"], **named}
        return code.call(self.id, *plain, **named)

    def subtitle(self) -> str:
        return "causal" if self.is_causal else ""
