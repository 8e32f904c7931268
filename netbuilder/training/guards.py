"""Keeping a loss that is NaN or infinite away from the weights.

A guard sees every loss before the optimizer steps. On the CPU reading it costs a
microsecond; on other devices that would wait for the device, so there the loss stays on
the device: fused optimizers skip a step when their `found_inf` is set, and the host looks
now and then.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from netbuilder.training.settings import TrainingSettings


class NonFiniteLoss(Exception):
    """The loss of this batch (counted over the run, from 0) was NaN or infinite."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


class Guard(Protocol):
    """Stands between a step's loss and its optimizer."""

    def before(self) -> None:
        """Remember what the forward pass may change (running averages)."""

    def admit(self, loss: Tensor, step: int) -> float | Tensor:
        """The loss for the books; `NonFiniteLoss` if it must not be used and this is known."""

    def after(self) -> None:
        """Undo that after a bad loss, once gradients no longer need it."""

    def check(self) -> None:
        """`NonFiniteLoss` if any loss since the start was bad."""


class HostGuard:
    """Reads every loss; a bad one ends the step before anything changed."""

    def __init__(self, module: nn.Module) -> None:
        self._buffers = list(module.buffers())
        self._kept = [buffer.clone() for buffer in self._buffers]

    def before(self) -> None:
        if self._buffers:
            torch._foreach_copy_(self._kept, self._buffers)

    def admit(self, loss: Tensor, step: int) -> float:
        value = loss.item()
        if math.isfinite(value):
            return value
        for buffer, kept in zip(self._buffers, self._kept, strict=True):
            buffer.copy_(kept)
        raise NonFiniteLoss(step)

    def after(self) -> None:
        pass

    def check(self) -> None:
        pass


class DeviceGuard:
    """Leaves the loss where it is. After a bad one nothing changes any more until `check`."""

    def __init__(self, module: nn.Module, optimizers: Iterable[torch.optim.Optimizer]) -> None:
        self._buffers = list(module.buffers())
        self._kept = [buffer.clone() for buffer in self._buffers]
        device = next(_tensors(module)).device
        self._bad = torch.zeros((), dtype=torch.bool, device=device)
        self._step = torch.zeros((), dtype=torch.int64, device=device)
        self._found_inf = torch.zeros((), device=device)
        for optimizer in optimizers:
            # The names by which torch.amp.GradScaler tells a fused optimizer.
            optimizer.found_inf = self._found_inf  # type: ignore[attr-defined]
            optimizer.grad_scale = None  # type: ignore[attr-defined]

    def before(self) -> None:
        if self._buffers:
            torch._foreach_copy_(self._kept, self._buffers)

    def admit(self, loss: Tensor, step: int) -> Tensor:
        value = loss.detach()
        self._step.copy_(torch.where(self._bad, self._step, step))
        self._bad.logical_or_(value.isfinite().logical_not())
        self._found_inf.copy_(self._bad)
        return torch.where(self._bad, 0.0, value.double())

    def after(self) -> None:
        for buffer, kept in zip(self._buffers, self._kept, strict=True):
            torch.where(self._bad, kept, buffer, out=buffer)

    def check(self) -> None:
        if self._bad.item():
            raise NonFiniteLoss(int(self._step.item()))


def make_guard(
    module: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    settings: TrainingSettings,
    device: torch.device,
) -> Guard:
    """The guard that costs least on this device.

    A loss may stay on the device where every optimizer there can be told to leave a step out,
    and nobody else tells it (the scaler of fp16 does).
    """
    told = all(getattr(each, "_step_supports_amp_scaling", False) for each in optimizers)
    if device.type == "cpu" or not told or settings.precision == "fp16":
        return HostGuard(module)
    return DeviceGuard(module, optimizers)


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    yield from module.parameters()
    yield from module.buffers()


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Whether no floating point tensor among these holds NaN or an infinity."""
    return all(bool(t.isfinite().all()) for t in tensors if t.is_floating_point())
