"""What learns in a training step: which networks the loss reaches backwards, and what stops it.

A gradient goes back along every wire that carries numbers with a fraction, through calls of
networks and blocks, up to a detach or a layer whose result is no smooth function of its input.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from netbuilder.compiler.networks import reached
from netbuilder.compiler.walk import Spot, Walk
from netbuilder.errors import Fix, Problem
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.layers.base import Role
from netbuilder.layers.callers import GradientPenalty
from netbuilder.layers.catalogue import called_graph, graph_ports

DETACH = frozenset({"torch.Tensor.detach", "torch.detach"})
BATCH_NORMS = frozenset({f"torch.nn.BatchNorm{n}d" for n in (1, 2, 3)})
USUAL_BATCH = 32


@dataclass(slots=True)
class Reached:
    """Where the gradient of one output comes to: calls by network, what stopped it."""

    calls: dict[str, list[Spot]] = field(default_factory=dict)
    stops: list[Spot] = field(default_factory=list)
    inputs: set[str] = field(default_factory=set)
    """Names of the graph's own inputs that it comes to."""
    weights: bool = False


class Backwards:
    """Follows gradients back; what is known of an output of a graph is remembered."""

    def __init__(self, walk: Walk) -> None:
        self.walk = walk
        self._known: dict[tuple[str, str], Reached] = {}

    def from_port(self, graph: Graph, node: Node, port: str) -> Reached:
        """Everything that the gradient of what comes in at a port comes to, in this graph."""
        result = Reached()
        seen: set[tuple[str, str]] = set()
        waiting = [self.walk.into(graph, node, port)]
        while waiting:
            spot = waiting.pop()
            if spot is None or (spot.node.id, spot.port) in seen:
                continue
            seen.add((spot.node.id, spot.port))
            waiting += self._through(spot, result)
        return result

    def _through(self, spot: Spot, result: Reached) -> list[Spot | None]:
        """What feeds the inputs through which the gradient goes on."""
        layer, type = self.walk.layer(spot), self.walk.type(spot)
        if layer is None:
            return []
        if layer.id in DETACH or (type is not None and not type.floating):
            if layer.role is Role.LAYER:
                result.stops.append(spot)
            return []
        if layer.role is Role.INPUT:
            result.inputs.add(spot.node.name)
            return []
        ports = set(self.walk.types(spot.graph, spot.node))
        if isinstance(layer, GradientPenalty):
            self._through_penalty(spot, layer.network, result)
            return []
        if layer.role in (Role.CALL, Role.BLOCK):
            called = called_graph(self.walk.document, spot.node)
            inside = self._inside(called, spot.port) if called is not None else Reached()
            ports &= inside.inputs
            result.weights |= inside.weights
            result.stops += inside.stops
            if layer.role is Role.CALL and inside.weights:
                result.calls.setdefault(str(getattr(layer, "network", "")), []).append(spot)
        elif self.walk.weights(spot):
            result.weights = True
        return [self.walk.into(spot.graph, spot.node, port) for port in sorted(ports)]

    def _through_penalty(self, spot: Spot, name: str, result: Reached) -> None:
        """The slope of a network's score teaches its weights, not what it was taken at."""
        called = called_graph(self.walk.document, spot.node)
        outputs = graph_ports(called).outputs
        if called is not None and any(self._inside(called, p.name).weights for p in outputs):
            result.weights = True
            result.calls.setdefault(name, []).append(spot)

    def _inside(self, called: Graph, output: str) -> Reached:
        key = (called.id, output)
        if key not in self._known:
            self._known[key] = Reached()  # a block in itself is told elsewhere
            end = called.named(output)
            if end is not None:
                self._known[key] = self.from_port(called, end, "input")
        return self._known[key]


def learning(walk: Walk, step: Graph) -> Iterator[Problem]:
    """Networks that a step updates and can't teach."""
    ends = [node for node in step.ordered() if _role(walk, step, node) is Role.OBJECTIVE]
    updates = step.info.settings.get("updates", ())
    if len(ends) != 1 or not isinstance(updates, tuple):
        return
    (end,) = ends
    if "loss" not in walk.types(step, end):
        return
    found = Backwards(walk).from_port(step, end, "loss")
    for name in updates:
        calls = [node for node in step.ordered() if network_called(walk, step, node) == name]
        network = walk.document.network(str(name))
        if not calls or network is None:
            continue
        if not walk.parameters(network):
            yield _no_weights(step, network, calls[0])
            continue
        spots = found.calls.get(str(name), [])
        if not spots:
            yield _out_of_reach(step, str(name), calls[0], found, updates)
        elif all(_mode(walk, spot) == "frozen" for spot in spots):
            yield _frozen(step, str(name), spots[0].node)


def own_weights(walk: Walk, step: Graph) -> Iterator[Problem]:
    """Weights that lie in a step and not in a network: nothing teaches or keeps them."""
    for node in step.ordered():
        layer = walk.layer(Spot(step, node, ""))
        called = called_graph(walk.document, node)
        block = layer is not None and layer.role is Role.BLOCK and called is not None
        count = walk.parameters(called) if block and called else walk.weights(Spot(step, node, ""))
        if layer is not None and layer.role in (Role.LAYER, Role.BLOCK) and count:
            yield Problem(
                "warning",
                "step.weights",
                f"'{node.name}' has weights: no training step teaches them, no checkpoint keeps "
                "them.",
                "Put it into a network and call that.",
                step.id,
                node.id,
            )


