"""Frames on the canvas by mouse and keys, and what is aligned and tidied with them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.graph import edits
from netbuilder.graph.model import Frame, Node
from netbuilder.gui.canvas import arrange, framing
from netbuilder.gui.canvas.frame_item import COLORS, plate, tint
from netbuilder.gui.look import theme
from tests.drawing import Drawing, classifier
from tests.gui.canvas_hand import LEFT, Hand

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class Column(Drawing):
    """The network of a small CNN in a column: image, conv1, relu1, flatten, head, logits."""

    def __init__(self) -> None:
        full = classifier()
        self.document, self.history, self.graph = full.document, full.history, full.graph
        places = {node.id: (0.0, 96.0 * n) for n, node in enumerate(self.graph.ordered())}
        edits.move(self.history, self.graph, places)
        self.history.seal()

    def named(self, name: str) -> Node:
        node = self.graph.named(name)
        assert node is not None
        return node

    @property
    def frame(self) -> Frame:
        (frame,) = self.graph.frames.values()
        return frame


@pytest.fixture
def column() -> Column:
    return Column()


@pytest.fixture
def hand(qapp: QApplication, column: Column) -> Iterator[Hand]:
    hand = Hand(column)
    yield hand
    hand.check()
    hand.close()


def framed(hand: Hand, column: Column, title: str = "Stem") -> str:
    """A frame around conv1 and relu1, with its title, by keys; its id."""
    hand.view.select([column.named("conv1").id, column.named("relu1").id])
    hand.view.setFocus()
    hand.key(Qt.Key.Key_C)
    hand.type(title)
    hand.key(Qt.Key.Key_Return)
    return column.frame.id


def title_of(hand: Hand, frame: str) -> QPoint:
    box = hand.view.canvas.frames[frame].box
    return hand.pixel(box.left + 40, box.top + 14)


# -- frames --------------------------------------------------------------------------------


def test_c_frames_the_selection_and_asks_for_a_title(hand: Hand, column: Column) -> None:
    id = framed(hand, column)
    assert column.frame.title == "Stem"
    assert hand.view.canvas.selection == {id}
    column.history.undo()
    assert column.frame.title == "Frame"
    column.history.undo()
    assert not column.graph.frames


def test_escape_keeps_the_frame_and_the_usual_title(hand: Hand, column: Column) -> None:
    hand.view.select([column.named("conv1").id])
    hand.view.setFocus()
    hand.key(Qt.Key.Key_C)
    hand.type("half a tit")
    hand.key(Qt.Key.Key_Escape)
    assert column.frame.title == "Frame"


def test_without_a_selection_an_empty_frame_comes(hand: Hand, column: Column) -> None:
    hand.view.setFocus()
    hand.key(Qt.Key.Key_C)
    hand.key(Qt.Key.Key_Escape)
    assert (column.frame.width, column.frame.height) == framing.EMPTY


def test_a_double_click_on_the_title_and_f2_edit_it(hand: Hand, column: Column) -> None:
    id = framed(hand, column)
    hand.double_click(title_of(hand, id))
    hand.type("Body")
    hand.key(Qt.Key.Key_Return)
    assert column.frame.title == "Body"
    hand.view.select([id])
    hand.key(Qt.Key.Key_F2)
    hand.type("Tail")
    hand.key(Qt.Key.Key_Return)
    assert column.frame.title == "Tail"


def test_a_drag_of_the_title_takes_what_is_in_the_frame_along(hand: Hand, column: Column) -> None:
    id = framed(hand, column)
    hand.view.snapping = False
    before, inside = column.frame, [column.named(name) for name in ("conv1", "relu1")]
    outside = column.named("image")
    start = title_of(hand, id)
    hand.drag(start, start + QPoint(160, 0))
    assert column.frame.x == before.x + 160
    for node in inside:
        assert column.graph.nodes[node.id].x == node.x + 160
    assert column.graph.nodes[outside.id] == outside
    column.history.undo()
    assert column.frame == before


def test_arrows_take_what_is_in_the_frame_along(hand: Hand, column: Column) -> None:
    framed(hand, column)
    conv = column.named("conv1")
    hand.key(Qt.Key.Key_Right)
    hand.key(Qt.Key.Key_Right)
    assert column.graph.nodes[conv.id].x == conv.x + 16


def test_a_frame_is_copied_and_cut_with_what_is_in_it(hand: Hand, column: Column) -> None:
    framed(hand, column)
    before = column.document.copy()
    hand.key(Qt.Key.Key_D, CTRL)
    assert len(column.graph.nodes) == 8
    assert [frame.title for frame in column.graph.frames.values()] == ["Stem", "Stem"]
    column.history.undo()
    assert column.document == before
    hand.view.select([column.frame.id])
    hand.key(Qt.Key.Key_X, CTRL)
    assert not column.graph.frames
    assert column.graph.named("conv1") is None
    hand.key(Qt.Key.Key_V, CTRL)
    assert column.frame.title == "Stem"
    assert column.graph.named("relu1") is not None
    assert column.history.undo() == "Paste 2 nodes"
    column.history.undo()
    assert column.document == before


@pytest.mark.parametrize(
    ("edge", "way", "change"),
    [
        ((1, 0), QPoint(48, 0), (0, 0, 48, 0)),
        ((-1, 0), QPoint(-32, 0), (-32, 0, 32, 0)),
        ((0, 1), QPoint(5, 64), (0, 0, 0, 64)),
        ((1, 1), QPoint(16, 16), (0, 0, 16, 16)),
        ((-1, -1), QPoint(-16, -16), (-16, -16, 16, 16)),
    ],
)
def test_sides_and_corners_of_a_frame_are_dragged(
    hand: Hand, column: Column, edge: tuple[int, int], way: QPoint, change: tuple[int, ...]
) -> None:
    id = framed(hand, column)
    before, box = column.frame, hand.view.canvas.frames[id].box
    x = {-1: box.left, 0: box.left + 30, 1: box.right}[edge[0]]
    y = {-1: box.top, 0: (box.top + box.bottom) / 2, 1: box.bottom}[edge[1]]
    start = hand.pixel(x, y)
    hand.drag(start, start + way)
    after = column.frame
    sides = (after.x, after.y, after.width, after.height)
    was = (before.x, before.y, before.width, before.height)
    assert tuple(a - b for a, b in zip(sides, was, strict=True)) == change
    assert column.named("conv1").x == 0, "what stands in it stays"
    column.history.undo()
    assert column.frame == before


def test_a_frame_keeps_a_least_size_and_escape_calls_a_drag_off(hand: Hand, column: Column) -> None:
    id = framed(hand, column)
    before, box = column.frame, hand.view.canvas.frames[id].box
    start = hand.pixel(box.right, box.top + 60)
    with hand.dragging(start, start - QPoint(100, 0)):
        assert hand.view.canvas.frames[id].box.right < box.right
        hand.key(Qt.Key.Key_Escape)
    assert column.frame == before
    assert hand.view.canvas.frames[id].box == box
    hand.drag(start, start - QPoint(2000, 0))
    assert column.frame.width == 96


def test_the_cursor_tells_where_a_frame_can_be_dragged(hand: Hand, column: Column) -> None:
    id = framed(hand, column)
    box = hand.view.canvas.frames[id].box
    QTest.mouseMove(hand.view.viewport(), hand.pixel(box.right, box.top + 60))
    hand.settle()
    assert hand.view.viewport().cursor().shape() == Qt.CursorShape.SizeHorCursor
    QTest.mouseMove(hand.view.viewport(), hand.pixel(box.right + 60, box.top + 60))
    hand.settle()
    assert hand.view.viewport().cursor().shape() == Qt.CursorShape.ArrowCursor


def test_of_frames_in_frames_the_smaller_is_meant(hand: Hand, column: Column) -> None:
    sizes = {"outer": (-100, 60, 500, 400), "inner": (-60, 60, 300, 200)}
    for id, (x, y, width, height) in sizes.items():
        edits.add_frame(
            column.history,
            column.graph,
            Frame(id=id, title=id, x=x, y=y, width=width, height=height),
        )
    hand.settle()
    hand.click(title_of(hand, "inner"))
    assert hand.view.canvas.selection == {"inner"}


def test_frames_are_fitted_by_command(hand: Hand, column: Column) -> None:
    id = framed(hand, column)
    before = column.frame
    edits.set_frame(column.history, column.graph, id, width=700.0)
    framing.fit(hand.view)
    assert column.frame == before
    hand.view.select([])
    framing.fit(hand.view)
    assert hand.messages == ["Select a frame first."]


def test_a_colour_is_chosen_by_key_and_by_mouse(hand: Hand, column: Column) -> None:
    framed(hand, column)
    framing.choose_colour(hand.view)
    hand.settle()
    assert hand.view.swatches.isVisible()
    QTest.keyClick(hand.view.swatches.buttons[0], Qt.Key.Key_Right)
    QTest.keyClick(hand.view.swatches.buttons[1], Qt.Key.Key_Return)
    assert column.frame.color == COLORS["Red"]
    assert hand.view.hasFocus()
    framing.choose_colour(hand.view)
    hand.settle()
    QTest.mouseClick(hand.view.swatches.buttons[4], LEFT)
    assert column.frame.color == list(COLORS.values())[4]
    framing.choose_colour(hand.view)
    hand.settle()
    QTest.keyClick(hand.view.swatches.buttons[4], Qt.Key.Key_Escape)
    assert not hand.view.swatches.isVisible()
    column.history.undo()
    assert column.frame.color == COLORS["Red"]


def test_a_colour_that_is_none_is_grey(qapp: QApplication) -> None:
    assert tint("url(evil)") == theme.current().muted
    assert tint("") == theme.current().muted
    assert tint("#102030").name() == "#102030"


@pytest.mark.parametrize("mode", ["dark", "light"])
def test_titles_and_notes_can_be_read_on_every_colour(qapp: QApplication, mode: theme.Mode) -> None:
    theme.apply_theme(qapp, mode)
    tokens = theme.current()
    for color in COLORS.values():
        ground = theme.mixed(tint(color), tokens.surface, 0.08)
        assert theme.contrast(tokens.muted, ground) >= 4.5
        assert theme.contrast(tokens.text, plate(color)) >= 4.5
    theme.apply_theme(qapp, "dark")


def test_from_afar_a_title_is_a_label_that_can_be_seen(hand: Hand, column: Column) -> None:
    framed(hand, column, "A title that is far longer than its frame is wide")
    hand.view.set_zoom(0.2)
    hand.settle()
    box = hand.view.canvas.frames[column.frame.id].box
    corner = hand.pixel(box.left, box.top)
    before = hand.view.viewport().grab().toImage()
    edits.set_frame(column.history, column.graph, column.frame.id, title="")
    hand.settle()
    after = hand.view.viewport().grab().toImage()
    changed = [
        x
        for x in range(corner.x(), corner.x() + 200)
        if any(
            before.pixel(x, y) != after.pixel(x, y) for y in range(corner.y() - 8, corner.y() + 8)
        )
    ]
    assert 100 < len(changed) <= 165, "longer than the frame, but not without end"


# -- what stands where -------------------------------------------------------------------------


def test_align_moves_frames_with_what_is_in_them(hand: Hand, column: Column) -> None:
    framed(hand, column)
    head = column.named("head")
    edits.move(column.history, column.graph, {head.id: (400.0, head.y)})
    hand.view.select([column.frame.id, head.id])
    arrange.align(hand.view, "right")
    frame = column.frame
    width = hand.view.canvas.nodes[head.id].width
    assert frame.x + frame.width == 400 + width
    assert column.named("conv1").x == frame.x + 24
    assert column.named("conv1").x == column.named("relu1").x
    assert column.history.undo_title == "Move 4 nodes"


def test_spread_makes_gaps_equal_and_says_what_it_needs(hand: Hand, column: Column) -> None:
    ids = [column.named(name).id for name in ("image", "conv1", "relu1")]
    places = dict(zip(ids, [(0.0, 0.0), (0.0, 80.0), (0.0, 400.0)], strict=True))
    edits.move(column.history, column.graph, places)
    hand.view.select(ids[:2])
    arrange.spread(hand.view, "down")
    assert hand.messages == ["Select at least 3 nodes or frames first."]
    hand.view.select(ids)
    arrange.spread(hand.view, "down")
    assert [column.graph.nodes[id].y for id in ids] == [0, 200, 400]


def test_tidy_of_a_selected_frame_leaves_the_others(hand: Hand, column: Column) -> None:
    framed(hand, column)
    relu, head = column.named("relu1"), column.named("head")
    edits.move(column.history, column.graph, {relu.id: (40.0, relu.y)})
    edits.move(column.history, column.graph, {head.id: (72.0, head.y)})
    hand.view.select([column.frame.id])
    hand.view.setFocus()
    hand.key(Qt.Key.Key_L)
    assert column.graph.nodes[relu.id].x == 0
    assert column.graph.nodes[head.id].x == 72


def test_a_large_layout_is_worked_out_beside_the_window(
    hand: Hand, column: Column, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrange, "AT_ONCE", 2)
    relu = column.named("relu1")
    edits.move(column.history, column.graph, {relu.id: (400.0, relu.y)})
    before = column.document.copy()
    hand.view.tidy()
    assert column.graph.nodes[relu.id].x != 400
    assert column.history.undo() == "Tidy up"
    assert column.document == before
