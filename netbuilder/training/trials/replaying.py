"""The batch whose loss was bad, kept so that it can be run again.

`bad_batch.safetensors` in the run's folder: the tensors of every field, the samples' numbers as
`#samples`, and as texts the step and the checkpoint whose weights met it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from netbuilder.errors import RunError
from netbuilder.storage import atomic
from netbuilder.training import failures
from netbuilder.training.checkpointing import checkpoints, sealed
from netbuilder.training.plan import Plan
from netbuilder.training.records.folder import RunFolder

FILE = "bad_batch.safetensors"
_SAMPLES = "#samples"


@dataclass(frozen=True)
class BadBatch:
    """A batch, where it stood in the run, and the checkpoint with the weights of then."""

    fields: Mapping[str, Tensor]
    samples: list[int]
    step: int
    checkpoint: str


def keep(folder: RunFolder, bad: BadBatch) -> None:
    """Write it; `OSError` or `DocumentError` if that can't be."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in bad.fields.items()}
    tensors[_SAMPLES] = torch.tensor(bad.samples, dtype=torch.int64)
    about = {"step": str(bad.step), "checkpoint": bad.checkpoint}
    atomic.write(folder.path / FILE, safetensors.torch.save(tensors, about))


def read(folder: RunFolder) -> BadBatch:
    """The batch of a run; `RunError` if it has none."""
    path = folder.path / FILE
    try:
        with safetensors.safe_open(path, "pt") as file:
            about: dict[str, str] = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        step, checkpoint = int(about["step"]), about["checkpoint"]
        samples = [int(number) for number in tensors.pop(_SAMPLES)]
    except (OSError, KeyError, ValueError, safetensors.SafetensorError) as error:
        hint = "A batch is kept when a loss becomes NaN or infinite."
        raise RunError(f"The run in '{folder.path}' has kept no bad batch.", hint) from error
    return BadBatch(tensors, samples, step, checkpoint)


def replay(plan: Plan, folder: RunFolder) -> dict[str, Any]:
    """Run the bad batch through every step with the weights of then.

    The answer has `step` (from 1), `samples`, `checkpoint`, `losses` by step's name, and `error`:
    None if all losses are finite, else message, hint, `graph` and `node` of the first bad node.
    """
    bad = read(folder)
    checkpoint = _checkpoint(folder, bad.checkpoint)
    checkpoints.load_networks(checkpoint, plan.networks)
    losses: dict[str, float | None] = {}
    error: RunError | None = None
    for step in plan.steps:
        step.module.train()
        batch = step.arguments(bad.fields, plan.dataset.shared)
        with torch.no_grad():
            loss = float(step.module(**batch)[0])
        finite = loss - loss == 0.0
        losses[step.name] = loss if finite else None
        if not finite and error is None:
            error = failures.explain_loss(step.module, batch, bad.step, bad.samples)
    return {
        "step": bad.step + 1,
        "samples": bad.samples,
        "checkpoint": checkpoint.path.name,
        "losses": losses,
        "error": None if error is None else error.to_json(),
    }


def _checkpoint(folder: RunFolder, name: str) -> sealed.Sealed:
    """The one that was named; else the newest, which may be of another moment."""
    named = [each.path for each in folder.checkpoints("last") if each.path.name == name]
    try:
        return sealed.read(named[0])
    except (IndexError, RunError):
        return folder.read_checkpoint("last")[0]
