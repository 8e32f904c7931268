"""What a document's own code files keep from being known, and how that is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from netbuilder.errors import Fix, Problem
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node
from netbuilder.layers import own, trusted
from netbuilder.layers.base import Role
from netbuilder.layers.catalogue import called_graph, find
from netbuilder.layers.own import CodeFile, OwnLayer


@dataclass(frozen=True, slots=True)
class Unseen:
    """Files that nodes use and that may not be run, and the graphs that this leaves unknown."""

    files: tuple[CodeFile, ...] = ()
    graphs: frozenset[str] = frozenset()


def unseen(document: Document) -> Unseen:
    """What can't be told of a resolved document as long as its code is not trusted."""
    closed = {file.path: file for file in trusted.restricted(document.project)}
    if not closed:
        return Unseen()
    used: dict[str, None] = {}
    graphs: set[str] = set()
    for graph in document.graphs.values():
        for path in _paths(graph):
            if path in closed:
                used.setdefault(path)
                graphs.add(graph.id)
    _spread(document, graphs)
    return Unseen(tuple(closed[path] for path in used), frozenset(graphs))


def _paths(graph: Graph) -> Iterator[str]:
    for node in graph.ordered():
        kind = find(node.layer)
        if kind is not None and issubclass(kind, OwnLayer):
            yield kind.file


def _spread(document: Document, graphs: set[str]) -> None:
    """Adds the graphs that use those graphs, however deep."""
    users = {graph.id: set(_called(document, graph)) for graph in document.graphs.values()}
    before = -1
    while len(graphs) != before:
        before = len(graphs)
        graphs |= {id for id, called in users.items() if called & graphs}


def _called(document: Document, graph: Graph) -> Iterator[str]:
    for node in graph.nodes.values():
        kind = find(node.layer)
        if kind is not None and kind.role in (Role.CALL, Role.BLOCK):
            called = called_graph(document, node)
            if called is not None:
                yield called.id


def problems(document: Document, found: Unseen) -> Iterator[Problem]:
    """Each file that stands in the way, once, at the first node that needs it."""
    yield from own.problems(document.project)
    for file in found.files:
        graph, node = _first_use(document, file)
        state = trusted.current().states.get(file.path, "")
        missing = state in ("missing", "refused")
        sha256 = trusted.current().hashes.get(file.path) or file.sha256
        yield Problem(
            "error" if missing else "warning",
            f"code.{state or 'restricted'}",
            f"{file.path} {trusted.reason(file)}, so its layers are not run: shapes behind them "
            "are not known.",
            trusted.hint([file]),
            graph,
            node,
            fixes=() if missing else (Fix("Trust…", TRUST, {"file": file.path, "sha256": sha256}),),
        )


TRUST = "trust_code"
"""The operation of a fix that no edit of the document does: the window asks the person."""

_IMPORTED = ("onnx.", "aten.")
"""What begins the ids of operations without a layer, of ONNX files and of PyTorch's modules."""


def _first_use(document: Document, file: CodeFile) -> tuple[str, str]:
    ids = {kind.id for kind in file.layers.values()}
    for graph in document.graphs.values():
        for node in graph.ordered():
            if node.layer in ids:
                return graph.id, node.id
    return "", ""


def unknown(document: Document, node: Node) -> tuple[str, str]:
    """Why a node's layer is not known, and what to do."""
    if node.layer.startswith(_IMPORTED):
        return (
            f"'{node.name}' stands for '{node.layer}' of the model that was imported, for which "
            "there is no layer.",
            "Draw what it does in its place, or delete the node. Its settings are kept.",
        )
    if not node.layer.startswith(own.PREFIX):
        return (
            f"'{node.name}' is a '{node.layer}', which this netbuilder does not know.",
            "Install what provides it, or delete the node. Its settings are kept.",
        )
    module, _, name = node.layer.removeprefix(own.PREFIX).rpartition(".")
    path = f"{module.replace('.', '/')}.py"
    if path in document.project.code:
        return (
            f"'{node.name}' is a layer '{name}', which {path} does not offer any more.",
            f"Write the class into {path} and add the file again, or delete the node.",
        )
    return (
        f"'{node.name}' is a layer '{name}' of {path}, which is not part of this project.",
        f"Put {path} beside the project and add it: Add layers from a Python file…",
    )
