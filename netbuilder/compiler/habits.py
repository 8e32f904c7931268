"""What follows what: pairs of layers that run and are hardly ever meant.

`HABITS` is the list. A pair may lie far apart: a loss knows the last layer of the network that
it judges, and reshaping in between does not matter. To add a habit, add an entry.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from netbuilder.compiler.pairs import (
    AFFINE,
    BATCH_NORM,
    BCE,
    BCE_LOGITS,
    CHANNELS_FIRST,
    CONVOLUTION,
    CROSS_ENTROPY,
    DISTANCE,
    DROPOUT,
    IMAGE_LAYERS,
    KL,
    LOG_SOFTMAX,
    LOSSES,
    NEVER_NEGATIVE,
    NLL,
    POINTWISE,
    RECTIFIERS,
    SEQUENCES,
    SIGMOID,
    SOFTMAX,
    TANH,
    Habit,
    Pair,
    channels_last,
    from_state,
    has_bias,
    last_of_both_ways,
    log_softmax_earlier,
    mean_of_steps,
    nn_layers,
    no_bottleneck,
    put_between,
    remove_earlier,
    remove_later,
    set_earlier,
    three_dims,
    use_instead,
)
from netbuilder.compiler.walk import Walk, is_passing
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.layers.base import Complaint, Layer, Role

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
        CONVOLUTION | nn_layers("Linear"),
        "The bias of {earlier} does nothing: '{later}' subtracts the mean.",
        "Turn it off to save weights.",
        set_earlier("Turn the bias of '{earlier}' off", bias=False),
        "info",
        direct=True,
        when=has_bias,
    ),
    Habit(
        "linear.row",
        nn_layers("Linear"),
        nn_layers("Linear"),
        "'{later}' follows {earlier} with no activation between: together they can do no more "
        "than one Linear.",
        "Put an activation between them.",
        put_between("Insert ReLU", "torch.nn.ReLU"),
        "info",
        direct=True,
        when=no_bottleneck,
    ),
    Habit(
        "shape.steps_for_channels",
        CHANNELS_FIRST,
        SEQUENCES,
        "{layer} takes dim 1 of {type} for channels, but {earlier} puts its features last.",
        "Put torch.transpose with dims 1 and 2 before it, and another behind it.",
        put_between("Exchange dims 1 and 2", "torch.transpose", dim0=1, dim1=2),
        direct=True,
        when=three_dims,
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
        when=channels_last,
    ),
    Habit(
        "shape.state_layers",
        nn_layers("Linear", "Flatten"),
        nn_layers("LSTM", "GRU", "RNN"),
        "The state of {earlier} is {type}: its first dim are layers and directions, not the batch.",
        "Take the last layer with torch.select, dim 0, index -1.",
        put_between("Take the last layer", "torch.select", dim=0, index=-1),
        direct=True,
        when=from_state,
    ),
    Habit(
        "recurrent.half_read",
        frozenset({"torch.select"}),
        nn_layers("LSTM", "GRU", "RNN"),
        "At its last step {earlier} has read backwards one step only: half of what '{later}' "
        "takes knows nothing of the rest.",
        "Take the mean of all steps, or join the last states of both directions from h_n.",
        mean_of_steps,
        direct=True,
        when=last_of_both_ways,
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
_PAIRS = frozenset((b, a) for habit in HABITS for b in habit.later for a in habit.earlier)
"""The ids of two layers with which there is a habit: the later and the earlier one."""


def is_usual(graph: Graph, node: Node, layer: Layer, layers: Mapping[str, Layer]) -> bool:
    """Whether there is no habit with what feeds a node, at a look: so it is with most.

    `layers` are those of the graph's nodes, by id. What hands on what others made needs `habits`.
    """
    if layer.id not in BY_LATER:
        return True
    wire = graph.wire_into(node.id, _first_input(layer))
    if wire is None:
        return True
    made = layers.get(wire.source)
    if made is None or made.role is not Role.LAYER or is_passing(made):
        return False
    return (layer.id, made.id) not in _PAIRS


def _first_input(layer: Layer) -> str:
    kind = type(layer)
    inputs = kind.inputs if kind.ports is Layer.ports else layer.ports().inputs
    return inputs[0].name if inputs else ""


def habits(walk: Walk, graph: Graph, node: Node, layer: Layer) -> Iterator[Complaint]:
    """What is odd about what feeds a node, at its first input; at most one thing."""
    known = BY_LATER.get(layer.id)
    if not known:
        return
    port = _first_input(layer)
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
