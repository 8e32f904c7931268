"""Which tensor of a run is which tensor of the project as it is now.

The address of a tensor is its network and the ids of the nodes that lead to it, so that it is
found again after networks, blocks and nodes were renamed, and after nodes were made into a block
or taken out of one.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.compiler import build
from netbuilder.errors import NetbuilderError
from netbuilder.graph.document import Document
from netbuilder.graph.matching import Matching, match
from netbuilder.layers import own
from netbuilder.storage import files
from netbuilder.training.checkpointing import carrying, checkpoints
from netbuilder.training.checkpointing.carrying import Place, Report
from netbuilder.training.own_chance import OwnChance
from netbuilder.training.records.folder import CheckpointKind, RunFolder

GROWING = frozenset(
    f"torch.nn.{name}{dims}"
    for name, sizes in {
        "Linear": ("",),
        "Bilinear": ("",),
        "Embedding": ("",),
        "EmbeddingBag": ("",),
        "LayerNorm": ("",),
        "RMSNorm": ("",),
        "PReLU": ("",),
        "GroupNorm": ("",),
        "Conv": ("1d", "2d", "3d"),
        "ConvTranspose": ("1d", "2d", "3d"),
        "BatchNorm": ("1d", "2d", "3d"),
        "InstanceNorm": ("1d", "2d", "3d"),
    }.items()
    for dims in sizes
)
"""Layers whose rows stand each for a channel or feature; the gates of an LSTM do not."""

_Piece = str | tuple[str, str]
"""A name in a `state_dict`, or a graph's and a node's id."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What to start from: a run, its `best` or `last` weights, and which parts of them.

    `keep` None takes all that fits; `widen` also fills what grew as far as the run's values go.
    """

    run: Path
    keep: tuple[str, ...] | None = None
    widen: bool = False
    checkpoint: CheckpointKind | None = None

    @staticmethod
    def from_json(value: Any) -> Wish | None:
        """The wish in a request; None where there is none."""
        if not isinstance(value, Mapping) or not value.get("run"):
            return None
        keep, kind = value.get("keep"), value.get("checkpoint")
        return Wish(
            Path(str(value["run"])),
            None if keep is None else tuple(map(str, keep)),
            bool(value.get("widen", False)),
            kind if kind in ("best", "last") else None,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What a run has for a project."""

    report: Report
    saved: checkpoints.Weights
    about: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The answer of the worker's `carry`."""
        return {**self.about, **self.report.to_json()}


def find(document: Document, networks: Mapping[str, nn.Module], wish: Wish) -> Found:
    """What the run has for these networks of the project; `RunError` if it has no weights."""
    folder = RunFolder.open(wish.run)
    kinds: tuple[CheckpointKind, ...] = (wish.checkpoint,) if wish.checkpoint else ("best", "last")
    checkpoint, _ = folder.read_checkpoint(*kinds)
    saved = checkpoints.networks(checkpoint)
    before = files.load(folder.project_path)
    then = _places_then(before, saved)
    now = dict(_places(document, networks))
    report = carrying.compare(_pairs(match(before, document), then, now))
    about = {
        "run": str(folder.path),
        "name": folder.path.name,
        "checkpoint": checkpoint.info.get("kind"),
        "epoch": checkpoint.info.get("epoch"),
        "step": checkpoint.info.get("step"),
        "metrics": checkpoint.info.get("metrics", {}),
    }
    return Found(report.chosen(wish.keep, wish.widen), saved, about)


def look(document: Document, wish: Wish) -> dict[str, Any]:
    """What a training that starts from a run would take of it; nothing is trained.

    `ProblemsError` if a network of the project has errors.
    """
    return find(document, _sketched(document), wish).to_json()


def begin(
    document: Document, networks: Mapping[str, nn.Module], wish: Wish, folder: RunFolder
) -> dict[str, Any]:
    """Give the networks what the run learnt, and keep that in the new run's folder.

    The answer says what was taken, as `origin.json` does.
    """
    folder.require_new()
    found = find(document, networks, wish)
    carrying.give(found.report, found.saved, networks)
    origin = {
        **found.about,
        "time": time.time(),
        "keep": None if wish.keep is None else list(wish.keep),
        "widen": wish.widen,
        "optimizer": "new",
        **found.report.to_json(),
    }
    carrying.write_start(folder, networks, origin)
    return origin


