"""Part of a graph as JSON: what the clipboard holds, and what paste makes of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar, get_args

from netbuilder.errors import ChangeError
from netbuilder.graph import rules
from netbuilder.graph.changes import Added
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Frame, Mute, Node, Wire, freeze, new_id

KIND = "netbuilder/fragment"
VERSION = 1
MAX_NOTE = 65_536
MAX_NODES, MAX_WIRES = 20_000, 100_000
"""More of them are no clipboard: they are opened as a project."""

T = TypeVar("T")
Ends = tuple[str, str, str, str]
"""Source node and port, target node and port."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """Nodes, wires and frames that were checked; ids are those of where they come from."""

    nodes: tuple[Node, ...]
    wires: tuple[Ends, ...] = ()
    frames: tuple[Frame, ...] = ()


def cut_out(graph: Graph, items: Iterable[str]) -> dict[str, Any]:
    """These nodes and frames, the wires among the nodes and those that come in from outside."""
    wanted = set(items)
    chosen = [node for node in graph.ordered() if node.id in wanted]
    ids = {node.id for node in chosen}
    result: dict[str, Any] = {
        "kind": KIND,
        "version": VERSION,
        "nodes": [_node_json(node) for node in chosen],
        "wires": [
            [wire.source, wire.source_port, wire.target, wire.target_port]
            for wire in graph.wires.values()
            if wire.target in ids
        ],
    }
    frames = [_frame_json(frame) for frame in graph.frames.values() if frame.id in wanted]
    if frames:
        result["frames"] = frames
    return result


def _node_json(node: Node) -> dict[str, Any]:
    result: dict[str, Any] = {
        "id": node.id,
        "layer": node.layer,
        "name": node.name,
        "params": dict(node.params),
        "at": [node.x, node.y],
        "note": node.note,
    }
    for key in ("collapsed", "mute", "shares"):
        if getattr(node, key):
            result[key] = getattr(node, key)
    return result


def _frame_json(frame: Frame) -> dict[str, Any]:
    return {
        "title": frame.title,
        "box": [frame.x, frame.y, frame.width, frame.height],
        "color": frame.color,
        "note": frame.note,
    }


def read(value: Mapping[str, Any]) -> Fragment:
    """Check what may come from anywhere; `ChangeError` if it is no fragment."""
    if not isinstance(value, Mapping) or value.get("kind") != KIND:
        raise ChangeError("The clipboard holds no nodes.")
    if value.get("version") != VERSION:
        raise ChangeError("These nodes were copied from another version of netbuilder.")
    try:
        nodes = _all(value["nodes"], _node, MAX_NODES)
        wires = _all(value["wires"], _ends, MAX_WIRES)
        frames = _all(value.get("frames", []), _frame, MAX_NODES)
    except (KeyError, TypeError, ValueError) as error:
        raise ChangeError("The nodes on the clipboard can't be read.") from error
    if _circular(nodes, wires):
        raise ChangeError("The nodes on the clipboard feed each other in a circle.")
    return Fragment(nodes, wires, frames)


def paste(
    history: History,
    graph: Graph,
    fragment: Fragment | Mapping[str, Any],
    *,
    offset: tuple[float, float] = (32.0, 32.0),
    keep_inputs: bool = False,
    title: str = "Paste",
) -> list[Node]:
    """Add a fragment's nodes with fresh ids and free names; `ChangeError` if it is none.

    With `keep_inputs`, wires from outside the fragment come along where their source is
    in this graph.
    """
    part = fragment if isinstance(fragment, Fragment) else read(fragment)
    nodes = part.nodes
    fresh_name = _namer({node.name for node in graph.nodes.values()})
    order = 1 + max((node.order for node in graph.nodes.values()), default=-1)
    ids = {node.id: new_id("n") for node in nodes}
    fresh: dict[str, Node] = {}
    with history.step(f"{title} {len(nodes)} nodes" if len(nodes) != 1 else f"{title} node"):
        for number, node in enumerate(nodes):
            name = fresh_name(rules.identifier(node.name))
            # Ids may be given twice by what was made by hand: the last one has the wires.
            id = ids[node.id] if node.id not in fresh else new_id("n")
            fresh[node.id] = replace(
                node,
                id=id,
                name=name,
                x=node.x + offset[0],
                y=node.y + offset[1],
                order=order + number,
                shares=_shared(graph, node, ids),
            )
            history.document.apply(Added(graph.id, fresh[node.id]))
        _paste_wires(history, graph, part, fresh, keep_inputs)
        for frame in part.frames:
            x, y = frame.x + offset[0], frame.y + offset[1]
            history.document.apply(Added(graph.id, replace(frame, id=new_id("f"), x=x, y=y)))
    return list(fresh.values())


def _namer(taken: set[str]) -> Callable[[str], str]:
    """Gives free names as `rules.unique_name` does, quickly even if all want the same one."""
    last: dict[str, int] = {}

    def fresh(wanted: str) -> str:
        name = wanted
        if name in taken:
            stem = re.sub(r"_\d+\Z", "", wanted) or wanted
            number = last.get(stem, 1) + 1
            while f"{stem}_{number}" in taken:
                number += 1
            last[stem] = number
            name = f"{stem}_{number}"
        taken.add(name)
        return name

    return fresh


def _shared(graph: Graph, node: Node, ids: Mapping[str, str]) -> str:
    """Whose weights a copy uses: the copy of the owner if that came along, else the owner."""
    owner = graph.nodes.get(node.shares)
    if node.shares in ids:
        return ids[node.shares]
    return node.shares if owner is not None and owner.layer == node.layer else ""


def _paste_wires(
    history: History, graph: Graph, part: Fragment, fresh: Mapping[str, Node], keep_inputs: bool
) -> None:
    for source, source_port, target, target_port in part.wires:
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


# -- checking what comes from outside --------------------------------------------------


def _all(value: Any, one: Callable[[Any], T], most: int) -> tuple[T, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError("not a list")
    if len(value) > most:
        raise ChangeError(f"The clipboard holds more than {most:,} nodes or wires.")
    return tuple(one(entry) for entry in value)


def _circular(nodes: Sequence[Node], wires: Sequence[Ends]) -> bool:
    """Whether nodes feed themselves through each other."""
    feeding: dict[str, int] = {node.id: 0 for node in nodes}
    fed: dict[str, list[str]] = {id: [] for id in feeding}
    for source, _, target, _ in wires:
        if source in feeding and target in feeding:
            feeding[target] += 1
            fed[source].append(target)
    ready = [id for id, count in feeding.items() if count == 0]
    done = 0
    while ready:
        done += 1
        for target in fed[ready.pop()]:
            feeding[target] -= 1
            if feeding[target] == 0:
                ready.append(target)
    return done < len(feeding)


def _text(value: Any, limit: int = 256) -> str:
    if not isinstance(value, str) or len(value) > limit:
        raise ValueError("not a short text")
    return str(freeze(value))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e7:
        raise ValueError("not a coordinate")
    return float(value)


def _ends(entry: Any) -> Ends:
    source, source_port, target, target_port = map(_text, entry)
    return source, source_port, target, target_port


def _node(entry: Mapping[str, Any]) -> Node:
    x, y = entry["at"]
    if not isinstance(entry["params"], Mapping):
        raise ValueError("params are an object")
    mute = entry.get("mute", "")
    if mute not in get_args(Mute):
        raise ValueError("neither muted nor bypassed")
    return Node(
        id=_text(entry["id"]),
        layer=_text(entry["layer"]),
        name=_text(entry["name"]),
        params=freeze(entry["params"]),
        x=_number(x),
        y=_number(y),
        note=_text(entry.get("note", ""), MAX_NOTE),
        collapsed=entry.get("collapsed") is True,
        mute=mute,
        shares=_text(entry.get("shares", "")),
    )


def _frame(entry: Mapping[str, Any]) -> Frame:
    x, y, width, height = map(_number, entry["box"])
    if width <= 0 or height <= 0:
        raise ValueError("a frame has a size")
    return Frame(
        id="",
        title=_text(entry.get("title", "")),
        x=x,
        y=y,
        width=width,
        height=height,
        color=_text(entry.get("color", "")),
        note=_text(entry.get("note", ""), MAX_NOTE),
    )
