"""A comparison that is shown: two projects, what differs, and taking changes back.

The earlier side is a file's or a run's. The later one is the open project as it is now, or a
file too. Shapes and costs come in when the worker has told them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from netbuilder.app.comparing import Side, compare
from netbuilder.graph.becoming import become
from netbuilder.graph.blocks import USES, blocks_in, needed
from netbuilder.graph.difference import Row, matched
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Node
from netbuilder.graph.taking import FIGURES, taken

Told = Callable[[Side], None]


class Asks(Protocol):
    """What a comparison needs of `app.session.Session`."""

    history: History

    @property
    def document(self) -> Document: ...

    def figures(self, document: Document, on_side: Told) -> None: ...


@dataclass(frozen=True, slots=True)
class Pair:
    """A graph that is shown: as it was and as it is; one of them may not be there."""

    before: Graph | None
    after: Graph | None
    changes: int

    @property
    def name(self) -> str:
        graph = self.after or self.before
        return graph.name if graph is not None else ""


class Comparison:
    """`changed` is called when rows have come or gone."""

    def __init__(self, session: Asks, before: Document, after: Document | None = None) -> None:
        """Without `after` it is the open project that is compared, and that can take changes."""
        self._session = session
        self.live = after is None
        self.changed: Callable[[], None] = lambda: None
        self._closed = False
        self._serial = 0
        self.before = Side(before)
        self.after = Side(after if after is not None else session.document.copy())
        self.rows: list[Row] = []
        self.nodes: Mapping[str, Mapping[str, str]] = {}
        """Partners: ids of nodes of `after` by those of `before`, by the graph's id there."""
        self.pairs: list[Pair] = []
        self._work_out()
        session.figures(before, self._heard_before)
        self._ask_after()

    def close(self) -> None:
        """Answers that come now concern nobody."""
        self._closed = True

    def refresh(self) -> None:
        """The open project has been edited."""
        document = self._session.document
        if self.live and not self._closed and document != self.after.document:
            self.after = Side(document.copy())
            self._work_out()
            self._ask_after()
            self.changed()

    def may_take(self, rows: Sequence[Row]) -> bool:
        """Whether one of these rows can be taken into the open project."""
        return self.live and any(row.what not in FIGURES for row in rows)

    def take(self, rows: Sequence[Row], title: str) -> None:
        """Let these be in the open project as they are on the earlier side: one step to undo."""
        if self.may_take(rows):
            document = self._session.document
            become(self._session.history, taken(self.before.document, document, rows), title)
            self.refresh()

    def travel(self, *, back: bool) -> None:
        """Undo a step of the open project, or make it again."""
        history = self._session.history
        if self.live and (history.undo() if back else history.redo()) is not None:
            self.refresh()

    def marks(self, pair: Pair) -> tuple[Marks, Marks]:
        """How both sides of a graph stand out, also what uses a block that changed inside."""
        found = marks(self.rows, pair)
        for graph, mark, before in ((pair.before, found[0], True), (pair.after, found[1], False)):
            for node in blocks_in(graph) if graph is not None else ():
                if node.id not in mark.nodes and self._inside(node, before=before) is not None:
                    mark.nodes[node.id] = "changed"
        return found

    def row_about(self, pair: Pair, id: str, *, before: bool) -> int | None:
        """The number of the first row about a node or wire, else about what is inside it."""
        for number, row in enumerate(self.rows):
            if id in ((row.old_node_id, row.old_wire) if before else (row.node_id, row.wire)):
                return number
        graph = pair.before if before else pair.after
        node = graph.nodes.get(id) if graph is not None else None
        return None if node is None else self._inside(node, before=before)

    def _inside(self, node: Node, *, before: bool) -> int | None:
        """The number of the first row in the block that a node uses, or in blocks of that."""
        if node.layer not in USES:
            return None
        side = self.before if before else self.after
        blocks = {each.id for each in needed(side.document, [str(node.params.get("block", ""))])}
        for number, row in enumerate(self.rows):
            graph = row.old_graph_id if before else row.graph_id
            if graph in blocks and row.what not in FIGURES:
                return number
        return None

    def _ask_after(self) -> None:
        self._serial += 1
        serial = self._serial

        def heard(side: Side) -> None:
            if serial == self._serial:
                self.after = side
                self._heard()

        self._session.figures(self.after.document, heard)

    def _heard_before(self, side: Side) -> None:
        self.before = side
        self._heard()

    def _heard(self) -> None:
        if not self._closed:
            self._work_out()
            self.changed()

    def _work_out(self) -> None:
        before, after = self.before, self.after
        self.rows = self._rows()
        matching = matched(before.document, after.document)
        self.nodes = matching.nodes
        self.pairs = list(self._pair_up(matching.graphs))

    def _rows(self) -> list[Row]:
        return compare(self.before, self.after)

    def _pair_up(self, partners: Mapping[str, str]) -> list[Pair]:
        back = {new: old for old, new in partners.items()}
        old_graphs, new_graphs = self.before.document.graphs, self.after.document.graphs
        sides = [(old_graphs.get(back.get(id, "")), graph) for id, graph in new_graphs.items()]
        gone = [(graph, None) for id, graph in old_graphs.items() if id not in partners]
        return [Pair(old, new, self._count(old, new)) for old, new in (*sides, *gone)]

    def _count(self, old: Graph | None, new: Graph | None) -> int:
        ids = (old.id if old is not None else "", new.id if new is not None else "")
        return sum(_belongs(row, *ids) for row in self.rows)


def _belongs(row: Row, old: str, new: str) -> bool:
    return bool(
        (row.graph_id and row.graph_id == new) or (row.old_graph_id and row.old_graph_id == old)
    )


@dataclass(frozen=True, slots=True)
class Marks:
    """How what is drawn of one side stands out: `added`, `removed` or `changed` by id."""

    nodes: dict[str, str]
    wires: dict[str, str]


def marks(rows: Sequence[Row], pair: Pair) -> tuple[Marks, Marks]:
    """Those of both sides of a graph; what only has another shape is not marked."""
    before: dict[str, dict[str, Any]] = {"nodes": {}, "wires": {}}
    after: dict[str, dict[str, Any]] = {"nodes": {}, "wires": {}}
    ids = (pair.before.id if pair.before else "", pair.after.id if pair.after else "")
    for graph, other, side, word in (
        (pair.before, pair.after, before, "removed"),
        (pair.after, pair.before, after, "added"),
    ):
        if graph is not None and other is None:
            side["nodes"] = dict.fromkeys(graph.nodes, word)
            side["wires"] = dict.fromkeys(graph.wires, word)
    for row in rows:
        if row.what in FIGURES or not _belongs(row, *ids):
            continue
        for id, table in (
            (row.old_node_id, before["nodes"]),
            (row.node_id, after["nodes"]),
            (row.old_wire, before["wires"]),
            (row.wire, after["wires"]),
        ):
            if id:
                table[id] = row.change
    return Marks(**before), Marks(**after)
