"""What a graph needs as a whole: outputs and inputs, one loss, networks to update."""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.compiler.blocks import check_block, check_rings
from netbuilder.compiler.loose import objective_fixes, sum_fixes
from netbuilder.compiler.networks import reached
from netbuilder.compiler.roles import role_of
from netbuilder.errors import Fix, Problem
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Json
from netbuilder.layers.base import Role
from netbuilder.layers.catalogue import layers, ports_of, special_nodes


def check_ends(document: Document, graph: Graph) -> Iterator[Problem]:
    """Networks and blocks need outputs, a step one loss and networks to update."""
    roles = [role_of(node) for node in special_nodes(graph)]
    if graph.kind == "block":
        yield from check_block(graph)
    if graph.kind != "step":
        yield from check_rings(document, graph)
        if Role.OUTPUT not in roles:
            yield Problem(
                "error",
                "output.missing",
                f"The {graph.kind} '{graph.name}' has no output.",
                f"Add an Output and connect what the {graph.kind} computes.",
                graph.id,
                fixes=(_end_fix(document, graph, "netbuilder.Output"),),
            )
        if graph.kind == "network" and Role.INPUT not in roles:
            yield Problem(
                "error",
                "input.missing",
                f"The network '{graph.name}' has no input.",
                "Add an Input with the shape of one sample.",
                graph.id,
                fixes=(_end_fix(document, graph, "netbuilder.Input"),),
            )
    elif graph.kind == "step":
        objectives = [n for n in special_nodes(graph) if role_of(n) is Role.OBJECTIVE]
        if len(objectives) != 1:
            told = "no loss" if not objectives else f"{len(objectives)} losses"
            yield Problem(
                "error",
                "loss.missing" if not objectives else "loss.several",
                f"The training step '{graph.name}' has {told}.",
                "A step has exactly one Loss node: connect the number to make small to it.",
                graph.id,
                objectives[1].id if objectives else "",
                fixes=sum_fixes(graph, objectives) if objectives else objective_fixes(graph),
            )
        yield from _updates(document, graph)


def _end_fix(document: Document, graph: Graph, layer: str) -> Fix:
    """Adds an Input or Output, wired where there is no doubt."""
    kind = layers()[layer]
    arguments: dict[str, Json] = {"graph": graph.id, "layer": layer, "params": dict(kind.starting)}
    loose = []
    for node in graph.ordered():
        ports = ports_of(document, graph, node)
        if kind.role is Role.INPUT:
            open_ports = [
                port.name
                for port in ports.inputs
                if not port.optional and graph.wire_into(node.id, port.name) is None
            ]
            loose += [{"target": node.id, "target_port": name} for name in open_ports]
        elif ports.outputs and not graph.wires_out_of(node.id):
            loose.append({"source": node.id, "source_port": ports.outputs[0].name})
    if kind.role is Role.OUTPUT:
        arguments["last"] = True
    if len(loose) == 1:
        arguments |= loose[0]
    return Fix(f"Add an {kind.title}", "add_end", arguments)


def _updates(document: Document, graph: Graph) -> Iterator[Problem]:
    updates = graph.info.settings.get("updates", ())
    names = [network.name for network in document.of_kind("network")]
    called = reached(document, graph)
    if not updates:
        yield Problem(
            "error",
            "step.updates",
            f"The training step '{graph.name}' updates no network.",
            "Choose in the step's settings which network it trains.",
            graph.id,
            fixes=tuple(_update_fix(graph, name) for name in names if name in called),
        )
    for name in updates if isinstance(updates, tuple) else ():
        if name not in names:
            message = f"The training step '{graph.name}' updates '{name}', which is no network."
        elif name not in called:
            message = f"The training step '{graph.name}' updates '{name}' but never calls it."
        else:
            continue
        yield Problem(
            "error",
            "step.updates",
            message,
            "Change what the step updates, or add a Network node that calls it.",
            graph.id,
            fixes=tuple(_update_fix(graph, other) for other in names if other in called),
        )


def _update_fix(graph: Graph, name: str) -> Fix:
    settings = {**graph.info.settings, "updates": [name]}
    return Fix(
        f"Train '{name}'", "set_graph", {"graph": graph.id, "fields": {"settings": settings}}
    )
