"""Taking a change back: a document with some of the rows of `difference` as they were before.

What stays keeps its ids and its place on the canvas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from netbuilder.graph.changes import Added
from netbuilder.graph.difference import KINDS, PROJECT, Row, matched
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.matching import Matching
from netbuilder.graph.model import Frame, GraphInfo, Node, ProjectInfo, Unreadable, new_id
from netbuilder.graph.renaming import CALLED, renamed
from netbuilder.graph.rules import unique_name
from netbuilder.graph.three_way import WHOLE

FIGURES = ("shape", "cost")
"""What follows from the rest, and so can't be taken."""


def taken(before: Document, after: Document, rows: Iterable[Row]) -> Document:
    """`after` with these rows of `difference(before, after)` as they are in `before`."""
    return _Taking(before, after).run([row for row in rows if row.what not in FIGURES])


class _Contents:
    """A graph on its way."""

    def __init__(self, graph: Graph) -> None:
        self.info: GraphInfo = graph.info
        self.nodes: dict[str, Node] = dict(graph.nodes)
        self.wires = {(wire.target, wire.target_port): wire for wire in graph.wires.values()}
        self.frames: list[Frame] = list(graph.frames.values())
        self.unreadable: list[Unreadable] = list(graph.unreadable.values())

    def items(self) -> Iterable[Any]:
        yield self.info
        yield from self.nodes.values()
        yield from self.wires.values()
        yield from self.frames
        yield from self.unreadable

    def drop(self, node: str) -> None:
        self.nodes.pop(node, None)
        self.wires = {
            port: wire
            for port, wire in self.wires.items()
            if node not in (wire.source, wire.target)
        }


