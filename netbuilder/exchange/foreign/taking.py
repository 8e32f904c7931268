"""Weights of a foreign file for a network: a preview of the match, then taking them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from netbuilder.compiler import build
from netbuilder.errors import DocumentError
from netbuilder.exchange import weights as exchange
from netbuilder.exchange.foreign import matching
from netbuilder.exchange.foreign.matching import Match, Slot
from netbuilder.exchange.foreign.reading import Opened, open_weights
from netbuilder.graph.document import Document
from netbuilder.graph.rules import identifier
from netbuilder.storage import atomic, plain
from netbuilder.storage import weights as storage


def look(document: Document, network: str, path: Path, *, by_order: bool = False) -> dict[str, Any]:
    """What would be taken of `path`, tensor by tensor; nothing is changed.

    `DocumentError` if the file can't be read, `ProblemsError` if the network has errors.
    """
    with open_weights(path) as opened:
        found = matching.match(_own(document, network), opened.slots, by_order=by_order)
        return _report(network, path, opened, found)


def take(
    document: Document, network: str, path: Path, folder: Path, *, by_order: bool = False
) -> dict[str, Any]:
    """Write what fits as a weights file into `folder`; the report, with the project's `entry`.

    What the project had before stays where nothing fits. The project itself is not changed.
    """
    own = _own(document, network)
    with open_weights(path) as opened:
        found = matching.match(own, opened.slots, by_order=by_order)
        matching.refuse_nothing(found, path.name)
        tensors = _kept(document, network, own)
        notes = list(opened.notes)
        with safe_open(opened.path, framework="pt") as file:
            for key, source in found.taken().items():
                tensors[key] = file.get_tensor(source).to(getattr(torch, own[key].dtype))
        answer = _report(network, path, opened, found)
    bad = [key for key, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if bad:
        notes.append(f"Not finite (NaN or infinity): {', '.join(bad[:3])}.")
    data = save({key: tensor.contiguous().clone() for key, tensor in tensors.items()})
    entry = storage.Entry(network, _free(folder, path.stem, data), storage.digest(data))
    atomic.write(folder / entry.file, data)
    return answer | {"notes": notes, "entry": entry.to_json()}


def _own(document: Document, network: str) -> dict[str, Slot]:
    with torch.device("meta"):
        state = build.build_network(document, network).state_dict()
    return {key: _slot(tensor) for key, tensor in state.items()}


def _slot(tensor: Tensor) -> Slot:
    return Slot(tuple(tensor.shape), str(tensor.dtype).removeprefix("torch."))


def _kept(document: Document, network: str, own: dict[str, Slot]) -> dict[str, Tensor]:
    """What the project has of its own that still fits."""
    before = exchange.of_project(document, network) or {}
    return {key: t for key, t in before.items() if key in own and _slot(t) == own[key]}


def _report(network: str, path: Path, opened: Opened, found: Match) -> dict[str, Any]:
    about = {"network": network, "file": str(path), "notes": list(opened.notes)}
    return about | found.to_json()


def _free(folder: Path, stem: str, data: bytes) -> str:
    """A name for the file that takes the place of no other's."""
    base = identifier(stem, "weights")[:80]
    for number in range(1, 1_000):
        name = f"{base}{f'_{number}' if number > 1 else ''}{storage.SUFFIX}"
        path = folder / name
        if not path.exists() or (
            path.stat().st_size == len(data) and plain.read(path, storage.MAX_BYTES) == data
        ):
            return name
    raise DocumentError(f"'{folder}' has a thousand files called {base}.", "Choose another name.")
