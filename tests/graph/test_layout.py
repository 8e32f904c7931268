"""The layered layout: what flows down goes down, chains are straight, nothing overlaps."""

from __future__ import annotations

import itertools
import random

import pytest

from netbuilder.graph import edits
from netbuilder.graph.history import History
from netbuilder.graph.layout import ALONG, NODE_SIZE, Flow, Place, Size, layered, on_grid
from netbuilder.graph.model import Frame
from netbuilder.graph.tidying import tidy
from tests.drawing import Drawing, classifier

Pairs = list[tuple[str, str]]


def chain(*names: str) -> Pairs:
    return list(itertools.pairwise(names))


def sized(pairs: Pairs, *more: str) -> dict[str, Size]:
    return dict.fromkeys([*dict.fromkeys(itertools.chain(*pairs)), *more], NODE_SIZE)


def middle(places: dict[str, Place], sizes: dict[str, Size], id: str, axis: int = 0) -> float:
    return places[id][axis] + sizes[id][axis] / 2


def overlaps(places: dict[str, Place], sizes: dict[str, Size]) -> list[tuple[str, str]]:
    return [
        (a, b)
        for a, b in itertools.combinations(places, 2)
        if all(
            places[a][i] < places[b][i] + sizes[b][i] and places[b][i] < places[a][i] + sizes[a][i]
            for i in (0, 1)
        )
    ]


@pytest.mark.parametrize("flow", ["down", "right"])
def test_a_chain_is_straight(flow: Flow) -> None:
    pairs = chain(*"abcdef")
    sizes = sized(pairs)
    sizes["c"] = (320.0, 96.0)
    places = layered(sizes, pairs, flow)
    along = 1 if flow == "down" else 0
    assert len({middle(places, sizes, id, 1 - along) for id in sizes}) == 1
    for one, other in pairs:
        gap = places[other][along] - places[one][along] - sizes[one][along]
        assert gap >= ALONG[flow]


@pytest.mark.parametrize("way", [8.0, 24.0, -40.0])
def test_what_is_in_line_is_so_on_the_grid(way: float) -> None:
    """Half a step is rounded to the same side everywhere: tall nodes stay in line with low ones."""
    for quarter in range(-40, 40):
        at = quarter * 2.0
        assert on_grid(at + way) - on_grid(at) == way


def test_a_residual_block_keeps_its_main_path_straight_and_a_lane_free() -> None:
    main = chain("in", "conv1", "bn1", "conv2", "bn2", "add", "out")
    pairs = [*main, ("in", "add")]
    sizes = sized(pairs)
    places = layered(sizes, pairs)
    assert len({places[id][0] for id in sizes}) == 1


def test_a_source_stands_right_before_what_it_feeds() -> None:
    pairs = [*chain("image", "main", "loss", "objective"), ("label", "loss")]
    places = layered(sized(pairs), pairs)
    assert places["label"][1] == places["main"][1]
    assert places["loss"][0] == places["main"][0] == places["image"][0]


def test_crossings_are_undone() -> None:
    pairs = [("a", "d"), ("b", "c"), ("a", "e"), ("b", "f")]
    places = layered(dict.fromkeys("abcdef", NODE_SIZE), pairs)
    left, right = sorted(("a", "b"), key=lambda id: places[id][0])
    fed = {id: [target for source, target in pairs if source == id] for id in "ab"}
    assert max(places[id][0] for id in fed[left]) < min(places[id][0] for id in fed[right])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("flow", ["down", "right"])
def test_random_graphs_flow_one_way_without_overlaps(flow: Flow, seed: int) -> None:
    rng = random.Random(seed)
    ids = [f"n{n}" for n in range(60)]
    pairs = [
        (ids[rng.randrange(n)], ids[n]) for n in range(1, 60) for _ in range(rng.randint(0, 2))
    ]
    sizes = {id: (rng.randrange(4, 24) * 16.0, rng.randrange(3, 8) * 16.0) for id in ids}
    places = layered(sizes, pairs, flow)
    assert set(places) == set(ids)
    assert not overlaps(places, sizes)
    along = 1 if flow == "down" else 0
    assert all(places[a][along] + sizes[a][along] < places[b][along] for a, b in pairs)
    assert all(x % 8 == 0 and y % 8 == 0 for x, y in places.values())


