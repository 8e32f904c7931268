"""What several processes exchange at an update: gradients, running averages, a bad loss.

Each has the gradients of its share of a batch, weighed by samples, so their sum is the gradient of
the whole batch. All of it goes through the same few large buffers in one pass. With sharded
weights (FSDP) the gradients are summed by PyTorch in the backward pass; the rest goes here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from netbuilder.errors import RunError
from netbuilder.training.guards import DeviceGuard, HostGuard, NonFiniteLoss
from netbuilder.training.parallel.distributed import Group

BUCKET_BYTES = 32 * 2**20
"""Numbers that travel together; several buffers, so that one travels while the next is filled."""


class Buckets:
    """Sums lists of tensors, always of the same sizes, over all processes."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._parts: list[tuple[Tensor, list[Tensor], list[int]]] = []
        kinds: dict[tuple[torch.dtype, torch.device], list[list[int]]] = {}
        for index, tensor in enumerate(tensors):
            lists = kinds.setdefault((tensor.dtype, tensor.device), [[]])
            if sum(tensors[i].nbytes for i in lists[-1]) >= BUCKET_BYTES:
                lists.append([])
            lists[-1].append(index)
        for (dtype, device), lists in kinds.items():
            for indices in lists:
                count = sum(tensors[i].numel() for i in indices)
                flat = torch.zeros(count, dtype=dtype, device=device)
                pieces = torch.split(flat, [tensors[i].numel() for i in indices])
                shaped = [p.view(tensors[i].shape) for p, i in zip(pieces, indices, strict=True)]
                self._parts.append((flat, shaped, indices))

    def sum(self, tensors: Sequence[Tensor]) -> list[Tensor]:
        """The sums, in buffers that the next call uses again."""
        work = []
        for flat, views, indices in self._parts:
            torch._foreach_copy_(views, [tensors[i] for i in indices])
            work.append(dist.all_reduce(flat, async_op=True))
        for each in work:
            each.wait()
        found = dict(
            pair for _, views, indices in self._parts for pair in zip(indices, views, strict=True)
        )
        return [found[index] for index in range(len(tensors))]


class Exchange:
    """Makes the gradients of one step those of all processes. Call it before an update."""

    def __init__(
        self,
        group: Group,
        module: nn.Module,
        parameters: Sequence[nn.Parameter],
        guard: SharedGuard,
        *,
        sharded: bool,
    ) -> None:
        self._group = group
        self._module = module
        self._parameters = parameters
        self._guard = guard
        self.sharded = sharded
        self.processes = group.size
        self._reduced: list[nn.Parameter] = []
        self._means: list[Tensor] = []
        self._others: list[Tensor] = []
        self._buckets: Buckets | None = None

    def __call__(self) -> None:
        """Sum; `NonFiniteLoss` at all processes if any has seen one."""
        if self._buckets is None:
            self._prepare()
        assert self._buckets is not None
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in self._reduced]
        means = torch._foreach_mul(self._means, 1.0 / self._group.size) if self._means else []
        others = self._others if self._group.first else [torch.zeros_like(b) for b in self._others]
        summed = self._buckets.sum([*gradients, *means, *others, self._guard.flag])
        for parameter, gradient in zip(self._reduced, summed, strict=False):
            parameter.grad = gradient
        buffers = [*self._means, *self._others]
        if buffers:
            torch._foreach_copy_(buffers, list(summed[len(gradients) : -1]))
        self._guard.judge(summed[-1])

    def _prepare(self) -> None:
        """Agree, once there are gradients, on what is exchanged."""
        have = [int(p.grad is not None) for p in self._parameters]
        if any(p.grad is not None and p.grad.is_sparse for p in self._parameters):
            raise RunError(
                "Several processes can't train an embedding with sparse gradients.",
                "Switch off its `sparse`, or train in one process.",
            )
        if not self.sharded and have:
            agreed = self._group.highest(*have)
            chosen = zip(self._parameters, agreed, strict=True)
            self._reduced = [p for p, wanted in chosen if wanted]
        # By their values: batch normalisation changes its averages without counting versions.
        moved = self._group.highest(
            *(int(not torch.equal(now, then)) for now, then in self._guard.buffers)
        )
        changed = [
            now
            for (now, _), each in zip(self._guard.buffers, moved, strict=True)
            if each and now.is_floating_point()
        ]
        norms = {
            id(buffer)
            for module in self._module.modules()
            if isinstance(module, _NormBase)
            for buffer in module.buffers(recurse=False)
        }
        # Averages over batches are averaged; what else has changed is that of the first process.
        self._means = [buffer for buffer in changed if id(buffer) in norms]
        self._others = [buffer for buffer in changed if id(buffer) not in norms]
        gradients = [p.detach() for p in self._reduced]
        self._buckets = Buckets([*gradients, *self._means, *self._others, self._guard.flag])


