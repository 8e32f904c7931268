"""Recurrent modules become projects with a sequence of any length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

import netbuilder as nb
from netbuilder.exchange.bring import whole


def comes(module: nn.Module, inputs: Any, **settings: Any) -> nb.Project:
    """The project, which computes the same and has a layer for every operation."""
    project = nb.from_module(module, inputs, **settings)
    assert project.imported["unsupported"] == []
    assert project.imported["verified"], project.imported["notes"]
    return project


class Tagger(nn.Module):
    """A label for each word of a text of any length."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.words = nn.Embedding(30, 8)
        recurrent: Callable[..., nn.Module] = getattr(nn, kind)
        self.memory = recurrent(8, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.labels = nn.Linear(12, 4)

    def forward(self, words: Tensor) -> Tensor:
        labelled: Tensor = self.labels(self.memory(self.words(words))[0])
        return labelled


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_a_recurrent_module_keeps_its_free_length(kind: str) -> None:
    """Tracing goes through the sequence step by step, and yet fixes no length."""
    words = torch.randint(0, 30, (2, 7))
    shapes = {"words": {0: Dim("N"), 1: Dim("T")}}
    project = comes(Tagger(kind).eval(), words, dynamic_shapes=shapes)
    assert project.network()["words"].node.params["shape"] == ("T",)
    assert project.network()["memory"].node.layer == f"torch.nn.{kind}"
    assert project.module("main")(torch.randint(0, 30, (3, 11))).shape == (3, 11, 4)


def kernels() -> list[tuple[dict[Any, Any], dict[Any, Any]]]:
    """What recurrent operations are computed by, and what was found for them before."""
    aten = torch.ops.aten
    names = (aten.lstm.input, aten.gru.input, aten.rnn_tanh.input, aten.rnn_relu.input)
    return [(dict(each.py_kernels), dict(each._dispatch_cache)) for each in names]


def test_tracing_leaves_recurrent_layers_as_they_were() -> None:
    """What they give while a module is traced is for shapes alone."""
    module = Tagger("GRU").eval()
    words = torch.randint(0, 30, (2, 7))
    before, own = module(words), [known for known, _ in kernels()]
    comes(module, words)
    assert torch.equal(module(words), before)
    assert [known for known, _ in kernels()] == own
    found = [kernel for _, cache in kernels() for kernel in cache.values()]
    assert not any(getattr(kernel, "__module__", "") == whole.__name__ for kernel in found)


def test_recurrent_layers_are_restored_where_tracing_fails() -> None:
    own = [known for known, _ in kernels()]

    def failing() -> None:
        with whole.recurrent():
            assert all(known != was for (known, _), was in zip(kernels(), own, strict=True))
            raise KeyError

    with pytest.raises(KeyError):
        failing()
    assert [known for known, _ in kernels()] == own
