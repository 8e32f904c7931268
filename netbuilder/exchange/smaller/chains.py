"""Which channels and features can be taken out of a network whole, by its graph.

A layer's outputs can go where all that reads them is known: through nodes that treat each channel
by itself, to layers that multiply them with weights of their own. What is left then computes
exactly what the whole one did with those weights at zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from netbuilder.compiler.inference import Inference
from netbuilder.graph import blocks
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.loops import LOOP
from netbuilder.graph.model import Node
from netbuilder.layers.base import Layer, Role, TensorType

_DIMS = ("1d", "2d", "3d")
_CONVOLUTIONS = frozenset(f"torch.nn.Conv{d}" for d in _DIMS)
_TRANSPOSED = frozenset(f"torch.nn.ConvTranspose{d}" for d in _DIMS)
_LINEAR = "torch.nn.Linear"
PRODUCERS: Mapping[str, str] = {
    _LINEAR: "out_features",
    **dict.fromkeys((*sorted(_CONVOLUTIONS), *sorted(_TRANSPOSED)), "out_channels"),
}
"""Layers whose outputs may go, and the parameter that says how many there are."""
_POINTWISE = frozenset(
    f"torch.nn.{name}"
    for name in (
        *("Identity", "ReLU", "LeakyReLU", "RReLU", "ReLU6", "Threshold", "ELU", "CELU", "SELU"),
        *("GELU", "SiLU", "Mish", "Hardswish", "Softplus", "Sigmoid", "Tanh", "LogSigmoid"),
        *("Hardsigmoid", "Hardtanh", "Softsign", "Tanhshrink", "Hardshrink", "Softshrink"),
        *("Dropout", "AlphaDropout"),
    )
) | frozenset(
    f"torch.{name}"
    for name in (
        *("neg", "abs", "sign", "square", "exp", "expm1", "log1p", "sin", "cos", "tanh", "atan"),
        *("erf", "floor", "ceil", "trunc", "round", "relu", "sigmoid"),
    )
)
"""Functions of one number."""
_BY_CHANNEL = frozenset(
    f"torch.nn.{name}{d}"
    for name in ("MaxPool", "AvgPool", "LPPool", "AdaptiveAvgPool", "AdaptiveMaxPool", "Dropout")
    for d in _DIMS
) | {"torch.nn.Upsample", "torch.nn.UpsamplingNearest2d", "torch.nn.UpsamplingBilinear2d"}
"""What works on each channel of N×C×… by itself and has no weights."""
_NORMS = frozenset(f"torch.nn.{name}{d}" for name in ("BatchNorm", "InstanceNorm") for d in _DIMS)
"""The same with numbers for each channel, which go with it."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A layer whose weights meet the channels: in which dim, and how many in a row for each."""

    node: str
    axis: int
    each: int


@dataclass(frozen=True, slots=True)
class Cut:
    """A layer whose outputs may go. `followers` have numbers for each, `readers` weights.

    `axis` is the dim of its own weight in which they lie; `parameter` says how many there are.
    """

    graph: str
    node: str
    name: str
    parameter: str
    axis: int
    followers: tuple[str, ...] = ()
    readers: tuple[Reader, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """A layer that stays whole, and why."""

    name: str
    reason: str


class _Stays(Exception):
    """Outputs can't be taken away; says why."""


@dataclass
class Found:
    """What can be cut in a network, and what can't."""

    cuts: list[Cut] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)


def find(document: Document, network: Graph, inside: Sequence[Inference]) -> Found:
    """The cuts of a network. `inside` is what is known of it and of the blocks in it.

    `document` is without reroutes and bypassed nodes (`compiler.resolve`).
    """
    found, seen = Found(), set()
    scope = {known.graph.id for known in inside}
    for known in inside:
        graph = known.graph
        if graph.id in seen or (graph.kind == "network" and graph.id != network.id):
            continue
        seen.add(graph.id)
        inner = f"{graph.name}." if graph.id != network.id else ""
        for node in graph.ordered():
            if node.layer not in PRODUCERS:
                continue
            try:
                _may_shrink(document, graph, scope)
                found.cuts.append(replace(_follow(graph, known, node), name=inner + node.name))
            except _Stays as reason:
                found.refusals.append(Refusal(inner + node.name, str(reason)))
    return found


def _may_shrink(document: Document, graph: Graph, scope: set[str]) -> None:
    """Whether sizes in a graph may change: of a block for all who use it."""
    for user, use in blocks.uses(document, graph):
        if user.id not in scope:
            raise _Stays(f"its block is used in '{user.name}' as well.")
        if use.layer == LOOP:
            raise _Stays(f"'{use.name}' runs its block over time.")


@dataclass(frozen=True, slots=True)
class _Way:
    """Where the channels are on their way: in which dim, and how many numbers each has there."""

    axis: int
    each: int = 1