class _Taking:
    def __init__(self, before: Document, after: Document) -> None:
        self.before, self.after = before, after
        self.matching: Matching = matched(before, after)
        self.project = after.project
        self.graphs = {id: _Contents(graph) for id, graph in after.graphs.items()}
        self.nodes = {old: dict(nodes) for old, nodes in self.matching.nodes.items()}
        """Ids there of the nodes of `before`, by its graphs."""
        self.names: dict[str, str] = {}
        self.called: dict[tuple[str, str], str] = {
            (graph.kind, graph.name): after.graphs[self.matching.graphs[graph.id]].name
            for graph in before.graphs.values()
            if graph.id in self.matching.graphs
        }
        """Names here of graphs of `before`, by kind and name."""
        self._sharing: list[tuple[_Contents, str, Callable[[], str]]] = []

    def run(self, rows: list[Row]) -> Document:
        # Nodes that come back are told before those that go, and wires last.
        for row in rows:
            self._take(row)
        for graph, id, shares in self._sharing:
            if id in graph.nodes:
                graph.nodes[id] = replace(graph.nodes[id], shares=shares())
        items = [Added(id, item) for id, each in self.graphs.items() for item in each.items()]
        result = renamed(Document.of(self.project, items), self.names)
        result.beside = self.after.beside
        return result

    def _take(self, row: Row) -> None:
        graph = self.graphs.get(row.graph_id)
        old = self.before.graphs.get(row.old_graph_id)
        match row.what:
            case "graph":
                self._whole(row)
            case "remark":
                self._remark(graph, row)
            case "setting" | "order" if graph is None or old is None:
                self._project(row)
            case _ if graph is None or old is None:
                return
            case "node" if row.change == "added":
                self._drop(graph, old, row.node_id)
            case "node":
                self._bring(graph, old, row.old_node_id)
            case "wire":
                self._wire(graph, old, row)
            case _ if row.node_id:
                self._node(graph, old, row)
            case "name":
                self.names[graph.info.id] = old.name
            case "order":
                for id, partner in self.nodes[old.id].items():
                    if partner in graph.nodes:
                        order = old.nodes[id].order
                        graph.nodes[partner] = replace(graph.nodes[partner], order=order)
            case _:
                self._graph_setting(graph, old, row)

    # -- the project and its graphs ------------------------------------------------------

    def _whole(self, row: Row) -> None:
        if row.change == "added":
            self.graphs.pop(row.graph_id, None)
        elif row.old_graph_id not in self.graphs:
            self.graphs[row.old_graph_id] = _Contents(self.before.graphs[row.old_graph_id])

    def _project(self, row: Row) -> None:
        if row.what == "order":
            for old, new in self.matching.graphs.items():
                info = self.graphs[new].info if new in self.graphs else None
                if info is not None and f"{KINDS[info.kind].lower()}s" == row.key:
                    order = self.before.graphs[old].info.order
                    self.graphs[new].info = replace(info, order=order)
            return
        section, _, rest = row.key.partition(".")
        was: ProjectInfo = self.before.project
        if section in PROJECT:
            own, old = getattr(self.project, section), getattr(was, section)
            changed: dict[str, Any] = {section: old if rest in WHOLE else _with(own, old, rest)}
            self.project = replace(self.project, **changed)
        else:
            extra = _with(self.project.extra, was.extra, row.key)
            self.project = replace(self.project, extra=extra)

    def _graph_setting(self, graph: _Contents, old: Graph, row: Row) -> None:
        info = graph.info
        if _key(row.key, {**info.settings, **old.info.settings}) is not None:
            info = replace(info, settings=_with(info.settings, old.info.settings, row.key))
        elif _key(row.key, {**info.extra, **old.info.extra}) is not None:
            info = replace(info, extra=_with(info.extra, old.info.extra, row.key))
        else:
            graph.unreadable = [
                *(item for item in graph.unreadable if item.section not in ("nodes", "wires")),
                *(i for i in old.unreadable.values() if i.section in ("nodes", "wires")),
            ]
        graph.info = info

    def _remark(self, graph: _Contents | None, row: Row) -> None:
        text: dict[str, Any] = {row.key: row.before}
        if graph is None:
            key = row.key.removeprefix("about.")
            if key != row.key:
                text = {"about": _with(self.project.about, self.before.project.about, key)}
            self.project = replace(self.project, **text)
        elif row.node_id in graph.nodes:
            graph.nodes[row.node_id] = replace(graph.nodes[row.node_id], **text)
        else:
            graph.frames = [
                replace(frame, **text) if frame.id == row.node_id else frame
                for frame in graph.frames
            ]

    # -- nodes ---------------------------------------------------------------------------

    def _node(self, graph: _Contents, old: Graph, row: Row) -> None:
        node, was = graph.nodes.get(row.node_id), old.nodes[row.old_node_id]
        if node is None:
            return
        match row.what:
            case "name":
                node = replace(node, name=was.name)
            case "mute":
                node = replace(node, mute=was.mute)
            case "layer":
                # Parameters of one layer mean nothing to another.
                node = replace(node, layer=was.layer, params=self._called(was.params))
            case _ if row.key == SHARED:
                node = replace(node, shares=self.nodes[old.id].get(was.shares, ""))
            case _ if _key(row.key, {**node.params, **was.params}) is not None:
                params = _with(node.params, self._called(was.params), row.key)
                node = replace(node, params=params)
            case _:
                node = replace(node, extra=_with(node.extra, was.extra, row.key))
        graph.nodes[node.id] = node

    def _called(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Parameters with the names that blocks and networks have here."""
        names = {
            key: self.called.get((key, value), value)
            for key, value in params.items()
            if key in CALLED and isinstance(value, str)
        }
        return {**params, **names}

    def _drop(self, graph: _Contents, old: Graph, id: str) -> None:
        """Without a node; what it fed is fed as before."""
        fed = [port for port, wire in graph.wires.items() if wire.source == id]
        graph.drop(id)
        for port in fed:
            self._feed(graph, old, port)

    def _bring(self, graph: _Contents, old: Graph, id: str) -> None:
        """A node is there again, with its wires."""
        node, taken = old.nodes[id], {each.id for each in graph.items()}
        name = unique_name(node.name, {each.name for each in graph.nodes.values()})
        new = id if id not in taken else new_id("n")
        params = self._called(node.params)
        graph.nodes[new] = replace(node, id=new, name=name, params=params, shares="")
        self.nodes[old.id][id] = new
        if node.shares:
            # Its owner may be among those that are still to come back.
            there = self.nodes[old.id]
            self._sharing.append((graph, new, lambda: there.get(node.shares, "")))
        for wire in old.wires_at([id]):
            target = self.nodes[old.id].get(wire.target)
            if target is not None:
                self._feed(graph, old, (target, wire.target_port))

    # -- wires ---------------------------------------------------------------------------

    def _wire(self, graph: _Contents, old: Graph, row: Row) -> None:
        if row.change == "removed":
            wire = old.wires[row.old_wire]
            target = self.nodes[old.id].get(wire.target)
            if target is not None:
                self._feed(graph, old, (target, wire.target_port))
            return
        new = self.after.graphs[row.graph_id].wires[row.wire]
        self._feed(graph, old, (new.target, new.target_port))

    def _feed(self, graph: _Contents, old: Graph, port: tuple[str, str]) -> None:
        """Let an input be fed as before, if what fed it is there."""
        back = {new: id for id, new in self.nodes[old.id].items()}
        wire = old.wire_into(back.get(port[0], ""), port[1])
        source = None if wire is None else self.nodes[old.id].get(wire.source)
        graph.wires.pop(port, None)
        if wire is None or source not in graph.nodes or port[0] not in graph.nodes:
            return
        taken = {each.id for each in graph.items()}
        id = wire.id if wire.id not in taken else new_id("w")
        graph.wires[port] = replace(wire, id=id, source=source, target=port[0])


SHARED = "weights shared with"


def _key(path: str, values: Mapping[str, Any]) -> str | None:
    """The key that a dotted path begins with; keys may have dots themselves."""
    fits = [key for key in values if path == key or path.startswith(f"{key}.")]
    return max(fits, key=len) if fits else None


def _with(here: Mapping[str, Any], there: Mapping[str, Any], path: str) -> dict[str, Any]:
    """An object with what a dotted path means as it is in another."""
    key = _key(path, {**here, **there})
    if key is None:
        return dict(here)
    rest = path[len(key) + 1 :]
    was, now = there.get(key), here.get(key)
    if rest and rest not in WHOLE and isinstance(was, Mapping) and isinstance(now, Mapping):
        return {**here, key: _with(now, was, rest)}
    if key in there:
        return {**here, key: was}
    return {own: value for own, value in here.items() if own != key}
