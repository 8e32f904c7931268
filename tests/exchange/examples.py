"""The networks of `nets` with inputs for them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.exchange import nets


def ids(*shape: int, high: int) -> Tensor:
    """Random ids below `high`."""
    return torch.randint(0, high, shape)


def _mask() -> Tensor:
    return torch.tensor([[True, False, False, False], [False, True, True, False]])


EXAMPLES: dict[str, tuple[Callable[[], nn.Module], Callable[[], tuple[Tensor, ...]]]] = {
    "lenet": (nets.LeNet, lambda: (torch.randn(2, 1, 32, 32),)),
    "resnet18": (nets.ResNet18, lambda: (torch.randn(2, 3, 32, 32),)),
    "densenet": (nets.DenseNet, lambda: (torch.randn(2, 3, 8, 8),)),
    "mobilenet": (nets.MobileNet, lambda: (torch.randn(2, 3, 16, 16),)),
    "unet": (nets.UNet, lambda: (torch.randn(2, 1, 16, 16),)),
    "lstm": (nets.LSTMClassifier, lambda: (ids(2, 7, high=50),)),
    "gru": (nets.GRUTagger, lambda: (torch.randn(3, 5, 6), torch.randn(1, 3, 9))),
    "encoder": (nets.Encoder, lambda: (ids(2, 7, high=40),)),
    "attention": (lambda: nets.Attention(16, 4), lambda: (torch.randn(2, 5, 16),)),
    "gpt": (nets.GPT, lambda: (ids(2, 8, high=32),)),
    "vit": (nets.ViT, lambda: (torch.randn(2, 3, 16, 16),)),
    "vae": (nets.VAE, lambda: (torch.randn(4, 20),)),
    "generator": (nets.Generator, lambda: (torch.randn(2, 16, 1, 1),)),
    "two_towers": (nets.TwoTowers, lambda: (torch.randn(2, 3, 4), ids(2, 5, high=30))),
    "shared": (nets.Shared, lambda: (torch.randn(2, 8),)),
    "direct": (nets.Direct, lambda: (torch.randn(3, 7),)),
    "functional": (nets.Functional, lambda: (torch.randn(2, 6, 5), _mask())),
}
SAME_KEYS = frozenset(
    {"lenet", "densenet", "lstm", "gru", "encoder", "attention", "shared", "functional"}
)
"""Networks whose `state_dict` has the same keys in the project."""


def example(name: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """The network in eval mode with weights of its own, and inputs for it."""
    torch.manual_seed(7)
    make, inputs = EXAMPLES[name]
    module = make()
    for key, tensor in module.state_dict().items():
        if key.endswith(("running_mean", "running_var")):
            # Fresh statistics would hide that they were lost.
            tensor.uniform_(0.5, 1.5)
    return module.eval(), inputs()


def outputs(module: nn.Module, inputs: tuple[Tensor, ...]) -> list[Tensor]:
    """All tensors that a module gives, in PyTorch's order, with the same random numbers."""
    torch.manual_seed(3)
    with torch.no_grad():
        result: Any = module(*inputs)
    return [leaf for leaf in torch.utils._pytree.tree_leaves(result) if isinstance(leaf, Tensor)]


def export(
    module: nn.Module, inputs: tuple[Tensor, ...], *, decomposed: bool = False
) -> torch.export.ExportedProgram:
    """The module exported as people do it, with a free batch."""
    batch = inputs[0].shape[0]
    free = tuple(
        {(0 if tensor.shape[0] == batch else 1): torch.export.Dim.AUTO} for tensor in inputs
    )
    with warnings.catch_warnings():
        # The exporter's own deprecations and remarks.
        warnings.simplefilter("ignore")
        program = torch.export.export(module, inputs, dynamic_shapes=free)
        return program.run_decompositions() if decomposed else program


def import_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports run in this process: another takes seconds to start, and one test has it."""
    from netbuilder.exchange import watched
    from netbuilder.exchange.bring import child

    monkeypatch.setattr(watched, "ask", lambda module, job, folder, **named: child.run(job))
