"""Fixes that need the graph around a node: projections of skips, padding, the number of classes.

A layer's own complaints know only what comes in. Here the wires are followed back to where
two branches part, so that the fix goes where a person would make it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from netbuilder.compiler.ends import KEEPS, last_sized
from netbuilder.compiler.substitutes import Case, substitutes
from netbuilder.errors import Fix
from netbuilder.graph import expressions, topology
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Json, Node, Wire
from netbuilder.layers import dims
from netbuilder.layers.base import Complaint, Layer, TensorType
from netbuilder.layers.catalogue import called_graph, find
from netbuilder.layers.checks import differ, insert, spread
from netbuilder.layers.dims import Dim, Shape

ELEMENTWISE = frozenset(
    f"torch.{name}" for name in ("add", "sub", "rsub", "mul", "div", "minimum", "maximum")
)
CONVOLUTIONS = {3: "torch.nn.Conv1d", 4: "torch.nn.Conv2d"}
NORMS = {3: "torch.nn.BatchNorm1d", 4: "torch.nn.BatchNorm2d"}
POOLS = {3: "torch.nn.AdaptiveAvgPool1d", 4: "torch.nn.AdaptiveAvgPool2d"}
ORDERS = ((0, 3, 1, 2), (0, 2, 3, 1), (0, 2, 1))
MAX_STRIDE = 16
PADDED = "set_parameters"
"""The operation that gives windows the padding that keeps their sizes."""
Types = Mapping[str, Mapping[str, TensorType]]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two branches that meet at a node: its port, its wire and what comes through it."""

    port: str
    wire: Wire
    type: TensorType


@dataclass(frozen=True, slots=True)
class Around:
    """The node that complains, in its graph; `inputs`, `outputs`, `layers` are by node."""

    graph: Graph
    node: Node
    inputs: Types
    layers: Mapping[str, Layer]

    def sides(self) -> list[Side]:
        """The branches that come in, in the order of the wires' ports."""
        known = self.inputs.get(self.node.id, {})
        found = []
        for port, tensor in known.items():
            wire = self.graph.wire_into(self.node.id, port)
            if wire is not None:
                found.append(Side(port, wire, tensor))
        return found


def mended(document: Document, around: Around, layer: Layer, complaint: Complaint) -> Complaint:
    """The complaint with all fixes that are known for it, and the hint of the likeliest."""
    inputs = around.inputs.get(around.node.id, {})
    case = Case(document, around.graph, around.node, layer, inputs, around.layers, complaint)
    offers = substitutes(case)
    first = [offer.fix for offer in offers if offer.first]
    more = [offer.fix for offer in offers if not offer.first]
    # Sizes that were to stay are more often meant than another dim to join along.
    fixes = sorted(
        (*complaint.fixes, *more, *remedies(document, around, layer, complaint)),
        key=lambda fix: fix.operation != PADDED,
    )
    hint = next((offer.hint for offer in offers if offer.hint), complaint.hint)
    return replace(complaint, fixes=(*first, *fixes), hint=hint)


def remedies(
    document: Document, around: Around, layer: Layer, complaint: Complaint
) -> tuple[Fix, ...]:
    """What mends a complaint about branches that don't fit; the likeliest comes first."""
    if complaint.severity != "error":
        return ()
    if complaint.code == "classes.range":
        return _classes(document, around, complaint)
    sides = around.sides() if complaint.code.startswith("shape.") else []
    if layer.id in ELEMENTWISE and len(sides) == 2:
        return tuple(_meeting(around, sides[0], sides[1], joined=None))
    if layer.id == "torch.cat" and len(sides) >= 2:
        other = next((side for side in sides[1:] if side.port == complaint.port), None)
        if other is not None:
            return tuple(_meeting(around, sides[0], other, joined=getattr(layer, "dim", None)))
    return ()


def _meeting(around: Around, left: Side, right: Side, joined: int | None) -> Iterator[Fix]:
    """For two branches that are added or joined (along the dim `joined`)."""
    if left.type.rank != right.type.rank:
        yield from _ranks(left, right)
        return
    yield from _permuted(left, right)
    rank = left.type.rank
    axis = joined % rank if joined is not None else None
    fixes = list(_padding(around, left, right, axis))
    if joined is None:
        skips = _skips(around.graph, left, right)
        for skip, main in skips:
            name = "the skip" if len(skips) == 1 else f"'{skip.port}'"
            fixes += _projection(around, skip, main, name)
    if not fixes:
        fixes += _pooling(left, right, axis)
    yield from fixes


