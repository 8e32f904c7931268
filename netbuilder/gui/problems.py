"""All problems of the project, live; a click goes to the node, a button mends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListView,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from netbuilder.errors import SEVERITY_WORDS, Fix, Problem
from netbuilder.graph.document import Document
from netbuilder.gui.breadcrumb import path_words
from netbuilder.gui.inspecting.fix_view import FixButton, mark_of
from netbuilder.gui.look import icons, theme
from netbuilder.gui.look.widgets import EmptyState, plain_tip

Index = QModelIndex | QPersistentModelIndex
PROBLEM = int(Qt.ItemDataRole.UserRole)
WHERE = PROBLEM + 1
MAX_FIXES = 3
"""So many fit into a row; the inspector shows all of them."""
FIXES_SHARE = 0.5
"""What the buttons may take of a row's width; longer titles are cut off."""
NONE = ("No problems", "Shapes and sizes fit.")
UNKNOWN = ("Not checked yet", "What does not fit is listed here.")
_ORDER = {"error": 0, "warning": 1, "info": 2}


def place_of(document: Document, problem: Problem) -> str:
    """Where a problem is, in words: `main › conv`, in a block by the use that has it."""
    graph = document.graphs.get(problem.graph)
    if graph is None:
        return "project"
    node = graph.nodes.get(problem.node)
    if problem.path and node is not None:
        return f"{path_words(document, problem.path)} › {node.name}"
    return f"{graph.name} › {node.name}" if node is not None else graph.name


class ProblemModel(QAbstractListModel):
    """The problems, errors first."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[tuple[Problem, str]] = []

    def show(self, problems: Sequence[Problem], document: Document) -> bool:
        """Replace the contents; whether anything differs."""
        ranked = sorted(problems, key=lambda problem: _ORDER[problem.severity])
        found = [(problem, place_of(document, problem)) for problem in ranked]
        if found == self.problems:
            return False
        self.beginResetModel()
        self.problems = found
        self.endResetModel()
        return True

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.problems)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        problem, where = self.problems[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
                kind = SEVERITY_WORDS[problem.severity]
                return f"{kind}: {problem.message} {problem.hint} ({where})"
            case Qt.ItemDataRole.ToolTipRole:
                return plain_tip(f"{problem.message}\n{problem.hint}".strip())
            case _ if role == PROBLEM:
                return problem
            case _ if role == WHERE:
                return where
        return None


class ProblemDelegate(QStyledItemDelegate):
    """Two lines a problem: what is wrong and where, then what to do; at the right its fixes."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        lines = 2 if index.data(PROBLEM).hint else 1
        return QSize(200, lines * (option.fontMetrics.height() + 2) + 14)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        problem: Problem = index.data(PROBLEM)
        tokens = theme.current()
        rect: QRect = option.rect
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, tokens.selection)
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, tokens.hover)
        name, token = mark_of(problem)
        ratio = painter.device().devicePixelRatio()
        mark = icons.pixmap(name, getattr(tokens, token), 16, ratio)
        painter.drawPixmap(rect.left() + 12, rect.top() + 8, mark)
        inside = rect.adjusted(38, 7, -12 - fixes_width(problem, option), -7)
        metrics = option.fontMetrics
        height = metrics.height() + 2
        where = index.data(WHERE)
        width = metrics.horizontalAdvance(where) + 16
        first = QRect(inside.left(), inside.top(), inside.width(), height)
        message = metrics.elidedText(
            problem.message, Qt.TextElideMode.ElideRight, max(40, first.width() - width)
        )
        align = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.setPen(tokens.text)
        painter.drawText(first, align | Qt.TextFlag.TextSingleLine, message)
        painter.setPen(tokens.muted)
        after = first.adjusted(metrics.horizontalAdvance(message) + 12, 0, 0, 0)
        painter.drawText(after, align | Qt.TextFlag.TextSingleLine, where)
        if problem.hint:
            hint = metrics.elidedText(problem.hint, Qt.TextElideMode.ElideRight, inside.width())
            painter.drawText(first.translated(0, height), align | Qt.TextFlag.TextSingleLine, hint)
        painter.restore()


