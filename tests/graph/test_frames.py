"""Frames: what they hold, what goes along, and frames around nodes."""

from __future__ import annotations

from netbuilder.graph import edits, frames
from netbuilder.graph.layout import NODE_SIZE
from netbuilder.graph.model import Frame, Node
from tests.drawing import Drawing


def column(count: int = 4) -> tuple[Drawing, list[Node]]:
    """A chain, 96 units from node to node."""
    drawing = Drawing()
    nodes = [drawing.input(1, 8, 8)]
    nodes += [drawing.add("ReLU") for _ in range(count - 1)]
    places = {node.id: (0.0, 96.0 * number) for number, node in enumerate(nodes)}
    edits.move(drawing.history, drawing.graph, places)
    return drawing, nodes


def test_a_new_frame_stands_around_its_nodes_and_holds_no_others() -> None:
    drawing, nodes = column()
    chosen = [nodes[1].id, nodes[2].id]
    frame = frames.add_around(drawing.history, drawing.graph, {}, chosen, "Middle")
    assert frame is not None
    assert frames.nodes_in(drawing.graph, {}, frame.id) == chosen
    top, bottom = frame.y, frame.y + frame.height
    assert NODE_SIZE[1] <= top <= 96 - frames.TITLE, "the title covers neither node"
    assert 192 + NODE_SIZE[1] < bottom <= 288
    assert drawing.history.undo() == "Add frame"
    assert not drawing.graph.frames


def test_two_frames_in_a_chain_do_not_overlap() -> None:
    drawing, nodes = column()
    one = frames.add_around(drawing.history, drawing.graph, {}, [nodes[0].id, nodes[1].id], "1")
    two = frames.add_around(drawing.history, drawing.graph, {}, [nodes[2].id, nodes[3].id], "2")
    assert one is not None
    assert two is not None
    assert one.y + one.height <= two.y


def test_a_frame_around_frames_and_around_nothing() -> None:
    drawing, nodes = column()
    inner = frames.add_around(drawing.history, drawing.graph, {}, [nodes[0].id], "inner")
    assert inner is not None
    outer = frames.add_around(drawing.history, drawing.graph, {}, [inner.id, nodes[1].id], "outer")
    assert outer is not None
    assert outer.x < inner.x
    assert outer.y < inner.y
    assert frames.add_around(drawing.history, drawing.graph, {}, ["nothing"], "none") is None


def test_a_frame_is_fitted_to_its_nodes() -> None:
    drawing, nodes = column()
    made = frames.add_around(drawing.history, drawing.graph, {}, [nodes[1].id], "One")
    assert made is not None
    edits.set_frame(drawing.history, drawing.graph, made.id, width=900, height=400, x=-300)
    frames.fit(drawing.history, drawing.graph, {}, made.id)
    held = frames.nodes_in(drawing.graph, {}, made.id)
    assert held == [node.id for node in nodes[1:]]
    again = frames.add_around(drawing.history, drawing.graph, {}, held, "Two")
    assert again is not None
    assert frames.rect_of(again) == frames.rect_of(drawing.graph.frames[made.id])
    empty = edits.add_frame(drawing.history, drawing.graph, Frame(id="empty", x=5000))
    frames.fit(drawing.history, drawing.graph, {}, "empty")
    assert drawing.graph.frames["empty"] == empty


def test_what_stands_in_a_frame_goes_along() -> None:
    drawing, nodes = column()
    inner = Frame(id="inner", x=-20, y=60, width=240, height=100)
    outer = Frame(id="outer", x=-40, y=-40, width=300, height=300)
    for frame in (inner, outer):
        edits.add_frame(drawing.history, drawing.graph, frame)
    moved = frames.carry(drawing.graph, {}, {"outer": (60.0, -40.0)})
    assert moved == {
        "outer": (60.0, -40.0),
        "inner": (80.0, 60.0),
        nodes[0].id: (100.0, 0.0),
        nodes[1].id: (100.0, 96.0),
        nodes[2].id: (100.0, 192.0),
    }
    assert frames.with_contents(drawing.graph, {}, ["inner", "nowhere"]) == ["inner", nodes[1].id]


def test_what_has_a_place_of_its_own_keeps_it() -> None:
    drawing, nodes = column()
    edits.add_frame(drawing.history, drawing.graph, Frame(id="f", x=-8, y=-8, width=300, height=80))
    places = {"f": (0.0, 0.0), nodes[0].id: (4.0, 4.0)}
    assert frames.carry(drawing.graph, {}, places) == places
