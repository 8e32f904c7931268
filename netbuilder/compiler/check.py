"""Structure: what can be said about a document without torch.

Every function yields all the problems it finds, each at its node, so that a person
sees everything that is wrong at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from netbuilder.compiler import own_files
from netbuilder.compiler.blocks import (
    check_call,
    check_in_step,
    check_sharing,
)
from netbuilder.compiler.check_ends import check_ends
from netbuilder.compiler.inplace import overwritten
from netbuilder.compiler.loose import loose_outputs
from netbuilder.compiler.resolve import resolve
from netbuilder.compiler.roles import node_names, sinks
from netbuilder.compiler.strides import torn
from netbuilder.compiler.wired import is_wired, wiring
from netbuilder.errors import Fix, Problem
from netbuilder.graph import topology
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Json, Node, Unreadable
from netbuilder.graph.rules import End
from netbuilder.layers.base import Complaint, Layer, Role
from netbuilder.layers.catalogue import (
    called_graph,
    find,
    owner_of,
    parameters_of,
    ports_of,
    read,
)


def check(document: Document) -> list[Problem]:
    """All structural problems of a document."""
    problems: list[Problem] = []
    resolved = resolve(document).document
    for graph in document.graphs.values():
        problems += _cycles(graph)
        problems += check_graph(resolved, resolved.graph(graph.id))
    lost = document.project.extra.get("graphs", ())
    if lost:
        problems.append(
            Problem(
                "warning",
                "file.unreadable",
                f"{len(lost)} of the file's graphs can't be read.",
                "They are kept as they are in the file and left out here.",
            )
        )
    if not document.of_kind("network"):
        problems.append(
            Problem(
                "error",
                "network.missing",
                "The project has no network.",
                "Add one: New network, or start from a template.",
            )
        )
    return problems


def check_graph(document: Document, graph: Graph) -> list[Problem]:
    """The structural problems of one graph of a resolved document, in the order of its nodes."""
    found = [
        *_unreadable(graph),
        *check_ends(document, graph),
        *_names(graph),
        *(to_problem(complaint, graph, node) for node, complaint in overwritten(graph)),
        *(to_problem(complaint, graph, node) for node, complaint in torn(graph)),
    ]
    ends = sinks(graph)
    used = topology.ancestors(graph, ends)
    ports = {id: ports_of(document, graph, node) for id, node in graph.nodes.items()}
    outputs = {(id, port.name) for id, known in ports.items() for port in known.outputs}
    loose: list[End] | None = None
    values = parameters_of(graph)
    for node in graph.ordered():
        # Most nodes are sound: an analysis after an edit has no time for more questions.
        if not _is_plain(graph, node, values):
            found += _node(document, graph, node)
        if node.id not in used or not is_wired(graph, node, ports[node.id], outputs):
            loose = loose_outputs(graph, ports) if loose is None else loose
            found += wiring(graph, node, ports, loose, node.id in used)
    # Where nothing is computed for anything, that alone is told, and not of each node again.
    return found if ends else [p for p in found if p.code != "node.unused"]


def _is_plain(graph: Graph, node: Node, values: Mapping[str, Json]) -> bool:
    """Whether a node is a layer of its own that may stand here, with parameters it can take."""
    layer = None if node.shares else read(node, values)
    if not isinstance(layer, Layer) or graph.kind not in layer.where:
        return False
    return layer.role is not Role.CALL and layer.role is not Role.BLOCK


def to_problem(complaint: Complaint, graph: Graph, node: Node) -> Problem:
    """A layer's complaint as a problem at its node; its fixes learn where they belong."""
    here = {"graph": graph.id, "node": node.id}
    fixes = tuple(_placed(fix, here) for fix in complaint.fixes if _applies(fix, graph, node))
    return Problem(
        complaint.severity,
        complaint.code,
        complaint.message,
        complaint.hint,
        graph.id,
        node.id,
        complaint.port,
        fixes,
    )


def _placed(fix: Fix, here: Mapping[str, str]) -> Fix:
    """The fix with its place filled in, and in each of its parts if it is several."""
    if fix.operation != "several":
        return replace(fix, arguments={**here, **fix.arguments})
    parts = [
        {**part, "arguments": {**here, **part["arguments"]}} for part in fix.arguments["fixes"]
    ]
    return replace(fix, arguments={**here, "fixes": parts})


