"""Why a training failed, in words, at its node."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter

from netbuilder.compiler.build import locate_error
from netbuilder.errors import Fix, NetbuilderError, RunError
from netbuilder.training import determinism
from netbuilder.training.guards import all_finite
from netbuilder.training.settings import TrainingSettings


class _Found(Exception):
    """Raised at the operation whose result is not finite."""


class _Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Stops at the first operation whose result is bad and whose arguments were not."""

    def __init__(self, is_bad: Callable[[Tensor], Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._is_bad = is_bad

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if self._bad(result) and not self._bad((args, kwargs)):
            raise _Found
        return result

    def _bad(self, values: Any) -> bool:
        numbers = (
            torch.tensor(value) if isinstance(value, float) else value
            for value in tree_iter(values)
        )
        return any(
            bool(self._is_bad(number).any())
            for number in numbers
            if isinstance(number, Tensor) and number.is_floating_point()
        )


def _not_finite(values: Tensor) -> Tensor:
    return ~values.isfinite()


def explain_loss(
    module: nn.Module, batch: Mapping[str, Tensor], step: int, indices: list[int]
) -> RunError:
    """Why the loss of this batch is not finite: bad data, bad weights, or the first bad node.

    `batch` holds the arguments of `module`; `indices` are its samples' numbers in the
    training part. The weights must be those of the step; nothing is changed.
    """
    shown = ", ".join(map(str, indices[:8])) + (", ..." if len(indices) > 8 else "")
    where = f"at step {step + 1} (training samples {shown})"
    for name, tensor in batch.items():
        if not all_finite([tensor]):
            return RunError(
                f"The loss became NaN or infinite {where}: the data field '{name}' is not finite.",
                "Remove or fill these samples. The weights are those of the step before.",
            )
    if not all_finite((*module.parameters(), *module.buffers())):
        return RunError(
            f"The loss became NaN or infinite {where}: a gradient before it was not finite, "
            "and so are weights.",
            "Lower the learning rate. The last checkpoint holds good weights.",
        )
    graph = node = place = ""
    error = _first_bad(module, batch)
    if error is not None and (located := locate_error(error)) is not None:
        graph, node = located.graph, located.node
        place = f": '{located.name}' is the first node whose output is not finite"
    return RunError(
        f"The loss became NaN or infinite {where}{place}.",
        "Lower the learning rate or normalise the data. The weights are those of the step before.",
        graph=graph,
        node=node,
    )


def _first_bad(module: nn.Module, batch: Mapping[str, Tensor]) -> Exception | None:
    """The exception that went through the line of the first bad node, if it shows again.

    That is where something not finite comes of finite numbers; a mask of given infinities is
    not. Else it is where NaN comes of infinities.
    """
    buffers = list(module.buffers())
    kept = [buffer.clone() for buffer in buffers]
    try:
        for is_bad in (_not_finite, torch.isnan):
            try:
                with torch.no_grad(), _Watch(is_bad):
                    module(**batch)
            except _Found as error:
                return error
        return None
    finally:
        with torch.no_grad():
            for buffer, before in zip(buffers, kept, strict=True):
                buffer.copy_(before)


def explain(
    error: Exception, settings: TrainingSettings, parameters: int, doing: str = ""
) -> RunError:
    """An exception of a step as a message for a person, at its node if that is known.

    `doing` says what was going on, if not training: "while evaluating".
    """
    if isinstance(error, RunError):
        return error
    located = locate_error(error)
    graph, node = (located.graph, located.node) if located else ("", "")
    text = str(error)
    if is_memory(error):
        at = f" at '{located.name}'" if located else ""
        at += f" {doing}" if doing else ""
        batch = settings.batch_size
        fixes = [_halve(settings)] if batch > 1 else []
        smaller = f"Set batch_size to {batch // 2} and accumulate to {2 * settings.accumulate}, or"
        return RunError(
            f"Out of memory{at}, with batches of {batch} samples and {parameters:,} weights.",
            f"{smaller} make the network smaller." if fixes else "Make the network smaller.",
            graph=graph,
            node=node,
            fixes=fixes,
        )
    if isinstance(error, NetbuilderError):
        return RunError(text, error.hint, graph=graph, node=node)
    if _of_device(error):
        message = f"The device failed: {text.splitlines()[0]}"
        hint = "Set the device to cpu to see the cause. Another training can start at once."
        fixes = [Fix("Train on the CPU", "set_training", {"values": {"device": "cpu"}})]
        return RunError(message, hint, graph=graph, node=node, fixes=fixes)
    if determinism.is_refusal(error):
        first = text.split(".")[0]
        hint = "Switch off 'deterministic' in the training settings, or use another layer."
        return RunError(f"{first}.", hint, graph=graph, node=node)
    if located is not None:
        hint = "Change this node or what comes into it."
        return RunError(located.message, hint, graph=graph, node=node)
    first = next(iter(text.splitlines()), "")
    return RunError(f"{type(error).__name__}: {first}" if first else type(error).__name__)


def _of_device(error: Exception) -> bool:
    """Whether the device failed, or lacks an operation."""
    text = str(error)
    lacking = isinstance(error, NotImplementedError) and "MPS" in text
    return lacking or "CUDA error" in text or "device-side assert" in text


def is_memory(error: BaseException) -> bool:
    """Whether memory was not enough, of a device or of this machine."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(
        words in str(error) for words in ("can't allocate memory", "out of memory")
    )


def _halve(settings: TrainingSettings) -> Fix:
    """As many samples an update, in twice as many batches."""
    batch, accumulate = settings.batch_size // 2, 2 * settings.accumulate
    values = {"batch_size": batch, "accumulate": accumulate}
    title = f"Halve the batch and accumulate {accumulate}"
    return Fix(title, "set_training", {"values": values})
