"""The palette: search, adding, and dragging onto the canvas with real mouse events."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QMenu, QWidget

from netbuilder.graph import edits
from netbuilder.graph.model import Node
from netbuilder.gui.canvas.entries import ENTRY
from netbuilder.gui.canvas.search import Entry
from netbuilder.gui.canvas.view import CanvasView
from netbuilder.gui.palette import Palette
from netbuilder.gui.palette_list import star_place
from tests.drawing import Drawing
from tests.gui.conftest import settle

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


class Bench:
    """A window with a palette and a canvas that shows image → conv → out."""

    def __init__(self) -> None:
        self.drawing = Drawing()
        self.image = self.drawing.input(1, 8, 8, name="image")
        self.conv = self.drawing.add("Conv2d", self.image, out_channels=4, kernel_size=3)
        self.out = self.drawing.output(self.conv, name="out")
        places = {node.id: (0, 160 * n) for n, node in enumerate((self.image, self.conv, self.out))}
        edits.move(self.drawing.history, self.drawing.graph, places)
        self.window = QWidget()
        self.view = CanvasView()
        self.palette = Palette(self.view)
        row = QHBoxLayout(self.window)
        self.palette.setFixedWidth(220)
        row.addWidget(self.palette)
        row.addWidget(self.view)
        self.window.resize(1200, 800)
        self.window.show()
        self.view.set_graph(self.drawing.document, self.drawing.history, self.drawing.graph)
        self.view.set_zoom(1.0)
        self.palette.refresh()
        QApplication.processEvents()

    @property
    def rows(self) -> QWidget:
        return self.palette.list.viewport()

    def index(self, title: str) -> QModelIndex:
        model = self.palette.model
        for row in range(model.rowCount()):
            entry = model.index(row, 0).data(ENTRY)
            if isinstance(entry, Entry) and entry.title == title:
                return model.index(row, 0)
        raise AssertionError(f"{title} is not offered")

    def titles(self) -> list[str]:
        model = self.palette.model
        entries = [model.index(row, 0).data(ENTRY) for row in range(model.rowCount())]
        return [entry.title for entry in entries if isinstance(entry, Entry)]

    def place(self, title: str) -> QPoint:
        self.palette.list.scrollTo(self.index(title))
        return self.palette.list.visualRect(self.index(title)).center()

    def drag(self, title: str, scene: tuple[float, float], *, release: bool = True) -> QPoint:
        """Drag an entry to a scene point of the canvas, as events of the palette's list."""
        start = self.place(title)
        pixel = self.view.mapFromScene(*scene)
        end = self.rows.mapFromGlobal(self.view.viewport().mapToGlobal(pixel))
        QTest.mousePress(self.rows, LEFT, NONE, start)
        for step in (1, 2, 3, 4):
            QTest.mouseMove(self.rows, start + (end - start) * step / 4)
        if release:
            QTest.mouseRelease(self.rows, LEFT, NONE, end)
        QApplication.processEvents()
        return end

    def double_click(self, title: str) -> None:
        place = self.place(title)
        QTest.mouseClick(self.rows, LEFT, NONE, place)
        QTest.mouseDClick(self.rows, LEFT, NONE, place)
        QApplication.processEvents()

    def node(self, name: str) -> Node:
        node = self.drawing.graph.named(name)
        assert node is not None
        return node

    def feeds(self, node: Node) -> str | None:
        wire = self.drawing.graph.wire_into(node.id, "input")
        return None if wire is None else self.drawing.graph.nodes[wire.source].name


@pytest.fixture
def bench(qapp: QApplication) -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.view.set_graph(None, None, None)
    bench.window.close()
    bench.window.deleteLater()
    QApplication.processEvents()


def test_a_drag_adds_where_it_is_dropped(bench: Bench) -> None:
    bench.drag("Dropout", (400, 200))
    node = bench.node("dropout")
    assert (node.x + 96, node.y + 24) == (400, 200)
    assert bench.view.selection() == [node.id]
    assert bench.drawing.history.undo_title == "Add Dropout"


def test_a_faint_node_follows_the_mouse(bench: Bench) -> None:
    state = bench.drawing.history.state
    end = bench.drag("Dropout", (400, 200), release=False)
    assert len(bench.view.canvas.overlays) == 1
    assert bench.drawing.history.state == state
    QTest.mouseRelease(bench.rows, LEFT, NONE, end)
    assert not bench.view.canvas.overlays


