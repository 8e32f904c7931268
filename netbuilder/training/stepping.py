"""A fused optimizer's step without the bookkeeping around it.

`torch.optim` collects parameters, gradients and states anew at every step, counts every
parameter's steps on its own and runs hooks. For a network of six small tensors on the CPU
that takes longer than the update. Here the lists are made once and the same kernel is called
with them, so the numbers are those of `torch.optim`, bit for bit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Kernel = Callable[[list[Tensor], float], None]


class Stepper:
    """Steps an optimizer that was made with `fused=True` and has one parameter group.

    States stay where `torch.optim` keeps them. Whatever is out of the ordinary goes through
    the optimizer's own `step`: the first step, a parameter without a gradient, a GPU, a guard
    on the device.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, parameters: list[nn.Parameter]) -> None:
        self._optimizer = optimizer
        self._parameters = parameters
        self._group: dict[str, Any] = optimizer.param_groups[0]
        self._kernel: Kernel | None = None

    def step(self) -> None:
        """Update the parameters by their gradients."""
        gradients = [parameter.grad for parameter in self._parameters]
        if self._kernel is None or any(gradient is None for gradient in gradients):
            if self._kernel is not None:
                self._separate_counters()
            self._optimizer.step()
            self._kernel = self._bind()
        else:
            self._kernel(gradients, self._group["lr"])  # type: ignore[arg-type]

    def forget(self) -> None:
        """Look at states and options anew; call it after they were loaded."""
        self._group = self._optimizer.param_groups[0]
        if self._kernel is not None:
            self._separate_counters()
        self._kernel = None

    def _separate_counters(self) -> None:
        """Give each state its own: the optimizer would count a shared one many times."""
        for state in self._optimizer.state.values():
            if "step" in state:
                state["step"] = state["step"].clone()

    def _bind(self) -> Kernel | None:
        """The kernel with everything but gradients and rate; None if it does not apply."""
        kinds = {(parameter.device.type, parameter.dtype) for parameter in self._parameters}
        guarded = getattr(self._optimizer, "found_inf", None) is not None
        if guarded or len(kinds) != 1 or next(iter(kinds))[0] != "cpu":
            return None
        states = [self._optimizer.state.get(p, {}) for p in self._parameters]
        # Without their history, so that updating them in place is no matter of autograd.
        values = [parameter.detach() for parameter in self._parameters]
        if isinstance(self._optimizer, torch.optim.SGD):
            return _sgd(self._group, values, states)
        return _adam(self._group, values, states)


def _sgd(group: dict[str, Any], values: list[Tensor], states: list[Any]) -> Kernel | None:
    buffers = [state.get("momentum_buffer") for state in states] if group["momentum"] else []
    if any(buffer is None for buffer in buffers):
        return None
    names = ("weight_decay", "momentum", "dampening", "nesterov", "maximize")
    options = {name: group[name] for name in names}

    def kernel(gradients: list[Tensor], lr: float) -> None:
        torch._fused_sgd_(values, gradients, buffers, lr=lr, is_first_step=False, **options)

    return kernel


def _adam(group: dict[str, Any], values: list[Tensor], states: list[Any]) -> Kernel | None:
    if not all(states) or len({float(state["step"]) for state in states}) != 1:
        return None
    # All count the same steps, so one counter does for all.
    step = states[0]["step"]
    for state in states:
        state["step"] = step
    averages = [state["exp_avg"] for state in states]
    squares = [state["exp_avg_sq"] for state in states]
    largest = [state["max_exp_avg_sq"] for state in states] if group["amsgrad"] else []
    steps = [step] * len(states)
    fused = torch._fused_adamw_ if group["decoupled_weight_decay"] else torch._fused_adam_
    beta1, beta2 = group["betas"]
    names = ("amsgrad", "weight_decay", "eps", "maximize")
    options = {"beta1": beta1, "beta2": beta2, **{name: group[name] for name in names}}

    def kernel(gradients: list[Tensor], lr: float) -> None:
        step.add_(1)
        fused(values, gradients, averages, squares, largest, steps, lr=lr, **options)

    return kernel
