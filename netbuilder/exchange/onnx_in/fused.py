"""Operators that ONNX Runtime's optimizer writes: a few of the standard's in one.

Files that it saved have them in the domain `com.microsoft`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from netbuilder.exchange.onnx_in import convolving, weighted
from netbuilder.exchange.onnx_in.gathering import counted
from netbuilder.exchange.onnx_in.ops import Call, Function, Unsupported, op
from netbuilder.exchange.onnx_in.weighted import empty, fill

DOMAIN = "com.microsoft"


def _activation(call: Call) -> Callable[[Tensor], Tensor]:
    """What a fused operator does in the end."""
    given: Sequence[float] = call.attr("activation_params", ())
    alpha = call.attr("activation_alpha", given[0] if given else None)
    beta = call.attr("activation_beta", given[1] if len(given) > 1 else None)
    match call.attr("activation", ""):
        case "":
            return lambda x: x
        case "Relu":
            return F.relu
        case "Sigmoid":
            return torch.sigmoid
        case "Tanh":
            return torch.tanh
        case "LeakyRelu":
            slope = 0.01 if alpha is None else alpha
            return lambda x: F.leaky_relu(x, slope)
        case "Clip" if len(given) > 1:
            return lambda x: torch.clamp(x, given[0], given[1])
        case "HardSigmoid" if alpha is not None and beta is not None:
            return lambda x: torch.clamp(alpha * x + beta, 0.0, 1.0)
        case "HardSwish":
            return F.hardswish
    raise Unsupported(f"its activation is {call.attr('activation')[:40]}")


def _before(call: Call, made: nn.Module | Function, more: int) -> Function:
    """What comes before an activation; the input `more` is added to it, where there is one."""
    held: Function = call.hold(made) if isinstance(made, nn.Module) else made
    if isinstance(made, nn.Module):
        call.only(0)
    if not call.has(more):
        return held
    takes = call.takes if call.takes is not None else tuple(range(more))
    call.only(*takes, more)
    return lambda *given: held(*given[:-1]) + given[-1]


@op(f"{DOMAIN}.FusedConv")
def fused_conv(call: Call) -> Function:
    """A convolution, what is added to it, and an activation."""
    before, after = _before(call, convolving.conv(call), 3), _activation(call)
    return lambda *given: after(before(*given))


@op(f"{DOMAIN}.FusedGemm")
def fused_gemm(call: Call) -> Function:
    """A product and an activation."""
    before, after = _before(call, weighted.gemm(call), 3), _activation(call)
    return lambda *given: after(before(*given))


@op(f"{DOMAIN}.FusedMatMul", f"{DOMAIN}.TransposeMatMul")
def fused_matmul(call: Call) -> Function:
    """A product times a number, of matrices that may be transposed."""
    if call.attr("transBatchA", 0) or call.attr("transBatchB", 0):
        raise Unsupported("it moves the batch")
    alpha, flip_a, flip_b = call.attr("alpha", 1.0), call.attr("transA", 0), call.attr("transB", 0)

    def run(a: Tensor, b: Tensor) -> Tensor:
        a = a.transpose(-1, -2) if flip_a else a
        b = b.transpose(-1, -2) if flip_b else b
        product = torch.matmul(a, b)
        return product if alpha == 1 else product * alpha

    return run


# -- activations ----------------------------------------------------------------------------------


@op(f"{DOMAIN}.Gelu", f"{DOMAIN}.BiasGelu")
def gelu(call: Call) -> Function:
    """By the error function, of a sum in BiasGelu."""
    return lambda x, bias=None: F.gelu(x if bias is None else x + bias)


@op(f"{DOMAIN}.FastGelu")
def fast_gelu(call: Call) -> Function:
    """By tanh."""
    return lambda x, bias=None: F.gelu(x if bias is None else x + bias, approximate="tanh")


@op(f"{DOMAIN}.QuickGelu")
def quick_gelu(call: Call) -> Function:
    """By the sigmoid."""
    alpha = call.attr("alpha", 1.702)
    return lambda x: F.silu(x) if alpha == 1 else x * torch.sigmoid(alpha * x)


# -- normalisation --------------------------------------------------------------------------------


def _norm(call: Call, scale: int, bias: int, epsilon: float) -> nn.Module:
    """A LayerNorm of the weights at these inputs."""
    given, shift = call.constant(scale), call.constant(bias) if bias >= 0 else None
    if given is None or (bias >= 0 and call.has(bias) and shift is None) or given.dim() != 1:
        raise Unsupported("its weights are worked out")
    module = nn.LayerNorm(given.numel(), epsilon, bias=shift is not None)
    return fill(module, weight=given, bias=shift)


@op(f"{DOMAIN}.SkipLayerNormalization")
def skip_layer_norm(call: Call) -> Function:
    """A LayerNorm of a sum, which is given, too."""
    if call.gives(1) or call.gives(2):
        raise Unsupported("its means and spreads are asked for")
    norm = call.hold(_norm(call, 2, 3, call.attr("epsilon", 1e-12)))
    call.only(0, 1, 4)

    def run(x: Tensor, skip: Tensor, bias: Tensor | None = None) -> Any:
        whole = x + skip if bias is None else x + skip + bias
        return (norm(whole), None, None, whole) if call.gives(3) else norm(whole)

    return run


@op("SimplifiedLayerNormalization")
def simple_layer_norm(call: Call) -> Function:
    """Divided by the root of the mean square over the last dim."""
    scale, axis = call.constant(1), call.attr("axis", -1)
    rank = call.rank(0)
    last = axis == -1 or (rank is not None and axis == rank - 1)
    if scale is None or scale.dim() != 1 or not last or call.gives(1):
        raise Unsupported("it is over several dims, or its weights are worked out")
    module = nn.RMSNorm(scale.numel(), call.attr("epsilon", 1e-5))
    held = call.hold(fill(module, weight=scale))
    call.only(0)
    return lambda x: held(x)


@op(f"{DOMAIN}.SkipSimplifiedLayerNormalization")
def skip_simple_layer_norm(call: Call) -> Function:
    """An RMSNorm of a sum, which is given, too."""
    scale = call.constant(2)
    if scale is None or scale.dim() != 1 or call.gives(1) or call.gives(2):
        raise Unsupported("its weights are worked out, or its spreads are asked for")
    module = nn.RMSNorm(scale.numel(), call.attr("epsilon", 1e-12))
    norm = call.hold(fill(module, weight=scale))
    call.only(0, 1, 3)

    def run(x: Tensor, skip: Tensor, bias: Tensor | None = None) -> Any:
        whole = x + skip if bias is None else x + skip + bias
        return (norm(whole), None, None, whole) if call.gives(3) else norm(whole)

    return run


@op(f"{DOMAIN}.EmbedLayerNormalization")
def embed_layer_norm(call: Call) -> Function:
    """Rows for words, places and segments, added and normalised."""
    tables: list[nn.Module | None] = []
    for at in (2, 3, 4):
        table = call.constant(at)
        if table is None and call.has(at):
            raise Unsupported("its tables are worked out")
        if table is None:
            tables.append(None)
            continue
        tables.append(call.hold(fill(empty(nn.Embedding, *table.shape), weight=table)))
    word, place, segment = tables
    norm = call.hold(_norm(call, 5, 6, call.attr("epsilon", 1e-12)))
    call.only(0, 1, 7, 8)
    if word is None or place is None:
        raise Unsupported("it has no tables")

    def run(
        ids: Tensor,
        segments: Tensor | None = None,
        mask: Tensor | None = None,
        places: Tensor | None = None,
    ) -> Any:
        where = counted(ids, 1).unsqueeze(0) if places is None else places.long()
        whole = word(ids.long()) + place(where)
        if segments is not None and segment is not None:
            whole = whole + segment(segments.long())
        if not call.gives(1) and not call.gives(2):
            return norm(whole)
        seen = torch.zeros_like(ids) if mask is None else mask
        return norm(whole), torch.sum(seen, 1).to(torch.int32), whole

    return run


# -- attention ------------------------------------------------------------------------------------


def _split(x: Tensor, heads: int) -> Tensor:
    return torch.unflatten(x, 2, (heads, -1)).transpose(1, 2)


def _hidden(mask: Tensor | None, low: float) -> Tensor | None:
    """What is added to the scores of each key: 0 where its mask is 1."""
    if mask is None:
        return None
    if mask.dim() not in (2, 3):
        raise Unsupported("its mask has the lengths of sequences")
    wide = mask.unsqueeze(1)
    wide = wide.unsqueeze(1) if mask.dim() == 2 else wide
    return (1.0 - wide.float()) * low


def _attended(
    call: Call, parts: tuple[Tensor, Tensor, Tensor], heads: int, biases: Sequence[Tensor | None]
) -> Tensor:
    q, k, v = (_split(part, heads) for part in parts)
    causal = bool(call.attr("unidirectional", 0))
    bias = None
    for each in biases:
        if each is not None:
            bias = each if bias is None else bias + each
    if causal and bias is not None:
        raise Unsupported("it hides the future besides what a mask hides")
    scale = call.attr("scale", 0.0) or None
    made = F.scaled_dot_product_attention(q, k, v, bias, is_causal=causal, scale=scale)
    return made.transpose(1, 2).flatten(2)


@op(f"{DOMAIN}.Attention")
def attention(call: Call) -> Function:
    """Self-attention with the product before it: one matrix for query, key and value."""
    weight, bias, heads = call.constant(1), call.constant(2), call.attr("num_heads")
    if weight is None or weight.dim() != 2 or (call.has(2) and bias is None):
        raise Unsupported("its weights are worked out")
    if any(call.has(at) for at in (4, 6)) or call.gives(1) or call.attr("do_rotary", 0):
        raise Unsupported("it has a cache of former steps, or turns by position")
    sizes = list(call.attr("qkv_hidden_sizes") or (weight.shape[1] // 3,) * 3)
    held = call.hold(weighted.linear(weight.t().contiguous(), bias))
    low = call.attr("mask_filter_value", -10000.0)
    call.only(0, 3, 5)

    def run(x: Tensor, mask: Tensor | None = None, more: Tensor | None = None) -> Tensor:
        q, k, v = torch.split(held(x), sizes, 2)
        return _attended(call, (q, k, v), heads, (_hidden(mask, low), more))

    return run


@op(f"{DOMAIN}.MultiHeadAttention")
def multi_head_attention(call: Call) -> Function:
    """Attention of sequences whose heads lie one after the other."""
    if any(call.has(at) for at in (6, 7)) or call.gives(1) or call.gives(2):
        raise Unsupported("it has a cache of former steps")
    if not call.has(1) or not call.has(2):
        raise Unsupported("query, key and value are packed in one tensor")
    heads, low = call.attr("num_heads"), call.attr("mask_filter_value", -10000.0)
    call.only(0, 1, 2, 3, 4, 5)

    def run(
        q: Tensor,
        k: Tensor,
        v: Tensor,
        bias: Tensor | None = None,
        mask: Tensor | None = None,
        more: Tensor | None = None,
    ) -> Tensor:
        if k.dim() != 3 or v.dim() != 3:
            raise Unsupported("keys and values lie apart for each head")
        if bias is not None:
            first, second, third = torch.split(bias, [q.shape[2], k.shape[2], v.shape[2]])
            q, k, v = q + first, k + second, v + third
        return _attended(call, (q, k, v), heads, (_hidden(mask, low), more))

    return run