def _skips(graph: Graph, left: Side, right: Side) -> list[tuple[Side, Side]]:
    """Which side is the skip, with the other one: what the other is made of; both if neither."""
    if left.wire.source in topology.ancestors(graph, [right.wire.source]):
        return [(left, right)]
    if right.wire.source in topology.ancestors(graph, [left.wire.source]):
        return [(right, left)]
    return [(left, right), (right, left)]


# -- a projection on the skip ------------------------------------------------------------------


def _projection(around: Around, skip: Side, main: Side, name: str) -> Iterator[Fix]:
    """A 1×1 convolution (or a Linear) that gives the skip the main branch's shape."""
    have, want = skip.type.shape, main.type.shape
    if skip.type.dtype != "float32" or len(have) < 2:
        return
    only_last = all(not differ(a, b) for a, b in zip(have[:-1], want[:-1], strict=True))
    if len(have) == 2 or (len(have) == 3 and only_last):
        if only_last and isinstance(want[-1], int) and isinstance(have[-1], int):
            params: dict[str, Json] = {"out_features": want[-1]}
            yield insert(f"Project {name}", skip.port, "torch.nn.Linear", **params)
        return
    strides = _strides(have[2:], want[2:])
    known = isinstance(have[1], int) and isinstance(want[1], int)
    if len(have) not in CONVOLUTIONS or strides is None or not known:
        return
    assert isinstance(want[1], int)
    channels = _written(around, main, want[1])
    params = {"out_channels": channels, "kernel_size": 1}
    if set(strides) != {1}:
        params["stride"] = strides[0] if len(set(strides)) == 1 else strides
    layer = CONVOLUTIONS[len(have)]
    title = f"Project {name}"
    if _normalised(around, main):
        chain = [
            {"layer": layer, "params": {**params, "bias": False}},
            {"layer": NORMS[len(have)], "params": {}},
        ]
        arguments = {"port": skip.port, "chain": chain}
        yield Fix(f"{title}, normalised", "insert_chain", arguments)
    yield insert(title, skip.port, layer, **params)


def _strides(have: Shape, want: Shape) -> tuple[int, ...] | None:
    """The strides of a 1×1 window that turn these sizes into those; None if none do."""
    found = []
    for a, b in zip(have, want, strict=True):
        stride = next((s for s in range(1, MAX_STRIDE + 1) if _strided(a, s) == b), None)
        if stride is None:
            return None
        found.append(stride)
    return tuple(found)


def _strided(size: Dim, stride: int) -> Dim:
    return (size - 1) // stride + 1


def _written(around: Around, side: Side, channels: int) -> Json:
    """The number of channels, as the expression by which the branch itself makes it."""
    at = side.wire.source
    for _ in range(32):
        node = around.graph.nodes[at]
        kind, wires = find(node.layer), around.graph.wires_into(at)
        value = node.params.get("out_channels")
        if value is not None:
            return value if expressions.is_expression(value) else channels
        if kind is None or kind.family not in KEEPS or len(wires) != 1:
            return channels
        at = wires[0].source
    return channels


def _normalised(around: Around, side: Side) -> bool:
    """Whether the branch ends in a batch normalisation."""
    node = around.graph.nodes[side.wire.source]
    return node.layer.startswith("torch.nn.BatchNorm")


# -- sizes that differ ----------------------------------------------------------------------------


def _padding(around: Around, left: Side, right: Side, axis: int | None) -> Iterator[Fix]:
    """Padding for the windows of the branch that shrank more, if that is what is missing."""
    rank = left.type.rank
    if rank not in CONVOLUTIONS or axis not in (None, 1):
        return
    for less, more in ((left, right), (right, left)):
        gaps = [b - a for a, b in zip(less.type.shape[2:], more.type.shape[2:], strict=True)]
        shrunk, changes = _shrinking(around, less, more)
        if changes and gaps == list(shrunk):
            names = [around.graph.nodes[id].name for id in changes]
            what = names[0] if len(names) == 1 else f"{len(names)} layers"
            yield Fix(f"Pad {what} so that sizes stay", PADDED, {"nodes": changes})


