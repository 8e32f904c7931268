"""The window of a comparison: the list, and both sides beside each other."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QPushButton,
    QSplitter,
    QStackedLayout,
    QWidget,
)

from netbuilder.app.comparison import Comparison, Pair
from netbuilder.graph.difference import Row
from netbuilder.graph.places import around
from netbuilder.gui.comparing.beside import beside
from netbuilder.gui.comparing.marks import WORDS, Legend
from netbuilder.gui.comparing.row_list import RowList
from netbuilder.gui.comparing.side_view import SideView
from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import (
    Choice,
    EmptyState,
    button,
    column,
    holder,
    label,
    row,
    set_tip,
)

PAUSE_MS = 250
"""From the last of some edits to the next comparison."""
SAME = "Networks, steps and settings mean the same. Places and notes are left out."


class ComparisonWindow(QDialog):
    """Not modal. `place_wanted(graph, node)`: show it in the open project, to edit it there."""

    place_wanted = Signal(str, str)

    def __init__(
        self,
        comparison: Comparison,
        names: tuple[str, str],
        parent: QWidget | None = None,
    ) -> None:
        """`names` of both sides, the earlier one first."""
        super().__init__(parent)
        self.comparison = comparison
        self._names = names
        self._shown: tuple[str, str] | None = None
        self.setWindowTitle(f"{names[0]} and {names[1]}")
        self.setObjectName("comparison")
        self.setWindowFlag(Qt.WindowType.Window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self._fit(parent)
        self.list = RowList()
        self.left, self.right = SideView(names[0]), SideView(names[1])
        self._build()
        self._link()
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.comparison.refresh)
        comparison.changed = self._refill
        self._refill()

    def _fit(self, parent: QWidget | None) -> None:
        size = parent.size() if parent is not None else self.size()
        self.resize(max(860, size.width() - 80), max(520, size.height() - 80))

    def _build(self) -> None:
        self.graph = Choice()
        self.graph.setAccessibleName("Graph")
        self.graph.setMinimumContentsLength(18)
        self.graph.activated.connect(lambda at: self._show_pair(self.comparison.pairs[at]))
        heads = [label(name, "heading") for name in self._names]
        for head in heads:
            head.setMinimumWidth(40)
        sides = QSplitter(Qt.Orientation.Horizontal)
        sides.addWidget(self._with_empty())
        for head, view in zip(heads, (self.left, self.right), strict=True):
            sides.addWidget(holder(column(head, view, gap=6)))
        sides.setHandleWidth(8)
        sides.setStyleSheet("QSplitter::handle { background: transparent; }")
        sides.setChildrenCollapsible(False)
        for at, share in enumerate((2, 3, 3)):
            sides.setStretchFactor(at, share)
        sides.setSizes([270, 400, 400])
        layout = column(gap=8, margins=(16, 12, 16, 12))
        bar = row(label("Graph", "field"), self.graph, 16, gap=8)
        for change in WORDS:
            bar.addWidget(Legend(change))
        bar.addStretch(1)
        layout.addLayout(bar)
        layout.addWidget(sides, 1)
        layout.addLayout(self._buttons())
        self.setLayout(layout)

    def _with_empty(self) -> QWidget:
        place = QWidget()
        self._pages = QStackedLayout(place)
        self._pages.addWidget(self.list)
        self._pages.addWidget(EmptyState(*self._empty()))
        return place

    def _empty(self) -> tuple[str, str]:
        """What stands where the list would be once nothing is left."""
        return "Nothing differs", SAME

    def _buttons(self) -> QHBoxLayout:
        self.previous = button("Previous", lambda: self._step(-1), tip="Shift+F8")
        self.next = button("Next", lambda: self._step(1), tip="F8")
        deeds, last = self._deeds(), self._last()
        for each in (self.previous, self.next, *deeds, *last):
            each.setAutoDefault(False)
        for each in deeds:
            each.setVisible(self.comparison.live)
        return row(self.previous, self.next, 12, *deeds, None, *last)

    def _deeds(self) -> list[QPushButton]:
        """What can be done to the open project."""
        before = self._names[0]
        self.take = button("Take back this", self._take_one)
        set_tip(self.take, f"Let it be in the project as in {before}. One step to undo.")
        self.take_all = button("Take back all", self._take_all)
        set_tip(self.take_all, f"Let all be in the project as in {before}. One step to undo.")
        return [self.take, self.take_all]

    def _last(self) -> list[QPushButton]:
        """What stands at the end of the line."""
        self.copy = button("Copy as text", self._copy)
        return [self.copy, button("Close", self.close, "primary")]

    def _link(self) -> None:
        for view in (self.left, self.right):
            view.panned_by.connect(self._pan)
            view.zoomed_at.connect(self._zoom)
            view.whole_wanted.connect(self.show_whole)
        self.left.clicked.connect(lambda id: self._clicked(id, before=True))
        self.right.clicked.connect(lambda id: self._clicked(id, before=False))
        self.list.row_chosen.connect(self._go)
        self.list.row_opened.connect(self._open)
        self._shortcuts()

    def _shortcuts(self) -> None:
        self._key("F8", lambda: self._step(1))
        self._key("Shift+F8", lambda: self._step(-1))
        self._key("Ctrl+0", self.show_whole)
        if self.comparison.live:
            self._key("Ctrl+Z", lambda: self.comparison.travel(back=True))
            for keys in ("Ctrl+Y", "Ctrl+Shift+Z"):
                self._key(keys, lambda: self.comparison.travel(back=False))

    def _key(self, keys: str, job: Callable[[], object]) -> None:
        QShortcut(QKeySequence(keys), self).activated.connect(lambda: job())

    # -- what is shown -------------------------------------------------------------------

    @property
    def rows(self) -> list[Row]:
        """What differs."""
        return self.comparison.rows

    def edited(self) -> None:
        """The open project has been edited: compare again, once for many edits."""
        if self.comparison.live:
            self._soon.start(PAUSE_MS)

    def _refill(self) -> None:
        self.graph.clear()
        for pair in self.comparison.pairs:
            some = f" · {pair.changes}" if pair.changes else ""
            self.graph.addItem(f"{pair.name}{some}")
        looks = (self.left.look(), self.right.look()) if self._shown is not None else None
        shown = self._pair_of(*self._shown) if self._shown is not None else None
        self._shown = None
        if shown is not None:
            self._show_pair(shown)
        self._show_rows()
        self._pages.setCurrentIndex(0 if self.rows else 1)
        if self._shown is None and self.comparison.pairs:
            self._show_pair(self.comparison.pairs[0])
        if looks is not None:
            # What came in is no reason to look elsewhere.
            self.left.look_at(looks[0])
            self.right.look_at(looks[1])
        self._ready()

    def _show_rows(self) -> None:
        self.list.show_rows(self.rows)
        self.copy.setEnabled(bool(self.rows))

    def _ready(self) -> None:
        """Let what can be done now be pressed."""
        for each in (self.previous, self.next):
            each.setEnabled(bool(self.rows))
        self.take_all.setEnabled(self.comparison.may_take(self.rows))
        self.take.setEnabled(self.comparison.may_take(self._chosen()))

    def _pair_of(self, old: str, new: str) -> Pair | None:
        for pair in self.comparison.pairs:
            ids = (pair.before.id if pair.before else "", pair.after.id if pair.after else "")
            if (new and new == ids[1]) or (old and old == ids[0]):
                return pair
        return None

    def _show_pair(self, pair: Pair) -> None:
        ids = (pair.before.id if pair.before else "", pair.after.id if pair.after else "")
        if ids == self._shown:
            return
        self._shown = ids
        self.graph.setCurrentIndex(self.comparison.pairs.index(pair))
        left, right = self.comparison.marks(pair)
        for view, side, graph, mark, name in (
            (self.left, self.comparison.before, pair.before, left, self._names[0]),
            (self.right, self.comparison.after, pair.after, right, self._names[1]),
        ):
            view.show_side(side, graph, mark, f"'{pair.name}' is not in\n{name}.")
        self.show_whole()

    def show_whole(self) -> None:
        """Both sides look at the same part of the plane, which holds all of both."""
        boxes = [view.canvas.extent() for view in (self.left, self.right)]
        whole = around([box for box in boxes if box is not None])
        for view in (self.left, self.right):
            view.frame(whole)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.list.setFocus()
        # Only once all has its size it can be said what is the middle.
        QTimer.singleShot(0, self, self._begin)

    def _begin(self) -> None:
        self.show_whole()
        self._go(self.list.at)

    # -- moving together -----------------------------------------------------------------

    def _pan(self, dx: int, dy: int) -> None:
        for view in (self.left, self.right):
            view.pan_by(dx, dy)

    def _zoom(self, pixel: QPoint, factor: float) -> None:
        for view in (self.left, self.right):
            view.zoom_at(pixel, factor)

    # -- going through what differs --------------------------------------------------------

    def _chosen(self) -> list[Row]:
        at = self.list.at
        return [self.rows[at]] if 0 <= at < len(self.rows) else []

    def _step(self, by: int) -> None:
        self.list.go_to(self.list.at + by)

    def _go(self, number: int) -> None:
        """Look at a row's place on both sides."""
        if not 0 <= number < len(self.rows):
            return
        chosen = self.rows[number]
        self._ready()
        pair = self._pair_of(chosen.old_graph_id, chosen.graph_id)
        if pair is None:
            return
        self._show_pair(pair)
        self._select(chosen, pair)

    def _select(self, chosen: Row, pair: Pair) -> None:
        left, right = self._ends(chosen, pair)
        self.left.select(left)
        self.right.select(right)
        self.left.refresh()
        self.right.refresh()
        here, there = self.left.middle(left), self.right.middle(right)
        if here is None and there is None:
            return
        # What is missing on one side would be near its neighbours there.
        partners = self.comparison.nodes.get(pair.before.id, {}) if pair.before else {}
        if here is None and there is not None:
            back = {new: old for old, new in partners.items()}
            here = beside(self.right.graph, self.left.graph, there, back)
        elif there is None and here is not None:
            there = beside(self.left.graph, self.right.graph, here, partners)
        zoom = self.left.zoom if self.left.zoom >= 0.5 else 0.85
        for view, place in ((self.left, here), (self.right, there)):
            if place is not None:
                view.set_zoom(zoom)
                view.centerOn(place)

    def _ends(self, chosen: Row, pair: Pair) -> tuple[list[str], list[str]]:
        """What a row is about on both sides: a node, or a wire's ends."""
        if chosen.what != "wire":
            return (
                [chosen.old_node_id] if chosen.old_node_id else [],
                [chosen.node_id] if chosen.node_id else [],
            )
        ends: list[list[str]] = []
        for graph, id in ((pair.before, chosen.old_wire), (pair.after, chosen.wire)):
            wire = graph.wires.get(id) if graph is not None else None
            ends.append([wire.id, wire.source, wire.target] if wire is not None else [])
        return ends[0], ends[1]

    def _clicked(self, id: str, *, before: bool) -> None:
        """A node or wire was clicked: be at the first row about it."""
        pair = self._pair_of(*self._shown) if self._shown is not None else None
        number = self.comparison.row_about(pair, id, before=before) if pair is not None else None
        if number is not None:
            self.list.go_to(number)

    def _open(self, number: int) -> None:
        chosen = self.rows[number]
        if self.comparison.live and chosen.graph_id:
            self.place_wanted.emit(chosen.graph_id, chosen.node_id)

    # -- deeds ---------------------------------------------------------------------------

    def _take_one(self) -> None:
        chosen = self._chosen()
        if chosen:
            self.comparison.take(chosen, self._title(chosen[0]))

    def _title(self, chosen: Row) -> str:
        """What the step is called."""
        return f"Take back {name_of(chosen)}"

    def _take_all(self) -> None:
        self.comparison.take(self.rows, f"Take back all since {self._names[0]}")

    def _copy(self) -> None:
        lines = [f"{each.graph or 'Project'}: {each.words}" for each in self.rows]
        QGuiApplication.clipboard().setText("\n".join(lines))

    def done(self, result: int) -> None:
        self.comparison.close()
        super().done(result)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.comparison.close()
        super().closeEvent(event)


def name_of(row: Row) -> str:
    """What a row is about, in short."""
    return f"{row.node} {row.key}".strip() or row.graph
