"""Starting from the weights of a run: what is kept, what is new, what is lost.

Tensors of both sides are told apart by an address that renaming does not change; who makes
addresses knows graphs, this module knows tensors alone. Averages of BatchNorm and other buffers
are carried like weights; the state of optimizers is not: it begins anew.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import torch
from torch import nn

from netbuilder.errors import RunError, did_you_mean
from netbuilder.training.checkpointing import checkpoints, sealed, trees
from netbuilder.training.checkpointing.checkpoints import Weights
from netbuilder.training.records.folder import RunFolder

ORIGIN = "origin.json"
START = "start"
State = Literal["kept", "widened", "new", "lost"]
Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One tensor: where it is now, where it was in the run, and what becomes of it.

    `network` and `name` (a key of its `state_dict`) are of now, `was_network` and `was` of the
    run; empty where there is none. `grown` tells that all of the run's values have a place in it.
    """

    state: State
    network: str = ""
    name: str = ""
    was_network: str = ""
    was: str = ""
    then: Shape | None = None
    now: Shape | None = None
    grown: bool = False
    reason: str = ""

    @property
    def part(self) -> str:
        """What holds the tensor, dotted: `main.stem`."""
        network, name = (self.network, self.name) if self.network else (self.was_network, self.was)
        return ".".join((network, *name.split(".")[:-1]))

    @property
    def numbers(self) -> int:
        """How many values it has: now, or in the run where it is lost."""
        shape = self.now if self.now is not None else self.then
        return torch.Size(shape or ()).numel()

    def to_json(self) -> dict[str, Any]:
        """The item as a JSON object."""
        return {**asdict(self), "part": self.part, "numbers": self.numbers}


@dataclass(frozen=True, slots=True)
class Report:
    """What would be taken of a run, tensor by tensor, in the order of the networks."""

    items: tuple[Item, ...]

    def numbers(self, *states: State) -> int:
        """How many values are in one of these states."""
        return sum(item.numbers for item in self.items if item.state in states)

    def parts(self, *states: State) -> list[str]:
        """The parts with a tensor in one of these states."""
        return list(dict.fromkeys(item.part for item in self.items if item.state in states))

    def to_json(self) -> dict[str, Any]:
        """The report as a JSON object."""
        return {
            "items": [item.to_json() for item in self.items],
            "numbers": {s: self.numbers(s) for s in ("kept", "widened", "new", "lost")},
        }

    def chosen(self, keep: Sequence[str] | None, widen: bool) -> Report:
        """The report once only some parts are kept, and what grew is filled where it can be.

        A part is a network or a dotted place in it with all that is inside; None keeps all.
        `RunError` for one that is not there.
        """
        if keep is not None:
            _known(keep, {item.part for item in self.items if item.network})
        return Report(tuple(_choose(item, keep, widen) for item in self.items))


def _choose(item: Item, keep: Sequence[str] | None, widen: bool) -> Item:
    taken = keep is None or any(inside(item.part, part) for part in keep)
    if item.state == "kept" and not taken:
        return replace(item, state="new", reason="Left out.")
    if item.state == "new" and item.grown and widen and taken:
        return replace(item, state="widened")
    return item


def inside(part: str, outer: str) -> bool:
    """Whether a part is another one or lies in it."""
    return part == outer or part.startswith(f"{outer}.")


def _known(wanted: Iterable[str], parts: Iterable[str]) -> None:
    there: dict[str, None] = {}
    for part in parts:
        pieces = part.split(".")
        there.update(dict.fromkeys(".".join(pieces[:n]) for n in range(1, len(pieces) + 1)))
    for part in wanted:
        if part not in there:
            meant = did_you_mean(part, there)
            listed = ", ".join(sorted(there, key=lambda name: (name.count("."), name))[:12])
            raise RunError(f"There is no part '{part}' with weights.", f"{meant}Parts: {listed}.")


def words(shape: Shape | None) -> str:
    """`64×3×3`, `one number`, `nothing`."""
    return "nothing" if shape is None else "×".join(map(str, shape)) or "one number"


@dataclass(frozen=True, slots=True)
class Place:
    """A tensor of a network by its key in the `state_dict`.

    `grows`: its layer keeps its meaning when it gets more channels or features.
    """

    network: str
    name: str
    shape: Shape
    grows: bool = False


def compare(pairs: Iterable[tuple[Place | None, Place | None]]) -> Report:
    """The report of tensors of the run beside those of now; at least one of each pair is there."""
    return Report(tuple(_compare(then, now) for then, now in pairs))


def _compare(then: Place | None, now: Place | None) -> Item:
    if now is None:
        assert then is not None
        reason = "It is no longer there."
        return Item("lost", "", "", then.network, then.name, then.shape, None, False, reason)
    if then is None:
        reason = "The run has nothing of it."
        return Item("new", now.network, now.name, "", "", None, now.shape, False, reason)
    names = now.network, now.name, then.network, then.name, then.shape, now.shape
    if then.shape == now.shape:
        return Item("kept", *names)
    same = len(then.shape) == len(now.shape) and now.grows
    grown = same and all(a <= b for a, b in zip(then.shape, now.shape, strict=True))
    reason = f"{words(then.shape)} in the run, {words(now.shape)} now."
    return Item("new", *names, grown=grown, reason=reason)


def give(report: Report, saved: Weights, modules: Mapping[str, nn.Module]) -> None:
    """Put the kept and widened tensors of a run into the networks, in place."""
    own = {name: module.state_dict() for name, module in modules.items()}
    with torch.no_grad():
        for item in report.items:
            if item.state not in ("kept", "widened"):
                continue
            source, target = saved[item.was_network][item.was], own[item.network][item.name]
            overlap = tuple(slice(0, size) for size in source.shape)
            (target[overlap] if overlap else target).copy_(source)


# -- what a run folder keeps of it -----------------------------------------------------------


def write_start(
    folder: RunFolder, modules: Mapping[str, nn.Module], origin: Mapping[str, Any]
) -> None:
    """Keep what a new run starts from: what it came from may be deleted or trained on.

    Before the run is there, so that no kill comes between; `OSError` as in `sealed.write`.
    """
    folder.path.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(folder.path / START, ignore_errors=True)
    names = {name: f"{number}.safetensors" for number, name in enumerate(modules)}
    files = {names[name]: trees.to_pieces(module.state_dict()) for name, module in modules.items()}
    sealed.write(folder.path / START, files, {"networks": names})
    folder.write_json(ORIGIN, origin)


def read_start(folder: RunFolder, modules: Mapping[str, nn.Module]) -> None:
    """Give the networks what the run started from, if that was learnt by another run.

    `RunError` if it is damaged or does not fit.
    """
    if (folder.path / ORIGIN).exists():
        checkpoints.load_networks(sealed.read(folder.path / START), modules)
