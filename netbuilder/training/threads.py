"""How many CPU threads a training is worth.

A rule and no measurement at the start of a run: the number of threads changes the last bits
of every sum, and the same project must give the same losses each time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from netbuilder.data.loading import Part
from netbuilder.training.plan import StepPlan

SMALL = 10e6
"""Floating point operations of a forward pass under which one thread is used.

Measured on 2 idle cores, samples per second with 2 threads over those with 1: autoencoder
(1.2e6) 0.93, digits_mlp (6.5e6) 0.7, lstm_forecast (18e6) 1.2, digits_lstm (19e6) 1.2,
digits_cnn (40e6) 1.4. Threads wait for each other after every operation, so on cores that
other programs want too, fewer are faster at every size: set `threads` then."""


def choose(steps: Sequence[StepPlan], part: Part, batch_size: int) -> int:
    """1 for small work, else as many as PyTorch takes by itself."""
    return 1 if work(steps, part, batch_size) < SMALL else torch.get_num_threads()


def work(steps: Sequence[StepPlan], part: Part, batch_size: int) -> float:
    """Floating point operations of a forward pass over one batch of all steps.

    0 if it fails: the training will say why.
    """
    recurrent = 0.0

    def count(module: nn.Module, inputs: tuple[Any, ...], output: object) -> None:
        # PyTorch's counter does not know its own recurrent kernels.
        nonlocal recurrent
        weights = sum(p.numel() for p in module.parameters())
        recurrent += 2.0 * weights * inputs[0][..., 0].numel()

    total = 0.0
    for step in steps:
        cells = [cell for cell in step.module.modules() if isinstance(cell, nn.RNNBase)]
        hooks = [cell.register_forward_hook(count) for cell in cells]
        mode = step.module.training
        step.module.eval()
        try:
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                step.module(**{name: part[name][:batch_size] for name in step.fields})
            total += counter.get_total_flops()
        except Exception:
            return 0.0
        finally:
            step.module.train(mode)
            for hook in hooks:
                hook.remove()
    return total + recurrent


@contextmanager
def using(count: int) -> Iterator[None]:
    """Inside, PyTorch computes with this many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
