"""What can be wrong with a block, with a node that calls one, and with shared weights."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from netbuilder.compiler import parts
from netbuilder.errors import Fix, Problem
from netbuilder.graph import expressions, parameters
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.loops import NEXT
from netbuilder.graph.model import Node
from netbuilder.layers.base import Complaint, Layer, Ports, Role
from netbuilder.layers.blocks import Loop, Turns
from netbuilder.layers.catalogue import (
    called_graph,
    find,
    graph_ports,
    parameters_of,
    special_nodes,
)
from netbuilder.layers.checks import set_to


def check_block(block: Graph) -> Iterator[Problem]:
    """Declared parameters without a usable name."""
    declared = block.info.settings.get("parameters", ())
    seen: set[str] = set()
    for entry in declared if isinstance(declared, tuple) else ():
        name = entry.get("name") if isinstance(entry, Mapping) else None
        refusal = parameters.word_refusal(name, seen)
        # Functions that parts call themselves are not looked up where the parameter is.
        if not refusal and name in parts.all_names() and str(name)[:1].isupper():
            refusal = f"'{name}' is the name of a layer in code."
        if not refusal and not _is_plain(entry.get("default")):
            refusal = f"The default of '{name}' must be a number, a text, true, false or a list."
        if refusal:
            hint = "Change it in the block's settings."
            yield Problem("error", "block.parameter", refusal, hint, block.id)
        seen.add(str(name))


def check_rings(document: Document, graph: Graph) -> Iterator[Problem]:
    """A block or network that contains itself: the ring with its names, at the node that calls."""
    ring = _ring(document, graph)
    if not ring:
        return
    names = " → ".join([*(inner.name for inner, _ in ring), graph.name])
    hint = "Take one of them out of the other."
    message = f"The {graph.kind} '{graph.name}' contains itself: {names}."
    code = f"{graph.kind}.cycle"
    yield Problem("error", code, message, hint, graph.id, ring[0][1])


def _ring(document: Document, graph: Graph) -> list[tuple[Graph, str]]:
    """The shortest way from a graph back to itself: each graph on it, and its node that calls."""
    ways: dict[str, list[tuple[Graph, str]]] = {graph.id: []}
    waiting = deque([graph])
    while waiting:
        here = waiting.popleft()
        for node in special_nodes(here):
            called = called_graph(document, node)
            if called is None:
                continue
            way = [*ways[here.id], (here, node.id)]
            if called.id == graph.id:
                return way
            if called.id not in ways:
                ways[called.id] = way
                waiting.append(called)
    return []


def _is_plain(value: object) -> bool:
    """Whether code can hold the value as a literal."""
    if isinstance(value, tuple):
        return all(map(_is_plain, value))
    plain = value is None or isinstance(value, bool | int | float | str)
    return plain and not expressions.holds_expression(value)


def used_blocks(document: Document) -> set[str]:
    """The ids of the blocks that a network or a step contains, directly or inside others."""
    found: set[str] = set()
    waiting = [*document.of_kind("network"), *document.of_kind("step")]
    while waiting:
        for node in special_nodes(waiting.pop()):
            called = called_graph(document, node)
            if called is not None and called.kind == "block" and called.id not in found:
                found.add(called.id)
                waiting.append(called)
    return found


def check_call(document: Document, block: Graph | None, layer: Layer) -> Iterator[Complaint]:
    """What is wrong with a node that calls `block`."""
    if block is None:
        names = [other.name for other in document.of_kind("block")]
        yield Complaint(
            f"There is no block called '{getattr(layer, 'block', '')}'.",
            f"Blocks of this project: {', '.join(names) or 'none'}.",
            code="block.unknown",
            fixes=tuple(
                Fix(f"Use '{name}'", "set_parameter", {"name": "block", "value": name})
                for name in names[:3]
            ),
        )
        return
    declared = parameters_of(block)
    values: Mapping[str, Any] = getattr(layer, "values", {})
    for name, value in values.items():
        if not _is_plain(value):
            message = f"'{name}' must be a number, a text, true, false or a list."
            yield Complaint(message, "Change the value.", code="block.parameter")
        if name not in declared:
            rest = {key: value for key, value in values.items() if key != name}
            fix = Fix(f"Leave {name} out", "set_parameter", {"name": "values", "value": rest})
            yield Complaint(
                f"The block '{block.name}' has no parameter '{name}'.",
                f"Its parameters: {', '.join(declared) or 'none'}.",
                code="block.parameter",
                fixes=(fix,),
            )
    ports = graph_ports(block)
    if isinstance(layer, Loop):
        yield from _check_loop(block, layer, Turns.of(ports, layer.constants), ports)
    if getattr(layer, "repeat", 1) > 1 and len(ports.outputs) > len(ports.inputs):
        yield Complaint(
            f"'{block.name}' can't be repeated: it has more outputs than inputs, and what comes "
            "out goes into the next one.",
            "Set repeat to 1.",
            code="block.repeat",
            fixes=(Fix("Set repeat to 1", "unset_parameter", {"name": "repeat"}),),
        )


def check_in_step(document: Document, block: Graph) -> Iterator[Complaint]:
    """What keeps a block out of a training step, where weights are those of networks that it calls
    itself: what a block inside calls, nobody would teach."""
    found, waiting = {block.id}, [block]
    while waiting:
        inner = waiting.pop()
        for node in special_nodes(inner):
            called = called_graph(document, node)
            if called is not None and called.kind == "network":
                yield Complaint(
                    f"'{inner.name}' calls the network '{called.name}', and a training step calls "
                    "its networks itself.",
                    "Leave the call out of the block: wire its result in.",
                    code="block.step",
                )
            elif called is not None and called.id not in found:
                found.add(called.id)
                waiting.append(called)


def _check_loop(block: Graph, loop: Loop, turns: Turns, ports: Ports) -> Iterator[Complaint]:
    """Names that are none of the block's, and loops of which nobody knows how often."""
    names = [port.name for port in ports.inputs]
    for name in loop.constants:
        if name in names and name not in turns.states:
            continue
        rest = tuple(other for other in loop.constants if other != name)
        what = "is a state of" if name in names else "is no input of"
        yield Complaint(
            f"'{name}' in constants {what} the block '{block.name}'.",
            f"Its inputs: {', '.join(names) or 'none'}.",
            code="loop.constant",
            fixes=(set_to("constants", rest),),
        )
    for port in ports.outputs:
        stem = port.name.removesuffix(NEXT)
        if stem != port.name and stem not in names:
            yield Complaint(
                f"The block '{block.name}' has no input '{stem}' for what comes out as "
                f"'{port.name}'.",
                f"Add the input '{stem}', or call the output otherwise.",
                code="loop.state",
            )
    if turns.sequences and loop.steps is not None:
        yield Complaint(
            f"The loop takes as many steps as '{turns.sequences[0]}' has, not {loop.steps}.",
            "Leave steps empty, or name the inputs that are no sequences in constants.",
            code="loop.steps",
            severity="warning",
            fixes=(Fix("Leave steps empty", "unset_parameter", {"name": "steps"}),),
        )
    elif not turns.sequences and loop.steps is None:
        yield Complaint(
            "How many steps the loop takes can't be told: none of its inputs is a sequence.",
            "Set steps, or leave a sequence out of constants.",
            code="loop.steps",
            fixes=(set_to("steps", 10),),
        )


def check_sharing(graph: Graph, node: Node) -> Iterator[Complaint]:
    """Whether there is a node whose weights this one can use."""
    owner = graph.nodes.get(node.shares)
    if owner is None:
        message = f"The node whose weights '{node.name}' uses is not there, or is switched off."
    elif owner.id == node.id or owner.shares:
        message = (
            f"'{node.name}' can't use the weights of '{owner.name}', which uses others itself."
        )
    elif owner.layer != node.layer:
        kind = find(owner.layer)
        title = kind.title if kind is not None and kind.role is not Role.BLOCK else owner.layer
        message = f"'{node.name}' can't use the weights of '{owner.name}', which is a {title}."
    else:
        return
    fields = {"shares": ""}
    fix = Fix("Give it weights of its own", "set_node", {"fields": fields})
    yield Complaint(message, "Choose another node, or none.", code="shares.lost", fixes=(fix,))