def fixes_width(problem: Problem, option: QStyleOptionViewItem) -> int:
    """The room that the fix buttons take at the right."""
    metrics = option.fontMetrics
    wide = sum(metrics.horizontalAdvance(fix.title) + 32 for fix in problem.fixes[:MAX_FIXES])
    return min(wide, round(FIXES_SHARE * option.rect.width()))


def _alike(one: Problem, other: Problem) -> bool:
    """Whether it is the same mistake, perhaps with other numbers in it."""
    return (one.graph, one.node, one.port, one.code) == (
        other.graph,
        other.node,
        other.port,
        other.code,
    )


class _List(QListView):
    activated_row = Signal(QModelIndex)
    moved = Signal()
    """Other rows may be seen than before."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.moved.emit()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.moved.emit()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        self.moved.emit()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid():
            self.activated_row.emit(index)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        super().keyPressEvent(event)
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.activated_row.emit(self.currentIndex())


class ProblemsPanel(QWidget):
    """`chosen(problem)`: go there; `fix_wanted(fix)`: mend it.

    `fix_tried(fix, button)`: show what it would do.
    """

    chosen = Signal(object)
    fix_wanted = Signal(object)
    fix_tried = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.model = ProblemModel()
        self.view = _List()
        self.view.setModel(self.model)
        self.view.setItemDelegate(ProblemDelegate(self.view))
        self.view.setMouseTracking(True)
        self.view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.view.setAccessibleName("Problems")
        self.view.activated_row.connect(lambda index: self.chosen.emit(index.data(PROBLEM)))
        self.empty = EmptyState(*NONE)
        self._dress_soon = QTimer(self)
        self._dress_soon.setSingleShot(True)
        self._dress_soon.setInterval(0)
        self._dress_soon.timeout.connect(self._dress_rows)
        self.view.moved.connect(self._dress_soon.start)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.view)

    def show_problems(self, problems: Sequence[Problem] | None, document: Document) -> None:
        """Show all of them, None if nobody has looked yet; nothing happens to those shown."""
        title, text = UNKNOWN if problems is None else NONE
        self.empty.title.setText(title)
        self.empty.text.setText(text)
        problems = problems or ()
        current = self.view.currentIndex()
        chosen = current.data(PROBLEM) if current.isValid() else None
        if not self.model.show(problems, document):
            return
        self._stack.setCurrentIndex(1 if problems else 0)
        for row, (problem, _) in enumerate(self.model.problems):
            if chosen is not None and _alike(problem, chosen):
                self.view.setCurrentIndex(self.model.index(row))
                break
        self._dress_soon.start()

    def _dress_rows(self) -> None:
        """Give the rows that are seen their buttons: thousands of problems stay cheap."""
        area = self.view.viewport().rect()
        first = self.view.indexAt(area.topLeft() + QPoint(4, 1)).row()
        row = max(0, first)
        while row < len(self.model.problems):
            index = self.model.index(row)
            place = self.view.visualRect(index)
            if place.top() > area.bottom():
                break
            problem = self.model.problems[row][0]
            if problem.fixes and self.view.indexWidget(index) is None:
                self.view.setIndexWidget(index, self._buttons(problem.fixes))
            row += 1
        # By Tab from the list through the buttons, from above to below.
        before: QWidget = self.view
        for at in range(max(0, first), row):
            holder = self.view.indexWidget(self.model.index(at))
            for press in holder.findChildren(FixButton) if holder is not None else ():
                QWidget.setTabOrder(before, press)
                before = press

    def _buttons(self, fixes: Sequence[Fix]) -> QWidget:
        holder = _FixRow()
        for fix in fixes[:MAX_FIXES]:
            press = FixButton(fix)
            press.wanted.connect(self.fix_wanted)
            press.tried.connect(self.fix_tried)
            holder.add(press)
        return holder


class _FixRow(QWidget):
    """Buttons at the right of a row; the list gives it the size of the whole row."""

    def __init__(self) -> None:
        super().__init__()
        self.setAutoFillBackground(False)
        self._layout = QHBoxLayout(self)
        self._layout.addStretch(1)

    def add(self, button: FixButton) -> None:
        """One more, at the right."""
        self._layout.addWidget(button)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        left = round((1 - FIXES_SHARE) * event.size().width())
        self._layout.setContentsMargins(left, 0, 12, 0)
