"""Starting from a run's weights: what would be kept, what is new, what is lost; and choosing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QHeaderView,
    QStackedLayout,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from netbuilder.errors import NetbuilderError
from netbuilder.gui.look import style, theme
from netbuilder.gui.look.widgets import (
    EmptyState,
    Switch,
    button,
    column,
    holder,
    label,
    plain_tip,
    row,
)

Answer = dict[str, Any] | NetbuilderError
_PART = int(Qt.ItemDataRole.UserRole)
_COLORS = {"kept": "success", "widened": "warning", "new": "muted", "lost": "error"}


class Carries(Protocol):
    """What the dialog needs of `app.session.Session`."""

    def carry(self, origin: Mapping[str, Any], on_done: Callable[[Answer], None]) -> None: ...


class StartDialog(QDialog):
    """`start_wanted`: begin a training with these weights, as `Session.train` takes them."""

    start_wanted = Signal(object)

    def __init__(self, session: Carries, run: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Start from {run.name}")
        self.setObjectName("startDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self.resize(760, 540)
        self._session, self._run = session, run
        self._closed = False
        self._asked = 0
        self._items: list[Mapping[str, Any]] = []
        self.waiting = EmptyState("Comparing…", "The weights of the run find their places.")
        self.tree = QTreeWidget()
        self.tree.setHeaderLabels(["Part", "Becomes", "Values", "Why"])
        self.tree.setIndentation(24)
        self.tree.setUniformRowHeights(True)
        self.tree.setStyleSheet("QTreeView::item { padding: 3px 0; }")
        self.tree.setAccessibleName("Parts and what becomes of their weights")
        header = self.tree.header()
        header.setStretchLastSection(True)
        for section in range(3):
            header.setSectionResizeMode(section, QHeaderView.ResizeMode.ResizeToContents)
        self.tree.itemChanged.connect(self._ticked)
        self.widen = Switch("Widen what grew: the run's values first, the rest fresh")
        self.widen.toggled.connect(lambda _: self._show_states())
        self.widen.hide()
        self.about = label("", "muted", wrap=True)
        self.total = label("", "muted", wrap=True)
        cancel = button("Cancel", self.close)
        self.start = button("Start training", self._start, "primary")
        self.start.setDefault(True)
        self.start.setEnabled(False)
        page = column(self.about, self.tree, self.widen, self.total, gap=8)
        page.setStretch(1, 1)
        self._pages = QStackedLayout()
        self._pages.addWidget(self.waiting)
        self._pages.addWidget(holder(page))
        layout = column(label(f"Start from {run.name}", "title"), gap=8, margins=(24, 24, 24, 16))
        layout.addLayout(self._pages, 1)
        layout.addLayout(row(None, cancel, self.start))
        self.setLayout(layout)
        session.carry({"run": str(run)}, self._arrived)

    def done(self, result: int) -> None:
        self._closed = True
        super().done(result)

    # -- the report ----------------------------------------------------------------------

    def _arrived(self, answer: Answer) -> None:
        if self._closed:
            return
        if isinstance(answer, NetbuilderError):
            self.waiting.say("That can't be done", f"{answer} {answer.hint}".strip())
            return
        kind = {"best": "best", "last": "latest"}.get(str(answer.get("checkpoint")), "")
        metrics = answer.get("metrics") or {}
        told = ", ".join(
            f"{key} {value:.4g}"
            for key, value in metrics.items()
            if key.startswith("val/") and isinstance(value, int | float)
        )
        self.about.setText(
            f"The {kind} weights of {answer.get('name')}, after epoch {answer.get('epoch')}"
            f"{f' ({told})' if told else ''}. Tick what is to be kept; the rest begins fresh. "
            "The optimizer begins anew."
        )
        self._items = list(answer.get("items", ()))
        self.widen.setVisible(any(item.get("grown") for item in self._items))
        self._fill()
        self._pages.setCurrentIndex(1)
        self.start.setEnabled(True)
        self.tree.setFocus()

    def _fill(self) -> None:
        self.tree.blockSignals(True)
        self._nodes: dict[str, QTreeWidgetItem] = {}
        lost: QTreeWidgetItem | None = None
        for item in self._items:
            gone = item["state"] == "lost"
            if gone and lost is None:
                lost = QTreeWidgetItem(["No longer in the project"])
                lost.setFlags(Qt.ItemFlag.ItemIsEnabled)
                self.tree.addTopLevelItem(lost)
            part = str(item["part"])
            holder_item = self._node(part, lost if gone else None)
            name = str(item["name"] or item["was"]).rpartition(".")[2]
            leaf = QTreeWidgetItem([name])
            leaf.setData(0, _PART, item)
            leaf.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
            holder_item.addChild(leaf)
        for part, node in self._nodes.items():
            if isinstance(node.data(0, _PART), str):
                node.setCheckState(0, Qt.CheckState.Checked)
            node.setExpanded(part.count(".") < 1)
        if lost is not None:
            lost.setExpanded(True)
        self.tree.blockSignals(False)
        self._show_states()

    def _node(self, part: str, under: QTreeWidgetItem | None) -> QTreeWidgetItem:
        key = part if under is None else f"\0{part}"
        if key in self._nodes:
            return self._nodes[key]
        outer, _, name = part.rpartition(".")
        node = QTreeWidgetItem([name if under is None else part])
        if under is None:
            node.setFlags(
                Qt.ItemFlag.ItemIsEnabled
                | Qt.ItemFlag.ItemIsSelectable
                | Qt.ItemFlag.ItemIsUserCheckable
            )
            node.setData(0, _PART, part)
        else:
            node.setFlags(Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable)
        self._nodes[key] = node
        if under is not None:
            under.addChild(node)
        elif outer:
            self._node(outer, None).addChild(node)
        else:
            self.tree.addTopLevelItem(node)
        return node

    # -- choosing ------------------------------------------------------------------------

    def _ticked(self, item: QTreeWidgetItem, section: int) -> None:
        if section != 0 or not isinstance(item.data(0, _PART), str):
            return
        self.tree.blockSignals(True)
        state = item.checkState(0)
        if state != Qt.CheckState.PartiallyChecked:
            for inner in _below(item):
                inner.setCheckState(0, state)
        outer = item.parent()
        while outer is not None:
            states = {child.checkState(0) for child in _parts(outer)}
            mixed = Qt.CheckState.PartiallyChecked
            outer.setCheckState(0, states.pop() if len(states) == 1 else mixed)
            outer = outer.parent()
        self.tree.blockSignals(False)
        self._show_states()

    def kept_parts(self) -> list[str] | None:
        """The ticked parts, the outermost ones alone; None where all are."""
        tops = [self.tree.topLevelItem(at) for at in range(self.tree.topLevelItemCount())]
        roots = [top for top in tops if top is not None and isinstance(top.data(0, _PART), str)]
        if all(root.checkState(0) == Qt.CheckState.Checked for root in roots):
            return None
        return [part for root in roots for part in _kept(root)]

    def _state_of(self, item: Mapping[str, Any], ticked: bool) -> str:
        state = str(item["state"])
        if state == "kept" and not ticked:
            return "new"
        if state == "new" and item.get("grown") and ticked and self.widen.isChecked():
            return "widened"
        return state

    def _show_states(self) -> None:
        """What becomes of each tensor as it is ticked now, and the sums."""
        self.tree.blockSignals(True)
        sums: dict[str, int] = dict.fromkeys(_COLORS, 0)
        for node in self._nodes.values():
            own: dict[str, int] = {}
            ticked = node.checkState(0) == Qt.CheckState.Checked
            for leaf in _leaves(node):
                item = leaf.data(0, _PART)
                state = self._state_of(item, ticked)
                own[state] = own.get(state, 0) + item["numbers"]
                sums[state] += item["numbers"]
                left_out = item["state"] == "kept" and state == "new"
                _write(leaf, state, item["numbers"], "Left out." if left_out else item["reason"])
            if own:
                first = max(own, key=lambda state: own[state])
                reasons = {leaf.text(3) for leaf in _leaves(node)} - {""}
                words = reasons.pop() if len(reasons) == 1 else ""
                _write(
                    node, first if len(own) == 1 else " and ".join(own), sum(own.values()), words
                )
        self.tree.blockSignals(False)
        counts = [f"{count:,} {state}" for state, count in sums.items() if count]
        self.total.setText(f"Values: {', '.join(counts)}.")

    def _start(self) -> None:
        keep = self.kept_parts()
        widen = not self.widen.isHidden() and self.widen.isChecked()
        self.start_wanted.emit({"run": str(self._run), "keep": keep, "widen": widen})
        self.close()


def _write(node: QTreeWidgetItem, state: str, numbers: int, why: str) -> None:
    node.setText(1, state)
    node.setText(2, f"{numbers:,}")
    node.setText(3, why)
    node.setToolTip(3, plain_tip(why))
    node.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    tokens = theme.current()
    node.setForeground(1, getattr(tokens, _COLORS.get(state, "muted")))
    node.setForeground(3, tokens.muted)


def _children(node: QTreeWidgetItem) -> Iterator[QTreeWidgetItem]:
    for at in range(node.childCount()):
        child = node.child(at)
        if child is not None:
            yield child


def _parts(node: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    return [child for child in _children(node) if isinstance(child.data(0, _PART), str)]


def _leaves(node: QTreeWidgetItem) -> list[QTreeWidgetItem]:
    return [child for child in _children(node) if isinstance(child.data(0, _PART), dict)]


def _below(node: QTreeWidgetItem) -> Iterator[QTreeWidgetItem]:
    for child in _parts(node):
        yield child
        yield from _below(child)


def _kept(node: QTreeWidgetItem) -> list[str]:
    if node.checkState(0) == Qt.CheckState.Checked:
        return [node.data(0, _PART)]
    return [part for child in _parts(node) for part in _kept(child)]
