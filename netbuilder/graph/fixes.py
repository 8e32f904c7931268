"""What a problem's fix does when it is clicked."""

from __future__ import annotations

from collections.abc import Mapping

from netbuilder.errors import ChangeError, Fix
from netbuilder.graph import edits
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Json
from netbuilder.graph.rules import End, PortsOf

ROW, COLUMN = 96.0, 256.0
"""How far apart nodes are put that follow each other downwards or to the right."""


def apply_fix(history: History, fix: Fix, ports_of: PortsOf) -> None:
    """Do what a problem's fix says, as one step. Arguments were filled in by the compiler.

    Operations: `set_parameter` (name, value), `unset_parameter` (name), `insert_before`
    (port, layer, params), `add_end` (layer, params; wired to `source` and `source_port` or to
    `target` and `target_port`, if given), `remove_items` (items), `connect` (source,
    source_port, target, target_port), `rename` (name), `set_node` (fields), `set_graph` (fields), `set_project`
    (fields); all but the last with `graph`, and with `node` where one is meant.
    """
    document: Document = history.document
    values = dict(fix.arguments)
    try:
        with history.step(fix.title):
            if fix.operation == "set_project":
                edits.set_project(history, fix.title, **values["fields"])
                return
            graph = document.graph(values["graph"])
            match fix.operation:
                case "set_parameter":
                    named = {values["name"]: values["value"]}
                    edits.set_parameters(history, graph, [values["node"]], named)
                case "unset_parameter":
                    if values["name"] in graph.nodes[values["node"]].params:
                        edits.set_parameters(
                            history, graph, [values["node"]], {values["name"]: None}
                        )
                case "insert_before":
                    wire = graph.wire_into(values["node"], values["port"])
                    if wire is None:
                        raise ChangeError("The wire is not there any more.")
                    params = values.get("params")
                    edits.insert_layer(history, graph, wire.id, values["layer"], params, ports_of)
                case "add_end":
                    _add_end(history, graph, values, ports_of)
                case "remove_items":
                    edits.delete(history, graph, values["items"])
                case "connect":
                    source = End(values["source"], values["source_port"])
                    target = End(values["target"], values["target_port"])
                    edits.connect(history, graph, source, target, ports_of)
                case "rename":
                    edits.rename(history, graph, values["node"], values["name"])
                case "set_node":
                    edits.set_node(history, graph, values["node"], **values["fields"])
                case "set_graph":
                    edits.set_graph(history, graph, fix.title, **values["fields"])
                case other:
                    raise ChangeError(f"There is no fix called {other!r}.")
    except KeyError as error:
        raise ChangeError("The graph has changed; this fix no longer fits.") from error


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
