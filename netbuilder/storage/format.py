"""The `.netb` format: one JSON text a project, written so that a git diff shows what changed.

The text is canonical: equal documents give equal texts. A node, a wire and a place are a
line each; what they mean (`graphs`) stands apart from where they are (`layout`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from netbuilder.errors import ChangeError, DocumentError
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Frame, Node, Unreadable, Wire, freeze
from netbuilder.storage import strict
from netbuilder.storage.reading import MAX_PLACE, VERSION, from_json

__all__ = ["VERSION", "dumps", "from_json", "loads", "to_json"]


def loads(data: bytes | str) -> Document:
    """The document of a `.netb` text; `DocumentError` says what is wrong and where."""
    return from_json(strict.parse(data))


def dumps(document: Document) -> str:
    """The canonical text; `DocumentError` names what can't be written."""
    value = to_json(document)
    try:
        text = _project_text(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise DocumentError(f"The project holds a value that JSON can't: {error}.") from error
    if len(text.encode()) > strict.MAX_BYTES:
        size = strict.MAX_BYTES // 1_000_000
        raise DocumentError(f"The project would be larger than {size} MB, the most a file may be.")
    return text


def to_json(document: Document) -> dict[str, Any]:
    """The project as one JSON object in canonical order."""
    project = document.project
    extra = dict(project.extra)
    unread, lost = extra.pop("graphs", ()), extra.pop("layout", {})
    value: dict[str, Any] = {"netbuilder": VERSION, "title": project.title}
    if project.description:
        value["description"] = project.description
    value["flow"] = project.flow
    for key in ("data", "training", "code", "weights", "about"):
        if getattr(project, key):
            value[key] = _sorted(getattr(project, key), f"the project's {key}")
    value.update(_sorted(extra, "the project"))
    graphs = sorted(document.graphs.values(), key=lambda graph: (graph.info.order, graph.id))
    entries = [_graph(graph) for graph in graphs]
    for kept in sorted(unread, key=lambda kept: kept["index"]):
        entries.insert(kept["index"], _thaw(kept["raw"]))
    value["graphs"] = entries
    value["layout"] = {graph.id: _layout(graph) for graph in graphs} | _thaw(lost)
    return value


# -- document to JSON ----------------------------------------------------------------------


def _graph(graph: Graph) -> dict[str, Any]:
    info, where = graph.info, f"the {graph.kind} '{graph.name}'"
    value: dict[str, Any] = {
        "id": info.id,
        "kind": info.kind,
        "name": info.name,
        "order": info.order,
    }
    if info.settings:
        value["settings"] = _sorted(info.settings, where)
    value.update(_sorted({k: v for k, v in info.extra.items() if k != "layout"}, where))
    nodes = graph.ordered()
    rank = {node.id: number for number, node in enumerate(nodes)}
    wires = sorted(
        graph.wires.values(), key=lambda wire: (rank[wire.target], wire.target_port, wire.id)
    )
    value["nodes"] = _with_unreadable(graph, "nodes", (_node(node) for node in nodes))
    value["wires"] = _with_unreadable(graph, "wires", (_wire(wire) for wire in wires))
    return value


def _layout(graph: Graph) -> dict[str, Any]:
    frames = sorted(graph.frames.values(), key=lambda frame: frame.id)
    where = f"the layout of '{graph.name}'"
    return {
        **_sorted(graph.info.extra.get("layout", {}), where),
        "nodes": _with_unreadable(graph, "layout", map(_place, graph.ordered())),
        "frames": _with_unreadable(graph, "frames", map(_frame, frames)),
    }


def _with_unreadable(graph: Graph, section: str, entries: Iterable[Any]) -> list[Any]:
    """The entries with the unreadable ones back at their places."""
    result = list(entries)
    kept = [item for item in graph.unreadable.values() if item.section == section]
    for item in sorted(kept, key=_index):
        result.insert(item.index, _thaw(item.raw))
    return result


def _index(item: Unreadable) -> tuple[int, str]:
    return item.index, item.id


def _node(node: Node) -> dict[str, Any]:
    where = f"the node '{node.name}'"
    value: dict[str, Any] = {"id": node.id, "name": node.name, "layer": node.layer}
    if node.params:
        value["params"] = _sorted(node.params, where)
    value["order"] = node.order
    if node.note:
        value["note"] = node.note
    if node.mute:
        value["mute"] = node.mute
    if node.shares:
        value["shares"] = node.shares
    value.update(_sorted({k: v for k, v in node.extra.items() if k != "layout"}, where))
    _check_text(where, node.id, node.name, node.layer, node.note, node.shares)
    return value


def _place(node: Node) -> dict[str, Any]:
    value: dict[str, Any] = {"node": node.id, "at": [_number(node.x), _number(node.y)]}
    if node.collapsed:
        value["collapsed"] = True
    value.update(_sorted(node.extra.get("layout", {}), f"the node '{node.name}'"))
    return value


def _wire(wire: Wire) -> dict[str, Any]:
    return {
        "id": wire.id,
        "from": [wire.source, wire.source_port],
        "to": [wire.target, wire.target_port],
        **_sorted(wire.extra, f"the wire '{wire.id}'"),
    }


def _frame(frame: Frame) -> dict[str, Any]:
    where = f"the frame '{frame.title}'"
    _check_text(where, frame.title, frame.color, frame.note)
    value: dict[str, Any] = {
        "id": frame.id,
        "title": frame.title,
        "at": [_number(frame.x), _number(frame.y)],
        "size": [_number(frame.width), _number(frame.height)],
    }
    if frame.color:
        value["color"] = frame.color
    if frame.note:
        value["note"] = frame.note
    value.update(_sorted(frame.extra, where))
    return value


def _number(value: float) -> int | float:
    """A coordinate: whole ones without a fraction, impossible ones brought back in range."""
    kept = min(max(value, -MAX_PLACE), MAX_PLACE) if value == value else 0.0
    return int(kept) if kept == int(kept) else float(kept)


def _sorted(value: Any, where: str) -> Any:
    """A JSON value with sorted keys and lists for tuples."""
    if not value and isinstance(value, Mapping):
        return {}
    try:
        return _order(freeze(value))
    except ChangeError as error:
        raise DocumentError(f"{where[0].upper()}{where[1:]} can't be saved: {error}") from error


def _order(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_order(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _order(value[key]) for key in sorted(value)}
    return value


def _thaw(value: Any) -> Any:
    """A kept value as it was: keys in their order, lists for tuples."""
    if isinstance(value, tuple | list):
        return [_thaw(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _thaw(item) for key, item in value.items()}
    return value


def _check_text(where: str, *texts: str) -> None:
    for text in texts:
        if not text.isascii():
            _sorted(text, where)


# -- JSON to text --------------------------------------------------------------------------


def _line(value: Any) -> str:
    """One value on one line. Half characters, which UTF-8 can't hold, are written as escapes."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return text if text.isprintable() or _encodes(text) else json.dumps(value, allow_nan=False)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _project_text(value: Mapping[str, Any]) -> str:
    parts = []
    for key, item in value.items():
        if key == "graphs":
            parts.append(_block(key, "[", (_graph_text(entry) for entry in item), "]", "  "))
        elif key == "layout":
            layouts = (f"{_line(id)}: {_graph_text(entry)}" for id, entry in item.items())
            parts.append(_block(key, "{", layouts, "}", "  "))
        else:
            parts.append(_entry(key, item, "  "))
    return "{\n" + ",\n".join(f"  {part}" for part in parts) + "\n}\n"


def _graph_text(value: Any) -> str:
    """A graph or its layout: a line a setting, a line an entry of each list."""
    if not isinstance(value, Mapping) or not value:
        return _line(value)
    parts = []
    for key, item in value.items():
        if key in ("nodes", "wires", "frames") and isinstance(item, list):
            parts.append(_block(key, "[", map(_line, item), "]", "      "))
        else:
            parts.append(_entry(key, item, "      "))
    return "{\n" + ",\n".join(f"      {part}" for part in parts) + "\n    }"


def _entry(key: str, value: Any, indent: str) -> str:
    """`"key": value`; an object gets a line a key, so that one setting is one line of a diff."""
    if isinstance(value, Mapping) and value:
        lines = (f"{_line(name)}: {_line(item)}" for name, item in value.items())
        return _block(key, "{", lines, "}", indent)
    return f"{_line(key)}: {_line(value)}"


def _block(key: str, begin: str, lines: Iterable[str], end: str, indent: str) -> str:
    inside = f",\n{indent}  ".join(lines)
    if not inside:
        return f"{_line(key)}: {begin}{end}"
    return f"{_line(key)}: {begin}\n{indent}  {inside}\n{indent}{end}"
