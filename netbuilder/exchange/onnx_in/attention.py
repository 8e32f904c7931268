"""Attention, rotary positions and what else transformers are made of."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from netbuilder.exchange.onnx_in.gathering import counted
from netbuilder.exchange.onnx_in.nodes import dtype as dtype_of
from netbuilder.exchange.onnx_in.ops import Call, Function, op


@op("RotaryEmbedding", since=23)
def rotary(call: Call) -> Function:
    """Pairs of features turned by angles that grow with the position."""
    interleaved, wanted = call.attr("interleaved", 0), call.attr("rotary_embedding_dim", 0)
    heads = call.attr("num_heads", 0)

    def run(x: Tensor, cos: Tensor, sin: Tensor, ids: Tensor | None = None) -> Tensor:
        flat = x.dim() == 3
        # Heads second to last: batch, steps, heads, features.
        parts = torch.unflatten(x, 2, (heads, -1)) if flat else x.transpose(1, 2)
        if ids is not None:
            cos, sin = cos[ids], sin[ids]
        cos, sin = cos.unsqueeze(2), sin.unsqueeze(2)
        size = wanted or parts.shape[-1]
        turned = parts[..., :size] if wanted else parts
        half = size // 2
        cos, sin = (part if part.shape[-1] == half else part[..., :half] for part in (cos, sin))
        if interleaved:
            a, b = turned[..., 0::2], turned[..., 1::2]
            made = torch.stack((cos * a - sin * b, sin * a + cos * b), -1).flatten(-2)
        else:
            a, b = turned[..., :half], turned[..., half:]
            made = torch.cat((cos * a - sin * b, sin * a + cos * b), -1)
        whole = torch.cat((made, parts[..., size:]), -1) if size != parts.shape[-1] else made
        return whole.flatten(2) if flat else whole.transpose(1, 2)

    return run


@op("SwiGLU", since=28)
def swiglu(call: Call) -> Function:
    """One half times the other's SiLU."""
    alpha = call.attr("alpha", 1.0)
    return lambda a, b: (F.silu(a) if alpha == 1 else a * torch.sigmoid(alpha * a)) * b


@op("RMSNormalization", since=23)
def rms_norm(call: Call) -> Function:
    """Divided by the root of the mean square over the last dims."""
    axis, epsilon = call.attr("axis", -1), call.attr("epsilon", 1e-5)
    held = call.constant(1) is not None

    def run(x: Tensor, scale: Tensor) -> Tensor:
        dims = x.shape[axis % x.dim() :]
        if held and scale.shape == dims:
            return F.rms_norm(x, dims, scale, epsilon)
        return F.rms_norm(x, dims, None, epsilon) * scale

    return run


# -- attention ------------------------------------------------------------------------------------


def _heads(x: Tensor, count: int) -> Tensor:
    """Batch, heads, steps, features of a tensor whose features are those of all heads."""
    return torch.unflatten(x, 2, (count, -1)).transpose(1, 2) if x.dim() == 3 else x


def _causal(q: Tensor, k: Tensor, before: Any) -> Tensor:
    """Which steps may be looked at: those up to oneself, and all that came before."""
    rows = counted(q, 2).unsqueeze(1)
    return torch.le(counted(k, 2).unsqueeze(0), rows + before)


def _bias(allowed: Tensor, dtype: torch.dtype) -> Tensor:
    """A mask as numbers to add."""
    zero = torch.zeros_like(allowed, dtype=dtype)
    return zero.masked_fill(torch.logical_not(allowed), -math.inf)


def _widened(mask: Tensor, steps: Any) -> Tensor:
    """A mask that ends early allows nothing behind."""
    if mask.shape[-1] == steps:
        return mask
    filler: Any = False if mask.dtype is torch.bool else -math.inf
    return F.pad(mask, (0, steps - mask.shape[-1]), value=filler)


def _windowed(q: Tensor, k: Tensor, before: Any, left: int, right: int) -> Tensor:
    away = counted(q, 2).unsqueeze(1) + before - counted(k, 2).unsqueeze(0)
    near = torch.ones_like(away, dtype=torch.bool)
    if left >= 0:
        near = torch.logical_and(near, away <= left)
    return torch.logical_and(near, -away <= right) if right >= 0 else near


@op("Attention", since=23)
def attention(call: Call) -> Function:
    """Each step looks at steps; with a cache of former ones, masks and groups of heads."""
    of_keys, causal = call.attr("kv_num_heads"), call.attr("is_causal", 0)
    counts = (call.attr("q_num_heads"), of_keys, of_keys)
    softcap, mode = call.attr("softcap", 0.0), call.attr("qk_matmul_output_mode", 0)
    left, right = call.attr("left_window_size", -1), call.attr("right_window_size", -1)
    precision = call.attr("softmax_precision", 0)
    windows = left >= 0 or right >= 0
    plain = not softcap and not call.gives(3) and not precision and not windows

    def run(
        query: Tensor,
        key: Tensor,
        value: Tensor,
        mask: Tensor | None = None,
        past_key: Tensor | None = None,
        past_value: Tensor | None = None,
        lengths: Tensor | None = None,
    ) -> Any:
        flat = query.dim() == 3
        q, k, v = (_heads(x, n) for x, n in zip((query, key, value), counts, strict=True))
        before: Any = 0
        if past_key is not None and past_value is not None:
            before = past_key.shape[2]
            k, v = torch.cat((past_key, k), 2), torch.cat((past_value, v), 2)
        elif lengths is not None:
            before = (lengths - q.shape[2]).reshape(-1, 1, 1, 1)
        present = (k, v)
        groups = q.shape[1] // k.shape[1]
        if groups > 1:
            k, v = (x.repeat_interleave(groups, 1) for x in (k, v))
        scale = call.attr("scale") or 1 / math.sqrt(q.shape[-1])
        alone = mask is None and lengths is None and past_key is None
        if plain and alone:
            made = F.scaled_dot_product_attention(q, k, v, is_causal=bool(causal), scale=scale)
            return _answer(made, flat, present, call)
        bias = None
        if mask is not None:
            mask = _widened(mask, k.shape[2])
            bias = _bias(mask, q.dtype) if mask.dtype is torch.bool else mask
        masks = [_causal(q, k, before)] if causal else []
        if windows:
            masks.append(_windowed(q, k, before, left, right))
        if lengths is not None:
            masks.append(counted(k, 2) < lengths.reshape(-1, 1, 1, 1))
        for allowed in masks:
            more = _bias(allowed, q.dtype)
            bias = more if bias is None else bias + more
        root = math.sqrt(scale)
        scores = torch.matmul(q * root, (k * root).transpose(-2, -1))
        shown = scores
        if softcap:
            scores = torch.tanh(scores / softcap) * softcap
            shown = scores if mode == 1 else shown
        scores = scores if bias is None else scores + bias
        shown = scores if mode == 2 else shown
        weights = torch.softmax(scores.to(dtype_of(precision)) if precision else scores, -1)
        if bias is not None:
            # A step that may look at nothing sees nothing.
            blind = torch.isinf(torch.amax(bias, -1, keepdim=True))
            weights = torch.where(blind, torch.zeros_like(weights), weights)
        weights = weights.to(q.dtype)
        made = torch.matmul(weights, v)
        return _answer(made, flat, (*present, weights if mode == 3 else shown), call)

    return run


def _answer(made: Tensor, flat: bool, more: tuple[Tensor, ...], call: Call) -> Any:
    made = made.transpose(1, 2).flatten(2) if flat else made
    return (made, *more) if len(call.outputs) > 1 else made
