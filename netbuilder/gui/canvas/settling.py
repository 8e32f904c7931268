"""Bringing the picture up to date: what is in sight at once, the rest bit by bit.

A change makes texts, ports and courses of wires stale. Few of them are brought up to date
together; where thousands are, those in sight come first and the others follow in slices of
a few milliseconds, between which the window stays free. A graph of thousands of nodes is
shown in the same way.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable
from itertools import chain, islice
from time import perf_counter

from PySide6.QtCore import QObject, QRectF, QTimer, Signal

from netbuilder.graph.document import Graph
from netbuilder.graph.layout import NODE_SIZE
from netbuilder.graph.model import Frame, Node, Unreadable, Wire
from netbuilder.graph.places import Box, around
from netbuilder.gui.canvas.items import ItemScene

MARGIN = 2000.0
MANY = 200
"""So many moved nodes, and all wires are routed anew instead of those nearby."""
AT_ONCE = 240
"""So many stale nodes, and so many stale wires, are brought up to date without a break."""
WHOLE = 1200
"""A graph of so many items is shown without a break."""
SLICE_S = 0.008
PAUSE_MS = 1
"""Between two slices; it lets the events of mouse and keys come first."""


class SettlingScene(ItemScene):
    """Keeps what is stale and mends it. `CanvasScene` says what a node looks like."""

    changed_graph = Signal()
    """The shown graph has changed; once for a batch of changes."""
    filled = Signal()
    """A large graph is there as a whole."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.sight: Callable[[], Box | None] = lambda: None
        """What of the scene can be seen at present; the view sets it."""
        self._stale_nodes: set[str] = set()
        self._stale_wires: set[str] = set()
        self._moved: set[str] = set()
        self._outgrown = False
        self._waiting: deque[Node | Wire | Frame | Unreadable] = deque()
        self._edited = False
        self._lost_selected = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._slice)

    def _add(self, item: object) -> None:
        raise NotImplementedError

    def _settle_node(self, graph: Graph, id: str) -> None:
        raise NotImplementedError

    # -- what is left to do ----------------------------------------------------------------

    @property
    def filling(self) -> bool:
        """Whether a large graph is still coming; it can't be edited until it is there."""
        return bool(self._waiting)

    @property
    def unsettled(self) -> bool:
        """Whether something still waits to be brought up to date."""
        return bool(self._waiting or self._stale_nodes or self._stale_wires or self._moved)

    def _forget_stale(self) -> None:
        self._timer.stop()
        self._stale_nodes.clear()
        self._stale_wires.clear()
        self._moved.clear()
        self._waiting.clear()
        self._edited = self._lost_selected = False

    def _later(self, pause_ms: int = 0) -> None:
        if not self._timer.isActive():
            self._timer.start(pause_ms)

    def extent(self) -> Box | None:
        """The box around all nodes and frames, also those that are still coming."""
        graph = self.graph
        if not self._waiting or graph is None:
            return self.box_of([*self.nodes, *self.frames])
        width, height = NODE_SIZE
        boxes = [Box(n.x, n.y, n.x + width, n.y + height) for n in graph.nodes.values()]
        boxes += [Box(f.x, f.y, f.x + f.width, f.y + f.height) for f in graph.frames.values()]
        return around(boxes)

    # -- a large graph comes ------------------------------------------------------------------

    def _fill(self, graph: Graph) -> None:
        """Show all items of a graph; of a large one what is in sight first, then the rest."""
        items = list(graph.contents())
        nodes = graph.nodes.values()
        whole = around([Box(node.x, node.y, node.x, node.y) for node in nodes])
        if whole is not None:
            self.setSceneRect(_rect(whole).adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN))
        # Qt chooses the depth of its index by the items that are there when it begins.
        self.setBspTreeDepth(max(5, len(items).bit_length() - 5))
        if len(items) <= WHOLE:
            for item in items:
                self._add(item)
        else:
            self._waiting.extend(items)
            self._later()

    def _sort_waiting(self) -> None:
        """What is in sight comes first; a wire never before its nodes."""
        sight = self.sight()
        if sight is None:
            return
        near = {
            item.id
            for item in self._waiting
            if isinstance(item, Node)
            and sight.left - 400 < item.x < sight.right
            and sight.top - 200 < item.y < sight.bottom
        }

        def rank(item: Node | Wire | Frame | Unreadable) -> int:
            match item:
                case Node():
                    return 0 if item.id in near else 2
                case Wire():
                    return 1 if item.source in near and item.target in near else 3
            return 0

        self._waiting = deque(sorted(self._waiting, key=rank))

    def fill_up(self) -> None:
        """Show what is still missing of a large graph, now."""
        if self._waiting:
            self._fill_until(float("inf"))

    def _fill_until(self, end: float) -> None:
        if not self.nodes:
            self._sort_waiting()
        while self._waiting:
            for _ in range(min(8, len(self._waiting))):
                self._add(self._waiting.popleft())
            if perf_counter() > end:
                break
        if not self._waiting:
            self._grow()
            self.revision += 1
            self.filled.emit()

    # -- settling ------------------------------------------------------------------------------

    def settle(self) -> None:
        """Bring what is in sight up to date, and all else unless there are thousands of it."""
        graph = self.graph
        if graph is None:
            self._timer.stop()
            return
        for id in self._pick(self._stale_nodes, self._nodes_in_sight):
            self._settle_node(graph, id)
        self._spread_moves()
        picked = self._pick(self._stale_wires, self._wires_in_sight)
        if picked:
            self.revision += 1
        for id in picked:
            self._settle_wire(id)
        self._tell()

    def settle_marked(self, nodes: Iterable[str], wires: Iterable[str]) -> None:
        """Bring these up to date now, whatever else waits."""
        graph = self.graph
        if graph is None:
            return
        for id in self._stale_nodes.intersection(nodes):
            self._settle_node(graph, id)
        for id in self._stale_wires.intersection(wires):
            self._settle_wire(id)

    def settle_all(self) -> None:
        """Bring everything up to date now, however long it takes."""
        graph = self.graph
        self.fill_up()
        while graph is not None and (self._stale_nodes or self._stale_wires or self._moved):
            for id in list(self._stale_nodes):
                self._settle_node(graph, id)
            self._spread_moves()
            for id in list(self._stale_wires):
                self._settle_wire(id)
        self.settle()

    def settle_sight(self) -> None:
        """Before painting: what can be seen is up to date, if it is not too much."""
        graph = self.graph
        if graph is None or self._waiting or not (self._stale_nodes or self._stale_wires):
            return
        for id in islice(self._stale_nodes.intersection(self._nodes_in_sight()), AT_ONCE):
            self._settle_node(graph, id)
        for id in islice(self._stale_wires.intersection(self._wires_in_sight()), AT_ONCE):
            self._settle_wire(id)

    def _slice(self) -> None:
        """Do as much as fits into a few milliseconds, and ask for the next slice."""
        graph = self.graph
        if graph is None:
            return
        end = perf_counter() + SLICE_S
        if self._waiting:
            self._fill_until(end)
        else:
            self._spread_moves()
            self._work_off(self._stale_nodes, lambda id: self._settle_node(graph, id), end)
            if not self._stale_nodes:
                self._work_off(self._stale_wires, self._settle_wire, end)
        self._tell()

    @staticmethod
    def _work_off(stale: set[str], mend: Callable[[str], None], end: float) -> None:
        while stale and perf_counter() < end:
            for id in list(islice(stale, 8)):
                mend(id)

    def _tell(self) -> None:
        """After some work: what listeners must know, and when it goes on."""
        self._grow()
        if self._lost_selected:
            self._lost_selected = False
            self._mark_selection()
            self.selection_changed.emit()
        if self._edited:
            self._edited = False
            self.changed_graph.emit()
        if self.unsettled:
            self._later(PAUSE_MS)
        else:
            self._timer.stop()

    def _pick(self, stale: set[str], seen: Callable[[], Iterable[str]]) -> list[str]:
        """All of a few; of many those in sight first, up to a number."""
        if len(stale) <= AT_ONCE:
            return list(stale)
        first = stale.intersection(seen())
        return list(islice(chain(first, stale - first), AT_ONCE))

    def _nodes_in_sight(self) -> Collection[str]:
        sight = self.sight()
        return self.places.near(sight) if sight is not None else ()

    def _wires_in_sight(self) -> Collection[str]:
        sight = self.sight()
        if sight is None or self.graph is None:
            return ()
        ends = self.graph.wires_at(self.places.near(sight))
        return {*self.wire_places.near(sight), *(wire.id for wire in ends)}

    def _spread_moves(self) -> None:
        """Wires near a moved node may take another course."""
        if len(self._moved) >= MANY:
            self._loosen(self._moved)
            self._stale_wires.update(self.wires)
        else:
            for id in self._moved:
                if id in self.nodes:
                    self._near_box(self.nodes[id].box)
        self._moved.clear()

    def _near_box(self, box: Box) -> None:
        """Wires that pass here may take another course now."""
        if len(self._moved) < MANY:
            self._stale_wires.update(self.wire_places.near(box.grown(32)))

    def _loosen(self, nodes: Collection[str]) -> None:
        """The ends of these nodes' wires are elsewhere now."""
        if self.graph is None:
            return
        at_nodes = [wire.id for wire in self.graph.wires_at(nodes)]
        self._stale_wires.update(at_nodes)
        self.loose.update(at_nodes)
        self.touched.update(at_nodes)

    def _place(self, id: str, box: Box) -> None:
        self.places.put(id, box)
        self.touched.add(id)
        self._outgrown = True

    def _settle_wire(self, id: str) -> None:
        self._stale_wires.discard(id)
        self.loose.discard(id)
        if id in self.wires and id not in self.lifted:
            self.route(self.wires[id])

    def _grow(self) -> None:
        """Keep the index of Qt over all items."""
        if self._waiting:
            return
        bounds = self.places.bounds() if self._outgrown else None
        self._outgrown = False
        if bounds is None:
            return
        rect = _rect(bounds)
        if not self.sceneRect().contains(rect):
            self.setSceneRect(rect.adjusted(-MARGIN, -MARGIN, MARGIN, MARGIN))


def _rect(box: Box) -> QRectF:
    return QRectF(box.left, box.top, box.right - box.left, box.bottom - box.top)
