"""From the JSON of a project to a `Document`, with everything odd kept aside.

What can't be understood becomes an `Unreadable` entry that is reported and written back
at its place; it never sinks the file. Keys that this version does not know stay in
`extra`. Only what concerns the project as a whole is refused.
"""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args

from netbuilder.errors import ChangeError, DocumentError
from netbuilder.graph.changes import Added
from netbuilder.graph.document import Document
from netbuilder.graph.model import (
    Frame,
    GraphInfo,
    GraphKind,
    Mute,
    Node,
    ProjectInfo,
    Unreadable,
    Wire,
    freeze,
)

VERSION = 1
MAX_NODES = 100_000
MAX_WIRES = 400_000
MAX_PLACE = 1e7
"""Places beyond this are no places: a canvas can't show them."""
ROW = 96.0

PROJECT_KEYS = (
    "title",
    "description",
    "flow",
    "data",
    "training",
    "code",
    "weights",
    "about",
)
GRAPH_KEYS = ("id", "kind", "name", "order", "settings", "nodes", "wires")
NODE_KEYS = ("id", "name", "layer", "params", "order", "note", "mute", "shares")
WIRE_KEYS = ("id", "from", "to")
PLACE_KEYS = ("node", "at", "collapsed")
FRAME_KEYS = ("id", "title", "at", "size", "color", "note")

_MISSING = object()


class _Bad(ValueError):
    """Why one entry can't be understood."""


def is_newer(value: Any) -> bool:
    """Whether a newer netbuilder wrote this project, in a format that we only partly know."""
    version = value.get("netbuilder") if isinstance(value, Mapping) else None
    return isinstance(version, int) and version > VERSION


def from_json(value: Any, *, newer: bool = False) -> Document:
    """The document of a project's JSON object; `DocumentError` if it is none.

    With `newer`, a project in a newer format is read as far as it is understood; the rest
    is kept.
    """
    _check_version(value, newer)
    graphs, layout = value.get("graphs", ()), value.get("layout", {})
    if not isinstance(graphs, list | tuple) or not isinstance(layout, Mapping):
        raise DocumentError("'graphs' must be a list and 'layout' an object.")
    items: list[Added] = []
    taken: set[str] = set()
    unread: list[Any] = []
    for index, entry in enumerate(graphs):
        try:
            info = _graph_info(entry, layout)
            if info.id in taken:
                raise _Bad(f"the id {info.id!r} is taken")
        except (_Bad, ChangeError) as error:
            unread.append({"index": index, "raw": entry, "reason": str(error)})
            continue
        taken.add(info.id)
        items.append(Added(info.id, info))
        contents = _Contents(entry, layout.get(info.id, {})).read()
        items += (Added(info.id, item) for item in contents)
    extra = _rest(value, ("netbuilder", "graphs", "layout", *PROJECT_KEYS))
    if unread:
        extra["graphs"] = unread
    lost = {id: places for id, places in layout.items() if id not in taken}
    if lost:
        extra["layout"] = lost
    return Document.of(_project(value, extra), items)


def _check_version(value: Any, newer: bool) -> None:
    if not isinstance(value, Mapping) or "netbuilder" not in value:
        raise DocumentError("This is not a netbuilder project: the key 'netbuilder' is missing.")
    version = value["netbuilder"]
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise DocumentError(f"The format version must be a whole number from 1, not {version!r}.")
    if version > VERSION and not newer:
        raise DocumentError(
            f"The project was written by a newer netbuilder (format {version}; this one reads "
            f"up to {VERSION}).",
            "Update netbuilder to open it. The file was not changed.",
        )


def _project(value: Mapping[str, Any], extra: Mapping[str, Any]) -> ProjectInfo:
    try:
        flow = _text(value, "flow", "down")
        if flow not in ("down", "right"):
            raise _Bad('\'flow\' must be "down" or "right"')
        return ProjectInfo(
            title=_text(value, "title", "Untitled"),
            description=_text(value, "description", ""),
            flow="right" if flow == "right" else "down",
            data=_mapping(value, "data"),
            training=_mapping(value, "training"),
            code=_mapping(value, "code"),
            weights=_mapping(value, "weights"),
            about=_mapping(value, "about"),
            extra=freeze(extra),
        )
    except (_Bad, ChangeError) as error:
        raise DocumentError(f"The project can't be read: {str(error).rstrip('.')}.") from error


