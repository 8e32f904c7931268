"""Questions about the form of a graph, answered with networkx."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from netbuilder.graph.document import Graph

if TYPE_CHECKING:
    import networkx as nx


def digraph(graph: Graph) -> nx.DiGraph[str]:
    """The nodes and who feeds whom; parallel wires are one edge."""
    # It takes longer to import than a command without it takes to run.
    import networkx as nx

    result: nx.DiGraph[str] = nx.DiGraph()
    result.add_nodes_from(graph.nodes)
    result.add_edges_from((wire.source, wire.target) for wire in graph.wires.values())
    return result


def cycles(graph: Graph) -> list[list[str]]:
    """Each knot of nodes that feed themselves, as ids in the order of the wires."""
    if len(sorted_nodes(graph)) == len(graph.nodes):
        return []
    import networkx as nx

    net = digraph(graph)
    found = []
    for component in nx.strongly_connected_components(net):
        if len(component) > 1 or any(net.has_edge(node, node) for node in component):
            loop = nx.find_cycle(net.subgraph(component))
            found.append([source for source, _ in loop])
    return found


def sorted_nodes(graph: Graph, only: Iterable[str] | None = None) -> list[str]:
    """Ids with sources before targets, otherwise by `order`; nodes on cycles are left out.

    The order depends on the graph alone, not on the history of its edits.
    """
    return list(graph.worked_out("sorted", _sorted)) if only is None else _sorted(graph, only)


def _sorted(graph: Graph, only: Iterable[str] | None = None) -> list[str]:
    rank = {id: (node.order, id) for id, node in graph.nodes.items()}
    if only is None:
        waiting = {id: len(graph.wires_into(id)) for id in graph.nodes}
    else:
        wanted = set(only)
        waiting = {id: sum(w.source in wanted for w in graph.wires_into(id)) for id in wanted}
    ready = [rank[id] for id, count in waiting.items() if count == 0]
    heapify(ready)
    result = []
    while ready:
        _, id = heappop(ready)
        result.append(id)
        for wire in graph.wires_out_of(id):
            if wire.target in waiting:
                waiting[wire.target] -= 1
                if waiting[wire.target] == 0:
                    heappush(ready, rank[wire.target])
    return result


def ancestors(graph: Graph, nodes: Iterable[str]) -> set[str]:
    """These nodes and everything that feeds them."""
    found: set[str] = set()
    stack = list(nodes)
    while stack:
        id = stack.pop()
        if id not in found:
            found.add(id)
            stack.extend(wire.source for wire in graph.wires_into(id))
    return found


def descendants(graph: Graph, nodes: Iterable[str]) -> set[str]:
    """These nodes and everything that they feed."""
    found: set[str] = set()
    stack = list(nodes)
    while stack:
        id = stack.pop()
        if id not in found:
            found.add(id)
            stack.extend(wire.target for wire in graph.wires_out_of(id))
    return found
