"""What a merge left to a person: what theirs changed since the base and the project has otherwise.

It is told by three documents alone, whoever merged them: `difference(theirs, now)` without what
theirs has as the base had it. So it grows shorter while a person takes one thing after another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from netbuilder.graph.blocks import USES
from netbuilder.graph.difference import CALL, Row, difference, matched, shown
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Wire
from netbuilder.graph.remarks import disputed_remarks, remarks
from netbuilder.graph.three_way import WHOLE

_OWN = ("parameter", "setting")
Input = tuple[str, str, str]
"""A graph, a node and its port, by their ids in theirs."""


def disputed(
    base: Document, theirs: Document, now: Document, rows: Sequence[Row] | None = None
) -> list[Row]:
    """Those of `difference(theirs, now)` that theirs changed; each thing is told once.

    `rows` are that difference where it is known. Wires of a node that is disputed itself belong
    to it, and so do parameters to another layer and settings to another kind of optimizer.
    """
    return Disputes(base, theirs).among(now, rows)


def words(row: Row) -> str:
    """Such a row for a person who is to choose."""
    name = f"'{row.node or row.graph}'"
    match row.what, row.change:
        case "node" | "graph", "added":
            return f"{name}: changed here, removed in theirs"
        case "node" | "graph", _:
            return f"{name}: removed here, changed or used in theirs"
        case "wire", _:
            here, there = row.after or "nothing", row.before or "nothing"
            return f"{name}: {row.key} is fed by {here} here, by {there} in theirs"
    key = row.key if row.key or row.what in _OWN else row.what
    at = f"'{row.node}': {key}" if row.node else key
    return f"{at} {shown(row.after)} here, {shown(row.before)} in theirs"


class Disputes:
    """What theirs changed since a base, to be held against a project again and again."""

    def __init__(self, base: Document, theirs: Document) -> None:
        self.base, self.theirs, self.now = base, theirs, theirs
        old = self.to_now = matched(base, theirs)
        """Theirs and the project that `among` was asked about last."""
        self.remarks = remarks(base), remarks(theirs)
        self.new_nodes: set[tuple[str, str]] = set()
        self.new_graphs: set[str] = set()
        self.touched: set[tuple[str, str]] = set()
        """Nodes that theirs changed, wired or used, and graphs (with an empty node)."""
        self.values: dict[tuple[str, str, str], dict[str, Any]] = {}
        """What theirs set, by graph, node and kind of row: what it was before, by key."""
        self.inputs: set[Input] = set()
        for row in difference(base, theirs):
            self._note(row, old.nodes.get(row.old_graph_id, {}))
        before, after = self.remarks
        for place, text in after.items():
            noted = place[0] and place[1] in theirs.graphs[place[0]].nodes
            if noted and before.get(place, "") != text:
                # Who wrote on a node wants it to stay.
                self.touched |= {(place[0], ""), place[:2]}

    def among(self, now: Document, rows: Sequence[Row] | None = None) -> list[Row]:
        """See `disputed`."""
        rows = difference(self.theirs, now) if rows is None else rows
        written = disputed_remarks(*self.remarks, now)
        if not rows:
            return list(written)
        self.now = now
        self.to_now = matched(self.theirs, now)
        found = [*self._rows(rows), *written]
        places: dict[str, int] = {}
        for row in found:
            places.setdefault(row.graph, len(places))
        return sorted(found, key=lambda row: places[row.graph])

    def _note(self, row: Row, partners: Mapping[str, str]) -> None:
        """One thing that theirs changed; `partners` are nodes of theirs by those of the base."""
        graph = row.graph_id
        self.touched.add((graph, ""))
        match row.what:
            case "graph":
                self.new_graphs.add(graph)
            case "node":
                self.new_nodes.add((graph, row.node_id))
            case "wire":
                self._note_wire(row, partners)
            case _:
                self.touched.add((graph, row.node_id))
                self.values.setdefault((graph, row.node_id, row.what), {})[row.key] = row.before

    def _note_wire(self, row: Row, partners: Mapping[str, str]) -> None:
        if row.change == "added":
            wire = self.theirs.graphs[row.graph_id].wires[row.wire]
            self.touched |= {(row.graph_id, wire.source), (row.graph_id, wire.target)}
            self.inputs.add((row.graph_id, wire.target, wire.target_port))
            return
        wire = self.base.graphs[row.old_graph_id].wires[row.old_wire]
        target = partners.get(wire.target)
        if target is None:
            return
        self.inputs.add((row.graph_id, target, wire.target_port))
        if wire.source in partners:
            # Else it went with its source, which is no change of the target.
            self.touched.add((row.graph_id, target))

    # -- which of the rows -----------------------------------------------------------------

    def words(self, row: Row) -> str:
        """A row for a person who is to choose, with what the base had."""
        values = self.values.get((row.old_graph_id, row.old_node_id, row.what), {})
        was = f", was {shown(values[row.key])}" if row.key in values else ""
        return f"{words(row)}{was}"

    def _rows(self, rows: Sequence[Row]) -> Iterator[Row]:
        whole = {id for row in rows if row.what == "node" and self._node(row) for id in _ends(row)}
        heads = {at: row for row in rows for at in _heads(row)}
        wanted = [_head(row, heads) for row in rows if self._is_disputed(row, whole)]
        chosen = {id(row) for row in wanted}
        told: set[Input] = set()
        for row in rows:
            if id(row) not in chosen:
                continue
            if row.what == "wire":
                place = self._input(row)
                if place not in told:
                    told.add(place)
                    yield self._fed(row, place)
            else:
                yield row

    def _is_disputed(self, row: Row, whole: set[tuple[str, str]]) -> bool:
        match row.what:
            case "graph":
                return self._graph(row)
            case "node":
                return self._node(row)
            case "wire":
                return self._wire(row, whole)
            case "name":
                return self._value(row) and not self._taken(row)
            case "shape" | "cost":
                return False
        return self._value(row)

    def _graph(self, row: Row) -> bool:
        if row.change == "added":
            return row.graph_id in self.base.graphs
        return (row.old_graph_id, "") in self.touched or self._called(row.old_graph_id)

    def _called(self, graph: str) -> bool:
        """Whether the project names a graph that only theirs has."""
        gone = self.theirs.graphs[graph].info
        layers = USES if gone.kind == "block" else {CALL}
        return any(
            node.layer in layers and node.params.get(gone.kind) == gone.name
            for each in self.now.graphs.values()
            for node in each.nodes.values()
        )

    def _node(self, row: Row) -> bool:
        if row.change == "added":
            # By its id alone: a new node may have the name of one that both removed.
            base = self.base.graphs.get(row.graph_id)
            return base is not None and row.node_id in base.nodes
        at = (row.old_graph_id, row.old_node_id)
        return at in self.touched or at in self.new_nodes

    def _value(self, row: Row) -> bool:
        graph, node = row.old_graph_id, row.old_node_id
        if graph in self.new_graphs or (graph, node) in self.new_nodes:
            return True
        keys = self.values.get((graph, node, row.what), {})
        return any(_within(row.key, key) or _within(key, row.key) for key in keys)

    def _taken(self, row: Row) -> bool:
        """Whether a name of theirs is another's here: it was settled."""
        graph = self.now.graphs[row.graph_id]
        if row.node_id:
            return graph.named(row.before) is not None
        return any(g.name == row.before for g in self.now.of_kind(graph.kind))

    # -- wires -----------------------------------------------------------------------------

    def _input(self, row: Row) -> Input:
        """The input that a wire feeds, or fed."""
        if row.change == "removed":
            wire = self.theirs.graphs[row.old_graph_id].wires[row.old_wire]
            return row.old_graph_id, wire.target, wire.target_port
        wire = self.now.graphs[row.graph_id].wires[row.wire]
        back = {new: old for old, new in self.to_now.nodes[row.old_graph_id].items()}
        return row.old_graph_id, back.get(wire.target, ""), wire.target_port

    def _wires(self, place: Input) -> tuple[Wire | None, Wire | None]:
        """What feeds an input in theirs and here."""
        graph, target, port = place
        here = self.now.graphs[self.to_now.graphs[graph]]
        own = self.to_now.nodes[graph].get(target, "")
        return self.theirs.graphs[graph].wire_into(target, port), here.wire_into(own, port)

    def _wire(self, row: Row, whole: set[tuple[str, str]]) -> bool:
        place = self._input(row)
        if place not in self.inputs:
            return False
        there, here = self._wires(place)
        ends = {("there", place[1]), ("here", self.to_now.nodes[place[0]].get(place[1], ""))}
        ends |= {("there", there.source)} if there is not None else set()
        ends |= {("here", here.source)} if here is not None else set()
        return not ends & whole

    def _fed(self, row: Row, place: Input) -> Row:
        """One row for an input: what feeds it on both sides."""
        there, here = self._wires(place)
        graph, target, port = place
        return replace(
            row,
            change="added" if there is None else "removed" if here is None else "changed",
            node=self.theirs.graphs[graph].nodes[target].name,
            key=port,
            before=_source(self.theirs.graphs[graph], there),
            after=_source(self.now.graphs[row.graph_id], here),
            old_wire="" if there is None else there.id,
            wire="" if here is None else here.id,
        )