def test_a_drop_on_a_wire_goes_into_it_and_makes_room(bench: Bench) -> None:
    bench.drag("ReLU", (96, 104))
    relu = bench.node("relu")
    assert bench.feeds(relu) == "image"
    assert bench.feeds(bench.conv) == "relu"
    item = bench.view.canvas.nodes[relu.id]
    assert bench.drawing.graph.nodes[bench.conv.id].y >= relu.y + item.height
    before = bench.drawing.history.undo()
    assert before == "Add ReLU"
    assert bench.feeds(bench.conv) == "image"
    assert bench.drawing.graph.nodes[bench.conv.id].y == 160


def test_a_drop_outside_of_the_canvas_adds_nothing(bench: Bench) -> None:
    state = bench.drawing.history.state
    start = bench.place("ReLU")
    QTest.mousePress(bench.rows, LEFT, NONE, start)
    QTest.mouseMove(bench.rows, start + QPoint(0, 40))
    QTest.mouseRelease(bench.rows, LEFT, NONE, start + QPoint(0, 80))
    assert bench.drawing.history.state == state


def test_escape_calls_the_drag_off(bench: Bench) -> None:
    state = bench.drawing.history.state
    end = bench.drag("ReLU", (400, 200), release=False)
    QTest.keyClick(bench.palette.list, Qt.Key.Key_Escape)
    assert not bench.view.canvas.overlays
    QTest.mouseRelease(bench.rows, LEFT, NONE, end)
    assert bench.drawing.history.state == state


def test_search_and_enter_add_in_the_middle(bench: Bench) -> None:
    bench.palette.field.setFocus()
    QTest.keyClicks(bench.palette.field, "lstm")
    assert bench.titles()[0] == "LSTM"
    QTest.keyClick(bench.palette.field, Qt.Key.Key_Return)
    assert bench.node("lstm").layer == "torch.nn.LSTM"


def test_enter_wires_to_the_selected_nodes_free_output(bench: Bench) -> None:
    edits.delete(bench.drawing.history, bench.drawing.graph, [bench.out.id])
    bench.view.select([bench.conv.id])
    bench.double_click("ReLU")
    relu = bench.node("relu")
    assert bench.feeds(relu) == "conv2d"
    conv = bench.drawing.graph.nodes[bench.conv.id]
    assert (relu.x, relu.y > conv.y) == (conv.x, True), "right under it"
    bench.double_click("Dropout")
    assert bench.feeds(bench.node("dropout")) == "relu", "and so on, down the chain"


def test_new_nodes_do_not_cover_others(bench: Bench) -> None:
    for _ in range(4):
        bench.double_click("Input")
    boxes = [item.box for item in bench.view.canvas.nodes.values()]
    assert len(boxes) == 7
    assert not any(a.meets(b) for a in boxes for b in boxes if a is not b)


def test_what_may_not_stand_here_is_disabled_and_says_why(bench: Bench) -> None:
    index = bench.index("CrossEntropyLoss")
    assert not index.flags() & Qt.ItemFlag.ItemIsEnabled
    tip = index.data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "CrossEntropyLoss belongs in a training step."
    state = bench.drawing.history.state
    bench.drag("CrossEntropyLoss", (400, 200))
    bench.double_click("CrossEntropyLoss")
    assert bench.drawing.history.state == state


def test_another_graph_offers_other_layers(bench: Bench) -> None:
    step = bench.drawing.add_graph("step", "train", updates=["main"])
    bench.view.set_graph(bench.drawing.document, bench.drawing.history, step)
    bench.palette.refresh()
    assert bench.index("CrossEntropyLoss").flags() & Qt.ItemFlag.ItemIsEnabled
    assert not bench.index("Input").flags() & Qt.ItemFlag.ItemIsEnabled
    bench.drag("Network main", (0, 0))
    call = next(node for node in step.nodes.values() if node.layer == "netbuilder.NetworkCall")
    assert call.params["network"] == "main"


def test_no_match_and_back(bench: Bench) -> None:
    everything = bench.titles()
    bench.palette.field.setText("zzzz")
    assert bench.titles() == []
    QTest.keyClick(bench.palette.field, Qt.Key.Key_Return)
    QTest.keyClick(bench.palette.field, Qt.Key.Key_Escape)
    assert bench.titles() == everything


