"""Where a file departs: what its nodes give, held against those of the network, one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from netbuilder.compiler.emit import Place
from netbuilder.compiler.tapping import tap
from netbuilder.exchange.departing import Array, NodeError, relative_error
from netbuilder.exchange.spots import Spot, Spots
from netbuilder.exchange.verify import session

Owners = Mapping[str, Spot]
"""Which of the user's nodes an ONNX node belongs to, by its name."""


@dataclass(frozen=True, slots=True)
class Blame:
    """Tells which nodes of a network the file is wrong at; `names` are those of its inputs."""

    module: nn.Module
    path: Path
    names: Sequence[str]
    owners: Owners

    def __call__(self, values: Sequence[Tensor]) -> list[NodeError]:
        """The error of each node on these inputs, in the order of computing."""
        return compare(self.module, self.path, values, self.names, self.owners)

    def at(self, name: str) -> NodeError | None:
        """The user's node that a node of the file belongs to."""
        spot = self.owners.get(name)
        if spot is None:
            return None
        spots = Spots(self.module)
        return NodeError(spot.graph, spot.node, spots.use(spot), spots.name(spot), None)


def compare(
    module: nn.Module, path: Path, values: Sequence[Tensor], names: Sequence[str], owners: Owners
) -> list[NodeError]:
    """The error of each node of `module` on these inputs (`names` are theirs), in their order.

    The values come from a copy of the file beside it that gives them all; it is removed again.
    """
    feed = {name: value.numpy() for name, value in zip(names, values, strict=True)}
    given = _from_file(path, feed, owners)
    spots = Spots(module)
    errors: dict[Spot, float | None] = {}

    def hear(part: str, place: Place, found: tuple[Any, ...]) -> None:
        spot = Spot(part, *place)
        if spots.takes(spot):
            return
        worst = errors.setdefault(spot, None)
        for tensor in found:
            if isinstance(tensor, Tensor):
                error = _least(given.get(spot, ()), tensor.detach().numpy())
                if error is not None:
                    worst = max(error, worst or 0.0)
        errors[spot] = worst

    _listen(module, spots, values, hear)
    # Of a block its nodes tell.
    blocks = {above for spot in errors for above in _above(spot.part)}
    named = {spot: spots.name(spot) for spot in errors}
    return [
        NodeError(spot.graph, spot.node, spots.use(spot), named[spot], error)
        for spot, error in errors.items()
        if named[spot] not in blocks
    ]


def _above(part: str) -> list[str]:
    steps = part.split(".")
    return [".".join(steps[:at]) for at in range(1, len(steps) + 1)]


def _least(found: Sequence[Array], expected: Array) -> float | None:
    errors = [relative_error(value, expected) for value in found if value.shape == expected.shape]
    return min(errors, default=None)


def _from_file(
    path: Path, feed: Mapping[str, Array], owners: Owners
) -> dict[Spot, Sequence[Array]]:
    """What leaves each of the user's nodes in the file."""
    model = onnx.load(str(path), load_external_data=False)
    known = {value.name for value in model.graph.output}
    readers: dict[str, set[Spot | None]] = {name: {None} for name in known}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, set()).add(owners.get(node.name))
    leaving: dict[str, Spot] = {}
    for node in model.graph.node:
        spot = owners.get(node.name)
        for name in node.output:
            if spot is not None and name and readers.get(name, set()) - {spot}:
                leaving[name] = spot
    model.graph.output.extend(
        onnx.ValueInfoProto(name=name) for name in leaving if name not in known
    )
    # Beside the file, for what lies outside it is found by its place.
    whole = path.with_name(f"{path.stem}.nodes.onnx")
    try:
        onnx.save(model, str(whole))
        results = session(whole).run(list(leaving), dict(feed)) if leaving else []
    finally:
        whole.unlink(missing_ok=True)
    found: dict[Spot, list[Array]] = {}
    for spot, result in zip(leaving.values(), results, strict=True):
        if isinstance(result, np.ndarray):
            found.setdefault(spot, []).append(result)
    return dict(found)


def _listen(module: nn.Module, spots: Spots, values: Sequence[Tensor], hear: Any) -> None:
    """Run the network; `hear` is told what each node gave, and in which part."""
    inside: list[str] = []
    hooks = []
    for path, part in spots.parts():
        # Before those of the tap: a chain hears a block in it after the block was left.
        hooks.append(part.register_forward_pre_hook(lambda *_, path=path: inside.append(path)))
        hooks.append(part.register_forward_hook(lambda *_: inside.pop() and None))
    try:
        with (
            torch.no_grad(),
            tap(module, lambda place, found, _: hear(inside[-1] if inside else "", place, found)),
        ):
            module(*values)
    finally:
        for hook in hooks:
            hook.remove()
