"""What a node is for, and what it is called in code."""

from __future__ import annotations

from collections.abc import Mapping

from netbuilder.graph import rules
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.layers.base import Role
from netbuilder.layers.catalogue import find, special_nodes

SINKS = frozenset({Role.OUTPUT, Role.OBJECTIVE, Role.METRIC, Role.PREVIEW})
"""Roles for whose sake everything else is computed."""


def role_of(node: Node) -> Role | None:
    """What the compiler does with the node; None if its layer is unknown."""
    kind = find(node.layer)
    return kind.role if kind else None


def sinks(graph: Graph) -> list[str]:
    """Outputs, the loss, metrics and previews: what the rest is computed for."""
    return [node.id for node in special_nodes(graph) if role_of(node) in SINKS]


def node_names(graph: Graph) -> Mapping[str, str]:
    """Node ids to legal, unique attribute names; a node's own name wherever possible.

    A legal name is never taken away by another node's illegal one.
    """
    return graph.worked_out("names", _node_names)


def _node_names(graph: Graph) -> Mapping[str, str]:
    ordered = graph.ordered()
    result: dict[str, str] = {}
    taken: set[str] = set()
    for node in ordered:
        if rules.identifier(node.name) == node.name and node.name not in taken:
            result[node.id] = node.name
            taken.add(node.name)
    for node in ordered:
        if node.id not in result:
            name = rules.unique_name(rules.identifier(node.name), taken)
            result[node.id] = name
            taken.add(name)
    return result
