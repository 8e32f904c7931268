"""Transformers of the templates are the published ones: their weights, their outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import netbuilder as nb
from tests.templates import published

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(600)]


@pytest.fixture(autouse=True)
def _without_gradients() -> Iterator[None]:
    torch.manual_seed(0)
    with torch.no_grad():
        yield


def transformers() -> Any:
    return pytest.importorskip("transformers")


def template(id: str, network: str = "main") -> nn.Module:
    return nb.template(id).module(network).double().eval()


def fill(module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give a module the weights by its own names; none may be left over on either side."""
    own = {name: p for name, p in module.state_dict().items() if p.is_floating_point()}
    assert set(own) == set(weights)
    for name, value in weights.items():
        assert own[name].shape == value.shape, name
        own[name].copy_(value)


def same(one: Tensor, other: Tensor) -> None:
    assert other.std() > 1e-3 * other.abs().max()
    assert published.difference(one, other) <= 1e-9


def renamed(weights: Mapping[str, Tensor], names: Mapping[str, str]) -> dict[str, Tensor]:
    """Weights by the names of ours: the longest beginning of each name is replaced."""
    found = {}
    for name, value in weights.items():
        begins = max((key for key in names if name.startswith(key)), key=len)
        found[names[begins] + name.removeprefix(begins)] = value
    return found


# -- pictures ----------------------------------------------------------------------------------


def test_vit_b_16_computes_what_torchvision_does() -> None:
    theirs = published.torchvision_models().vit_b_16(weights=None).double().eval()
    published.randomise(theirs)
    nn.init.normal_(theirs.heads.head.weight, std=0.02)
    weights = dict(theirs.state_dict())
    for name in ("class_token", "encoder.pos_embedding"):
        weights[name] = weights[name][0]
    layers = {
        f"encoder.layers.encoder_layer_{n}.{theirs_}": f"encoder.{n}.{ours}"
        for n in range(12)
        for theirs_, ours in (
            ("ln_1", "norm1"),
            ("self_attention", "attention"),
            ("ln_2", "norm2"),
            ("mlp.0", "widen"),
            ("mlp.3", "narrow"),
        )
    }
    ends = {
        "class_token": "class_token.weight",
        "conv_proj": "patches.projection",
        "encoder.pos_embedding": "positions.embedding.weight",
        "encoder.ln": "norm",
        "heads.head": "head",
    }
    ours = template("vit_b_16")
    fill(ours, renamed(weights, layers | ends))
    image = torch.randn(2, 3, 224, 224, dtype=torch.float64)
    same(ours(image), theirs(image))


def test_swin_t_computes_what_torchvision_does() -> None:
    theirs = published.torchvision_models().swin_t(weights=None).double().eval()
    published.randomise(theirs)
    weights = {k: v for k, v in theirs.state_dict().items() if "relative_position_index" not in k}
    parts = {
        "norm1": "norm1",
        "attn.relative_position_bias_table": "attention.position_bias.table",
        "attn.qkv": "attention.qkv",
        "attn.proj": "attention.projection",
        "norm2": "norm2",
        "mlp.0": "widen",
        "mlp.3": "narrow",
    }
    names = {"features.0.0": "patches", "features.0.2": "patch_norm", "norm": "norm"}
    names["head"] = "head"
    for stage, depth in enumerate((2, 2, 6, 2)):
        for n in range(depth):
            row = f".{n // 2}" if depth > 2 else ""
            kind = ("regular", "shifted")[n % 2]
            for name, own in parts.items():
                names[f"features.{2 * stage + 1}.{n}.{name}"] = (
                    f"stage{stage + 1}{row}.{kind}.{own}"
                )
        if stage:
            names[f"features.{2 * stage}.norm"] = f"merge{stage}.norm"
            names[f"features.{2 * stage}.reduction"] = f"merge{stage}.reduce"
    ours = template("swin_t")
    fill(ours, renamed(weights, names))
    image = torch.randn(2, 3, 224, 224, dtype=torch.float64)
    same(ours(image), theirs(image))


# -- text --------------------------------------------------------------------------------------


def test_gpt2_computes_what_transformers_does() -> None:
    library = transformers()
    theirs = library.GPT2LMHeadModel(library.GPT2Config()).double().eval()
    published.randomise(theirs)
    weights = {}
    for name, value in theirs.state_dict().items():
        # Its linear layers keep their weights with the inputs first.
        turned = name.endswith("weight") and ".c_" in name
        weights[name] = value.T if turned else value
    assert torch.equal(weights.pop("lm_head.weight"), weights["transformer.wte.weight"])
    names = {
        "transformer.wte.weight": "token_table.weight",
        "transformer.wpe": "positions.embedding",
        "transformer.ln_f": "norm",
    }
    for n in range(12):
        names |= {
            f"transformer.h.{n}.ln_1": f"layers.{n}.norm1",
            f"transformer.h.{n}.attn.c_attn.": f"layers.{n}.attention.in_proj_",
            f"transformer.h.{n}.attn.c_proj": f"layers.{n}.attention.out_proj",
            f"transformer.h.{n}.ln_2": f"layers.{n}.norm2",
            f"transformer.h.{n}.mlp.c_fc": f"layers.{n}.widen",
            f"transformer.h.{n}.mlp.c_proj": f"layers.{n}.narrow",
        }
    ours = template("gpt2", "gpt")
    fill(ours, renamed(weights, names))
    for length in (1, 37):
        ids = torch.randint(0, 50257, (2, length))
        same(ours(ids), theirs(ids).logits)


