"""Making a block of some nodes: they move into it, and one node takes their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, edits, parameters, rules, topology
from netbuilder.graph.blocks import BLOCK_INPUT, ENDS, OUTPUT
from netbuilder.graph.changes import Added, Removed
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.layout import ALONG, NODE_SIZE, Size
from netbuilder.graph.model import Frame, Node, Wire, new_id
from netbuilder.graph.rules import End, PortsOf

STEP_ALONE = (
    "netbuilder.DataField",
    "netbuilder.Objective",
    "netbuilder.Preview",
    "netbuilder.NetworkCall",
    "netbuilder.GradientPenalty",
    "netbuilder.TextSampler",
    "netbuilder.DiffusionSampler",
    "netbuilder.KLToStandardNormal",
    "netbuilder.EnergyDistance",
)
"""Beside losses and metrics: what no block holds, and calls of the networks that a step teaches."""
Sizes = Mapping[str, Size]


@dataclass(slots=True)
class _Port:
    """A port that the block gets: `inner` is what it feeds or what feeds it."""

    name: str
    outer: End | None
    inner: list[End]


def may_group(graph: Graph, ids: Iterable[str]) -> str | None:
    """Why these items can't become a block, for a person; None if they can."""
    chosen = _insides(graph, ids)
    own = next((graph.nodes[id] for id in sorted(chosen) if _of_step(graph.nodes[id])), None)
    if graph.kind == "step" and own is not None:
        return f"'{own.name}' belongs to the training step itself: leave it out."
    if not chosen:
        return "Select the layers that shall become a block; inputs and outputs stay outside."
    fed = {w.target for id in chosen for w in graph.wires_out_of(id) if w.target not in chosen}
    feeding = {w.source for id in chosen for w in graph.wires_into(id) if w.source not in chosen}
    between = (topology.descendants(graph, fed) & topology.ancestors(graph, feeding)) - chosen
    if between:
        names = sorted(graph.nodes[id].name for id in between)
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return f"'{names[0]}'{more} lies between the selected nodes: select it too."
    for node in graph.nodes.values():
        if node.shares in graph.nodes and (node.id in chosen) != (node.shares in chosen):
            owner = graph.nodes[node.shares]
            return f"'{node.name}' uses the weights of '{owner.name}': select both or neither."
    return None


def group(
    history: History,
    graph: Graph,
    ids: Iterable[str],
    ports_of: PortsOf,
    name: str = "block",
    sizes: Sizes | None = None,
) -> Node:
    """Make a block of nodes (and the frames among `ids`); the node that stands for it now.

    Wires that cross become inputs and outputs, one for each output that comes in or goes
    out. So do inputs that wait for a wire and, if nothing goes out, the last outputs.
    Inputs and outputs of the graph stay. `sizes` are widths and heights by node id.
    """
    document, items = history.document, list(ids)
    reason = may_group(graph, items)
    if reason:
        raise ChangeError(reason)
    chosen = _insides(graph, items)
    frames = [graph.frames[id] for id in dict.fromkeys(items) if id in graph.frames]
    inputs, outputs = _ports(document, graph, chosen, ports_of)
    corner = _corner(graph, chosen, sizes or {})
    with history.step(f"Make a block of {len(chosen)} nodes"):
        block = edits.add_graph(history, "block", name)
        moved = _move(document, graph, block, chosen, frames, len(inputs))
        _make_ends(document, block, moved, inputs, outputs, sizes or {})
        _declare(history, graph, block)
        node = blocks.place(history, graph, block, x=corner[0], y=corner[1])
        node = _finish(document, graph, node, moved)
        for port in inputs:
            if port.outer is not None:
                _wire(document, graph, port.outer, End(node.id, port.name))
        for port in outputs:
            for wire in moved.out_of.get((port.inner[0].node, port.inner[0].port), ()):
                _wire(document, graph, End(node.id, port.name), End(wire.target, wire.target_port))
    return graph.nodes[node.id]


def _insides(graph: Graph, ids: Iterable[str]) -> set[str]:
    return {id for id in ids if id in graph.nodes and graph.nodes[id].layer not in ENDS}


def _of_step(node: Node) -> bool:
    """Whether it is what a step alone has, or a call of a network that it teaches."""
    layer = node.layer
    return layer in STEP_ALONE or layer.startswith("torchmetrics.") or layer.endswith("Loss")


# -- the ports of the block ------------------------------------------------------------


def _ports(
    document: Document, graph: Graph, chosen: set[str], ports_of: PortsOf
) -> tuple[list[_Port], list[_Port]]:
    """What comes in and what goes out, in the order of the nodes and their ports."""
    coming: dict[tuple[str, str], _Port] = {}
    going: dict[tuple[str, str], _Port] = {}
    last: list[_Port] = []
    ids = topology.sorted_nodes(graph, chosen)
    # Nodes on a cycle have no place in the order, but must not get lost.
    for id in (*ids, *sorted(chosen.difference(ids))):
        ports = ports_of(document, graph, graph.nodes[id])
        for port in ports.inputs:
            wire, end = graph.wire_into(id, port.name), End(id, port.name)
            if wire is None and not port.optional:
                coming[id, port.name] = _Port(port.name, None, [end])
            elif wire is not None and wire.source not in chosen:
                outer = End(wire.source, wire.source_port)
                key = (outer.node, outer.port)
                known = coming.setdefault(key, _Port(graph.nodes[outer.node].name, outer, []))
                known.inner.append(end)
        name, fed = graph.nodes[id].name, graph.wires_out_of(id)
        for wire in fed:
            if wire.target not in chosen:
                end = End(id, wire.source_port)
                going.setdefault((id, wire.source_port), _Port(name, None, [end]))
        if not fed and ports.outputs:
            last.append(_Port(name, None, [End(id, ports.outputs[0].name)]))
    return list(coming.values()), list(going.values()) or last


