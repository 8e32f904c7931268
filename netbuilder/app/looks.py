"""What a training shows of itself while somebody watches: figures of nodes and wires.

`training.instruments` says how the two sides find each other in the run folder.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node, Wire
from netbuilder.layers.base import Ports, Role
from netbuilder.layers.catalogue import find
from netbuilder.training.observing.watching import FILE, WATCH

MAX_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class TensorLook:
    """What passed through a wire. `dead` is the share of units that were 0 for every sample,
    `bad` how many numbers were not finite, `counts` a histogram from `low` to `high`."""

    shape: tuple[int, ...] = ()
    mean: float | None = None
    std: float | None = None
    low: float | None = None
    high: float | None = None
    dead: float | None = None
    bad: int = 0
    counts: tuple[int, ...] = ()

    @staticmethod
    def of(value: Any) -> TensorLook | None:
        """What a training wrote of a tensor; None for nothing of the kind."""
        if not isinstance(value, Mapping):
            return None
        return TensorLook(
            tuple(n for n in _list(value.get("shape")) if isinstance(n, int)),
            _real(value.get("mean")),
            _real(value.get("std")),
            _real(value.get("min")),
            _real(value.get("max")),
            _real(value.get("dead")),
            int(_real(value.get("bad")) or 0),
            tuple(n for n in _list(value.get("counts")) if isinstance(n, int)),
        )


@dataclass(frozen=True, slots=True)
class NodeLook:
    """What a node gave at each output port that is wired, in port order; its time in ms; the
    lengths of the gradient and of the weights."""

    outputs: tuple[TensorLook | None, ...] = ()
    ms: float | None = None
    gradient: float | None = None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Looks:
    """One look into a training at this step: nodes by the ids of graph and node."""

    step: int = 0
    nodes: Mapping[str, Mapping[str, NodeLook]] = field(default_factory=dict)

    @staticmethod
    def of(value: Any) -> Looks:
        """What a training wrote; what can't be understood is left out."""
        if not isinstance(value, Mapping):
            return Looks()
        nodes = {
            str(graph): {
                str(node): NodeLook(
                    tuple(TensorLook.of(each) for each in _list(entry.get("outputs"))),
                    _real(entry.get("ms")),
                    _real(entry.get("gradient")),
                    _real(entry.get("weight")),
                )
                for node, entry in entries.items()
                if isinstance(entry, Mapping)
            }
            for graph, entries in _mapping(value.get("nodes")).items()
            if isinstance(entries, Mapping)
        }
        return Looks(int(_real(value.get("step")) or 0), nodes)

    def node(self, graph: str, node: str) -> NodeLook | None:
        """What was seen of a node."""
        return self.nodes.get(graph, {}).get(node)


def along(
    looks: Looks, document: Document, graph: Graph, wire: Wire, ports_of: PortsOf
) -> TensorLook | None:
    """What passed through a wire: what the node behind all reroutes and bypasses gave."""
    seen: set[str] = set()
    while wire.source not in seen:
        seen.add(wire.source)
        node = graph.nodes[wire.source]
        if not _passes(node):
            break
        ports = ports_of(document, graph, node)
        into = [graph.wire_into(node.id, port.name) for port in ports.inputs]
        before = next((each for each in into if each is not None), None)
        if before is None:
            return None
        wire = before
    look = looks.node(graph.id, wire.source)
    if look is None:
        return None
    used = {each.source_port for each in graph.wires.values() if each.source == wire.source}
    outputs = ports_of(document, graph, graph.nodes[wire.source]).outputs
    wired = [port.name for port in outputs if port.name in used]
    if len(wired) != len(look.outputs) or wire.source_port not in wired:
        return None
    return look.outputs[wired.index(wire.source_port)]


PortsOf = Callable[[Document, Graph, Node], Ports]


def _passes(node: Node) -> bool:
    kind = find(node.layer)
    return node.mute == "bypassed" or (kind is not None and kind.role is Role.REROUTE)


class Watcher:
    """Asks a training to show itself, and reads what it shows."""

    def __init__(self, run: Path) -> None:
        self.run = run
        self._read = 0

    def poll(self) -> Looks | None:
        """Say that somebody watches; the newest look, or None if there is no other than before."""
        try:
            (self.run / WATCH).touch()
            file = self.run / FILE
            stamp = os.stat(file)
            if stamp.st_mtime_ns == self._read or stamp.st_size > MAX_BYTES:
                return None
            self._read = stamp.st_mtime_ns
            return Looks.of(json.loads(file.read_bytes()))
        except (OSError, ValueError, RecursionError):
            return None

    def leave(self) -> None:
        """Nobody watches any more."""
        (self.run / WATCH).unlink(missing_ok=True)


def _real(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}
