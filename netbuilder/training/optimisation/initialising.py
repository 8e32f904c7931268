"""How weights start: the schemes of `torch.nn.init`, for whole networks.

PyTorch's layers fill their weights as they are made; a scheme fills the matrices and kernels
anew. Gates of recurrent layers and the three parts of attention's joined projection are
matrices of their own, so each is filled by its own size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import init
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.parameter import UninitializedParameter

from netbuilder.training.settings import Initialisation

DEVIATION = 0.02
"""Of `normal` and `trunc_normal`, as in GPT-2 and Vision Transformers."""

_SCHEMES: dict[str, Callable[[Tensor], object]] = {
    "xavier_uniform": init.xavier_uniform_,
    "xavier_normal": init.xavier_normal_,
    "kaiming_uniform": lambda weight: init.kaiming_uniform_(weight, nonlinearity="relu"),
    "kaiming_normal": lambda weight: init.kaiming_normal_(weight, nonlinearity="relu"),
    "orthogonal": init.orthogonal_,
    "normal": lambda weight: init.normal_(weight, std=DEVIATION),
    "trunc_normal": lambda weight: init.trunc_normal_(
        weight, std=DEVIATION, a=-2 * DEVIATION, b=2 * DEVIATION
    ),
}
_OF_TABLES = frozenset({"normal", "trunc_normal"})
"""Schemes that suit embeddings: the others go by fans, which rows to look up don't have."""

_GATES: tuple[tuple[type[nn.Module], int], ...] = (
    (nn.LSTM, 4),
    (nn.GRU, 3),
    (nn.LSTMCell, 4),
    (nn.GRUCell, 3),
)


def apply(network: nn.Module, scheme: Initialisation, *, zero_biases: bool = False) -> None:
    """Fill the weights of a network by a scheme, drawing from PyTorch's generator.

    Normalisation layers stay as they are, embeddings but for the normal schemes too. A weight
    that several layers share is filled once.
    """
    fill = _SCHEMES.get(scheme)
    seen: set[int] = set()
    with torch.no_grad():
        for module, name, parameter in _own(network):
            if id(parameter) in seen:
                continue
            seen.add(id(parameter))
            if "bias" in name:
                if zero_biases:
                    init.zeros_(parameter)
            elif fill is not None and parameter.ndim >= 2 and _fits(module, scheme):
                for matrix in _matrices(module, name, parameter):
                    fill(matrix)


def _own(network: nn.Module) -> Iterator[tuple[nn.Module, str, Tensor]]:
    """Weights and biases with the module that they belong to, in the network's order."""
    for module in network.modules():
        if isinstance(module, (_NormBase, nn.LayerNorm, nn.GroupNorm, nn.RMSNorm)):
            continue
        for name, parameter in module.named_parameters(recurse=False):
            known = "weight" in name or "bias" in name
            if known and not isinstance(parameter, UninitializedParameter):
                yield module, name, parameter


def _fits(module: nn.Module, scheme: str) -> bool:
    return scheme in _OF_TABLES or not isinstance(module, (nn.Embedding, nn.EmbeddingBag))


def _matrices(module: nn.Module, name: str, parameter: Tensor) -> tuple[Tensor, ...]:
    """The parts of a weight that stand for layers of their own."""
    count = next((gates for kind, gates in _GATES if isinstance(module, kind)), 1)
    if isinstance(module, nn.MultiheadAttention) and name == "in_proj_weight":
        count = 3
    if name.startswith("weight_hr"):
        count = 1
    return parameter.chunk(count) if count > 1 else (parameter,)
