"""The digits CNN as a newcomer draws it: by what the window shows, counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QWidget

from netbuilder.graph.document import Document
from netbuilder.gui.bringing.source_choice import SourceChoice
from netbuilder.gui.canvas.entries import ENTRY
from tests.gui.window_hand import LEFT, WindowHand, settle

ROOT = Path(__file__).parents[2]


class Newcomer:
    """Counts its clicks and keys; a double click is one."""

    def __init__(self, hand: WindowHand) -> None:
        self.hand = hand
        self.clicks = self.keys = 0

    def click(self, widget: QWidget) -> None:
        QTest.mouseClick(widget, LEFT)
        self.clicks += 1
        settle()

    def type(self, widget: QWidget, text: str) -> None:
        QTest.keyClicks(widget, text)
        self.keys += len(text)
        settle()

    def add(self, title: str, **fields: str) -> None:
        """A double click in the palette, then its fields."""
        rows, model = self.hand.bench.palette_panel.list, self.hand.bench.palette_panel.model
        for row in range(model.rowCount()):
            index = model.index(row, 0)
            entry = index.data(ENTRY)
            if entry is not None and entry.title == title:
                rows.scrollTo(index)
                at = rows.visualRect(index).center()
                QTest.mouseClick(rows.viewport(), LEFT, pos=at)
                QTest.mouseDClick(rows.viewport(), LEFT, pos=at)
                self.clicks += 1
                settle()
                break
        else:
            raise AssertionError(f"the palette has no {title}")
        for name, value in fields.items():
            self.fill(name, value)

    def fill(self, name: str, value: str) -> None:
        """A click into a field, Ctrl+A, and another value."""
        editor = self.hand.bench.inspector.findChild(QWidget, f"field.{name}")
        assert editor is not None
        line = editor if isinstance(editor, QLineEdit) else editor.findChild(QLineEdit)
        assert isinstance(line, QLineEdit)
        self.click(line)
        target = editor if isinstance(editor, QAbstractSpinBox) else line
        QTest.keyClick(target, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
        self.keys += 1
        self.type(target, value)

    def find_data(self, words: str) -> None:
        """A click on the data set, and what it is about in a few letters."""
        source = self.hand.find(SourceChoice, "data.source")
        self.click(source)
        assert source.picker is not None
        self.type(source.picker.search, words)
        QTest.keyClick(source.picker.search, Qt.Key.Key_Return)
        self.keys += 1
        settle()

    def menu(self, menu: str, command: str) -> None:
        """A command out of a menu: a click on the menu, one on the command."""
        bar = self.hand.window.menuBar()
        title = next(action for action in bar.actions() if action.text() == f"&{menu}")
        QTest.mouseClick(bar, LEFT, pos=bar.actionGeometry(title).center())
        settle()
        popup = QApplication.activePopupWidget()
        assert popup is not None
        action = self.hand.window.commands.actions[command]
        at = title.menu().actionGeometry(action).center()  # type: ignore[attr-defined]
        QTest.mouseClick(popup, LEFT, pos=at)
        self.clicks += 2
        settle()


def shape_of(document: Document) -> list[tuple[str, dict[str, object], list[str]]]:
    """A network in words: layers, parameters, and what feeds them."""
    graph = document.of_kind("network")[0]
    return [
        (
            node.layer,
            dict(node.params),
            [graph.nodes[wire.source].layer for wire in graph.wires_into(node.id)],
        )
        for node in graph.ordered()
    ]


@pytest.fixture
def quick(qapp: QApplication) -> Iterator[None]:
    """A list of choices takes a click at once, not only a double click's time after it opened."""
    usual = qapp.doubleClickInterval()
    qapp.setDoubleClickInterval(0)
    yield
    qapp.setDoubleClickInterval(usual)


@pytest.mark.usefixtures("quick")
def test_a_newcomer_draws_it_by_what_the_window_shows(hand: WindowHand) -> None:
    hand.window.activateWindow()
    person = Newcomer(hand)
    person.click(hand.window.start.new)
    person.find_data("digits")
    person.add("Input", shape="1,8,8")
    person.add("Conv2d", out_channels="16", kernel_size="3", padding="1")
    person.add("ReLU")
    person.add("MaxPool2d", kernel_size="2")
    person.add("Flatten")
    person.add("Linear", out_features="10")
    person.add("Output")
    person.menu("Graph", "edit.step")
    hand.report()
    assert hand.window.runner.obstacle() == ""
    layers = [
        ("netbuilder.Input", {"shape": (1, 8, 8)}, []),
        (
            "torch.nn.Conv2d",
            {"out_channels": 16, "kernel_size": 3, "padding": 1},
            ["netbuilder.Input"],
        ),
        ("torch.nn.ReLU", {}, ["torch.nn.Conv2d"]),
        ("torch.nn.MaxPool2d", {"kernel_size": 2}, ["torch.nn.ReLU"]),
        ("torch.nn.Flatten", {}, ["torch.nn.MaxPool2d"]),
        ("torch.nn.Linear", {"out_features": 10}, ["torch.nn.Flatten"]),
        ("netbuilder.Output", {}, ["torch.nn.Linear"]),
    ]
    assert shape_of(hand.session.document) == layers

    # Train and Export are buttons; in the dialog Export is the one.
    clicks = person.clicks + 3
    guide = (ROOT / "docs" / "first-network.md").read_text()
    assert f"{clicks} clicks and {person.keys} keys" in guide, (clicks, person.keys)
