"""From losses to changed weights: gradients, their accumulation and clipping, the optimizer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.training.optimisation import optimizers
from netbuilder.training.optimisation.averaging import Averages
from netbuilder.training.optimisation.stepping import Stepper
from netbuilder.training.parallel.exchange import Exchange
from netbuilder.training.parallel.sharding import local, part_like, spread
from netbuilder.training.settings import StepSettings, TrainingSettings

Again = Callable[[], Tensor]
"""Computes the loss of the present batch anew, for optimizers that look more than once."""


class Updating:
    """The updates of one training step's weights.

    `take` has the gradients of a batch; every `accumulate` batches they become an update. Batches
    are weighed by their samples, so the sum equals one batch of all of them. With `alone`, no
    other step has gradients that could get among these. `modules` hold the weights: they tell the
    optimizer which of them are embeddings.
    """

    def __init__(
        self,
        settings: StepSettings,
        training: TrainingSettings,
        groups: list[dict[str, Any]],
        device: torch.device,
        *,
        alone: bool,
        modules: Sequence[nn.Module] = (),
    ) -> None:
        self._settings = settings
        self._accumulate = training.accumulate
        self._samples_wanted = training.accumulate * training.batch_size
        self.parameters: list[nn.Parameter] = [p for group in groups for p in group["params"]]
        self.optimizers = optimizers.make(settings.optimizer, groups, modules)
        self._options = [
            [{k: v for k, v in group.items() if k != "params"} for group in each.param_groups]
            for each in self.optimizers
        ]
        self._steppers = [Stepper(optimizer) for optimizer in self.optimizers]
        self._looks_again = settings.optimizer.kind == "LBFGS"
        self._loss = torch.zeros(())
        self._own = None if alone else self.parameters
        self._scaler: torch.amp.GradScaler | None = None
        if training.precision == "fp16":
            self._scaler = torch.amp.GradScaler(device.type)
            # It is made ready by its first loss; a resumed run may update before it has one.
            self._scaler.scale(torch.zeros((), device=device))
        self.averages = Averages(self.parameters, settings.ema) if settings.ema else None
        self._batches = 0
        self._samples = 0
        self._exchange: Exchange | None = None
        self._others: list[nn.Parameter] = []
        self._times = 1

    def clear(self) -> None:
        """Forget gradients, unless they wait for more; call it before the forward pass."""
        if not self._batches:
            for parameter in self.parameters:
                parameter.grad = None

    def share(self, exchange: Exchange, others: Iterable[nn.Parameter]) -> None:
        """Several processes have parts of each batch: `exchange` adds up before an update.

        `others` are weights of other steps, which get gradients too where weights are sharded.
        """
        self._exchange = exchange
        if exchange.sharded:
            own = {id(parameter) for parameter in self.parameters}
            self._own = None
            self._others = [p for p in others if id(p) not in own]
            # PyTorch takes the mean of the sharded gradients; ours are parts of a sum.
            self._times = exchange.processes

    def take(self, loss: Tensor, samples: int, again: Again, whole: int | None = None) -> None:
        """The gradients of a batch with this mean loss, and an update if it is time for one.

        Of several processes each has its `samples` of the `whole` batch.
        """
        whole = samples if whole is None else whole
        part = samples * self._times, self._samples_wanted if self._accumulate > 1 else whole
        if part[0] != part[1]:
            loss = loss * (part[0] / part[1])
        if self._scaler is not None:
            loss = self._scaler.scale(loss)
        self._backward(loss)
        if self._looks_again:
            self._loss = loss.detach()
        self._batches += 1
        self._samples += whole
        if self._batches >= self._accumulate:
            self._update(again)

    def _backward(self, loss: Tensor) -> None:
        kept = [parameter.grad for parameter in self._others]
        for parameter in self._others:
            parameter.grad = None  # or it would be added to what is kept
        loss.backward(inputs=self._own)  # type: ignore[no-untyped-call]
        for parameter, gradient in zip(self._others, kept, strict=True):
            parameter.grad = gradient

    def drop(self) -> None:
        """Forget what has accumulated: it was of other batches than are to come."""
        self._batches = self._samples = 0

    def flush(self) -> None:
        """An update of what has accumulated; at the end of an epoch no gradient waits."""
        if self._batches:
            self._update(None)

    def _update(self, again: Again | None) -> None:
        if self._exchange is not None:
            self._exchange()
        if self._accumulate > 1 and self._samples != self._samples_wanted:
            gradients = [p.grad for p in self.parameters if p.grad is not None]
            torch._foreach_mul_(gradients, self._samples_wanted / self._samples)
        self._batches = self._samples = 0
        if self._scaler is not None:
            self._step_scaled(self._scaler)
        elif self._looks_again:
            # Nothing waits for the end of an epoch: `optimizers.refuse` lets it not accumulate.
            assert again is not None
            self._step_looking(again)
        else:
            self._clip()
            for stepper in self._steppers:
                stepper.step()
        if self.averages is not None:
            self.averages.update()

    def _step_scaled(self, scaler: torch.amp.GradScaler) -> None:
        """Skips an update whose gradients do not fit float16, and scales less from then on."""
        if self._settings.clip_norm is not None or self._settings.clip_value is not None:
            for optimizer in self.optimizers:
                scaler.unscale_(optimizer)
            self._clip()
        for optimizer in self.optimizers:
            scaler.step(optimizer)
        scaler.update()

    def _step_looking(self, again: Again) -> None:
        """The optimizer looks at the gradients that are there, then as often as it wants."""
        fresh = True

        def closure() -> Tensor:
            nonlocal fresh
            loss = self._loss
            if not fresh:
                for parameter in self.parameters:
                    parameter.grad = None
                loss = again()
                self._backward(loss)
            fresh = False
            self._clip()
            return loss.detach()

        for optimizer in self.optimizers:
            optimizer.step(closure)  # type: ignore[arg-type]

    def _clip(self) -> None:
        settings = self._settings
        if settings.clip_value is not None:
            nn.utils.clip_grad_value_(self.parameters, settings.clip_value)
        if settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.parameters, settings.clip_norm)

    # -- rate ------------------------------------------------------------------------------

    def set_rate(self, rate: float) -> None:
        """The learning rate from now on; parts have theirs times their factor."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * group["factor"]

    @property
    def rate(self) -> float:
        """The learning rate of what has no rate of its own."""
        group = self.optimizers[0].param_groups[0]
        return float(group["lr"]) / (float(group["factor"]) or 1.0)

    @property
    def gradient_scale(self) -> float:
        """By how much the gradients that are there are larger than those of the mean loss."""
        if not self._batches:
            return 1.0
        part = self._samples / self._samples_wanted
        return part * (1.0 if self._scaler is None else self._scaler.get_scale())

    # -- keeping ---------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """All that decides the updates to come, for a checkpoint."""
        return {
            "kind": self._settings.optimizer.kind,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "scaler": None if self._scaler is None else self._scaler.state_dict(),
            "averages": None if self.averages is None else self.averages.state(),
            "batches": self._batches,
            "samples": self._samples,
            "gradients": [p.grad for p in self.parameters] if self._batches else [],
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state`; options come from the settings, which may have changed."""
        self._load_averages(state["averages"])
        if state["kind"] != self._settings.optimizer.kind:
            return
        saved = zip(self.optimizers, state["optimizers"], self._options, strict=True)
        for optimizer, values, options in saved:
            optimizer.load_state_dict(values)
            spread(optimizer)
            for group, own in zip(optimizer.param_groups, options, strict=True):
                group.update(own)
        if self._scaler is not None and state["scaler"] is not None:
            self._scaler.load_state_dict(state["scaler"])
        self._batches, self._samples = state["batches"], state["samples"]
        for parameter, gradient in zip(self.parameters, state["gradients"], strict=False):
            if gradient is not None:
                gradient = part_like(parameter, gradient.to(parameter.device))
            parameter.grad = gradient
        for stepper in self._steppers:
            stepper.forget()

    def _load_averages(self, state: Mapping[str, Any] | None) -> None:
        """The weights hold what was kept for use: the averages of then, if there were any."""
        if self.averages is not None:
            self.averages.load(state)
        elif state is not None:
            with torch.no_grad():
                for parameter, weight in zip(self.parameters, state["weights"], strict=True):
                    local(parameter).copy_(local(part_like(parameter, weight)))