# -- addresses -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Address:
    """Ids of the graphs and nodes that lead to a tensor, and the names between and after them."""

    network: str
    path: tuple[_Piece, ...]

    def moved(self, matching: Matching) -> _Address:
        """The address with the ids that its graphs and nodes have in the later document."""
        path = tuple(p if isinstance(p, str) else _moved(p, matching) for p in self.path)
        return replace(self, network=matching.graphs.get(self.network, ""), path=path)

    @property
    def exact(self) -> tuple[object, ...]:
        return self.network, *(p if isinstance(p, str) else p[1:] for p in self.path)

    @property
    def loose(self) -> tuple[object, ...]:
        """Its network, its own node and what follows: where the node stands does not matter.

        Nor whether it is the only one or the first of several.
        """
        nodes = [at for at, piece in enumerate(self.path) if not isinstance(piece, str)]
        if not nodes:
            return self.exact
        inner = nodes[-1]
        counts = tuple(p for p in self.path[:inner] if isinstance(p, str) and p != "0")
        own, tail = self.path[inner][1:], self.path[inner + 1 :]
        return self.network, counts, own, tail


def _moved(place: tuple[str, str], matching: Matching) -> tuple[str, str]:
    graph, node = place
    return matching.graphs.get(graph, graph), matching.nodes.get(graph, {}).get(node, node)


_Places = Mapping[_Address, Place]


def _places(
    document: Document, networks: Mapping[str, nn.Module]
) -> Iterator[tuple[_Address, Place]]:
    """The tensors of all networks; what a network calls belongs to the one that is called."""
    ids = {graph.name: graph.id for graph in document.of_kind("network")}
    for name, module in networks.items():
        others = {id(other) for other in networks.values() if other is not module}
        for key, tensor in module.state_dict().items():
            path = _path(module, key, others)
            if path is None or not isinstance(tensor, Tensor):
                continue
            grows = _layer(document, path) in GROWING
            yield _Address(ids[name], path), Place(name, key, tuple(tensor.shape), grows)


def _path(module: nn.Module, key: str, others: set[int]) -> tuple[_Piece, ...] | None:
    """What leads to a tensor; None if that goes through another network."""
    pieces: list[_Piece] = []
    here: nn.Module | None = module
    for name in key.split("."):
        place = None
        if here is not None:
            origin = getattr(type(here), "netbuilder_origin", None)
            if isinstance(origin, build.Origin):
                place = origin.source.modules.get((type(here).__name__, name))
            here = here._modules.get(name)
            if id(here) in others:
                return None
        pieces.append(name if place is None else place)
    return tuple(pieces)


def _layer(document: Document, path: Sequence[_Piece]) -> str:
    for piece in reversed(path):
        if not isinstance(piece, str):
            graph = document.graphs.get(piece[0])
            node = graph.nodes.get(piece[1]) if graph is not None else None
            return node.layer if node is not None else ""
    return ""


def _sketched(document: Document) -> dict[str, nn.Module]:
    """The networks without numbers: no memory, and no random state is used up.

    That matters where a training goes on in the same process.
    """
    try:
        with torch.device("meta"):
            return build.build_networks(document)
    except NetbuilderError:
        raise
    except Exception:
        # A layer that looks at its numbers while it is made.
        with OwnChance():
            return build.build_networks(document)


def _places_then(document: Document, saved: checkpoints.Weights) -> dict[_Address, Place]:
    """The tensors of a run. Its networks are made once more to learn where each belongs.

    If that can't be done, names must do.
    """
    try:
        with own.using(document.project):
            found = dict(_places(document, _sketched(document)))
    except NetbuilderError:
        found = dict(_by_name(document, saved))
    return {
        address: replace(place, shape=tuple(saved[place.network][place.name].shape))
        for address, place in found.items()
        if place.name in saved.get(place.network, {})
    }


def _by_name(document: Document, saved: checkpoints.Weights) -> Iterator[tuple[_Address, Place]]:
    for graph in document.of_kind("network"):
        for key, tensor in saved.get(graph.name, {}).items():
            first, *rest = key.split(".")
            node = graph.named(first)
            path = (first if node is None else (graph.id, node.id), *rest)
            yield _Address(graph.id, path), Place(graph.name, key, tuple(tensor.shape))


def _pairs(
    matching: Matching, then: _Places, now: _Places
) -> Iterable[tuple[Place | None, Place | None]]:
    """Each tensor of now with that of the run, in the order of now; then what is left over."""
    old = {address.moved(matching): place for address, place in then.items()}
    exact = {address.exact: address for address in old}
    partner = {new: exact.pop(new.exact, None) for new in now}
    left = list(exact.values())
    homeless = [new for new in now if partner[new] is None]
    loose = _unique(left)
    for key, new in _unique(homeless).items():
        partner[new] = loose.pop(key, None)
    used = set(partner.values())
    for new, place in now.items():
        was = partner[new]
        yield (None if was is None else old[was]), place
    for address, place in old.items():
        if address not in used:
            yield place, None


def _unique(addresses: Sequence[_Address]) -> dict[tuple[object, ...], _Address]:
    """By loose address, those that no other one could be taken for."""
    count = Counter(address.loose for address in addresses)
    return {address.loose: address for address in addresses if count[address.loose] == 1}
