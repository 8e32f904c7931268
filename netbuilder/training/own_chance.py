"""Chance of one's own, on one thread, beside a training on another.

PyTorch's generators are the process's: who seeds them, or draws from them, changes what a training
that is under way draws next. Here each draw is handed a generator of its own instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

Draw = Callable[..., Any]
_FILLS: Mapping[str, str] = {"rand_like": "uniform_", "randn_like": "normal_"}
"""Draws that take no generator, and what fills an empty tensor alike."""


class OwnChance(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Inside, this thread's draws on the CPU come from a generator with this seed.

    They are those that PyTorch's own would give after `torch.manual_seed(seed)`. What PyTorch
    draws without a way to hand it a generator (a few fused operations) stays as it is.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._generator = torch.Generator().manual_seed(seed)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Hand a draw the generator; all else as it is."""
        given = dict(kwargs or {})
        if torch.Tag.nondeterministic_seeded not in func.tags or not _on_cpu(args, given):
            return func(*args, **given)
        if given.get("generator") is not None:
            return func(*args, **given)
        name = func.overloadpacket.__name__
        if name in _FILLS:
            empty = torch.empty_like(args[0], **given)
            return getattr(empty, _FILLS[name])(generator=self._generator)
        for draw in (func, *_others(func)):
            if any(argument.name == "generator" for argument in draw._schema.arguments):
                return draw(*args, **given, generator=self._generator)
        return func(*args, **given)


def _others(func: Any) -> list[Draw]:
    """The same operation with a generator among its arguments, for those that have one apart."""
    packet, wanted = func.overloadpacket, _arguments(func)
    overloads = (getattr(packet, name) for name in packet.overloads())
    return [other for other in overloads if _arguments(other) == wanted and other is not func]


def _arguments(func: Any) -> list[tuple[str, str]]:
    """What an operation takes beside a generator."""
    arguments = func._schema.arguments
    return [(each.name, str(each.type)) for each in arguments if each.name != "generator"]


def _on_cpu(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    device = kwargs.get("device")
    tensors = [each for each in args if isinstance(each, torch.Tensor)]
    if device is not None:
        return torch.device(device).type == "cpu"
    return all(tensor.device.type == "cpu" for tensor in tensors)