def _follow(graph: Graph, known: Inference, node: Node) -> Cut:
    """The way of a layer's outputs to all that reads them; `_Stays` where it can't be told."""
    layer = known.layers[node.id]
    if getattr(layer, "groups", 1) != 1:
        raise _Stays("it works in groups of channels.")
    _alone(graph, node)
    given = _type(known, node)
    way = _Way(given.rank - 1 if node.layer == _LINEAR else 1)
    followers: list[str] = []
    readers: list[Reader] = []
    waiting = [(node, way)]
    while waiting:
        at, way = waiting.pop()
        wires = graph.wires_out_of(at.id)
        if not wires:
            raise _Stays(f"nothing reads '{at.name}'.")
        for wire in wires:
            target = graph.nodes[wire.target]
            reader = _reader(known, target, way)
            if reader is not None:
                _alone(graph, target)
                readers.append(reader)
                continue
            waiting.append((target, _through(known, target, way)))
            if target.layer in _NORMS or _by_channel(known.layers[target.id]):
                _alone(graph, target)
                followers.append(target.id)
    axis = int(node.layer in _TRANSPOSED)
    return Cut(
        graph.id,
        node.id,
        node.name,
        PRODUCERS[node.layer],
        axis,
        tuple(dict.fromkeys(followers)),
        tuple(dict.fromkeys(readers)),
    )


def _type(known: Inference, node: Node) -> TensorType:
    return known.inputs[node.id]["input"]


def _reader(known: Inference, node: Node, way: _Way) -> Reader | None:
    """The weights that meet the channels; None if the node has none of that kind."""
    if node.layer not in PRODUCERS:
        return None
    layer, given = known.layers[node.id], _type(known, node)
    if node.layer == _LINEAR:
        if way.axis != given.rank - 1:
            raise _Stays(f"'{node.name}' reads another dim than that of its channels.")
        return Reader(node.id, 1, way.each)
    if getattr(layer, "groups", 1) != 1:
        raise _Stays(f"'{node.name}' works in groups of channels.")
    if way.axis != 1 or way.each != 1:
        raise _Stays(f"'{node.name}' reads another dim than that of its channels.")
    return Reader(node.id, int(node.layer in _CONVOLUTIONS), 1)


def _through(known: Inference, node: Node, way: _Way) -> _Way:
    """Where the channels are behind a node that treats each by itself; `_Stays` for others."""
    layer = known.layers.get(node.id)
    if layer is None:
        raise _Stays(f"'{node.name}' is not known.")
    if layer.role is Role.OUTPUT:
        raise _Stays("it is what its graph gives.")
    if node.layer in _POINTWISE:
        return way
    given = known.inputs[node.id].get("input")
    if given is None:
        raise _Stays(f"'{node.name}' mixes them with others.")
    if node.layer == "torch.nn.PReLU":
        if _by_channel(layer) and (way.axis != 1 or way.each != 1):
            raise _Stays(f"'{node.name}' reads another dim than that of its channels.")
        return way
    if node.layer in _BY_CHANNEL or node.layer in _NORMS:
        flat = node.layer == "torch.nn.BatchNorm1d" and given.rank == 2
        if way.axis != 1 or way.each != 1 or (given.rank < 3 and not flat):
            raise _Stays(f"'{node.name}' reads another dim than that of its channels.")
        return way
    if node.layer == "torch.nn.Flatten":
        return _flattened(node, layer, given, way)
    raise _Stays(f"'{node.name}' ({layer.title}) mixes them with others.")


def _flattened(node: Node, layer: Layer, given: TensorType, way: _Way) -> _Way:
    start = getattr(layer, "start_dim", 1) % given.rank
    end = getattr(layer, "end_dim", -1) % given.rank
    if way.axis != 1 or start != 1 or end != given.rank - 1:
        raise _Stays(f"'{node.name}' mixes its channels with another dim.")
    each = way.each
    for size in given.shape[2:]:
        if not isinstance(size, int):
            raise _Stays(f"'{node.name}' makes a free number of features of each channel.")
        each *= size
    return _Way(1, each)


def _by_channel(layer: Layer) -> bool:
    """Whether a PReLU has a slope for each channel."""
    return layer.id == "torch.nn.PReLU" and int(getattr(layer, "num_parameters", 1) or 1) > 1


def _alone(graph: Graph, node: Node) -> None:
    """`_Stays` if a node's weights are those of another one."""
    for other in _sharers(graph, node):
        raise _Stays(f"'{node.name}' shares its weights with '{other.name}'.")


def _sharers(graph: Graph, node: Node) -> Iterator[Node]:
    if node.shares in graph.nodes:
        yield graph.nodes[node.shares]
    yield from (other for other in graph.nodes.values() if other.shares == node.id)
