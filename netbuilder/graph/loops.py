"""Loops over time: a block run once for each step of a sequence, and the names of its states.

An input `h` and an output `h_next` of the block are a state: what comes out goes into the next
step. At the loop `h` is all of them, `h_last` the last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from netbuilder.graph.changes import Changed
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node

LOOP = "netbuilder.Loop"
NEXT = "_next"
"""What the output of a state is called after its input."""
LAST = "_last"
"""What the output of a loop with the last value of a state is called."""


def uses(document: Document, block: Graph) -> Iterator[tuple[Graph, Node]]:
    """The loops that run a block."""
    for graph in list(document.graphs.values()):
        for node in list(graph.nodes.values()):
            if node.layer == LOOP and node.params.get("block") == block.name:
                yield graph, node


def partner(block: Graph, name: str, new: str) -> tuple[str, str] | None:
    """The other end of the state that a port is one end of, and what it is called after a rename.

    Names only; None if the port is no end of a state, or would be none.
    """
    stem, new_stem = name.removesuffix(NEXT), new.removesuffix(NEXT)
    if block.named(name + NEXT) is not None:
        return name + NEXT, new + NEXT
    if stem != name and new_stem != new and block.named(stem) is not None:
        return stem, new_stem
    return None


def follow(document: Document, block: Graph, old: str, new: str) -> tuple[str, str] | None:
    """Lets all loops over a block follow the new name of one of its ports.

    The other end of a state is renamed too, unless its new name is taken: its two names.
    """
    found = list(uses(document, block))
    pair = partner(block, old, new) if found else None
    if pair is not None:
        before = block.named(pair[0])
        if before is None or block.named(pair[1]) is not None:
            pair = None
        else:
            document.apply(Changed(block.id, before, replace(before, name=pair[1])))
    names = {old: new, old + LAST: new + LAST}
    if pair is not None and pair[1] + NEXT == new:
        names |= {pair[0]: pair[1], pair[0] + LAST: pair[1] + LAST}
    for graph, node in found:
        for wire in graph.wires_at([node.id]):
            after = wire
            if wire.target == node.id and wire.target_port in names:
                after = replace(after, target_port=names[wire.target_port])
            if wire.source == node.id and wire.source_port in names:
                after = replace(after, source_port=names[wire.source_port])
            if after != wire:
                document.apply(Changed(graph.id, wire, after))
        same = node.params.get("constants")
        if isinstance(same, tuple) and old in same:
            constants = tuple(names.get(name, name) for name in same)
            params = {**node.params, "constants": constants}
            document.apply(Changed(graph.id, node, replace(node, params=params)))
    return pair
