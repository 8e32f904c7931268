"""Fixes for what is not connected: where few outputs go nowhere, one of them is likely meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from netbuilder.errors import Fix
from netbuilder.graph import topology
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.graph.rules import End
from netbuilder.layers.base import Ports, Role
from netbuilder.layers.catalogue import find

MAX_OFFERED = 2
"""With more outputs that go nowhere nobody can tell which is meant."""


def loose_outputs(graph: Graph, ports: Mapping[str, Ports]) -> list[End]:
    """The outputs from which no wire goes; only first ones of nodes from which none goes at all."""
    return [
        End(node.id, ports[node.id].outputs[0].name)
        for node in graph.ordered()
        if ports[node.id].outputs and not graph.wires_out_of(node.id)
    ]


def connect_fixes(graph: Graph, node: Node, port: str, loose: Sequence[End]) -> tuple[Fix, ...]:
    """Wires from the few loose outputs that may feed this port; none makes a circle."""
    if len(loose) > MAX_OFFERED + 1:
        return ()
    fed = topology.descendants(graph, [node.id])
    ends = [end for end in loose if end.node not in fed]
    if len(ends) > MAX_OFFERED:
        return ()
    return tuple(
        Fix(
            f"Connect '{graph.nodes[end.node].name}'",
            "connect",
            {
                "graph": graph.id,
                "source": end.node,
                "source_port": end.port,
                "target": node.id,
                "target_port": port,
            },
        )
        for end in ends
    )


def objective_fixes(graph: Graph) -> tuple[Fix, ...]:
    """A Loss node behind the one loss whose number goes nowhere."""
    losses = [
        node
        for node in graph.ordered()
        if (kind := find(node.layer)) is not None
        and kind.role is Role.LOSS
        and not graph.wires_out_of(node.id)
    ]
    if len(losses) != 1:
        return ()
    source = {"source": losses[0].id, "source_port": "output"}
    arguments = {"graph": graph.id, "layer": "netbuilder.Objective", "params": {}, **source}
    return (Fix("Add a Loss node", "add_end", arguments),)


def delete_fix(graph: Graph, node: Node) -> Fix:
    """Takes away a node that leads nowhere."""
    return Fix("Delete it", "remove_items", {"graph": graph.id, "items": [node.id]})


def indices_fixes(graph: Graph, node: Node, port: str) -> Iterator[Fix]:
    """For an unpooling without indices: those of the nearest max pooling before it."""
    if port != "indices" or not node.layer.startswith("torch.nn.MaxUnpool"):
        return
    wanted = node.layer.replace("MaxUnpool", "MaxPool")
    before = topology.ancestors(graph, [node.id])
    pools = [other for other in graph.ordered() if other.id in before and other.layer == wanted]
    used = {wire.source for wire in graph.wires.values() if wire.source_port == "indices"}
    free = [pool for pool in pools if pool.id not in used]
    if not free:
        return
    pool = free[-1]
    on = {"graph": graph.id, "node": pool.id, "name": "return_indices", "value": True}
    wire = {
        "graph": graph.id,
        "source": pool.id,
        "source_port": "indices",
        "target": node.id,
        "target_port": port,
    }
    parts = [
        {"operation": "set_parameter", "arguments": on},
        {"operation": "connect", "arguments": wire},
    ]
    yield Fix(f"Connect the indices of '{pool.name}'", "several", {"fixes": parts})


def sum_fixes(graph: Graph, objectives: Sequence[Node]) -> tuple[Fix, ...]:
    """Of two Loss nodes one that has the sum."""
    wires = [graph.wire_into(node.id, "loss") for node in objectives]
    if len(wires) != 2 or wires[0] is None or wires[1] is None:
        return ()
    first, second = objectives
    other = {"source": wires[1].source, "source_port": wires[1].source_port}
    into = {"graph": graph.id, "node": first.id, "port": "loss", "layer": "torch.add"}
    parts = [
        {"operation": "remove_items", "arguments": {"graph": graph.id, "items": [second.id]}},
        {"operation": "join", "arguments": {**into, **other}},
    ]
    return (Fix("Add both losses", "several", {"fixes": parts}),)
