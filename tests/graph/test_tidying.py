"""Tidying: frames stay whole, thousands of nodes are quick, odd graphs end."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from netbuilder.graph import edits, frames
from netbuilder.graph.layout import NODE_SIZE, Flow, Size, layered
from netbuilder.graph.model import Frame, Node
from netbuilder.graph.ordering import LANES, Rows
from netbuilder.graph.tidying import planned, snapshot, tidy
from tests.drawing import Drawing


def branches() -> tuple[Drawing, dict[str, Node]]:
    """An input feeds two branches of three, which are added; the left one is framed."""
    d = Drawing()
    nodes = {"image": d.input(4, 8, 8, name="image")}
    for side in ("left", "right"):
        before = nodes["image"]
        for number in range(3):
            name = f"{side}{number}"
            before = nodes[name] = d.add("ReLU", before, name=name)
    nodes["sum"] = d.add("torch.add", nodes["left2"], nodes["right2"], name="sum")
    nodes["out"] = d.output(nodes["sum"], name="out")
    places = {
        node.id: (0.0 if "left" in name else 400.0, 90.0 * number)
        for number, (name, node) in enumerate(nodes.items())
    }
    edits.move(d.history, d.graph, places)
    return d, nodes


def rect(drawing: Drawing, node: Node) -> frames.Rect:
    at = drawing.graph.nodes[node.id]
    return at.x, at.y, at.x + NODE_SIZE[0], at.y + NODE_SIZE[1]


def within(inner: frames.Rect, outer: frames.Rect) -> bool:
    return (
        outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and inner[2] <= outer[2]
        and inner[3] <= outer[3]
    )


def apart(one: frames.Rect, other: frames.Rect) -> bool:
    return one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


@pytest.mark.parametrize("flow", ["down", "right"])
def test_a_frame_holds_its_nodes_and_no_others(flow: Flow) -> None:
    drawing, nodes = branches()
    edits.set_project(drawing.history, flow=flow)
    chosen = [nodes[f"left{number}"].id for number in range(3)]
    frame = frames.add_around(drawing.history, drawing.graph, {}, chosen, "Left")
    assert frame is not None
    tidy(drawing.history, drawing.graph, {})
    box = frames.rect_of(drawing.graph.frames[frame.id])
    for name, node in nodes.items():
        if "left" in name:
            assert within(rect(drawing, node), box), name
        else:
            assert apart(rect(drawing, node), box), name


def test_frames_in_frames_stay_so() -> None:
    drawing, nodes = branches()
    pair = [nodes["left0"].id, nodes["left1"].id]
    inner = frames.add_around(drawing.history, drawing.graph, {}, pair, "Inner")
    assert inner is not None
    outer = frames.add_around(
        drawing.history, drawing.graph, {}, [inner.id, nodes["left2"].id], "Outer"
    )
    assert outer is not None
    tidy(drawing.history, drawing.graph, {})
    graph = drawing.graph
    around, inside = (frames.rect_of(graph.frames[id]) for id in (outer.id, inner.id))
    assert within(inside, around)
    assert within(rect(drawing, nodes["left0"]), inside)
    assert within(rect(drawing, nodes["left2"]), around)
    assert apart(rect(drawing, nodes["left2"]), inside)
    assert apart(rect(drawing, nodes["right1"]), around)


def test_a_frame_that_a_path_leaves_and_enters_again_is_put_around_its_nodes() -> None:
    drawing, nodes = branches()
    ends = [nodes["image"].id, nodes["sum"].id]
    frame = Frame(id="ends", x=-10, y=-10, width=900, height=900)
    edits.add_frame(drawing.history, drawing.graph, frame)
    places = {id: (0.0, 50.0 * number) for number, id in enumerate(ends)}
    others = {n.id: (2000.0, 60.0 * i) for i, n in enumerate(nodes.values()) if n.id not in ends}
    edits.move(drawing.history, drawing.graph, {**places, **others})
    tidy(drawing.history, drawing.graph, {})
    box = frames.rect_of(drawing.graph.frames["ends"])
    assert all(within(rect(drawing, drawing.graph.nodes[id]), box) for id in ends)
    order = ["image", "left0", "left1", "left2", "sum", "out"]
    tops = [drawing.graph.nodes[nodes[name].id].y for name in order]
    assert tops == sorted(tops), "the flow still goes one way"


def test_the_line_into_a_frame_is_straight() -> None:
    drawing = Drawing()
    chain = [drawing.input(1, 8, 8)]
    for _ in range(4):
        chain.append(drawing.add("ReLU", chain[-1]))
    drawing.add("Dropout", chain[2])
    edits.move(
        drawing.history,
        drawing.graph,
        {node.id: (0.0, 96.0 * number) for number, node in enumerate(chain)},
    )
    frames.add_around(drawing.history, drawing.graph, {}, [n.id for n in chain[1:4]], "Block")
    tidy(drawing.history, drawing.graph, {})
    assert len({drawing.graph.nodes[node.id].x for node in chain[:4]}) == 1


def test_a_second_tidy_with_frames_moves_nothing() -> None:
    drawing, nodes = branches()
    chosen = [nodes[f"left{number}"].id for number in range(3)]
    frames.add_around(drawing.history, drawing.graph, {}, chosen, "Left")
    tidy(drawing.history, drawing.graph, {})
    before = drawing.document.copy()
    tidy(drawing.history, drawing.graph, {})
    assert drawing.document == before


def test_a_note_goes_with_its_node_and_covers_none() -> None:
    drawing, nodes = branches()
    right = drawing.graph.nodes[nodes["right1"].id]
    note = Frame(id="note", x=right.x + 220, y=right.y, width=220, height=100, note="why?")
    far = Frame(id="far", x=9000, y=9000, note="elsewhere")
    for frame in (note, far):
        edits.add_frame(drawing.history, drawing.graph, frame)
    tidy(drawing.history, drawing.graph, {})
    after, at = drawing.graph.frames["note"], drawing.graph.nodes[right.id]
    assert (after.x, after.y) != (note.x, note.y)
    assert after.y - at.y == note.y - right.y
    assert all(apart(rect(drawing, node), frames.rect_of(after)) for node in nodes.values())
    assert drawing.graph.frames["far"] == far
    before = drawing.document.copy()
    tidy(drawing.history, drawing.graph, {})
    assert drawing.document == before


def test_a_note_that_would_cover_a_node_goes_to_its_side() -> None:
    drawing, nodes = branches()
    places = {node.id: (2000.0, node.y) for name, node in nodes.items() if "right" in name}
    edits.move(drawing.history, drawing.graph, places)
    left = drawing.graph.nodes[nodes["left1"].id]
    note = Frame(id="note", x=left.x + 220, y=left.y - 60, width=400, height=300, note="long")
    edits.add_frame(drawing.history, drawing.graph, note)
    tidy(drawing.history, drawing.graph, {})
    after = frames.rect_of(drawing.graph.frames["note"])
    way = drawing.graph.nodes[left.id].x - left.x
    assert after[0] > note.x + way, "there the right branch is now"
    assert all(apart(rect(drawing, node), after) for node in nodes.values())


def test_only_some_nodes_are_planned_and_the_first_stays() -> None:
    drawing, nodes = branches()
    only = [nodes["left1"].id, nodes["left0"].id]
    shot = snapshot(drawing.graph, {}, "down", only)
    places = planned(shot)
    assert set(places) == set(only)
    first = drawing.graph.nodes[nodes["left0"].id]
    assert places[first.id] == (round(first.x / 8) * 8, round(first.y / 8) * 8)
    assert planned(snapshot(Drawing().graph, {}, "down")) == {}


def test_wires_over_thousands_of_layers_end() -> None:
    """Without a bound, lanes for these would be a million."""
    rng = random.Random(7)
    count = 3000
    ids = [f"n{number}" for number in range(count)]
    layer = {id: number for number, id in enumerate(ids)}
    pairs = list(pairwise(ids))
    pairs += [
        (ids[a], ids[b]) for a, b in (sorted(rng.sample(range(count), 2)) for _ in range(900))
    ]
    rows = Rows(layer, sorted(set(pairs)), layer, {})
    assert sum(len(row) for row in rows.rows) <= (1 + LANES) * count + 1000
    sizes: dict[str, Size] = dict.fromkeys(ids, NODE_SIZE)
    places = layered(sizes, pairs)
    tops = [places[id][1] for id in ids]
    assert tops == sorted(tops)
    assert len(set(tops)) == count
