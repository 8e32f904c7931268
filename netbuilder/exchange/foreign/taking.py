"""Weights of a foreign file for a network: a preview of the match, then taking them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from netbuilder.compiler import build
from netbuilder.exchange import weights as exchange
from netbuilder.exchange.foreign import matching
from netbuilder.exchange.foreign.matching import Item, Match
from netbuilder.exchange.foreign.reading import Opened, open_weights
from netbuilder.exchange.foreign.slots import Slot
from netbuilder.graph.document import Document
from netbuilder.graph.rules import identifier
from netbuilder.storage import atomic, weight_names
from netbuilder.storage import weights as storage

_UNORDERED = (
    "A safetensors file does not keep the order of its layers: of those with the same shapes some "
    "may be exchanged. The .pt file of the same weights is surer."
)


def look(document: Document, network: str, path: Path, *, by_order: bool = False) -> dict[str, Any]:
    """What would be taken of `path`, tensor by tensor; nothing is changed.

    `DocumentError` if the file can't be read, `ProblemsError` if the network has errors.
    """
    with open_weights(path) as opened:
        found = _match(_own(document, network), opened, by_order)
        return _report(network, path, opened, found)


def take(
    document: Document, network: str, path: Path, folder: Path, *, by_order: bool = False
) -> dict[str, Any]:
    """Write what fits as a weights file into `folder`; the report, with the project's `entry`.

    What the project had before stays where nothing fits. The project itself is not changed.
    """
    answer, data = _gather(document, network, path, by_order=by_order)
    sha256 = storage.digest(data)
    file = weight_names.free(folder, _stem(path), sha256)
    entry = storage.Entry(network, file, sha256)
    atomic.write(folder / entry.file, data)
    return answer | {"entry": entry.to_json()}


def hold(document: Document, network: str, path: Path, *, by_order: bool = False) -> dict[str, Any]:
    """As `take`, but what fits waits in memory until the project is saved."""
    answer, data = _gather(document, network, path, by_order=by_order)
    sha256 = storage.digest(data)
    # Where the project will be saved is not known yet: a name that no other file has.
    file = f"{_stem(path)}-{sha256[:8]}{storage.SUFFIX}"
    entry = storage.Entry(network, file, sha256)
    document.beside.held[sha256] = data
    return answer | {"entry": entry.to_json()}


def _gather(
    document: Document, network: str, path: Path, *, by_order: bool = False
) -> tuple[dict[str, Any], bytes]:
    """The report, and the bytes of a weights file with what fits; nothing is written.

    `DocumentError` if nothing fits.
    """
    own = _own(document, network)
    with open_weights(path) as opened:
        found = _match(own, opened, by_order)
        matching.refuse_nothing(found, path.name)
        tensors = _kept(document, network, own)
        with safe_open(opened.path, framework="pt") as file:
            guesses = found.guesses()
            for key, source in found.taken().items():
                item = guesses.get(key)
                tensor = file.get_tensor(source) if item is None else _guessed(file, item)
                tensors[key] = tensor.to(getattr(torch, own[key].dtype))
        answer = _report(network, path, opened, found)
    notes = answer["notes"]
    bad = [key for key, tensor in tensors.items() if not bool(torch.isfinite(tensor).all())]
    if bad:
        notes.append(f"Not finite (NaN or infinity): {', '.join(bad[:3])}.")
    data = save({key: tensor.contiguous().clone() for key, tensor in tensors.items()})
    return answer, data


def _match(own: dict[str, Slot], opened: Opened, by_order: bool) -> Match:
    return matching.match(own, opened.slots, by_order=by_order, ordered=opened.ordered)


def _guessed(file: Any, item: Item) -> Tensor:
    """What a guess says of a tensor: joined, turned, without ones before its shape."""
    parts = [file.get_tensor(key) for key in item.sources]
    tensor = torch.cat(parts) if len(parts) > 1 else parts[0]
    return (tensor.T if item.turned else tensor).reshape(item.wanted or ())


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
    notes = list(opened.notes)
    if found.guesses() and not opened.ordered:
        notes.append(_UNORDERED)
    return {"network": network, "file": str(path), "notes": notes} | found.to_json()


def _stem(path: Path) -> str:
    return identifier(path.stem, "weights")[: weight_names.MOST_LETTERS]
