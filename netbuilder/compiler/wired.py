"""What is said of a node's wires: to ports that are not there, or missing, or leading nowhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from netbuilder.compiler.loose import connect_fixes, delete_fix, indices_fixes
from netbuilder.errors import Fix, Problem
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.graph.rules import End
from netbuilder.layers.base import Ports


def is_wired(graph: Graph, node: Node, ports: Ports, outputs: Collection[tuple[str, str]]) -> bool:
    """Whether all inputs that need a wire have one, and all wires come from `outputs` to inputs."""
    wires = 0
    for port in ports.inputs:
        wire = graph.wire_into(node.id, port.name)
        if wire is None:
            if not port.optional:
                return False
        elif (wire.source, wire.source_port) not in outputs:
            return False
        else:
            wires += 1
    return wires == len(graph.wires_into(node.id))


def wiring(
    graph: Graph, node: Node, ports: Mapping[str, Ports], loose: Sequence[End], used: bool
) -> Iterator[Problem]:
    """The problems at one node; `loose` are the graph's outputs from which no wire goes.

    `used` is whether what the node computes reaches an output.
    """
    inputs = ports[node.id].inputs
    known = {port.name for port in inputs}
    for wire in graph.wires_into(node.id):
        source = graph.nodes[wire.source]
        outputs = {port.name for port in ports[source.id].outputs}
        if wire.target_port not in known:
            place, lacking = f"'{node.name}' has no input", wire.target_port
        elif wire.source_port not in outputs:
            place, lacking = f"'{source.name}' has no output", wire.source_port
        else:
            continue
        yield Problem(
            "error",
            "wire.port",
            f"A wire goes to a port that is not there: {place} '{lacking}'.",
            "Remove the wire and connect a port that is there.",
            graph.id,
            node.id,
            wire.target_port,
            (Fix("Remove the wire", "remove_items", {"graph": graph.id, "items": [wire.id]}),),
        )
    missing = [
        port.name
        for port in inputs
        if not port.optional and graph.wire_into(node.id, port.name) is None
    ]
    for name in missing:
        yield Problem(
            "error" if used else "warning",
            "port.unwired",
            f"The input '{name}' of '{node.name}' is not connected.",
            "Drag a wire from an output to it.",
            graph.id,
            node.id,
            name,
            (*indices_fixes(graph, node, name), *connect_fixes(graph, node, name, loose)),
        )
    if not used and not missing:
        yield Problem(
            "warning",
            "node.unused",
            f"Nothing that '{node.name}' computes reaches an output.",
            "Connect it onwards, or delete it. It is left out until then.",
            graph.id,
            node.id,
            fixes=(delete_fix(graph, node),),
        )