def headings(bench: Bench) -> list[str]:
    model = bench.palette.model
    rows = [model.index(row, 0) for row in range(model.rowCount())]
    return [str(index.data()) for index in rows if not isinstance(index.data(ENTRY), Entry)]


def press_star(bench: Bench, title: str) -> None:
    bench.place(title)
    place = star_place(bench.palette.list.visualRect(bench.index(title))).center()
    QTest.mouseClick(bench.rows, LEFT, NONE, place)
    QApplication.processEvents()


def test_a_star_puts_an_entry_on_top_and_takes_it_off_again(bench: Bench) -> None:
    heard: list[list[str]] = []
    bench.palette.favourites_changed.connect(lambda found: heard.append(list(found)))
    assert "Favourites" not in headings(bench)
    nodes = len(bench.drawing.graph.nodes)
    for title in ("LSTM", "GELU"):
        press_star(bench, title)
    assert headings(bench)[0] == "Favourites"
    assert bench.titles()[:2] == ["LSTM", "GELU"]
    assert bench.titles().count("LSTM") == 2, "it stays in its family too"
    assert heard[-1] == ["torch.nn.LSTM", "torch.nn.GELU"]
    press_star(bench, "LSTM")
    assert bench.titles()[0] == "GELU"
    assert heard[-1] == ["torch.nn.GELU"]
    press_star(bench, "GELU")
    assert "Favourites" not in headings(bench)
    assert len(bench.drawing.graph.nodes) == nodes, "a star adds nothing"


def test_a_star_keeps_the_list_where_it_was(bench: Bench) -> None:
    place = bench.palette.list.verticalScrollBar()
    bench.place("SmoothL1Loss")
    before = place.value()
    assert before > 0
    press_star(bench, "stack")
    assert abs(place.value() - before) <= 1 or place.value() > 0


def test_favourites_are_kept_by_the_menu_key_too(bench: Bench) -> None:
    bench.palette.field.setFocus()
    QTest.keyClicks(bench.palette.field, "softmax")
    lst = bench.palette.list
    middle = lst.visualRect(lst.currentIndex()).center()
    event = QContextMenuEvent(
        QContextMenuEvent.Reason.Keyboard, middle, lst.viewport().mapToGlobal(middle)
    )
    QApplication.sendEvent(lst.viewport(), event)
    menu = lst.findChild(QMenu)
    assert isinstance(menu, QMenu)
    titles = [action.text() for action in menu.actions()]
    assert titles == ["Add to the canvas", "Add to favourites"]
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Down)
    QTest.keyClick(menu, Qt.Key.Key_Return)
    assert list(bench.palette.favourites) == ["torch.nn.Softmax"]
    menu.close()
    settle()


def test_blocks_of_the_project_stand_on_top(bench: Bench) -> None:
    drawing = bench.drawing
    main = drawing.graph
    drawing.add_graph("block", "stage")
    drawing.add("netbuilder.BlockInput", name="x")
    drawing.graph = main
    bench.palette.refresh()
    assert headings(bench)[0] == "Of this project"
    title = bench.titles()[0]
    assert "stage" in title
    bench.drag(title, (400, 200))
    (node,) = [n for n in main.nodes.values() if n.layer == "netbuilder.Block"]
    assert node.params["block"] == "stage"
    press_star(bench, title)
    assert list(bench.palette.favourites) == ["netbuilder.Block stage"]


def test_a_long_family_shows_the_rest_on_request(bench: Bench) -> None:
    model = bench.palette.model
    rows = [model.index(row, 0) for row in range(model.rowCount())]
    more = next(index for index in rows if str(index.data()).endswith(" more"))
    count, before = int(str(more.data()).split()[0]), model.rowCount()
    assert count > 1
    bench.palette.list.setCurrentIndex(more)
    bench.palette.list.setFocus()
    QTest.keyClick(bench.palette.list, Qt.Key.Key_Return)
    assert model.rowCount() == before + count - 1
    assert bench.palette.list.currentIndex().row() == more.row()
    assert isinstance(bench.palette.list.currentIndex().data(ENTRY), Entry)


def test_search_finds_what_is_not_shown_at_first(bench: Bench) -> None:
    bench.palette.field.setText("hardshrink")
    assert bench.index("Hardshrink").row() == 0
