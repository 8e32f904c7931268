"""What follows what: pairs of layers that run and are hardly ever meant.

`HABITS` is the list. A pair may lie far apart: a loss knows the last layer of the network that
it judges, and reshaping in between does not matter. To add a habit, add an entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from netbuilder.compiler.walk import Spot, Walk
from netbuilder.errors import Fix
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Json, Node
from netbuilder.layers.base import Complaint, Layer, TensorType
from netbuilder.layers.catalogue import owner_of
from netbuilder.layers.checks import insert


def _nn(*names: str) -> frozenset[str]:
    return frozenset(f"torch.nn.{name}" for name in names)


# -- groups of layers -------------------------------------------------------------------------

SOFTMAX = _nn("Softmax", "Softmax2d", "functional.softmax") | {"torch.softmax"}
LOG_SOFTMAX = _nn("LogSoftmax", "functional.log_softmax") | {"torch.log_softmax"}
SIGMOID = _nn("Sigmoid", "Hardsigmoid") | {"torch.sigmoid"}
TANH = _nn("Tanh", "Hardtanh", "Softsign") | {"torch.tanh"}
NEVER_NEGATIVE = _nn("ReLU", "ReLU6") | {"torch.relu"}
RECTIFIERS = NEVER_NEGATIVE | _nn(
    "LeakyReLU", "PReLU", "RReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Hardswish"
)
POINTWISE = RECTIFIERS | SIGMOID | TANH
DROPOUT = _nn(
    "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"
)
BATCH_NORM = _nn("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm")
CONVOLUTION = _nn(
    *(f"{kind}{n}d" for kind in ("Conv", "ConvTranspose") for n in (1, 2, 3)),
)
AFFINE = CONVOLUTION | _nn("Linear", "Bilinear")
"""Layers whose results may be any numbers."""
SEQUENCES = _nn("LSTM", "GRU", "RNN", "Embedding", "MultiheadAttention") | _nn(
    "TransformerEncoderLayer", "TransformerEncoder", "TransformerDecoderLayer"
)
"""Layers that put the features of a step last: N×T×features."""
CHANNELS_FIRST = _nn("Conv1d", "ConvTranspose1d", "BatchNorm1d", "InstanceNorm1d") | _nn(
    "MaxPool1d", "AvgPool1d", "AdaptiveAvgPool1d", "AdaptiveMaxPool1d"
)
"""Layers that take dim 1 of N×C×L for channels."""
IMAGE_LAYERS = _nn("Conv2d", "BatchNorm2d", "MaxPool2d", "AvgPool2d")
CROSS_ENTROPY = _nn("CrossEntropyLoss")
NLL = _nn("NLLLoss")
BCE_LOGITS = _nn("BCEWithLogitsLoss", "MultiLabelSoftMarginLoss", "SoftMarginLoss")
BCE = _nn("BCELoss")
KL = _nn("KLDivLoss")
DISTANCE = _nn("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")
LOSSES = CROSS_ENTROPY | NLL | BCE_LOGITS | BCE | DISTANCE


# -- the pairs --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pair:
    """A node and what made the numbers that come in at one of its ports."""

    walk: Walk
    graph: Graph
    node: Node
    layer: Layer
    port: str
    maker: Spot
    made: Layer

    @property
    def earlier(self) -> str:
        """The maker's name, with its graph's where that is another."""
        name = f"'{self.maker.node.name}'"
        here = self.maker.graph.id == self.graph.id
        return name if here else f"{name} of '{self.maker.graph.name}'"

    @property
    def type(self) -> TensorType | None:
        """What comes in."""
        return self.walk.types(self.graph, self.node).get(self.port)


Mend = Callable[[Pair], Iterable[Fix]]
Test = Callable[[Pair], bool]


def _always(pair: Pair) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Habit:
    """`later` fed by `earlier`, told at `later`.

    Texts may name `{later}` (the node's name), `{layer}` (its title), `{earlier}` (the
    maker's name), `{made}` (its title) and `{type}` (what comes in). With `direct`, nothing
    may lie between. `when` asks more of the pair; `mend` makes the fixes, the likeliest first.
    """

    code: str
    later: frozenset[str]
    earlier: frozenset[str]
    message: str
    hint: str
    mend: Mend
    severity: Literal["warning", "info"] = "warning"
    direct: bool = False
    when: Test = _always


# -- fixes ------------------------------------------------------------------------------------


def remove_earlier(pair: Pair) -> Iterator[Fix]:
    """Takes the maker away; what comes into it goes on."""
    yield Fix(f"Remove '{pair.maker.node.name}'", "take_out", pair.maker.arguments)


def remove_later(pair: Pair) -> Iterator[Fix]:
    """Takes the node away; what comes into it goes on."""
    yield Fix(f"Remove '{pair.node.name}'", "take_out", {})


def use_instead(layer: str) -> Mend:
    """Puts another layer, with its defaults, in the node's place."""

    def mend(pair: Pair) -> Iterator[Fix]:
        title = f"Use {layer.rpartition('.')[2]}"
        yield Fix(title, "replace_layer", {"layer": layer, "params": {}})

    return mend


def log_softmax_earlier(pair: Pair) -> Iterator[Fix]:
    """Makes the maker, a softmax, give logarithms."""
    params = {"dim": getattr(pair.made, "dim", None)}
    arguments = {**pair.maker.arguments, "layer": "torch.nn.LogSoftmax", "params": params}
    yield Fix(f"Make a LogSoftmax of '{pair.maker.node.name}'", "replace_layer", arguments)


def put_between(title: str, layer: str, **params: Json) -> Mend:
    """Puts a layer into the wire that feeds the node."""

    def mend(pair: Pair) -> Iterator[Fix]:
        yield insert(title, pair.port, layer, **params)

    return mend


def set_earlier(title: str, **values: Json) -> Mend:
    """Sets parameters of the maker."""

    def mend(pair: Pair) -> Iterator[Fix]:
        owner = owner_of(pair.maker.graph, pair.maker.node)
        arguments = {"graph": pair.maker.graph.id, "nodes": {owner.id: values}}
        yield Fix(title.format(earlier=owner.name), "set_parameters", arguments)

    return mend


# -- tests ------------------------------------------------------------------------------------


def _alone(pair: Pair) -> bool:
    """Whether the maker feeds nothing but the node, in the same graph."""
    same = pair.maker.graph.id == pair.graph.id
    return same and len(pair.maker.graph.wires_out_of(pair.maker.node.id)) == 1


def _has_bias(pair: Pair) -> bool:
    normal = getattr(pair.layer, "affine", True) and not pair.graph.nodes[pair.node.id].shares
    return bool(normal and getattr(pair.made, "bias", False)) and _alone(pair)


def _no_bottleneck(pair: Pair) -> bool:
    """Whether two Linear layers in a row can do no more, nor with fewer weights, than one."""
    if not _alone(pair):
        return False
    width, last = getattr(pair.made, "out_features", 0), getattr(pair.layer, "out_features", 0)
    first = getattr(pair.made, "in_features", None)
    return first is not None and width >= min(first, last)


def _three_dims(pair: Pair) -> bool:
    features_last = getattr(pair.made, "batch_first", True)
    output = pair.maker.port in ("output", "attn_output")
    return features_last and output and pair.type is not None and pair.type.rank == 3


def _channels_last(pair: Pair) -> bool:
    """Whether dims look like those of a colour picture with its channels behind."""
    if pair.type is None or pair.type.rank != 4:
        return False
    _, *sizes = pair.type.shape
    constant = [size for size in sizes if isinstance(size, int)]
    return len(constant) == 3 and constant[2] in (1, 3, 4) and min(constant[:2]) > 4


def _state(pair: Pair) -> bool:
    return pair.maker.port in ("h_n", "c_n") and pair.type is not None and pair.type.rank == 3


def _last_of_both_ways(pair: Pair) -> bool:
    time = 1 if getattr(pair.made, "batch_first", False) else 0
    chosen = (getattr(pair.layer, "dim", None), getattr(pair.layer, "index", None))
    both = getattr(pair.made, "bidirectional", False) and pair.maker.port == "output"
    return bool(both) and chosen in ((time, -1), (time - 3, -1))


def _mean_of_steps(pair: Pair) -> Iterator[Fix]:
    params = {"dim": getattr(pair.layer, "dim", 1)}
    arguments = {"layer": "torch.mean", "params": params}
    yield Fix("Take the mean of all steps", "replace_layer", arguments)


# -- the list ---------------------------------------------------------------------------------

HABITS: tuple[Habit, ...] = (
    Habit(
        "loss.softmax_twice",
        CROSS_ENTROPY,
        SOFTMAX,
        "{layer} takes softmax itself, but {earlier} has done it already: the gradients become "
        "small and the network learns slowly.",
        "Let the network end before the softmax. Take it when you use the network.",
        remove_earlier,
    ),
    Habit(
        "loss.softmax_twice",
        CROSS_ENTROPY,
        LOG_SOFTMAX,
        "{layer} takes log-softmax itself; that {earlier} has done it already changes nothing.",
        "Remove it, or use NLLLoss.",
        remove_earlier,
        "info",
    ),
    Habit(
        "loss.squashed",
        CROSS_ENTROPY,
        SIGMOID | TANH,
        "{layer} takes scores of any size, but {earlier} squashes them: the network can never be "
        "sure of a class.",
        "Let the network end before the {made}.",
        remove_earlier,
    ),
    Habit(
        "loss.clipped",
        CROSS_ENTROPY | BCE_LOGITS,
        NEVER_NEGATIVE,
        "{layer} takes scores of any sign, but {earlier} makes zeros of all negative ones, which "
        "then learn nothing.",
        "Let the network end before the {made}.",
        remove_earlier,
    ),
    Habit(
        "loss.sigmoid_twice",
        BCE_LOGITS,
        SIGMOID,
        "{layer} takes sigmoid itself, but {earlier} has done it already: no probability can "
        "leave 0.5 to 0.73.",
        "Let the network end before the sigmoid. Take it when you use the network.",
        remove_earlier,
    ),
    Habit(
        "loss.softmax_of_logits",
        BCE_LOGITS,
        SOFTMAX | LOG_SOFTMAX,
        "{layer} takes a score for each label on its own, but {earlier} makes them compete.",
        "Remove it; for one class out of several use CrossEntropyLoss.",
        remove_earlier,
    ),
    Habit(
        "loss.log_missing",
        NLL,
        SOFTMAX,
        "{layer} takes logarithms of probabilities, but {earlier} gives the probabilities.",
        "Use LogSoftmax in its place.",
        log_softmax_earlier,
    ),
    Habit(
        "loss.log_missing",
        NLL,
        AFFINE | POINTWISE | BATCH_NORM,
        "{layer} takes logarithms of probabilities, but {earlier} gives plain scores: the loss "
        "falls below zero and means nothing.",
        "Use CrossEntropyLoss, which does both, or end the network with LogSoftmax.",
        use_instead("torch.nn.CrossEntropyLoss"),
    ),
    Habit(
        "loss.sigmoid_missing",
        BCE,
        AFFINE | RECTIFIERS | TANH | BATCH_NORM,
        "{layer} takes probabilities between 0 and 1, but {earlier} gives any numbers.",
        "Use BCEWithLogitsLoss, which takes sigmoid itself, or end the network with Sigmoid.",
        use_instead("torch.nn.BCEWithLogitsLoss"),
    ),
    Habit(
        "loss.log_missing",
        KL,
        SOFTMAX,
        "{layer} takes logarithms of probabilities, but {earlier} gives the probabilities.",
        "Use LogSoftmax in its place.",
        log_softmax_earlier,
    ),
    Habit(
        "loss.log_missing",
        KL,
        AFFINE,
        "{layer} takes logarithms of probabilities, but {earlier} gives plain scores.",
        "Put a LogSoftmax before the loss.",
        put_between("Insert LogSoftmax", "torch.nn.LogSoftmax", dim=-1),
    ),
    Habit(
        "loss.never_negative",
        DISTANCE,
        NEVER_NEGATIVE,
        "{earlier} lets the network predict no negative number, and cells that are zero learn "
        "nothing.",
        "Let a regression end with a Linear, unless its targets are never negative.",
        remove_earlier,
        "info",
    ),
    Habit(
        "loss.dropout",
        LOSSES,
        DROPOUT,
        "{earlier} sets some of the network's answers themselves to zero before {layer} sees them.",
        "Put Dropout before the last layer, not behind it.",
        remove_earlier,
    ),
    Habit(
        "twice.activation",
        POINTWISE,
        POINTWISE,
        "'{later}' follows {earlier}, two activations with nothing to learn between them.",
        "Remove one, or put a layer with weights between them.",
        remove_later,
    ),
    Habit(
        "twice.norm",
        BATCH_NORM,
        BATCH_NORM,
        "'{later}' normalises again what {earlier} has normalised.",
        "Remove one, or put a layer with weights between them.",
        remove_later,
    ),
    Habit(
        "twice.dropout",
        DROPOUT,
        DROPOUT,
        "'{later}' follows {earlier}: together they drop more than either says.",
        "Use one with a larger p.",
        remove_later,
    ),
    Habit(
        "norm.bias",
        BATCH_NORM,
        CONVOLUTION | _nn("Linear"),
        "The bias of {earlier} does nothing: '{later}' subtracts the mean.",
        "Turn it off to save weights.",
        set_earlier("Turn the bias of '{earlier}' off", bias=False),
        "info",
        direct=True,
        when=_has_bias,
    ),
    Habit(
        "linear.row",
        _nn("Linear"),
        _nn("Linear"),
        "'{later}' follows {earlier} with no activation between: together they can do no more "
        "than one Linear.",
        "Put an activation between them.",
        put_between("Insert ReLU", "torch.nn.ReLU"),
        "info",
        direct=True,
        when=_no_bottleneck,
    ),
    Habit(
        "shape.steps_for_channels",
        CHANNELS_FIRST,
        SEQUENCES,
        "{layer} takes dim 1 of {type} for channels, but {earlier} puts its features last.",
        "Put torch.transpose with dims 1 and 2 before it, and another behind it.",
        put_between("Exchange dims 1 and 2", "torch.transpose", dim0=1, dim1=2),
        direct=True,
        when=_three_dims,
    ),
    Habit(
        "shape.channels_last",
        IMAGE_LAYERS,
        frozenset({"netbuilder.Input", "netbuilder.DataField"}),
        "{layer} takes dim 1 of {type} for channels, but the channels of {earlier} seem to come "
        "last.",
        "PyTorch wants N×C×H×W: permute the pictures.",
        put_between("Permute to N×C×H×W", "torch.permute", dims=(0, 3, 1, 2)),
        direct=True,
        when=_channels_last,
    ),
    Habit(
        "shape.state_layers",
        _nn("Linear", "Flatten"),
        _nn("LSTM", "GRU", "RNN"),
        "The state of {earlier} is {type}: its first dim are layers and directions, not the batch.",
        "Take the last layer with torch.select, dim 0, index -1.",
        put_between("Take the last layer", "torch.select", dim=0, index=-1),
        direct=True,
        when=_state,
    ),
    Habit(
        "recurrent.half_read",
        frozenset({"torch.select"}),
        _nn("LSTM", "GRU", "RNN"),
        "At its last step {earlier} has read backwards one step only: half of what '{later}' "
        "takes knows nothing of the rest.",
        "Take the mean of all steps, or join the last states of both directions from h_n.",
        _mean_of_steps,
        direct=True,
        when=_last_of_both_ways,
    ),
)


def _by_later() -> Mapping[str, tuple[Habit, ...]]:
    found: dict[str, list[Habit]] = {}
    for habit in HABITS:
        for id in habit.later:
            found.setdefault(id, []).append(habit)
    return {id: tuple(habits) for id, habits in found.items()}


BY_LATER = _by_later()
"""The habits by what they are told of."""


def habits(walk: Walk, graph: Graph, node: Node, layer: Layer) -> Iterator[Complaint]:
    """What is odd about what feeds a node, at its first input; at most one thing."""
    known = BY_LATER.get(layer.id)
    if not known:
        return
    port = next((port.name for port in layer.ports().inputs), "")
    near, far = walk.into(graph, node, port), walk.maker(graph, node, port)
    for habit in known:
        spot = near if habit.direct else far
        made = walk.layer(spot) if spot is not None else None
        if spot is None or made is None or made.id not in habit.earlier:
            continue
        pair = Pair(walk, graph, node, layer, port, spot, made)
        if habit.when(pair):
            yield _complaint(habit, pair)
            return


def _complaint(habit: Habit, pair: Pair) -> Complaint:
    words = {
        "later": pair.node.name,
        "layer": pair.layer.title,
        "earlier": pair.earlier,
        "made": pair.made.title,
        "type": str(pair.type),
    }
    return Complaint(
        habit.message.format(**words),
        habit.hint.format(**words),
        pair.port,
        code=habit.code,
        severity=habit.severity,
        fixes=tuple(habit.mend(pair)),
    )
