"""How many CPU threads a training is worth.

A rule and no measurement at the start of a run: the number of threads changes the last bits
of every sum, and the same project must give the same losses each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from netbuilder.data.loading import Dataset
from netbuilder.training.plan import StepPlan

SMALL = 10e6
"""Floating point operations of a forward pass under which one thread is used.

Measured on 2 idle cores, samples per second with 2 threads over those with 1: autoencoder
(1.2e6) 0.93, digits_mlp (6.5e6) 0.7, lstm_forecast (36e6) 1.2, digits_lstm (38e6) 1.2,
digits_cnn (40e6) 1.4. Threads wait for each other after every operation, so on cores that
other programs want too, fewer are faster at every size: set `threads` then."""


def choose(steps: Sequence[StepPlan], data: Dataset, batch_size: int) -> int:
    """1 for small work, else as many as PyTorch takes by itself."""
    return 1 if work(steps, data, batch_size) < SMALL else torch.get_num_threads()


def work(steps: Sequence[StepPlan], data: Dataset, batch_size: int) -> float:
    """Floating point operations of a forward pass over one batch of all steps.

    0 if it fails: the training will say why.
    """
    total = 0.0
    for step in steps:
        mode = step.module.training
        step.module.eval()
        # The meta device: sizes are all that counts, and nothing is computed.
        shadow = {name: tensor.to("meta") for name, tensor in _tensors(step.module)}
        own = [name for name in step.fields if name not in data.shared]
        few = {name: data.train[name][:batch_size] for name in own}
        batch = {name: value.to("meta") for name, value in step.arguments(few, data.shared).items()}
        try:
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                functional_call(step.module, shadow, kwargs=batch, tie_weights=False)
            total += counter.get_total_flops()
        except Exception:
            return 0.0
        finally:
            step.module.train(mode)
    return total


def _tensors(whole: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """Weights and buffers by name, those of a module that stands in several places once.

    Under a second name `functional_call` would take what it put there for the original.
    """
    for path, module in whole.named_modules():
        parameters, buffers = module.named_parameters, module.named_buffers
        for name, tensor in (*parameters(recurse=False), *buffers(recurse=False)):
            yield (f"{path}.{name}" if path else name), tensor


@contextmanager
def using(count: int) -> Iterator[None]:
    """Inside, PyTorch computes with this many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
