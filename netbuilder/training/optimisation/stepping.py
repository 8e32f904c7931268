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

from netbuilder.training.parallel.sharding import is_sharded

Kernel = Callable[[list[Tensor], float], None]


class Stepper:
    """Steps an optimizer, by its kernels alone where it was made with `fused=True`.

    States stay where `torch.optim` keeps them. Whatever is out of the ordinary goes through
    the optimizer's own `step`: the first step, a parameter without a gradient, a GPU, a guard
    on the device, other optimizers.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._optimizer = optimizer
        self._bound: list[tuple[list[nn.Parameter], dict[str, Any], Kernel]] = []

    def step(self) -> None:
        """Update the parameters by their gradients."""
        ready = []
        for parameters, group, kernel in self._bound:
            gradients = [parameter.grad for parameter in parameters]
            if any(gradient is None for gradient in gradients):
                self.forget()
                break
            ready.append((kernel, gradients, group))
        if self._bound:
            for kernel, gradients, group in ready:
                kernel(gradients, group["lr"])  # type: ignore[arg-type]
        else:
            self._optimizer.step()
            self._bound = self._bind()

    def forget(self) -> None:
        """Look at states and options anew; call it after they were loaded."""
        if self._bound:
            # The optimizer would count a shared counter many times.
            for state in self._optimizer.state.values():
                if "step" in state:
                    state["step"] = state["step"].clone()
        self._bound = []

    def _bind(self) -> list[tuple[list[nn.Parameter], dict[str, Any], Kernel]]:
        """The kernels with everything but gradients and rate; none if one does not apply."""
        optimizer = self._optimizer
        make = _KERNELS.get(type(optimizer))
        if make is None or getattr(optimizer, "found_inf", None) is not None:
            return []
        bound = []
        for group in optimizer.param_groups:
            parameters: list[nn.Parameter] = group["params"]
            kinds = {(parameter.device.type, parameter.dtype) for parameter in parameters}
            if not group["fused"] or len(kinds) != 1 or next(iter(kinds))[0] != "cpu":
                return []
            states = [optimizer.state.get(parameter, {}) for parameter in parameters]
            if is_sharded(parameters):
                return []
            # Without their history, so that updating them in place is no matter of autograd.
            kernel = make(group, [parameter.detach() for parameter in parameters], states)
            if kernel is None:
                return []
            bound.append((parameters, group, kernel))
        return bound


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


_KERNELS: dict[type[torch.optim.Optimizer], Callable[..., Kernel | None]] = {
    torch.optim.SGD: _sgd,
    torch.optim.Adam: _adam,
    torch.optim.AdamW: _adam,
}
