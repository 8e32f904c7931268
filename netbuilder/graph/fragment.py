"""Part of a graph as JSON: what the clipboard holds, and what paste makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from netbuilder.errors import ChangeError
from netbuilder.graph import rules
from netbuilder.graph.changes import Added
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Node, Wire, freeze, new_id

KIND = "netbuilder/fragment"
VERSION = 1
MAX_NOTE = 65_536


def cut_out(graph: Graph, nodes: Iterable[str]) -> dict[str, Any]:
    """The nodes, the wires among them and those that come in from outside."""
    ids = {id for id in nodes if id in graph.nodes}
    chosen = [node for node in graph.ordered() if node.id in ids]
    return {
        "kind": KIND,
        "version": VERSION,
        "nodes": [
            {
                "id": node.id,
                "layer": node.layer,
                "name": node.name,
                "params": dict(node.params),
                "at": [node.x, node.y],
                "note": node.note,
            }
            for node in chosen
        ],
        "wires": [
            [wire.source, wire.source_port, wire.target, wire.target_port]
            for wire in graph.wires.values()
            if wire.target in ids
        ],
    }


def paste(
    history: History,
    graph: Graph,
    fragment: Mapping[str, Any],
    *,
    offset: tuple[float, float] = (32.0, 32.0),
    keep_inputs: bool = False,
    title: str = "Paste",
) -> list[Node]:
    """Add a fragment's nodes with fresh ids and free names; `ChangeError` if it is none.

    With `keep_inputs`, wires from outside the fragment come along where their source is
    in this graph.
    """
    if not isinstance(fragment, Mapping) or fragment.get("kind") != KIND:
        raise ChangeError("The clipboard holds no nodes.")
    if fragment.get("version") != VERSION:
        raise ChangeError("These nodes were copied from another version of netbuilder.")
    try:
        nodes = [_node(entry) for entry in fragment["nodes"]]
        wires = [tuple(map(_text, entry)) for entry in fragment["wires"]]
        if any(len(wire) != 4 for wire in wires):
            raise ValueError("a wire has four parts")
    except (KeyError, TypeError, ValueError) as error:
        raise ChangeError("The nodes on the clipboard can't be read.") from error
    fresh: dict[str, Node] = {}
    taken = {node.name for node in graph.nodes.values()}
    order = 1 + max((node.order for node in graph.nodes.values()), default=-1)
    with history.step(f"{title} {len(nodes)} nodes" if len(nodes) != 1 else f"{title} node"):
        for number, node in enumerate(nodes):
            name = rules.unique_name(rules.identifier(node.name), taken)
            taken.add(name)
            fresh[node.id] = replace(
                node,
                id=new_id("n"),
                name=name,
                x=node.x + offset[0],
                y=node.y + offset[1],
                order=order + number,
            )
            history.document.apply(Added(graph.id, fresh[node.id]))
        for source, source_port, target, target_port in wires:
            if target not in fresh:
                continue
            if source in fresh:
                start = fresh[source].id
            elif keep_inputs and source in graph.nodes:
                start = source
            else:
                continue
            if graph.wire_into(fresh[target].id, target_port) is None:
                wire = Wire(
                    id=new_id("w"),
                    source=start,
                    source_port=source_port,
                    target=fresh[target].id,
                    target_port=target_port,
                )
                history.document.apply(Added(graph.id, wire))
    return list(fresh.values())


def _text(value: Any, limit: int = 256) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise ValueError("not a short text")
    return str(freeze(value))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e9:
        raise ValueError("not a coordinate")
    return float(value)


def _node(entry: Mapping[str, Any]) -> Node:
    x, y = entry["at"]
    if not isinstance(entry["params"], Mapping):
        raise ValueError("params are an object")
    return Node(
        id=_text(entry["id"]),
        layer=_text(entry["layer"]),
        name=_text(entry["name"]),
        params=freeze(entry["params"]),
        x=_number(x),
        y=_number(y),
        note=_text(entry.get("note", ""), MAX_NOTE),
    )
