"""What a checkpoint holds: networks for use, and all that a resumed run needs to be exact.

`networks/NAME.safetensors` has a network's `state_dict`; `state.json` with
`state.safetensors` has optimizers, random states, position and meters. Checkpoints of kind
`best` have the networks alone.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from torch import Tensor, nn

from netbuilder.errors import RunError
from netbuilder.training.checkpointing import sealed, trees
from netbuilder.training.parallel import sharding
from netbuilder.training.records.folder import CheckpointKind, RunFolder

KEPT = 2
"""Checkpoints of a kind that stay: the newest, and the one to fall back to."""

Weights = Mapping[str, Mapping[str, Tensor]]
"""Network name to `state_dict`."""


def save(
    folder: RunFolder,
    kind: CheckpointKind,
    networks: Weights,
    info: Mapping[str, Any],
    state: Mapping[str, Any] | None = None,
) -> Path:
    """Write a checkpoint, then remove older ones; `OSError` leaves the old ones alone."""
    names = {name: f"networks/{quote(name, safe='')}.safetensors" for name in networks}
    files: dict[str, sealed.Contents] = {
        names[name]: trees.to_pieces(weights) for name, weights in networks.items()
    }
    if state is not None:
        value, tensors = trees.pack(state)
        files["state.json"] = json.dumps(value, allow_nan=True).encode()
        files["state.safetensors"] = trees.to_pieces(tensors)
    path = folder.next_checkpoint(kind)
    sealed.write(path, files, {**info, "kind": kind, "networks": names})
    for old in folder.checkpoints(kind)[KEPT:]:
        shutil.rmtree(old.path, ignore_errors=True)
    return path


def networks(checkpoint: sealed.Sealed) -> dict[str, dict[str, Tensor]]:
    """The `state_dict` of each network by its name."""
    return {
        name: trees.from_bytes(checkpoint.files[file])
        for name, file in checkpoint.info["networks"].items()
    }


def state(checkpoint: sealed.Sealed) -> dict[str, Any]:
    """What `save` was given as state; `RunError` if the checkpoint has none."""
    if "state.json" not in checkpoint.files:
        raise RunError(f"Checkpoint '{checkpoint.path.name}' can't be resumed from.")
    value = json.loads(checkpoint.files["state.json"])
    tensors = trees.from_bytes(checkpoint.files["state.safetensors"])
    result: dict[str, Any] = trees.unpack(value, tensors)
    return result


def load_networks(checkpoint: sealed.Sealed, modules: Mapping[str, nn.Module]) -> None:
    """Put the weights into these networks; `RunError` lists every tensor that does not fit."""
    saved = networks(checkpoint)
    faults = []
    for name, module in modules.items():
        own, other = module.state_dict(), saved.get(name, {})
        for key in dict.fromkeys((*own, *other)):
            here, there = own.get(key), other.get(key)
            if here is None or there is None or here.shape != there.shape:
                faults.append(f"{name}.{key}: {_shape(there)} in the run, {_shape(here)} now")
    if faults:
        shown = "; ".join(faults[:5]) + (f"; and {len(faults) - 5} more" if faults[5:] else "")
        raise RunError(
            f"The weights of the run do not fit the networks: {shown}.",
            "The project was changed since. Train it anew, or open the run's own project.",
        )
    for name, module in modules.items():
        if sharding.is_sharded(module.parameters()):
            sharding.load(module, saved[name])
        else:
            module.load_state_dict(saved[name])


def _shape(tensor: Tensor | None) -> str:
    return "nothing" if tensor is None else "×".join(map(str, tensor.shape)) or "a number"
