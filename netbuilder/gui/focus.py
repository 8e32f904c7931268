"""Go from panel to panel, into a form and back, without a mouse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QLineEdit, QScrollArea, QWidget

from netbuilder.gui.look import theme
from netbuilder.gui.outlining.outline_words import spoken_node

if TYPE_CHECKING:
    from netbuilder.gui.workbench import Workbench

_FIELDS = ("field.", "data.")
_BY_KEY = Qt.FocusReason.ShortcutFocusReason
_BY_KEYS = (_BY_KEY, Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason)


def _takes_focus(widget: QWidget) -> bool:
    by_tab = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
    return bool(by_tab) and widget.isEnabled() and widget.isVisible()


def _inside(panel: QWidget) -> Iterator[QWidget]:
    """What can have the focus in a panel, in the order of Tab."""
    if _takes_focus(panel):
        yield panel
    widget = panel.nextInFocusChain()
    while widget is not None and widget is not panel:
        if panel.isAncestorOf(widget) and _takes_focus(widget):
            yield widget
        widget = widget.nextInFocusChain()


class FocusRing(QObject):
    """The panels of a workbench in a ring; Escape leads from each back to the canvas."""

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        self._line = QFrame(bench.canvas)
        self._line.setFixedHeight(2)
        self._line.hide()
        bench.canvas.installEventFilter(self)
        bench.canvas.selection_changed.connect(self._tell)
        bench.installEventFilter(self)
        bench.window().installEventFilter(self)

    def panels(self) -> list[QWidget]:
        """The panels that are seen, in the order of the ring: around the canvas."""
        bench = self._bench
        centre = bench.centralWidget()
        middle = centre.geometry() if centre is not None else bench.rect()
        docks = [dock for dock in bench.docks.values() if not dock.isHidden()]
        left = [d for d in docks if d.geometry().right() < middle.left()]
        rest = [d for d in docks if d not in left]
        left.sort(key=lambda dock: dock.y())
        rest.sort(key=lambda dock: (dock.y() > middle.bottom(), dock.x()))
        return [*(dock.widget() for dock in left), bench.canvas, *(d.widget() for d in rest)]

    def step(self, by: int) -> None:
        """Give the focus to the next panel that takes it."""
        panels, focused = self.panels(), QApplication.focusWidget()
        here = next(
            (
                at
                for at, panel in enumerate(panels)
                if focused is panel or (focused is not None and panel.isAncestorOf(focused))
            ),
            panels.index(self._bench.canvas) - by,
        )
        for far in range(1, len(panels) + 1):
            if self.enter(panels[(here + by * far) % len(panels)]):
                return

    def enter(self, panel: QWidget) -> bool:
        """Give the focus to a panel; False if nothing in it can have it."""
        if panel is self._bench.canvas:
            panel.setFocus(_BY_KEY)
            return True
        found = next((w for w in _inside(panel) if not isinstance(w, QLabel | QScrollArea)), None)
        if found is not None:
            self._take(found)
        return found is not None

    def _take(self, widget: QWidget) -> None:
        widget.setFocus(_BY_KEY)
        if isinstance(widget, QLineEdit):
            widget.selectAll()
        above = widget.parentWidget()
        while above is not None:
            if isinstance(above, QScrollArea):
                above.ensureWidgetVisible(widget)
            above = above.parentWidget()

    def edit_parameters(self) -> bool:
        """Into the form of what is selected, at its first field; False if there is none."""
        bench = self._bench
        bench.docks["inspector"].show()
        for widget in _inside(bench.inspector):
            above: QWidget | None = widget
            while above is not None and above is not bench.inspector:
                if above.objectName().startswith(_FIELDS):
                    self._take(widget)
                    return True
                above = above.parentWidget()
        return self.enter(bench.inspector)

    def open_selected(self) -> None:
        """Into the block or network that the selected node stands for, else into its form."""
        bench = self._bench
        chosen = bench.canvas.selection()
        if len(chosen) != 1 or not bench.open_inside(chosen[0]):
            self.edit_parameters()

    def _tell(self, chosen: list[str]) -> None:
        """A screen reader hears what is selected on the canvas, as the outline says it."""
        canvas = self._bench.canvas
        if not QAccessible.isActive() or not canvas.hasFocus():
            return
        words = f"{len(chosen)} nodes" if chosen else "Nothing is selected"
        if len(chosen) == 1 and canvas.canvas.graph is not None:
            item, node = canvas.canvas.nodes[chosen[0]], canvas.canvas.graph.nodes[chosen[0]]
            words = spoken_node(node, item.face, len(canvas.canvas.problems_of(node.id)))
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(canvas, words))

    def _mark(self, event: QEvent) -> None:
        """A line over the canvas while it has the keys, if they came there by key."""
        canvas = self._bench.canvas
        if isinstance(event, QFocusEvent) and event.gotFocus() and event.reason() in _BY_KEYS:
            self._line.setStyleSheet(f"background: {theme.current().accent.name()};")
            self._line.setFixedWidth(canvas.width())
            self._line.show()
            self._line.raise_()
        elif event.type() in (QEvent.Type.FocusOut, QEvent.Type.Resize):
            self._line.hide()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Escape that no field wanted: back to the canvas."""
        if watched is self._bench.canvas:
            self._mark(event)
        elif (
            isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() == Qt.Key.Key_Escape
            and not event.modifiers()
            and self._bench.isVisible()
        ):
            self._bench.canvas.setFocus(_BY_KEY)
            return True
        return super().eventFilter(watched, event)
