"""Graphs in the nodes of graphs: what an If chooses from, what a Loop repeats."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import onnx

from netbuilder.errors import DocumentError

OURS = ("", "ai.onnx")
"""Names of ONNX's own domain."""


def version(model: onnx.ModelProto, domain: str = "") -> int:
    """The opset of a domain that a model asks for."""
    names = (domain,) if domain else OURS
    return next((each.version for each in model.opset_import if each.domain in names), 1)


def all_nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """The nodes of a graph, each before those of the graphs in it."""
    for node in graph.node:
        yield node
        for inner in inner_graphs(node):
            yield from all_nodes(inner)


def inner_graphs(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """The branches of an If, the body of a Loop, and the like."""
    for each in node.attribute:
        if each.HasField("g"):
            yield each.g
        yield from each.graphs


MAX_DEPTH = 64
"""Functions of a file that call each other, one in the other."""
Name = tuple[str, str, str]


def written_out(model: onnx.ModelProto) -> int:
    """How many nodes there are once each call of a function is what it stands for.

    A few lines may come to billions of nodes. `DocumentError` for functions that call themselves.
    """
    functions = {(f.domain, f.name, f.overload): f for f in model.functions}
    counts: dict[Name, int] = {}

    def count(node: onnx.NodeProto, depth: int) -> int:
        name = (node.domain, node.op_type, node.overload)
        if name not in functions:
            return 1
        if depth > MAX_DEPTH:
            raise DocumentError(
                f"The function '{node.op_type[:80]}' calls itself, or functions call each other "
                f"more than {MAX_DEPTH} deep."
            )
        if name not in counts:
            counts[name] = sum(count(each, depth + 1) for each in _nodes(functions[name]))
        return counts[name]

    return sum(count(node, 0) for node in all_nodes(model.graph))


def _nodes(function: onnx.FunctionProto) -> Iterator[onnx.NodeProto]:
    for node in function.node:
        yield node
        yield from chain.from_iterable(map(all_nodes, inner_graphs(node)))