def test_a_cycle_is_laid_out_all_the_same() -> None:
    pairs = [*chain("a", "b", "c"), ("c", "a"), ("b", "b"), ("b", "elsewhere")]
    sizes = sized(chain("a", "b", "c"))
    assert not overlaps(layered(sizes, pairs), sizes)


def test_nothing_and_one() -> None:
    assert layered({}, []) == {}
    assert len(layered({"a": NODE_SIZE}, [])) == 1


def test_a_second_tidy_moves_nothing() -> None:
    drawing = classifier()
    tidy(drawing.history, drawing.graph, {})
    state = drawing.history.state
    tidy(drawing.history, drawing.graph, {})
    assert drawing.history.state == state


def test_a_small_edit_moves_little() -> None:
    drawing = Drawing()
    image = drawing.input(1, 8, 8)
    branches = [drawing.add("ReLU", image) for _ in range(6)]
    edits.move(
        drawing.history,
        drawing.graph,
        {node.id: (-300.0 * number, 100.0) for number, node in enumerate(branches)},
    )
    tidy(drawing.history, drawing.graph, {})
    order = sorted(branches, key=lambda node: drawing.graph.nodes[node.id].x)
    assert order == branches[::-1], "who stood left stays left"
    drawing.add("Dropout", order[2])
    tidy(drawing.history, drawing.graph, {})
    assert sorted(branches, key=lambda node: drawing.graph.nodes[node.id].x) == order


def test_tidy_is_one_step_keeps_the_first_and_leaves_others() -> None:
    drawing = Drawing()
    nodes = [drawing.input(1, 8, 8)]
    for _ in range(4):
        nodes.append(drawing.add("ReLU", nodes[-1]))
    drawing.history = History(drawing.document)
    before = drawing.document.copy()
    tidy(drawing.history, drawing.graph, {}, only=[nodes[1].id, nodes[2].id])
    for node in (nodes[0], nodes[1], nodes[3], nodes[4]):
        assert drawing.graph.nodes[node.id] == node
    assert drawing.graph.nodes[nodes[2].id].y > nodes[1].y
    assert drawing.history.undo() == "Tidy up"
    assert drawing.document == before
    assert drawing.history.undo_title is None


def test_frames_follow_the_nodes_that_they_hold() -> None:
    drawing = classifier()
    drawing.graph = drawing.document.of_kind("network")[0]
    nodes = drawing.graph.ordered()
    places = {node.id: (90.0 * n, 300.0 * n) for n, node in enumerate(nodes)}
    edits.move(drawing.history, drawing.graph, places)
    for id, top in (("one", 260.0), ("two", 860.0)):
        frame = Frame(id=id, x=top * 0.3 - 20, y=top, width=400, height=440)
        edits.add_frame(drawing.history, drawing.graph, frame)
    empty = edits.add_frame(drawing.history, drawing.graph, Frame(id="empty", x=9000, y=0))
    drawing.history = History(drawing.document)
    before = drawing.document.copy()
    tidy(drawing.history, drawing.graph, {})
    tops = [drawing.graph.nodes[node.id].y for node in nodes]
    one, two = drawing.graph.frames["one"], drawing.graph.frames["two"]
    assert (one.y, two.y) == (tops[1] - 40, tops[3] - 40), "the room above is kept"
    assert one.y + one.height == tops[2] + NODE_SIZE[1] + 52, "and so is that below"
    assert one.y + one.height < two.y, "the layout leaves room for both"
    assert tops[0] + NODE_SIZE[1] < one.y
    assert drawing.graph.frames["empty"] == empty
    drawing.history.undo()
    assert drawing.document == before