def _corner(graph: Graph, chosen: set[str], sizes: Sizes) -> tuple[float, float]:
    """Where the block's node stands: in the middle of what it replaces."""
    left, top, right, bottom = extent([graph.nodes[id] for id in chosen], sizes)
    width, height = NODE_SIZE
    return edits.snap((left + right - width) / 2), edits.snap((top + bottom - height) / 2)


def extent(nodes: Iterable[Node], sizes: Sizes) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of some nodes, at least one."""
    boxes = [(node.x, node.y, *sizes.get(node.id, NODE_SIZE)) for node in nodes]
    return (
        min(x for x, _, _, _ in boxes),
        min(y for _, y, _, _ in boxes),
        max(x + width for x, _, width, _ in boxes),
        max(y + height for _, y, _, height in boxes),
    )


# -- moving ----------------------------------------------------------------------------


@dataclass(slots=True)
class _Moved:
    nodes: list[Node]
    order: int
    out_of: dict[tuple[str, str], list[Wire]]
    """The wires that left the group, by the output where they began."""


def _move(
    document: Document,
    graph: Graph,
    block: Graph,
    chosen: set[str],
    frames: Sequence[Frame],
    first: int,
) -> _Moved:
    """Move nodes, the wires among them and frames; wires that cross are taken away."""
    nodes = [node for node in graph.ordered() if node.id in chosen]
    inside: list[Wire] = []
    out_of: dict[tuple[str, str], list[Wire]] = {}
    for wire in graph.wires_at(chosen):
        document.apply(Removed(graph.id, wire))
        if wire.source in chosen and wire.target in chosen:
            inside.append(wire)
        elif wire.source in chosen:
            out_of.setdefault((wire.source, wire.source_port), []).append(wire)
    for number, node in enumerate(nodes, first):
        document.apply(Removed(graph.id, node))
        document.apply(Added(block.id, replace(node, order=number)))
    for wire in inside:
        document.apply(Added(block.id, wire))
    for frame in frames:
        document.apply(Removed(graph.id, frame))
        document.apply(Added(block.id, frame))
    return _Moved(nodes, nodes[0].order, out_of)


def _make_ends(
    document: Document,
    block: Graph,
    moved: _Moved,
    inputs: Sequence[_Port],
    outputs: Sequence[_Port],
    sizes: Sizes,
) -> None:
    """Inputs before and outputs after the nodes, named for what a person knows them by."""
    taken = {node.name for node in moved.nodes}
    for ports, usual in ((inputs, "input"), (outputs, "output")):
        for port in ports:
            wanted = usual if len(ports) == 1 else rules.identifier(port.name)
            port.name = rules.unique_name(wanted, taken)
            taken.add(port.name)
    down = document.project.flow == "down"
    left, top, right, bottom = extent(moved.nodes, sizes)
    width, height = NODE_SIZE
    gap = ALONG[document.project.flow]
    before, after = (
        (top - gap - height, bottom + gap) if down else (left - gap - width, right + gap)
    )
    for layer, ports, along, order in (
        (BLOCK_INPUT, inputs, before, 0),
        (OUTPUT, outputs, after, len(inputs) + len(moved.nodes)),
    ):
        beside = [_beside(block, port.inner[0].node, down) for port in ports]
        for number, (port, across) in enumerate(zip(ports, _apart(beside, down), strict=True)):
            x, y = (across, along) if down else (along, across)
            node = Node(
                id=new_id("n"),
                layer=layer,
                name=port.name,
                x=edits.snap(x),
                y=edits.snap(y),
                order=order + number,
            )
            document.apply(Added(block.id, node))
            for end in port.inner:
                if layer == OUTPUT:
                    _wire(document, block, end, End(node.id, "input"))
                else:
                    _wire(document, block, End(node.id, "output"), end)


def _beside(block: Graph, node: str, down: bool) -> float:
    return block.nodes[node].x if down else block.nodes[node].y


def _apart(wanted: Sequence[float], down: bool) -> list[float]:
    """Places as near to the wanted ones as can be, in their order and not on each other."""
    step = NODE_SIZE[0 if down else 1] + 32.0
    found: list[float] = []
    for place in wanted:
        found.append(max(place, found[-1] + step) if found else place)
    return found


def _declare(history: History, graph: Graph, block: Graph) -> None:
    """A block made inside a block knows the parameters that its nodes speak of."""
    spoken = {name for node in block.nodes.values() for name in parameters.names_in(node.params)}
    for parameter in parameters.declared(graph):
        if parameter.name in spoken:
            parameters.declare(history, block, parameter.name, parameter.default, parameter.help)


def _finish(document: Document, graph: Graph, node: Node, moved: _Moved) -> Node:
    """The block's node at the place in the order that its first node had, with values."""
    block = blocks.block_of(document, node)
    params = dict(node.params)
    names = [parameter.name for parameter in parameters.declared(block)] if block else []
    if names:
        params["values"] = {name: f"={name}" for name in names}
    after = replace(node, order=moved.order, params=params)
    document.apply(Removed(graph.id, node))
    document.apply(Added(graph.id, after))
    return after


def _wire(document: Document, graph: Graph, source: End, target: End) -> None:
    wire = Wire(
        id=new_id("w"),
        source=source.node,
        source_port=source.port,
        target=target.node,
        target_port=target.port,
    )
    document.apply(Added(graph.id, wire))
