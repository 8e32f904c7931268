"""What a field's new shape or classes ask of the networks that it is wired to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from netbuilder.app.handing_on import CHOOSE, begins_of, ends_of
from netbuilder.compiler.ends import last_sized
from netbuilder.data.sources import Field
from netbuilder.errors import ChangeError
from netbuilder.graph.difference import CALL
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node
from netbuilder.layers.catalogue import called_graph

FIELD, INPUT = "netbuilder.DataField", "netbuilder.Input"
UNFLATTEN = "torch.nn.Unflatten"
ADAPTS = 28
"""From so many pixels on a side an image network keeps its size, and folders of images get it."""
TAKES_ANY = (
    "torch.nn.Conv",
    "torch.nn.Dropout",
    "torch.nn.Flatten",
    "torch.nn.GRU",
    "torch.nn.LSTM",
    "torch.nn.Linear",
    "torch.nn.RNN",
    "torch.nn.Upsample",
    "torch.flatten",
    "torch.transpose",
    "torch_geometric.nn.",
)
"""Layers that take any size, if an Input leads to these alone."""

Params = dict[str, Any]


def large(field: Field) -> bool:
    """Whether it is an image of a size that a network was made for."""
    return len(field.shape) == 3 and min(field.shape[1:]) >= ADAPTS


def follow(
    document: Document,
    step: Graph,
    node: Node,
    before: Field,
    after: Field,
    parameters: dict[tuple[str, str], Params],
) -> None:
    """Set what a field in the place of another asks for; `ChangeError` where it can't be."""
    judges: list[Node] = []
    mirrored = False
    for wire, on_the_way in ends_of(step, node, ids=before.high is not None):
        target = step.nodes[wire.target]
        if (target.layer, wire.target_port) == (CHOOSE, "index"):
            continue
        if target.params.get("kind") == "embedding":
            continue  # coloured by it, not compared with it
        network = called_graph(document, target) if target.layer == CALL else None
        if network is not None:
            end = network.named(wire.target_port)
            if end is not None and end.layer == INPUT:
                if on_the_way and after.shape != before.shape and not _takes(end, after):
                    raise ChangeError(f"'{end.name}' takes no other shape.")
                _set_input(network, end, before, after, parameters)
                mirrored = _mirror(network, before, after, parameters) or mirrored
        else:
            judges += [] if before.is_class else [target]
            if before.high is not None and after.high != before.high:
                _set_classes(document, step, target, before, after, parameters)
    if judges and after.shape != before.shape and not mirrored:
        _set_size(document, step, judges, node, before, after, parameters)


def _set_size(
    document: Document,
    step: Graph,
    judges: Sequence[Node],
    node: Node,
    before: Field,
    after: Field,
    parameters: dict[tuple[str, str], Params],
) -> None:
    """As many numbers out of the layers that are compared with a row of them; `ChangeError` where
    it is no row, or no layer decides how many."""
    lasts = [last for judge in judges for last in _judged(document, step, judge)]
    fits = len(before.shape) == len(after.shape) == 1 and all(
        last.params[name] == before.shape[0] for _, last, name in lasts
    )
    if not lasts or not fits:
        raise ChangeError(f"'{node.name}' is compared with something of its size.")
    for graph, last, name in lasts:
        parameters.setdefault((graph.id, last.id), {})[name] = after.shape[0]


def _set_input(
    network: Graph,
    node: Node,
    before: Field,
    after: Field,
    parameters: dict[tuple[str, str], Params],
) -> None:
    values: Params = {}
    if after.shape != before.shape and not _takes(node, after):
        layers = [network.nodes[wire.target].layer for wire in network.wires_out_of(node.id)]
        fixed = large(before) or len(after.shape) != len(before.shape)
        if fixed or not all(layer.startswith(TAKES_ANY) for layer in layers):
            raise ChangeError(f"'{node.name}' takes no other shape.")
        values["shape"] = _named_sizes(node, after)
    known = node.params.get("high")
    # A published vocabulary stays: a smaller one has its first numbers.
    published = isinstance(known, int) and (before.high or 0) < known >= (after.high or 0)
    if known is not None and after.high != before.high and not published:
        values["high"] = after.high
    if values:
        parameters.setdefault((network.id, node.id), {}).update(values)


def _named_sizes(node: Node, after: Field) -> tuple[Any, ...]:
    """The field's shape; sizes that have names in the Input keep them: they are any."""
    shape = node.params.get("shape")
    if not isinstance(shape, Sequence) or isinstance(shape, str) or len(shape) != len(after.shape):
        return after.shape
    pairs = zip(shape, after.shape, strict=True)
    return tuple(has if isinstance(has, str) else size for has, size in pairs)


def _takes(node: Node, after: Field) -> bool:
    """Whether the Input takes that shape as it is: sizes that have names are any."""
    shape = node.params.get("shape")
    if not isinstance(shape, Sequence) or isinstance(shape, str) or len(shape) != len(after.shape):
        return False
    pairs = zip(shape, after.shape, strict=True)
    return all(isinstance(has, str) or has == size for has, size in pairs)


def _mirror(
    network: Graph, before: Field, after: Field, parameters: dict[tuple[str, str], Params]
) -> bool:
    """A network that gives back what it was given: its end takes the new shape, if it has one."""
    found = False
    for node in network.ordered():
        if (
            node.layer == UNFLATTEN
            and tuple(node.params.get("unflattened_size", ())) == before.shape
        ):
            last = last_sized(network, node)
            if last is not None and last[0].params[last[1]] == prod(before.shape):
                found = True
                parameters[(network.id, node.id)] = {"unflattened_size": after.shape}
                parameters[(network.id, last[0].id)] = {last[1]: prod(after.shape)}
    return found


def _set_classes(
    document: Document,
    step: Graph,
    judge: Node,
    before: Field,
    after: Field,
    parameters: dict[tuple[str, str], Params],
) -> None:
    """As many classes in a loss or metric, and in the layers whose outputs it judges."""
    if judge.params.get("num_classes") is not None:
        parameters.setdefault((step.id, judge.id), {})["num_classes"] = after.high
    for graph, last, name in _judged(document, step, judge):
        told = last.params[name]
        # Published networks tell a thousand classes, whatever they are trained on here.
        if not isinstance(told, int) or told < (before.high or 0):
            raise ChangeError(f"'{last.name}' does not tell the classes.")
        parameters.setdefault((graph.id, last.id), {})[name] = after.high


def _judged(document: Document, step: Graph, judge: Node) -> Iterator[tuple[Graph, Node, str]]:
    """The layers that make what is held against a target there, and their parameter for it."""
    for wire in begins_of(step, judge):
        source, port = step.nodes[wire.source], wire.source_port
        if source.layer == CHOOSE:
            for inner in step.wires_into(source.id):
                if inner.target_port == "input":
                    source, port = step.nodes[inner.source], inner.source_port
        network = called_graph(document, source) if source.layer == CALL else None
        end = network.named(port) if network is not None else None
        last = last_sized(network, end) if network is not None and end is not None else None
        if network is not None and last is not None:
            yield network, *last