class SharedGuard:
    """What guards of several processes have beside their own: they judge together."""

    flag: Tensor
    """0, or NaN once a loss of this process was not finite."""
    _buffers: list[Tensor]
    _kept: list[Tensor]

    @property
    def buffers(self) -> list[tuple[Tensor, Tensor]]:
        """Each buffer, with what was in it before the batches that wait for their update."""
        return list(zip(self._buffers, self._kept, strict=True))

    def judge(self, total: Tensor) -> None:
        """Decide by the sum of all flags, before the update."""
        raise NotImplementedError


class SharedHostGuard(HostGuard, SharedGuard):
    """Reads the sum of the flags at every update."""

    def __init__(self, module: nn.Module, device: torch.device) -> None:
        super().__init__(module)
        self.flag = torch.zeros((), device=device)
        self._step = 0
        self._fresh = True

    def before(self) -> None:
        if self._fresh:
            super().before()
        self._fresh = False

    def admit(self, loss: Tensor, step: int) -> float | Tensor:  # type: ignore[override]
        self._step = step
        if self.flag.device.type != "cpu":
            self.flag.add_(loss.detach().to(self.flag) * 0.0)
            return loss.detach().double().nan_to_num(0.0, 0.0, 0.0)
        value = loss.item()
        if math.isfinite(value):
            return value
        self.flag.fill_(math.nan)
        return 0.0

    def judge(self, total: Tensor) -> None:
        bad = not math.isfinite(total.item())
        self.flag.zero_()
        self._fresh = True
        if bad:
            for buffer, kept in zip(self._buffers, self._kept, strict=True):
                buffer.copy_(kept)
            raise NonFiniteLoss(self._step)


class SharedDeviceGuard(DeviceGuard, SharedGuard):
    """Leaves flags and their sum on the device; see `DeviceGuard`."""

    def __init__(
        self,
        module: nn.Module,
        optimizers: Iterable[torch.optim.Optimizer],
        device: torch.device,
    ) -> None:
        super().__init__(module, optimizers)
        self.flag = torch.zeros((), device=device)
        self._at = 0
        self._fresh = True

    def before(self) -> None:
        if self._fresh:
            super().before()
        self._fresh = False

    def admit(self, loss: Tensor, step: int) -> Tensor:
        self._at = step
        value = loss.detach()
        self.flag.add_(value.to(self.flag) * 0.0)
        return value.double().nan_to_num(0.0, 0.0, 0.0)

    def judge(self, total: Tensor) -> None:
        self._fresh = True
        self._step.copy_(torch.where(self._bad, self._step, self._at))
        self._bad.logical_or_(total.isfinite().logical_not())
        self._found_inf.copy_(self._bad)
        self.flag.zero_()


def make_guard(
    module: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    device: torch.device,
    *,
    on_device: bool,
) -> SharedHostGuard | SharedDeviceGuard:
    """The guard of one of several processes; `on_device` if the optimizers can leave out a step."""
    if device.type == "cpu" or not on_device:
        return SharedHostGuard(module, device)
    return SharedDeviceGuard(module, optimizers, device)
