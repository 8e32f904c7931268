"""Transformers of a well-known library become projects, with any number of texts at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import netbuilder as nb

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(300)]
SMALL = {"vocab_size": 50}
BERT = SMALL | {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 32,
}
GPT = SMALL | {
    "n_embd": 16,
    "n_layer": 2,
    "n_head": 2,
    "n_positions": 32,
    "use_cache": False,
    "bos_token_id": 0,
    "eos_token_id": 0,
}


def texts(count: int) -> Tensor:
    return torch.randint(1, 50, (count, 7))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "name", ["BertModel", "BertForSequenceClassification", "GPT2Model", "GPT2LMHeadModel"]
)
def test_a_transformer_becomes_a_project(name: str, masked: bool) -> None:
    transformers: Any = pytest.importorskip("transformers")
    torch.manual_seed(0)
    bert = name.startswith("Bert")
    config = transformers.BertConfig(**BERT) if bert else transformers.GPT2Config(**GPT)
    make: Callable[..., Any] = getattr(transformers, name)
    model = make(config).eval()
    mask = torch.ones(2, 7, dtype=torch.int64)
    given = {"input_ids": texts(2)} | ({"attention_mask": mask} if masked else {})
    project = nb.from_module(model, given)
    assert project.imported["unsupported"] == []
    assert project.imported["verified"], project.imported["notes"]
    more = {"input_ids": texts(5)} | (
        {"attention_mask": (torch.arange(7) < torch.tensor([[7], [5], [2], [1], [7]])).long()}
        if masked
        else {}
    )
    expected = next(iter(model(**more).values()))
    found = project.module("main").eval()(*more.values())
    found = found[0] if isinstance(found, tuple) else found
    assert torch.allclose(found, expected, atol=1e-5)
