"""Cases of `netbuilder.layers.transformer`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from tests.layers.cases.attention import first_stays
from tests.layers.cases.common import Case, Generator, batch, some

Masks = Mapping[str, tuple[str, str, str]]
"""By port: the kind of mask, and the sequences of its rows and columns."""

ENCODER_LAYER: Masks = {
    "src_mask": ("mask", "src", "src"),
    "src_key_padding_mask": ("padding", "src", "src"),
}
ENCODER: Masks = {
    "mask": ("mask", "src", "src"),
    "src_key_padding_mask": ("padding", "src", "src"),
}
DECODER: Masks = {
    "tgt_mask": ("mask", "tgt", "tgt"),
    "memory_mask": ("mask", "tgt", "memory"),
    "tgt_key_padding_mask": ("padding", "tgt", "tgt"),
    "memory_key_padding_mask": ("padding", "memory", "memory"),
}
BOTH: Masks = {
    "src_mask": ("mask", "src", "src"),
    "tgt_mask": ("mask", "tgt", "tgt"),
    "memory_mask": ("mask", "tgt", "src"),
    "src_key_padding_mask": ("padding", "src", "src"),
    "tgt_key_padding_mask": ("padding", "tgt", "tgt"),
    "memory_key_padding_mask": ("padding", "src", "src"),
}


def transformer(
    sequences: tuple[str, ...],
    masks: Masks,
    causal: Mapping[str, str],
    fixed: Callable[[Random], dict[str, Any]],
) -> Callable[[Random], Case]:
    """`causal` has the masks that a parameter replaces."""

    def make(r: Random) -> Case:
        heads = r.randint(1, 3)
        features = heads * r.randint(2, 4)
        lengths = {name: r.randint(2, 5) for name in sequences}
        inputs = {name: batch(lengths[name], features) for name in sequences}
        params = {"nhead": heads, "dim_feedforward": r.randint(8, 12), "batch_first": True}
        params |= some(r, dropout=0.2, activation=["gelu", "silu"], layer_norm_eps=1e-4)
        params |= some(r, norm_first=True, bias=False) | fixed(r)
        if "num_encoder_layers" in params:
            params["d_model"] = features
        every = r.random() < 0.6
        params |= {name: True for name in causal if not every and r.random() < 0.5}
        hidden = {causal[name] for name in causal if name in params}
        kind = "bool" if hidden else r.choice(["bool", "float32"])
        wired = [port for port in masks if port not in hidden and (every or r.random() < 0.5)]
        for port in wired:
            what, rows, columns = masks[port]
            over = (lengths[rows], lengths[columns])
            inputs[port] = (
                batch(over[1], dtype=kind) if what == "padding" else TensorType(over, kind)
            )
        return Case(params, inputs, dict.fromkeys(wired, first_stays))

    return make


def encoder(r: Random) -> dict[str, Any]:
    return {
        "num_layers": r.randint(1, 2),
        "enable_nested_tensor": False,
        **some(r, norm=True, mask_check=False),
    }


def decoder(r: Random) -> dict[str, Any]:
    return {"num_layers": r.randint(1, 2), **some(r, norm=True)}


def both(r: Random) -> dict[str, Any]:
    return {"num_encoder_layers": r.randint(1, 2), "num_decoder_layers": 1}


def alone(r: Random) -> dict[str, Any]:
    return {}


CASES: Mapping[str, Generator] = {
    "torch.nn.TransformerEncoderLayer": transformer(
        ("src",), ENCODER_LAYER, {"is_causal": "src_mask"}, alone
    ),
    "torch.nn.TransformerEncoder": transformer(("src",), ENCODER, {"is_causal": "mask"}, encoder),
    "torch.nn.TransformerDecoderLayer": transformer(
        ("tgt", "memory"), DECODER, {"tgt_is_causal": "tgt_mask"}, alone
    ),
    "torch.nn.TransformerDecoder": transformer(
        ("tgt", "memory"), DECODER, {"tgt_is_causal": "tgt_mask"}, decoder
    ),
    "torch.nn.Transformer": transformer(
        ("src", "tgt"), BOTH, {"src_is_causal": "src_mask", "tgt_is_causal": "tgt_mask"}, both
    ),
}