def _applies(fix: Fix, graph: Graph, node: Node) -> bool:
    parts = (fix.arguments, *fix.arguments.get("chain", ()))
    if any("layer" in part and find(part["layer"]) is None for part in parts):
        return False
    if fix.operation == "unset_parameter":
        return fix.arguments["name"] in node.params
    if fix.operation == "insert_before":
        return graph.wire_into(node.id, fix.arguments["port"]) is not None
    return True


# -- the parts ---------------------------------------------------------------------------


def _unreadable(graph: Graph) -> Iterator[Problem]:
    for entry in graph.unreadable.values():
        yield Problem(
            "warning" if entry.section == "frames" else "error",
            "file.unreadable",
            f"Entry {entry.index + 1} of '{entry.section}' in {graph.name} can't be read: "
            f"{entry.reason}.",
            "It is kept as it is in the file. Remove it to go on without it.",
            graph.id,
            fixes=(_remove_entry(graph, entry),),
        )


def _remove_entry(graph: Graph, entry: Unreadable) -> Fix:
    return Fix("Remove the entry", "remove_items", {"graph": graph.id, "items": [entry.id]})


def _cycles(graph: Graph) -> Iterator[Problem]:
    for loop in topology.cycles(graph):
        names = [graph.nodes[id].name for id in loop]
        last = next(
            wire
            for wire in graph.wires_into(loop[0])
            if wire.source in (loop[-1], *loop) and wire.target == loop[0]
        )
        yield Problem(
            "error",
            "graph.cycle",
            f"These nodes feed each other in a circle: {' → '.join([*names, names[0]])}.",
            "Remove one wire of the circle.",
            graph.id,
            loop[0],
            last.target_port,
            (
                Fix(
                    f"Remove the wire into {names[0]}",
                    "remove_items",
                    {"graph": graph.id, "items": [last.id]},
                ),
            ),
        )


def _names(graph: Graph) -> Iterator[Problem]:
    legal = node_names(graph)
    for node in graph.ordered():
        if legal[node.id] != node.name:
            shown = node.name if len(node.name) <= 40 else node.name[:37] + "..."
            yield Problem(
                "warning",
                "name.changed",
                f"The name {shown!r} can't be used in code; '{legal[node.id]}' stands there.",
                "Give the node a name of its own of letters, digits and underscores.",
                graph.id,
                node.id,
                fixes=(
                    Fix(
                        f"Rename to {legal[node.id]}",
                        "rename",
                        {"graph": graph.id, "node": node.id, "name": legal[node.id]},
                    ),
                ),
            )


def _node(document: Document, graph: Graph, node: Node) -> Iterator[Problem]:
    kind = find(node.layer)
    if kind is None:
        yield Problem(
            "error", "layer.unknown", *own_files.unknown(document, node), graph.id, node.id
        )
        return
    if graph.kind not in kind.where:
        places = " or ".join(sorted(kind.where))
        yield Problem(
            "error",
            "layer.place",
            f"{kind.title} belongs in a {places}, not in a {graph.kind}.",
            "Delete the node, or move it to the other graph.",
            graph.id,
            node.id,
            fixes=(Fix("Delete it", "remove_items", {"graph": graph.id, "items": [node.id]}),),
        )
    if node.shares:
        for complaint in check_sharing(graph, node):
            yield to_problem(complaint, graph, node)
    layer = read(owner_of(graph, node), parameters_of(graph))
    if isinstance(layer, tuple):
        for complaint in layer:
            yield to_problem(complaint, graph, node)
    elif isinstance(layer, Layer) and layer.role is Role.CALL:
        yield from _call(document, graph, node, layer)
    elif isinstance(layer, Layer) and layer.role is Role.BLOCK:
        called = called_graph(document, node)
        for complaint in check_call(document, called, layer):
            yield to_problem(complaint, graph, node)
        if graph.kind == "step" and called is not None:
            for complaint in check_in_step(document, called):
                yield to_problem(complaint, graph, node)


def _call(document: Document, graph: Graph, node: Node, layer: Layer) -> Iterator[Problem]:
    name = getattr(layer, "network", "")
    if document.network(name) is None:
        names = [network.name for network in document.of_kind("network")]
        yield Problem(
            "error",
            "network.unknown",
            f"There is no network called '{name}'.",
            f"Networks of this project: {', '.join(names) or 'none'}.",
            graph.id,
            node.id,
            fixes=tuple(
                Fix(
                    f"Use '{other}'",
                    "set_parameter",
                    {"graph": graph.id, "node": node.id, "name": "network", "value": other},
                )
                for other in names[:3]
            ),
        )