def test_bert_base_computes_what_transformers_does() -> None:
    library = transformers()
    config = library.BertConfig(attn_implementation="eager")
    theirs = library.BertForPreTraining(config).double().eval()
    published.randomise(theirs)
    weights = dict(theirs.state_dict())
    first = "bert.embeddings."
    bert = {
        "words.table.weight": weights[first + "word_embeddings.weight"],
        "positions.embedding.weight": weights[first + "position_embeddings.weight"],
        "segment.weight": weights[first + "token_type_embeddings.weight"],
        "norm.weight": weights[first + "LayerNorm.weight"],
        "norm.bias": weights[first + "LayerNorm.bias"],
        "pooler.weight": weights["bert.pooler.dense.weight"],
        "pooler.bias": weights["bert.pooler.dense.bias"],
    }
    parts = {
        "attention.output.dense": "attention.out_proj",
        "attention.output.LayerNorm": "norm1",
        "intermediate.dense": "widen",
        "output.dense": "narrow",
        "output.LayerNorm": "norm2",
    }
    for n in range(12):
        layer = f"bert.encoder.layer.{n}."
        for kind in ("weight", "bias"):
            three = (
                weights[f"{layer}attention.self.{x}.{kind}"] for x in ("query", "key", "value")
            )
            bert[f"encoder.{n}.attention.in_proj_{kind}"] = torch.cat(tuple(three))
            for name, own in parts.items():
                bert[f"encoder.{n}.{own}.{kind}"] = weights[f"{layer}{name}.{kind}"]
    ours = template("bert_base", "bert")
    fill(ours, bert)
    tokens = torch.randint(1, 30522, (2, 23))
    tokens[1, 15:] = 0
    segments = (torch.arange(23) > 9).long().expand(2, 23)
    wanted = theirs.bert(tokens, attention_mask=(tokens != 0).long(), token_type_ids=segments)
    hidden, pooled = ours(tokens, segments)
    same(hidden, wanted.last_hidden_state)
    same(pooled, wanted.pooler_output)
    head = template("bert_base", "masked_head")
    last = "cls.predictions."
    fill(
        head,
        {
            "words.table.weight": bert["words.table.weight"],
            "bias.weight": weights[last + "bias"],
            "transform.weight": weights[last + "transform.dense.weight"],
            "transform.bias": weights[last + "transform.dense.bias"],
            "norm.weight": weights[last + "transform.LayerNorm.weight"],
            "norm.bias": weights[last + "transform.LayerNorm.bias"],
        },
    )
    same(head(hidden), theirs.cls.predictions(wanted.last_hidden_state))


@pytest.mark.parametrize("id", ["transformer_base", "transformer_small"])
def test_the_transformer_computes_what_pytorch_does(id: str) -> None:
    ours = template(id)
    weights = dict(ours.state_dict())
    (words, width), small = weights["words.weight"].shape, id == "transformer_small"
    heads, wide, depth = (4, 128, 2) if small else (8, 2048, 6)
    options: dict[str, Any] = {"dim_feedforward": wide, "batch_first": True, "dtype": torch.float64}
    # As in the paper: no norm at the end of either half, which `nn.Transformer` adds by itself.
    encoder = nn.TransformerEncoder(
        nn.TransformerEncoderLayer(width, heads, **options), depth, enable_nested_tensor=False
    )
    decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(width, heads, **options), depth)
    theirs = nn.Transformer(
        width, heads, custom_encoder=encoder, custom_decoder=decoder, **options
    ).eval()
    published.randomise(theirs)
    parts = {"self_attn": "attention", "norm1": "norm1", "linear1": "widen", "linear2": "narrow"}
    parts["norm2"] = "norm2"
    further = parts | {"self_attn": "self_attention", "multihead_attn": "cross_attention"}
    names = {
        f"{half}.layers.{n}.{name}": f"{half}.{n}.{own}"
        for half, table in (("encoder", parts), ("decoder", further | {"norm3": "norm3"}))
        for n in range(depth)
        for name, own in table.items()
    }
    given = renamed(theirs.state_dict(), names)
    fill(ours, given | {"words.weight": weights["words.weight"]})
    source, target = torch.randint(1, words, (2, 9)), torch.randint(1, words, (2, 7))
    source[1, 6:] = 0
    padding = source == 0
    vectors: Tensor = weights["words.weight"]
    rates = 10000.0 ** (-torch.arange(0, width, 2, dtype=torch.float32) / width)

    def placed(ids: Tensor) -> Tensor:
        angles = torch.outer(torch.arange(ids.shape[1]), rates)
        waves = torch.stack((angles.sin(), angles.cos()), -1).flatten(1)
        found: Tensor = vectors[ids] * round(width**0.5, 6) + waves.double()
        return found

    wanted = theirs(
        placed(source),
        placed(target),
        tgt_mask=nn.Transformer.generate_square_subsequent_mask(7, dtype=torch.float64),
        src_key_padding_mask=padding,
        memory_key_padding_mask=padding,
        tgt_is_causal=True,
    )
    same(ours(source, target), wanted @ vectors.T)
