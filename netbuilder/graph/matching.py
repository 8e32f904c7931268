"""Which graph and which node of one document is which in another: by id, then by name.

Ids stay through every edit, renaming too. What has no partner by id is matched by its name and
kind, because a project that a script makes anew gets new ids each time. Who asks for it has the
rest matched by what feeds it: two files that were imported have neither in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass

from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node
from netbuilder.graph.topology import sorted_nodes


@dataclass(frozen=True, slots=True)
class Matching:
    """Ids of the earlier document, and those of the later one that they belong to.

    `nodes` has an entry for each matched graph, by its earlier id.
    """

    graphs: Mapping[str, str]
    nodes: Mapping[str, Mapping[str, str]]


def match(before: Document, after: Document, *, structure: bool = False) -> Matching:
    """The partners in two documents; each has one at most. With `structure` also by wiring."""
    graphs = _partners(
        ((graph.id, (graph.kind,), graph.name) for graph in before.graphs.values()),
        ((graph.id, (graph.kind,), graph.name) for graph in after.graphs.values()),
    )
    nodes = {old: match_nodes(before.graphs[old], after.graphs[new]) for old, new in graphs.items()}
    if structure:
        for old, new in graphs.items():
            _by_wiring(before.graphs[old], after.graphs[new], nodes[old])
    return Matching(graphs, nodes)


def match_nodes(before: Graph, after: Graph) -> dict[str, str]:
    """The nodes of two graphs that belong together."""
    return _partners(map(_described, before.ordered()), map(_described, after.ordered()))


def _described(node: Node) -> _Entry:
    return node.id, (node.layer,), node.name


_Entry = tuple[str, tuple[str, ...], str]
"""An id, what must be equal for a match by name, and the name."""


def _partners(before: Iterable[_Entry], after: Iterable[_Entry]) -> dict[str, str]:
    old, new = list(before), list(after)
    there, here = {id: kind for id, kind, _ in old}, {id: kind for id, kind, _ in new}
    # Numbers as ids (`n2`) come from files that people write: with another name and another
    # layer they are another node.
    names = {id: name for id, _, name in new}
    found = {
        id: id for id, kind, name in old if id in here and (here[id] == kind or names[id] == name)
    }
    taken = set(found.values())
    by_name = {(kind, name): id for id, kind, name in new if id not in taken}
    for id, kind, name in old:
        if id not in found and (kind, name) in by_name:
            found[id] = by_name.pop((kind, name))
    # Last, what has kept its id alone: its layer was replaced, and its name with it.
    taken = set(found.values())
    for id in there:
        if id not in found and id in here and id not in taken:
            found[id] = id
    return {id: found[id] for id in there if id in found}


def _by_wiring(before: Graph, after: Graph, found: dict[str, str]) -> None:
    """Add those of one layer that partners feed alike, from the inputs on, where only one fits."""
    taken = set(found.values())
    left = [before.nodes[id] for id in sorted_nodes(before) if id not in found]
    fits: dict[Hashable, list[str]] = {}
    for node in after.ordered():
        if node.id not in taken:
            fits.setdefault((node.layer, _fed(after, node)), []).append(node.id)
    rivals = Counter((node.layer, _fed(before, node)) for node in left)
    for node in left:
        fed = _fed(before, node)
        there = frozenset((port, found.get(source, ""), out) for port, source, out in fed)
        candidates = fits.get((node.layer, there), [])
        if len(candidates) == 1 and rivals[node.layer, fed] == 1:
            found[node.id] = candidates.pop()


def _fed(graph: Graph, node: Node) -> frozenset[tuple[str, str, str]]:
    """What comes in at which port."""
    wires = graph.wires_into(node.id)
    return frozenset((wire.target_port, wire.source, wire.source_port) for wire in wires)