def untaught(walk: Walk, step: Graph) -> Iterator[Problem]:
    """Networks that a step calls as if they learnt, and that no step updates."""
    document = walk.document
    updated: set[str] = set()
    for other in document.of_kind("step"):
        for name in other.info.settings.get("updates", ()):
            network = document.network(str(name))
            if network is not None:
                updated |= {network.name, *reached(document, network)}
    told: set[str] = set()
    for node in step.ordered():
        layer = walk.layer(Spot(step, node, ""))
        name = network_called(walk, step, node)
        network = document.network(name) if name is not None else None
        if network is None or network.name in updated | told or not walk.parameters(network):
            continue
        if getattr(layer, "mode", "") == "train":
            told.add(network.name)
            yield _untaught(step, network.name, node)


def _role(walk: Walk, graph: Graph, node: Node) -> Role | None:
    layer = walk.layer(Spot(graph, node, ""))
    return layer.role if layer is not None else None


def network_called(walk: Walk, graph: Graph, node: Node) -> str | None:
    layer = walk.layer(Spot(graph, node, ""))
    called = layer is not None and layer.role is Role.CALL
    return str(getattr(layer, "network", "")) if called else None


def _mode(walk: Walk, spot: Spot) -> str:
    return str(getattr(walk.layer(spot), "mode", "train"))


# -- what is told -----------------------------------------------------------------------------


def _no_weights(step: Graph, network: Graph, call: Node) -> Problem:
    return Problem(
        "warning",
        "step.no_weights",
        f"The training step '{step.name}' updates '{network.name}', which has no weights to learn.",
        "Put layers with weights into the network, such as Linear or Conv2d.",
        step.id,
        call.id,
    )


def _out_of_reach(
    step: Graph, name: str, call: Node, reached: Reached, updates: tuple[str, ...]
) -> Problem:
    """The loss does not depend on the network's weights, or something stops the gradient."""
    if reached.stops:
        stop = reached.stops[0]
        way = "has no gradient" if stop.node.layer not in DETACH else "cuts the gradient off"
        return Problem(
            "warning",
            "step.detached",
            f"The training step '{step.name}' updates '{name}', but '{stop.node.name}' {way}: "
            "nothing is learnt.",
            "Let a way without it lead from the network to the loss.",
            step.id,
            call.id,
            fixes=(Fix(f"Remove '{stop.node.name}'", "take_out", stop.arguments),)
            if stop.node.layer in DETACH
            else (),
        )
    others = [other for other in reached.calls if other not in updates]
    return Problem(
        "warning",
        "step.unreached",
        f"The training step '{step.name}' updates '{name}', but its loss does not depend on "
        "what that network computes.",
        "Change what the step updates, or connect the network's output to the loss.",
        step.id,
        call.id,
        fixes=tuple(_train_instead(step, name, other, updates) for other in others),
    )


def _train_instead(step: Graph, name: str, other: str, updates: tuple[str, ...]) -> Fix:
    kept = [other if update == name else update for update in updates]
    settings = {**step.info.settings, "updates": kept}
    fields = {"graph": step.id, "fields": {"settings": settings}}
    return Fix(f"Train '{other}' instead", "set_graph", fields)


def _untaught(step: Graph, name: str, call: Node) -> Problem:
    mode = {"graph": step.id, "node": call.id, "name": "mode", "value": "frozen"}
    updates = step.info.settings.get("updates", ())
    more = [*updates, name] if isinstance(updates, tuple) else [name]
    settings = {"settings": {**step.info.settings, "updates": more}}
    return Problem(
        "warning",
        "step.untaught",
        f"No step updates '{name}', and '{call.name}' calls it as if it learnt: its weights stay "
        "as they are, with dropout on and running averages moving.",
        "Set mode to 'frozen', as for a teacher, or choose a step that updates it.",
        step.id,
        call.id,
        fixes=(
            Fix("Set mode to frozen", "set_parameter", mode),
            Fix(f"Train '{name}' too", "set_graph", {"graph": step.id, "fields": settings}),
        ),
    )


def _frozen(step: Graph, name: str, call: Node) -> Problem:
    arguments = {"graph": step.id, "node": call.id, "name": "mode", "value": "train"}
    return Problem(
        "warning",
        "step.frozen",
        f"The training step '{step.name}' updates '{name}', but '{call.name}' calls it frozen: "
        "nothing is learnt.",
        "Set mode to 'train', or leave it out of what the step updates.",
        step.id,
        call.id,
        fixes=(Fix("Set mode to train", "set_parameter", arguments),),
    )


# -- one sample at a time ---------------------------------------------------------------------


def lonely_batch(walk: Walk, graph: Graph, node: Node) -> Iterator[Problem]:
    """A BatchNorm with batches of one, where nothing else is there to normalise over."""
    training = walk.document.project.training
    tensor = walk.types(graph, node).get("input")
    if tensor is not None and all(size == 1 for size in tensor.shape[2:]):
        fields = {"training": {**training, "batch_size": USUAL_BATCH}}
        yield Problem(
            "warning",
            "norm.batch_of_one",
            f"'{node.name}' normalises over the batch, but the batch size is 1: {tensor} leaves "
            "one number a feature.",
            "Use a larger batch, or LayerNorm.",
            graph.id,
            node.id,
            "input",
            (Fix(f"Set the batch size to {USUAL_BATCH}", "set_project", {"fields": fields}),),
        )
