"""Pairs of layers that follow each other: groups of layers, what to ask of a pair, fixes for it.

The pairs that are hardly ever meant are listed in `compiler.habits`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from netbuilder.compiler.walk import Spot, Walk
from netbuilder.errors import Fix
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Json, Node
from netbuilder.layers.base import Layer, TensorType
from netbuilder.layers.catalogue import owner_of
from netbuilder.layers.checks import insert


def nn_layers(*names: str) -> frozenset[str]:
    """Ids of layers of torch.nn by their names."""
    return frozenset(f"torch.nn.{name}" for name in names)


# -- groups of layers -------------------------------------------------------------------------

SOFTMAX = nn_layers("Softmax", "Softmax2d", "functional.softmax") | {"torch.softmax"}
LOG_SOFTMAX = nn_layers("LogSoftmax", "functional.log_softmax") | {"torch.log_softmax"}
SIGMOID = nn_layers("Sigmoid", "Hardsigmoid") | {"torch.sigmoid"}
TANH = nn_layers("Tanh", "Hardtanh", "Softsign") | {"torch.tanh"}
NEVER_NEGATIVE = nn_layers("ReLU", "ReLU6") | {"torch.relu"}
RECTIFIERS = NEVER_NEGATIVE | nn_layers(
    "LeakyReLU", "PReLU", "RReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Hardswish"
)
POINTWISE = RECTIFIERS | SIGMOID | TANH
DROPOUT = nn_layers(
    "Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"
)
BATCH_NORM = nn_layers("BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm")
CONVOLUTION = nn_layers(
    *(f"{kind}{n}d" for kind in ("Conv", "ConvTranspose") for n in (1, 2, 3)),
)
AFFINE = CONVOLUTION | nn_layers("Linear", "Bilinear")
"""Layers whose results may be any numbers."""
SEQUENCES = nn_layers("LSTM", "GRU", "RNN", "Embedding", "MultiheadAttention") | nn_layers(
    "TransformerEncoderLayer", "TransformerEncoder", "TransformerDecoderLayer"
)
"""Layers that put the features of a step last: N×T×features."""
CHANNELS_FIRST = nn_layers(
    *("Conv1d", "ConvTranspose1d", "BatchNorm1d", "InstanceNorm1d"),
    *("MaxPool1d", "AvgPool1d", "AdaptiveAvgPool1d", "AdaptiveMaxPool1d"),
)
"""Layers that take dim 1 of N×C×L for channels."""
IMAGE_LAYERS = nn_layers("Conv2d", "BatchNorm2d", "MaxPool2d", "AvgPool2d")
CROSS_ENTROPY = nn_layers("CrossEntropyLoss")
NLL = nn_layers("NLLLoss")
BCE_LOGITS = nn_layers("BCEWithLogitsLoss", "MultiLabelSoftMarginLoss", "SoftMarginLoss")
BCE = nn_layers("BCELoss")
KL = nn_layers("KLDivLoss")
DISTANCE = nn_layers("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")
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


def always(pair: Pair) -> bool:
    """No further question."""
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
    when: Test = always


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


def feeds_nothing_else(pair: Pair) -> bool:
    """Whether the maker feeds nothing but the node, in the same graph."""
    same = pair.maker.graph.id == pair.graph.id
    return same and len(pair.maker.graph.wires_out_of(pair.maker.node.id)) == 1


def has_bias(pair: Pair) -> bool:
    """Whether the maker has a bias that a learnt offset right behind it replaces."""
    normal = getattr(pair.layer, "affine", True) and not pair.graph.nodes[pair.node.id].shares
    return bool(normal and getattr(pair.made, "bias", False)) and feeds_nothing_else(pair)


def no_bottleneck(pair: Pair) -> bool:
    """Whether two Linear layers in a row can do no more, nor with fewer weights, than one."""
    if not feeds_nothing_else(pair):
        return False
    width, last = getattr(pair.made, "out_features", 0), getattr(pair.layer, "out_features", 0)
    first = getattr(pair.made, "in_features", None)
    return first is not None and width >= min(first, last)


def three_dims(pair: Pair) -> bool:
    """Whether a sequence with its features last comes in."""
    features_last = getattr(pair.made, "batch_first", True)
    output = pair.maker.port in ("output", "attn_output")
    return features_last and output and pair.type is not None and pair.type.rank == 3


def channels_last(pair: Pair) -> bool:
    """Whether dims look like those of a colour picture with its channels behind."""
    if pair.type is None or pair.type.rank != 4:
        return False
    _, *sizes = pair.type.shape
    constant = [size for size in sizes if isinstance(size, int)]
    return len(constant) == 3 and constant[2] in (1, 3, 4) and min(constant[:2]) > 4


def from_state(pair: Pair) -> bool:
    """Whether the last state of a recurrent layer comes in, a layer at a time."""
    return pair.maker.port in ("h_n", "c_n") and pair.type is not None and pair.type.rank == 3


def last_of_both_ways(pair: Pair) -> bool:
    """Whether the last step of a layer that reads both ways is taken."""
    time = 1 if getattr(pair.made, "batch_first", False) else 0
    chosen = (getattr(pair.layer, "dim", None), getattr(pair.layer, "index", None))
    both = getattr(pair.made, "bidirectional", False) and pair.maker.port == "output"
    return bool(both) and chosen in ((time, -1), (time - 3, -1))


def mean_of_steps(pair: Pair) -> Iterator[Fix]:
    """Takes the mean of all steps instead of one."""
    params = {"dim": getattr(pair.layer, "dim", 1)}
    arguments = {"layer": "torch.mean", "params": params}
    yield Fix("Take the mean of all steps", "replace_layer", arguments)
