"""Networks that are to predict the next step of a sequence and can see it: they learn to copy."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.compiler.learning import network_called
from netbuilder.compiler.walk import Spot, Walk
from netbuilder.errors import Fix, Problem
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.layers.base import Family, Role
from netbuilder.layers.catalogue import called_graph

ATTENTIONS = (
    ("is_causal", ("attn_mask", "src_mask", "mask")),
    ("tgt_is_causal", ("tgt_mask",)),
)
"""Parameters that hide the future, and the ports of masks that may do so as well."""
_PROJECTING = frozenset({Family.LINEAR, Family.RESHAPE, Family.INDEXING})


def foresight(walk: Walk, step: Graph) -> Iterator[Problem]:
    """Networks that are to predict the next step of a sequence and can see it."""
    for loss in step.ordered():
        if loss.layer != "torch.nn.CrossEntropyLoss":
            continue
        target, cut = _field(walk, step, loss, "target")
        scores = walk.near(step, loss, "input")
        if scores is None or not target or network_called(walk, step, scores.node) is None:
            continue
        for port in walk.types(step, scores.node):
            given, also_cut = _field(walk, step, scores.node, port)
            network = called_graph(walk.document, scores.node)
            if given == target and (cut or also_cut) and network is not None:
                yield from _unmasked(walk, network, frozenset({port}), set())


def _field(walk: Walk, step: Graph, node: Node, port: str) -> tuple[str, bool]:
    """The field of ids that comes in, or nothing, and whether a part was cut off it."""
    cut = False
    spot = walk.into(step, node, port)
    while spot is not None:
        layer, type = walk.layer(spot), walk.type(spot)
        if layer is None or type is None or type.floating:
            return "", False
        if layer.role is Role.DATA:
            return str(getattr(layer, "field", "")), cut
        if layer.family not in (Family.INDEXING, Family.RESHAPE):
            return "", False
        cut |= layer.family is Family.INDEXING
        spot = walk.into(step, spot.node, "input")
    return "", False


def _root(walk: Walk, graph: Graph, node: Node, port: str) -> Spot | None:
    """What queries or keys were made of: what lies before projections and other forms."""
    spot = walk.into(graph, node, port)
    while spot is not None:
        layer = walk.layer(spot)
        if layer is None or layer.family not in _PROJECTING:
            return spot
        spot = walk.into(graph, spot.node, "input")
    return None


def _reached(graph: Graph, inputs: frozenset[str]) -> set[str]:
    """The nodes that these inputs of a graph lead to, with themselves."""
    waiting = [node.id for node in graph.nodes.values() if node.name in inputs]
    found = set(waiting)
    while waiting:
        for wire in graph.wires_out_of(waiting.pop()):
            if wire.target not in found:
                found.add(wire.target)
                waiting.append(wire.target)
    return found


def _unmasked(
    walk: Walk, graph: Graph, inputs: frozenset[str], seen: set[tuple[str, frozenset[str]]]
) -> Iterator[Problem]:
    """Attention to itself that hides nothing, of the sequence at these inputs, also in blocks.

    What comes in elsewhere, such as the sentence that a translation is of, may be seen whole.
    """
    seen.add((graph.id, inputs))
    reached = _reached(graph, inputs)
    for node in graph.ordered():
        if node.id not in reached:
            continue
        layer = walk.layer(Spot(graph, node, ""))
        called = called_graph(walk.document, node)
        ports = frozenset(
            wire.target_port for wire in graph.wires_into(node.id) if wire.source in reached
        )
        if called is not None and (called.id, ports) not in seen:
            yield from _unmasked(walk, called, ports, seen)
        across = _root(walk, graph, node, "query") != _root(walk, graph, node, "key")
        for name, masks in ATTENTIONS:
            masked = any(graph.wire_into(node.id, mask) for mask in masks)
            if across or masked or getattr(layer, name, True) is not False:
                continue
            arguments = {"graph": graph.id, "node": node.id, "name": name, "value": True}
            yield Problem(
                "warning",
                "attention.foresight",
                f"'{node.name}' lets each step see those that come after it, and '{graph.name}' "
                "is to predict them: it will learn to copy.",
                f"Set {name}, or wire a causal mask.",
                graph.id,
                node.id,
                fixes=(Fix(f"Set {name} to True", "set_parameter", arguments),),
            )
