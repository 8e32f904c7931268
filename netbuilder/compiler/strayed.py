"""Which own layer gave something that is no tensor, found once what took it has failed.

The code calls layers plainly: nothing looks at each result. A list or None shows only where it
is used, so the statement that failed is followed back to the node that made the value.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Any

import torch

from netbuilder.compiler import own_code, own_probe
from netbuilder.compiler.emit import Place, Source
from netbuilder.graph.document import Document
from netbuilder.layers import own
from netbuilder.layers.base import Role
from netbuilder.layers.catalogue import called_graph, find
from netbuilder.layers.own import OwnLayer

DEEPEST = 32
"""Networks within networks through which a value is followed."""


def used(source: Source, line: int, variables: Mapping[str, Any]) -> Iterator[tuple[Place, Any]]:
    """What the statement at a line uses that is no tensor, with the nodes that made it."""
    tree = ast.parse(source.text)
    around = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and _holds(node, line)]
    if not around:
        return
    functions = [node for node in around if isinstance(node, ast.FunctionDef)]
    inner = max(around, key=lambda node: node.lineno)
    for name in ast.walk(inner):
        if not isinstance(name, ast.Name) or not isinstance(name.ctx, ast.Load):
            continue
        value = variables.get(name.id, torch)
        if name.id not in variables or isinstance(value, torch.Tensor | torch.nn.Module):
            continue
        made = _made(functions[-1] if functions else tree, name.id, inner.lineno)
        if made in source.lines:
            yield source.lines[made], value


def _holds(node: ast.stmt, line: int) -> bool:
    return node.lineno <= line <= (node.end_lineno or node.lineno)


def _made(within: ast.AST, name: str, before: int) -> int:
    """The line of the last assignment to a name before a line; 0 if it came from elsewhere."""
    lines = [
        node.lineno
        for node in ast.walk(within)
        if isinstance(node, ast.Assign) and node.lineno < before
        for part in ast.walk(ast.Tuple(node.targets, ast.Store()))
        if isinstance(part, ast.Name) and part.id == name
    ]
    return max(lines, default=0)


def maker(document: Document, place: Place, depth: int = 0) -> tuple[Place, str] | None:
    """The own layer behind what a node gives, and where it is written; None if it is another's.

    A node that calls a network or a block gives what reaches the Output in there.
    """
    graph = document.graph(place[0])
    node = graph.nodes.get(place[1])
    if node is None or depth > DEEPEST:
        return None
    with own.using(document.project):
        kind = find(node.layer)
        inside = called_graph(document, node)
    if kind is not None and issubclass(kind, OwnLayer):
        return place, own_code.place_of_forward(kind)
    if inside is None:
        return None
    ends = [end.id for end in inside.nodes.values() if _is_output(end.layer)]
    wires = [inside.wire_into(end, "input") for end in ends]
    found = [maker(document, (inside.id, wire.source), depth + 1) for wire in wires if wire]
    known = {each for each in found if each is not None}
    return known.pop() if len(known) == 1 else None


def _is_output(layer: str) -> bool:
    kind = find(layer)
    return kind is not None and kind.role is Role.OUTPUT


def words(name: str, value: Any, place: str) -> str:
    """What is told at the node called `name`."""
    where = f" ({place})" if place else ""
    return f"'{name}' failed: it gives {own_probe.described(value)}, not a tensor{where}"
