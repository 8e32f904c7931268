"""Networks of other libraries become projects that compute the same (extra `reference`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.export import Dim

import netbuilder as nb
from netbuilder.exchange.bring import whole

PICTURES = {
    "alexnet": 96,
    "densenet121": 64,
    "efficientnet_b0": 64,
    "googlenet": 64,
    "mnasnet0_5": 64,
    "mobilenet_v2": 64,
    "mobilenet_v3_small": 64,
    "regnet_y_400mf": 64,
    "resnet18": 64,
    "resnext50_32x4d": 64,
    "shufflenet_v2_x0_5": 64,
    "squeezenet1_1": 64,
    "swin_t": 64,
    "convnext_tiny": 64,
    "vgg11_bn": 64,
    "vit_b_32": 224,
}
"""Networks of torchvision, and the pictures that they are shown."""


def settled(module: nn.Module) -> nn.Module:
    """In eval mode, with means and deviations that are not those of the beginning."""
    generator = torch.Generator().manual_seed(1)
    for part in module.modules():
        mean, deviation = getattr(part, "running_mean", None), getattr(part, "running_var", None)
        if isinstance(mean, Tensor) and isinstance(deviation, Tensor):
            mean.copy_(torch.randn(mean.shape, generator=generator) * 0.1)
            deviation.copy_(torch.rand(deviation.shape, generator=generator) + 0.5)
    return module.eval()


def comes(module: nn.Module, inputs: Any, **settings: Any) -> nb.Project:
    """The project, which computes the same and has a layer for every operation."""
    project = nb.from_module(module, inputs, **settings)
    assert project.imported["unsupported"] == []
    assert project.imported["verified"], project.imported["notes"]
    return project


@pytest.mark.nightly
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", PICTURES)
def test_networks_of_torchvision(name: str) -> None:
    models = pytest.importorskip("torchvision").models
    more = {"init_weights": False} if name == "googlenet" else {}
    size = PICTURES[name]
    torch.manual_seed(0)
    comes(settled(models.get_model(name, weights=None, **more)), torch.randn(2, 3, size, size))


@pytest.mark.nightly
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("kind", ["Bert", "GPT2"])
def test_transformers(kind: str) -> None:
    library = pytest.importorskip("transformers")
    sizes: dict[str, Any] = {"vocab_size": 50, "attn_implementation": "sdpa"}
    if kind == "Bert":
        sizes |= {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
        sizes |= {"intermediate_size": 64, "max_position_embeddings": 32}
    else:
        sizes |= {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 32, "use_cache": False}
    module = getattr(library, f"{kind}Model")(getattr(library, f"{kind}Config")(**sizes)).eval()
    comes(_Hidden(module), torch.randint(0, 50, (2, 12)))


class _Hidden(nn.Module):
    """The last hidden states alone."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: Tensor) -> Any:
        return self.model(tokens).last_hidden_state


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


def test_tracing_leaves_recurrent_layers_as_they_were() -> None:
    """What they give while a module is traced is for shapes alone."""
    module = Tagger("GRU").eval()
    words = torch.randint(0, 30, (2, 7))
    before = module(words)
    comes(module, words)
    assert torch.equal(module(words), before)
    kernels = dict(torch.ops.aten.gru.input.py_kernels)
    with whole.recurrent():
        assert torch.ops.aten.gru.input.py_kernels != kernels
    assert torch.ops.aten.gru.input.py_kernels == kernels
