"""What a problem's fix does when it is clicked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from netbuilder.errors import ChangeError, Fix
from netbuilder.graph import edits, rules, topology
from netbuilder.graph.changes import Changed
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.graph.layout import NODE_SIZE
from netbuilder.graph.model import Json, Node, Wire, freeze
from netbuilder.graph.rules import End, PortsOf

ROW, COLUMN = 96.0, 256.0
"""How far apart nodes are put that follow each other downwards or to the right."""


def apply_fix(history: History, fix: Fix, ports_of: PortsOf) -> None:
    """Do what a problem's fix says, as one step. Arguments were filled in by the compiler.

    Operations: `set_parameter` (name, value), `unset_parameter` (name), `set_parameters` (nodes:
    names and values by id; or `values` for the node), `insert_before` (port, layer, params),
    `insert_chain` (port, chain of layer and params), `add_end` (layer, params; wired to `source`
    and `source_port` or to `target` and `target_port`, if given), `remove_items` (items),
    `take_out` (what comes in goes on), `replace_layer` (layer, params), `connect` (source,
    source_port, target, target_port), `join` (port, layer, source, source_port: both go through
    a new node), `rename` (name), `set_node` (fields), `set_graph` (fields), `set_project`
    (fields), `set_training` (values among the training settings); all but the last two with
    `graph`, and with `node` where one is meant. `several` does others one after the other
    (fixes: a list of operation and arguments).
    """
    values = dict(fix.arguments)
    try:
        with history.step(fix.title):
            if fix.operation == "set_project":
                edits.set_project(history, fix.title, **values["fields"])
                return
            if fix.operation == "set_training":
                training = {**history.document.project.training, **values["values"]}
                edits.set_project(history, fix.title, training=training)
                return
            if fix.operation == "several":
                for part in values["fixes"]:
                    only = Fix(fix.title, part["operation"], part["arguments"])
                    apply_fix(history, only, ports_of)
                return
            graph = history.document.graph(values["graph"])
            _OPERATIONS[fix.operation](history, graph, values, ports_of)
    except KeyError as error:
        if fix.operation not in (*_OPERATIONS, "set_project", "set_training", "several"):
            raise ChangeError(f"There is no fix called {fix.operation!r}.") from error
        raise ChangeError("The graph has changed; this fix no longer fits.") from error


Values = Mapping[str, Json]
Operation = Callable[[History, Graph, Values, PortsOf], object]


def _set_parameter(history: History, graph: Graph, values: Values, ports_of: PortsOf) -> None:
    named = {values["name"]: values["value"]}
    edits.set_parameters(history, graph, [values["node"]], named)


def _unset_parameter(history: History, graph: Graph, values: Values, ports_of: PortsOf) -> None:
    if values["name"] in graph.nodes[values["node"]].params:
        edits.set_parameters(history, graph, [values["node"]], {values["name"]: None})


def _set_parameters(history: History, graph: Graph, values: Values, ports_of: PortsOf) -> None:
    nodes = values["nodes"] if "nodes" in values else {values["node"]: values["values"]}
    for node, named in nodes.items():
        edits.set_parameters(history, graph, [node], named)


def _insert_before(history: History, graph: Graph, values: Values, ports_of: PortsOf) -> None:
    only = {"layer": values["layer"], "params": values.get("params")}
    _insert_chain(history, graph, {**values, "chain": [only]}, ports_of)


def _insert_chain(history: History, graph: Graph, values: Values, ports_of: PortsOf) -> None:
    for entry in values["chain"]:
        wire = graph.wire_into(values["node"], values["port"])
        if wire is None:
            raise ChangeError("The wire is not there any more.")
        node = edits.insert_layer(
            history, graph, wire.id, entry["layer"], entry.get("params"), ports_of
        )
        _place_between(history, graph, node.id, wire)


def _connect(history: History, graph: Graph, values: Values, ports_of: PortsOf) -> None:
    source = End(values["source"], values["source_port"])
    target = End(values["target"], values["target_port"])
    edits.connect(history, graph, source, target, ports_of)


def _take_out(history: History, graph: Graph, values: Values, ports_of: PortsOf) -> None:
    edits.delete(history, graph, [graph.nodes[values["node"]].id], reconnect=True)


def _replace_layer(history: History, graph: Graph, values: Values, ports_of: PortsOf) -> None:
    """Another layer in the same place, with wires at ports of the same rank or name."""
    document = history.document
    before = graph.nodes[values["node"]]
    old = ports_of(document, graph, before)
    name = before.name
    if name.startswith(rules.default_name(before.layer)):
        taken = {node.name for node in graph.nodes.values()} - {name}
        name = rules.unique_name(rules.default_name(values["layer"]), taken)
    params = freeze(values.get("params", {}))
    edits.set_node(
        history, graph, before.id, layer=values["layer"], params=params, name=name, shares=""
    )
    new = ports_of(document, graph, graph.nodes[before.id])
    for wire in graph.wires_at([before.id]):
        after = wire
        if wire.target == before.id:
            after = replace(after, target_port=_same_port(wire.target_port, old.inputs, new.inputs))
        if wire.source == before.id:
            port = _same_port(wire.source_port, old.outputs, new.outputs)
            after = replace(after, source_port=port)
        if after != wire:
            document.apply(Changed(graph.id, wire, after))


def _same_port(name: str, old: Sequence[rules.PortLike], new: Sequence[rules.PortLike]) -> str:
    """The port of that name, or that in its place; the name itself if there is none."""
    names, there = [port.name for port in old], [port.name for port in new]
    if name in there or name not in names or names.index(name) >= len(there):
        return name
    return there[names.index(name)]


def _join(history: History, graph: Graph, values: Values, ports_of: PortsOf) -> None:
    """A node that makes one of what feeds a port and of another output."""
    _insert_chain(history, graph, {**values, "chain": [{"layer": values["layer"]}]}, ports_of)
    wire = graph.wire_into(values["node"], values["port"])
    assert wire is not None
    other = ports_of(history.document, graph, graph.nodes[wire.source]).inputs[1].name
    source = End(values["source"], values["source_port"])
    edits.connect(history, graph, source, End(wire.source, other), ports_of)


# -- places ----------------------------------------------------------------------------------


def _place_between(history: History, graph: Graph, new: str, wire: Wire) -> None:
    """Put a new node between the ends of a wire: beside others, with room before the target."""
    down = history.document.project.flow == "down"
    source, target = graph.nodes[wire.source], graph.nodes[wire.target]
    step = ROW if down else COLUMN
    start, end = (source.y, target.y) if down else (source.x, target.x)
    missing = start + 2 * step - end
    if missing > 0:
        behind = topology.descendants(graph, [target.id])
        nodes = [graph.nodes[id] for id in behind if _along(graph.nodes[id], down) >= end]
        by = edits.snap(missing)
        moved = {n.id: (n.x, n.y + by) if down else (n.x + by, n.y) for n in nodes}
        edits.move(history, graph, moved)
        end += by
    along = edits.snap(max(start + step, min((start + end) / 2, end - step)))
    column = COLUMN if down else ROW
    at = target.x if down else target.y
    ways = (at, at + column, at - column, at + 2 * column, at - 2 * column)
    places = [(way, along) if down else (along, way) for way in ways]
    free = (place for place in places if not _covers(graph, new, place))
    edits.move(history, graph, {new: next(free, places[1])})


def _along(node: Node, down: bool) -> float:
    return node.y if down else node.x


def _covers(graph: Graph, new: str, place: tuple[float, float]) -> bool:
    """Whether a node of usual size would lie on another there."""
    width, height = NODE_SIZE
    return any(
        abs(node.x - place[0]) < width and abs(node.y - place[1]) < height
        for node in graph.nodes.values()
        if node.id != new
    )


def _add_end(history: History, graph: Graph, values: Mapping[str, Json], ports_of: PortsOf) -> None:
    """A new node before all others (if it feeds `target`, or nothing) or after them."""
    last = "source" in values or values.get("last", False)
    near = graph.nodes.get(values.get("source", values.get("target", "")))
    down = history.document.project.flow == "down"
    along = [node.y if down else node.x for node in graph.nodes.values()] or [0.0]
    step = ROW if down else COLUMN
    ahead = max(along) + step if last else min(along) - step
    if not graph.nodes:
        ahead = 0.0
    across = 0.0 if near is None else (near.x if down else near.y)
    x, y = (across, ahead) if down else (ahead, across)
    node = edits.add_node(history, graph, values["layer"], params=values.get("params"), x=x, y=y)
    ports = ports_of(history.document, graph, node)
    if "source" in values:
        start, end = End(values["source"], values["source_port"]), ports.inputs[0].name
        edits.connect(history, graph, start, End(node.id, end), ports_of)
    elif "target" in values:
        end_of = End(values["target"], values["target_port"])
        edits.connect(history, graph, End(node.id, ports.outputs[0].name), end_of, ports_of)


_OPERATIONS: Mapping[str, Operation] = {
    "set_parameter": _set_parameter,
    "unset_parameter": _unset_parameter,
    "set_parameters": _set_parameters,
    "insert_before": _insert_before,
    "insert_chain": _insert_chain,
    "add_end": _add_end,
    "remove_items": lambda h, graph, values, _: edits.delete(h, graph, values["items"]),
    "take_out": _take_out,
    "replace_layer": _replace_layer,
    "connect": _connect,
    "join": _join,
    "rename": lambda h, graph, values, _: edits.rename(h, graph, values["node"], values["name"]),
    "set_node": lambda h, graph, values, _: edits.set_node(
        h, graph, values["node"], **values["fields"]
    ),
    "set_graph": lambda h, graph, values, _: edits.set_graph(h, graph, **values["fields"]),
}
"""What each operation does, inside the step of its fix."""