def _source(graph: Graph, wire: Wire | None) -> str | None:
    return None if wire is None else f"{graph.nodes[wire.source].name}.{wire.source_port}"


def _ends(row: Row) -> Iterator[tuple[str, str]]:
    if row.node_id:
        yield "here", row.node_id
    if row.old_node_id:
        yield "there", row.old_node_id


Place = tuple[str, str, str]
"""A graph, a node, and what of it: `layer`, or the path of an object."""


def _heads(row: Row) -> Iterator[Place]:
    """What else a row speaks for: parameters of its layer, an object of its kind."""
    object, _, key = row.key.rpartition(".")
    if row.what == "layer":
        yield row.graph_id, row.node_id, "layer"
    elif row.what in _OWN and key in WHOLE:
        yield row.graph_id, row.node_id, object


def _head(row: Row, heads: Mapping[Place, Row]) -> Row:
    """The row that speaks for a row."""
    if row.what not in _OWN:
        return row
    parts = row.key.split(".")
    paths = [".".join(parts[:length]) for length in range(1, len(parts))]
    places = ["layer", *paths] if row.what == "parameter" else paths
    found = (heads.get((row.graph_id, row.node_id, place)) for place in places)
    return next((head for head in found if head is not None), row)


def _within(key: str, path: str) -> bool:
    return key == path or key.startswith(f"{path}.") or not path
