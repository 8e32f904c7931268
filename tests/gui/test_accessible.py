"""What the keys can reach says its name, and shows that it was reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QGraphicsView, QWidget

from netbuilder.gui.look import theme
from tests.gui.window_hand import WindowHand, settle

TAB = Qt.FocusReason.TabFocusReason


def network(hand: WindowHand) -> None:
    hand.session.show(hand.session.document.of_kind("network")[0].id)
    hand.select("conv1")


def step(hand: WindowHand) -> None:
    hand.bench.canvas.select([])
    hand.session.show(hand.session.document.of_kind("step")[0].id)


def panel(name: str) -> Callable[[WindowHand], None]:
    return lambda hand: hand.command(f"view.{name}")


PLACES: list[tuple[str, Callable[[WindowHand], None]]] = [
    ("project", lambda hand: None),
    ("node", network),
    *((name, panel(name)) for name in ("code", "data", "training", "runs", "outline")),
    ("step", step),
    ("start page", lambda hand: hand.window.show_start()),
]


def reachable(hand: WindowHand) -> Iterator[QWidget]:
    """What Tab can lead to; the insides of a field or of the canvas are the field's own."""
    for widget in hand.window.findChildren(QWidget):
        above = widget.parentWidget()
        inside = isinstance(above, QAbstractSpinBox | QGraphicsView)
        by_tab = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
        if by_tab and widget.isVisible() and widget.isEnabled() and not inside:
            yield widget


def called(widget: QWidget) -> str:
    above = widget.parentWidget()
    return f"{type(widget).__name__} {widget.objectName()} in {type(above).__name__}"


@pytest.mark.parametrize(("place", "go"), PLACES)
def test_all_that_the_keys_reach_has_a_name(
    hand: WindowHand, place: str, go: Callable[[WindowHand], None]
) -> None:
    hand.open()
    go(hand)
    settle()
    nameless = []
    for widget in reachable(hand):
        face = QAccessible.queryAccessibleInterface(widget)
        if face is None or not face.text(QAccessible.Text.Name):
            nameless.append(called(widget))
    assert nameless == []


@pytest.mark.parametrize("colours", ["dark", "light"])
def test_the_keys_are_seen_wherever_they_are(hand: WindowHand, colours: str) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    theme.apply_theme(app, "light" if colours == "light" else "dark")
    try:
        hand.open()
        hand.window.activateWindow()
        unseen: list[str] = []
        seen: set[str] = set()
        for place, go in PLACES:
            go(hand)
            settle()
            for widget in reachable(hand):
                name = called(widget)
                if name not in seen and shows_focus(widget) is False:
                    unseen.append(f"{place}: {name}")
                seen.add(name)
        assert unseen == []
        assert len(seen) > 30
    finally:
        theme.apply_theme(app, "dark")


def shows_focus(widget: QWidget) -> bool | None:
    """Whether it looks otherwise with the keys than without; None if it does not get them."""
    focused = QApplication.focusWidget()
    if focused is not None:
        focused.clearFocus()
    # Under the mouse, where a widget looks otherwise too.
    widget.setAttribute(Qt.WidgetAttribute.WA_UnderMouse, True)
    settle()
    without = widget.grab().toImage()
    widget.setFocus(TAB)
    settle()
    if QApplication.focusWidget() is not widget:
        return None
    return bool(widget.grab().toImage() != without)


def test_every_part_of_the_window_is_reached_by_f6_and_tab(hand: WindowHand) -> None:
    hand.open()
    hand.window.activateWindow()
    hand.command("view.outline")
    hand.bench.canvas.setFocus()
    reached: set[QWidget] = set()
    for _ in range(6):
        for _ in range(40):
            focused = QApplication.focusWidget()
            assert focused is not None
            if focused in reached or focused is hand.bench.canvas:
                break
            reached.add(focused)
            QTest.keyClick(focused, Qt.Key.Key_Tab)
            settle()
        QTest.keyClick(QApplication.focusWidget() or hand.window, Qt.Key.Key_F6)
        settle()
    docks = {
        name
        for name, dock in hand.bench.docks.items()
        if any(dock.isAncestorOf(widget) for widget in reached)
    }
    assert docks == {"palette", "outline", "inspector", "panels"}