def _shrinking(
    around: Around, less: Side, more: Side
) -> tuple[tuple[int, ...], dict[str, dict[str, Json]]]:
    """What windows without padding take off along a branch, and the padding for each."""
    graph = around.graph
    shared = topology.ancestors(graph, [more.wire.source])
    total = [0] * (less.type.rank - 2)
    changes: dict[str, dict[str, Json]] = {}
    at = less.wire.source
    while at not in shared:
        layer: Any = around.layers.get(at)
        wires = graph.wires_into(at)
        if layer is None or len(wires) != 1:
            break
        pads = _same_padding(layer, len(total)) if hasattr(layer, "kernel_size") else ()
        if pads is None:
            break
        if any(pads):
            total = [size + 2 * pad for size, pad in zip(total, pads, strict=True)]
            changes[at] = {"padding": pads[0] if len(set(pads)) == 1 else pads}
        at = wires[0].source
    return tuple(total), changes


def _same_padding(layer: Any, count: int) -> tuple[int, ...] | None:
    """The padding that keeps the sizes; zeros if they are kept, None if no padding can."""
    if getattr(layer, "padding", None) == "same":
        return (0,) * count
    if not isinstance(getattr(layer, "padding", None), int | tuple):
        return None
    stride = layer.stride if layer.stride is not None else layer.kernel_size
    kernel, had = spread(layer.kernel_size, count), spread(layer.padding, count)
    dilation = spread(getattr(layer, "dilation", 1), count)
    reach = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
    if set(spread(stride, count)) != {1} or any(size % 2 for size in reach):
        return None
    needed = tuple(size // 2 for size in reach)
    if needed == had:
        return (0,) * count
    return needed if not any(had) else None


def _pooling(left: Side, right: Side, axis: int | None) -> Iterator[Fix]:
    """The larger of two pictures averaged down to the size of the smaller."""
    rank = left.type.rank
    if rank not in POOLS or axis not in (None, 1):
        return
    if axis is None and differ(left.type.shape[1], right.type.shape[1]):
        return
    for large, small in ((left, right), (right, left)):
        sizes = [
            (a, b)
            for a, b in zip(large.type.shape[2:], small.type.shape[2:], strict=True)
            if isinstance(a, int) and isinstance(b, int) and a >= b
        ]
        if len(sizes) == rank - 2 and any(a > b for a, b in sizes):
            wanted = tuple(b for _, b in sizes)
            size: Json = wanted[0] if len(set(wanted)) == 1 else wanted
            shown = "×".join(map(str, wanted))
            title = f"Average '{large.port}' down to {shown}"
            yield insert(title, large.port, POOLS[rank], output_size=size)


# -- dims that differ -----------------------------------------------------------------------------


def _ranks(left: Side, right: Side) -> Iterator[Fix]:
    """A Flatten where that makes the two alike."""
    long, short = (left, right) if left.type.rank > right.type.rank else (right, left)
    if short.type.rank == 2 and long.type.rank > 2:
        flat = dims.product(long.type.shape[1:])
        if not differ(flat, short.type.shape[1]):
            yield insert(f"Flatten '{long.port}'", long.port, "torch.nn.Flatten")


def _permuted(left: Side, right: Side) -> Iterator[Fix]:
    """A permute where one side has the channels last and the other first."""
    for order in ORDERS:
        for side, other in ((left, right), (right, left)):
            if len(order) != side.type.rank:
                continue
            turned = [side.type.shape[i] for i in order]
            if not any(differ(a, b) for a, b in zip(turned, other.type.shape, strict=True)):
                shown = ", ".join(map(str, order))
                yield insert(
                    f"Permute '{side.port}' to ({shown})", side.port, "torch.permute", dims=order
                )
                return


# -- classes ---------------------------------------------------------------------------------------


def _classes(document: Document, around: Around, complaint: Complaint) -> tuple[Fix, ...]:
    """The last layer of the called network gets as many outputs as the target has classes."""
    target = around.inputs.get(around.node.id, {}).get("target")
    wire = around.graph.wire_into(around.node.id, complaint.port)
    if target is None or target.high is None or wire is None:
        return ()
    called = called_graph(document, around.graph.nodes[wire.source])
    end = called.named(wire.source_port) if called is not None else None
    last = last_sized(called, end) if called is not None and end is not None else None
    if called is None or last is None:
        return ()
    node, name = last
    arguments = {"graph": called.id, "node": node.id, "name": name, "value": target.high}
    return (Fix(f"Set {name} of {node.name} to {target.high}", "set_parameter", arguments),)
