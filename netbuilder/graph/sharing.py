"""Nodes that use the weights of another: its parameters count for them too."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from netbuilder.errors import ChangeError
from netbuilder.graph.changes import Changed
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Node


def sharers(graph: Graph, owner: str) -> list[Node]:
    """The nodes that use the weights of one, in their order."""
    return [node for node in graph.ordered() if node.shares == owner]


def share(history: History, graph: Graph, ids: Iterable[str]) -> Node:
    """Let nodes of one layer use the weights of the first of them; that node.

    `ChangeError` if they are of several layers, or fewer than two.
    """
    wanted = set(ids)
    nodes = [node for node in graph.ordered() if node.id in wanted]
    if len(nodes) < 2:
        raise ChangeError("Select two or more nodes of one layer to share their weights.")
    if len({node.layer for node in nodes}) > 1:
        raise ChangeError("Only nodes of one layer can share weights.")
    owner = graph.nodes.get(nodes[0].shares, nodes[0])
    # What used the weights of one of them uses the owner's now: no chains.
    users = {user.id: user for node in nodes for user in sharers(graph, node.id)}
    users |= {node.id: node for node in nodes}
    with history.step(f"Share the weights of {owner.name}"):
        for user in users.values():
            if user.id != owner.id and user.shares != owner.id:
                after = replace(user, shares=owner.id)
                history.document.apply(Changed(graph.id, user, after))
    return owner


def part(history: History, graph: Graph, ids: Iterable[str]) -> int:
    """Give nodes weights of their own again, with the parameters that counted; how many."""
    nodes = [graph.nodes[id] for id in ids if id in graph.nodes and graph.nodes[id].shares]
    with history.step("Own weights" if len(nodes) != 1 else f"Own weights for {nodes[0].name}"):
        for node in nodes:
            owner = graph.nodes.get(node.shares)
            params = owner.params if owner is not None else node.params
            after = replace(node, shares="", params=params)
            history.document.apply(Changed(graph.id, node, after))
    return len(nodes)


def hand_over(document: Document, graph: Graph, ids: Collection[str]) -> None:
    """Before nodes go: the first of those that use the weights of one becomes their owner."""
    if not any(node.shares for node in graph.nodes.values()):
        return
    going = set(ids)
    for id in ids:
        staying = [node for node in sharers(graph, id) if node.id not in going]
        for at, node in enumerate(staying):
            params = graph.nodes[id].params if at == 0 else node.params
            shares = staying[0].id if at else ""
            after = replace(node, shares=shares, params=params)
            document.apply(Changed(graph.id, node, after))