def _graph_info(entry: Any, layout: Mapping[str, Any]) -> GraphInfo:
    _expect_object(entry)
    kind = _text(entry, "kind")
    if kind not in get_args(GraphKind):
        raise _Bad(f"there is no kind of graph called {kind!r}")
    id = _id(entry)
    for key, limit in (("nodes", MAX_NODES), ("wires", MAX_WIRES)):
        if not isinstance(entry.get(key, ()), list | tuple):
            raise _Bad(f"'{key}' must be a list")
        if len(entry.get(key, ())) > limit:
            raise DocumentError(f"A graph has more than {limit:,} {key}.")
    places = layout.get(id, {})
    _expect_object(places)
    for key in ("nodes", "frames"):
        if not isinstance(places.get(key, ()), list | tuple):
            raise _Bad(f"'{key}' of its layout must be a list")
    extra = _rest(entry, GRAPH_KEYS)
    rest = _rest(places, ("nodes", "frames"))
    if rest:
        extra["layout"] = rest
    return GraphInfo(
        id=id,
        kind=kind,  # type: ignore[arg-type]
        name=_text(entry, "name"),
        order=_whole(entry, "order"),
        settings=_mapping(entry, "settings"),
        extra=freeze(extra),
    )


class _Contents:
    """Reads one graph's entries; what does not fit becomes `Unreadable`."""

    def __init__(self, graph: Mapping[str, Any], layout: Mapping[str, Any]) -> None:
        self.graph = graph
        self.layout = layout
        self.taken: set[str] = set()
        self.unreadable: list[Unreadable] = []

    def read(self) -> Iterator[Node | Wire | Frame | Unreadable]:
        nodes = self._nodes()
        yield from nodes
        yield from self._wires({node.id for node in nodes})
        yield from self._frames()
        for item in self.unreadable:
            # The id depends on the file alone, so that reading twice gives equal documents.
            while item.id in self.taken:
                item = _renamed(item)
            self.taken.add(item.id)
            yield item

    def _refuse(self, section: str, index: int, raw: Any, reason: object) -> None:
        id = f"unreadable-{section}-{index}"
        try:
            raw = freeze(raw)
        except ChangeError:
            raw = _keep(raw)
        self.unreadable.append(
            Unreadable(id=id, section=section, index=index, raw=raw, reason=str(reason))
        )

    def _take(self, id: str) -> str:
        if id in self.taken:
            raise _Bad(f"the id {id!r} is taken")
        self.taken.add(id)
        return id

    def _nodes(self) -> list[Node]:
        found: dict[str, dict[str, Any]] = {}
        for index, entry in enumerate(self.graph.get("nodes", ())):
            try:
                fields = _node_fields(entry, index)
                found[self._take(fields["id"])] = fields
            except (_Bad, ChangeError) as error:
                self._refuse("nodes", index, entry, error)
        self._places(found)
        return [_node(fields) for fields in found.values()]

    def _places(self, found: dict[str, dict[str, Any]]) -> None:
        """Reads the layout's entries into the fields of the nodes that they place."""
        placed: set[str] = set()
        for index, entry in enumerate(self.layout.get("nodes", ())):
            try:
                _expect_object(entry)
                id = _text(entry, "node")
                if id not in found:
                    raise _Bad(f"there is no node {id!r} to place")
                if id in placed:
                    raise _Bad(f"the node {id!r} is placed twice")
                x, y = _pair(entry, "at")
                fields: dict[str, Any] = {"x": x, "y": y, "collapsed": _flag(entry, "collapsed")}
                rest = _rest(entry, PLACE_KEYS)
                if rest:
                    fields["extra"] = {**found[id]["extra"], "layout": freeze(rest)}
            except (_Bad, ChangeError) as error:
                self._refuse("layout", index, entry, error)
                continue
            placed.add(id)
            found[id].update(fields)

    def _wires(self, nodes: set[str]) -> Iterator[Wire]:
        filled: set[tuple[str, str]] = set()
        for index, entry in enumerate(self.graph.get("wires", ())):
            try:
                wire = _wire(entry)
                for end in (wire.source, wire.target):
                    if end not in nodes:
                        raise _Bad(f"there is no node {end!r}")
                if (wire.target, wire.target_port) in filled:
                    raise _Bad(f"the port {wire.target_port!r} has a wire already")
                self._take(wire.id)
                filled.add((wire.target, wire.target_port))
            except (_Bad, ChangeError) as error:
                self._refuse("wires", index, entry, error)
                continue
            yield wire

    def _frames(self) -> Iterator[Frame]:
        for index, entry in enumerate(self.layout.get("frames", ())):
            try:
                frame = _frame(entry)
                self._take(frame.id)
            except (_Bad, ChangeError) as error:
                self._refuse("frames", index, entry, error)
                continue
            yield frame


REMEMBERED = 50_000
"""Nodes that are remembered at most."""
_nodes_before: dict[bytes, Node] = {}


