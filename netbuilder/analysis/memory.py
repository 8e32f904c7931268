"""Activation memory: what a training step must keep from the forward pass for the gradient.

It is measured on PyTorch's meta device by `torch.autograd.graph.saved_tensors_hooks`: each
piece of memory that autograd keeps counts once, at the node that had it kept first; weights
and buffers do not count, the network's input does if a layer needs it. The gradient of the
weights, the optimizer's state and passing needs of kernels come on top.

On the meta device attention and recurrent layers are taken apart. A fused kernel of a GPU
keeps less: for attention not the N×heads×T×T weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.autograd.graph import saved_tensors_hooks

from netbuilder.analysis.counting import Booked
from netbuilder.analysis.places import Places


def kept(
    module: nn.Module,
    inputs: Sequence[torch.Tensor],
    named: Mapping[str, torch.Tensor] | None = None,
) -> Booked:
    """Bytes that autograd keeps of `module(*inputs, **named)`: a compiled one, in training mode."""
    places, booked = Places(module), Booked()
    own = [*module.parameters(), *module.buffers()]
    known = {tensor.untyped_storage()._cdata for tensor in own}
    held: list[torch.UntypedStorage] = []
    """Keeps what was seen, so that no address comes twice."""

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in known:
            known.add(storage._cdata)
            held.append(storage)
            booked.book(places.now(), storage.nbytes())
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        results = module(*inputs, **(named or {}))
    del results
    return booked
