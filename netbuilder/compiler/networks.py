"""Networks that are called in other networks: who calls whom, and what they are called there.

A network that calls others is given them as arguments of its class, all that it needs at any
depth, and makes those that it is not given. So a project's networks share what they call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from netbuilder.graph import rules
from netbuilder.graph.document import Document, Graph
from netbuilder.layers.base import Role
from netbuilder.layers.callers import Caller
from netbuilder.layers.catalogue import called_graph, parameters_of, special_nodes

if TYPE_CHECKING:
    from netbuilder.compiler.inference import Inference


def network_names(document: Document) -> dict[str, str]:
    """Networks' names to legal, unique attribute names."""
    result: dict[str, str] = {}
    for network in document.of_kind("network"):
        wanted = rules.identifier(network.name, "network")
        result.setdefault(network.name, rules.unique_name(wanted, set(result.values())))
    return result


def network_arguments(document: Document, inference: Inference) -> dict[str, str]:
    """The networks that are called in a graph or its blocks, and the attributes that hold them.

    In a block one steps aside where a parameter has its name.
    """
    names = network_names(document)
    taken = set(parameters_of(inference.graph))
    wanted = inference.networks
    return {
        name: f"{own}_network" if own in taken else own
        for name, own in names.items()
        if name in wanted
    }


def needed(inference: Inference, known: Mapping[str, Inference]) -> list[str]:
    """All networks that one needs at any depth, each after those that it needs itself."""
    found: dict[str, None] = {}

    def visit(inside: Inference) -> None:
        for name in sorted(inside.networks):
            if name not in found and name in known:
                visit(known[name])
                found.setdefault(name)

    visit(inference)
    return list(found)


def reached(document: Document, graph: Graph) -> set[str]:
    """The names of the networks that a graph calls, also through blocks and other networks."""
    found: dict[str, Graph] = {}
    waiting = [graph]
    while waiting:
        for node in special_nodes(waiting.pop()):
            inner = called_graph(document, node)
            if inner is not None and inner.id not in found:
                found[inner.id] = inner
                waiting.append(inner)
    return {inner.name for inner in found.values() if inner.kind == "network"}


def weights(inference: Inference, known: Mapping[str, Inference]) -> tuple[int, dict[str, int]]:
    """How many weights a network has, those of the networks in it once; and at which calls.

    A network's weights stand at the first node that calls it; those of one that only blocks
    call stand at no node.
    """
    inner = needed(inference, known)
    total = sum(
        sum(inside.parameters.values()) for inside in (inference, *(known[n] for n in inner))
    )
    at: dict[str, int] = {}
    counted: set[str] = set()
    for node in special_nodes(inference.graph):
        layer = inference.layers.get(node.id)
        if layer is None or layer.role is not Role.CALL:
            continue
        name = str(getattr(layer, "network", ""))
        if name not in known:
            continue
        fresh = [n for n in (*needed(known[name], known), name) if n not in counted]
        at[node.id] = sum(sum(known[n].parameters.values()) for n in fresh)
        counted |= set(fresh)
    return total, at


def in_order(document: Document) -> list[Graph]:
    """The networks, each after those that it calls, otherwise as the person ordered them."""
    found: dict[str, Graph] = {}
    begun: set[str] = set()
    # No recursion: files may nest blocks deeper than Python's stack.
    stack = [network.id for network in reversed(document.of_kind("network"))]
    while stack:
        id = stack.pop()
        graph = document.graph(id)
        if id in begun:
            if graph.kind == "network":
                found.setdefault(id, graph)
            continue
        begun.add(id)
        inner = (called_graph(document, node) for node in special_nodes(graph))
        ids = dict.fromkeys(other.id for other in inner if other is not None)
        stack += [id, *(other for other in reversed(ids) if other not in begun)]
    return list(found.values())


def helpers(inference: Inference) -> Iterator[str]:
    """The parts that call networks in another way than plainly."""
    for layer in inference.layers.values():
        if isinstance(layer, Caller) and layer.function():
            yield layer.function()


def inside(inference: Inference, known: Mapping[str, Inference]) -> Iterator[Inference]:
    """What is known of a graph and of all blocks and networks in it, each use once."""
    waiting = [inference, *(known[name] for name in needed(inference, known))]
    seen: set[int] = set()
    while waiting:
        here = waiting.pop()
        if id(here) not in seen:
            seen.add(id(here))
            yield here
            waiting += [use for uses in here.blocks.values() for use in uses]