def _node(fields: dict[str, Any]) -> Node:
    """The node with these fields: where the same was read before, the same object.

    The worker reads a project anew after each edit. What the compiler knows of a node it knows
    of the object.
    """
    # Not as a key of values: 1, 1.0 and True are different parameters and equal.
    key = marshal.dumps(fields, 2)
    known = _nodes_before.get(key)
    if known is None:
        if len(_nodes_before) >= REMEMBERED:
            _nodes_before.clear()
        known = _nodes_before[key] = Node(**fields)
    return known


def _renamed(item: Unreadable) -> Unreadable:
    return Unreadable(
        id=item.id + "-",
        section=item.section,
        index=item.index,
        raw=item.raw,
        reason=item.reason,
    )


def _node_fields(entry: Any, index: int) -> dict[str, Any]:
    """The fields of a node, at a place of its own until the layout tells another."""
    _expect_object(entry)
    extra = _rest(entry, NODE_KEYS)
    return {
        "id": _id(entry),
        "layer": _text(entry, "layer"),
        "name": _text(entry, "name"),
        "params": _mapping(entry, "params"),
        "y": ROW * index,
        "order": _whole(entry, "order"),
        "note": _text(entry, "note", ""),
        "mute": _mute(entry),
        "shares": _text(entry, "shares", ""),
        "extra": freeze(extra) if extra else {},
    }


def _mute(entry: Any) -> Mute:
    value = _text(entry, "mute", "")
    if value not in get_args(Mute):
        raise _Bad(f"'mute' is 'muted' or 'bypassed', not {value[:20]!r}")
    return cast(Mute, value)


def _wire(entry: Any) -> Wire:
    _expect_object(entry)
    source, source_port = _end(entry, "from")
    target, target_port = _end(entry, "to")
    return Wire(
        id=_id(entry),
        source=source,
        source_port=source_port,
        target=target,
        target_port=target_port,
        extra=freeze(_rest(entry, WIRE_KEYS)),
    )


def _frame(entry: Any) -> Frame:
    _expect_object(entry)
    x, y = _pair(entry, "at")
    width, height = _pair(entry, "size")
    return Frame(
        id=_id(entry),
        title=_text(entry, "title", ""),
        x=x,
        y=y,
        width=width,
        height=height,
        color=_text(entry, "color", ""),
        note=_text(entry, "note", ""),
        extra=freeze(_rest(entry, FRAME_KEYS)),
    )


# -- values --------------------------------------------------------------------------------


def _expect_object(entry: Any) -> None:
    if not isinstance(entry, Mapping):
        raise _Bad("it is no object")


def _rest(entry: Mapping[str, Any], known: tuple[str, ...]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in known}


def _text(entry: Mapping[str, Any], key: str, default: Any = _MISSING) -> str:
    value = entry.get(key, default)
    if value is _MISSING:
        raise _Bad(f"'{key}' is missing")
    if not isinstance(value, str):
        raise _Bad(f"'{key}' must be a text")
    return str(freeze(value))


def _id(entry: Mapping[str, Any]) -> str:
    id = _text(entry, "id")
    if not 0 < len(id) <= 256:
        raise _Bad("'id' must have 1 to 256 characters")
    return id


def _whole(entry: Mapping[str, Any], key: str) -> int:
    value = entry.get(key, 0)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Bad(f"'{key}' must be a whole number")
    return value


def _flag(entry: Mapping[str, Any], key: str) -> bool:
    value = entry.get(key, False)
    if not isinstance(value, bool):
        raise _Bad(f"'{key}' must be true or false")
    return value


def _mapping(entry: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = entry.get(key, {})
    if not isinstance(value, Mapping):
        raise _Bad(f"'{key}' must be an object")
    frozen: Mapping[str, Any] = freeze(value)
    return frozen


def _pair(entry: Mapping[str, Any], key: str) -> tuple[float, float]:
    value = entry.get(key)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise _Bad(f"'{key}' must be two numbers")
    for number in value:
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise _Bad(f"'{key}' must be two numbers")
        if not abs(number) <= MAX_PLACE:
            raise _Bad(f"'{key}' lies beyond {MAX_PLACE:g}")
    return float(value[0]), float(value[1])


def _end(entry: Mapping[str, Any], key: str) -> tuple[str, str]:
    value = entry.get(key)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise _Bad(f"'{key}' must be a node and a port")
    node, port = value
    if not isinstance(node, str) or not isinstance(port, str) or not node or not port:
        raise _Bad(f"'{key}' must be a node and a port")
    freeze(port)
    return node, port


def _keep(value: Any) -> Any:
    """The raw value as it is, with tuples for lists: for what `freeze` refuses."""
    if isinstance(value, list | tuple):
        return tuple(_keep(item) for item in value)
    if isinstance(value, Mapping):
        return {key: _keep(item) for key, item in value.items()}
    return value
