"""The list of a project's graphs: order, copies, names."""

from __future__ import annotations

import pytest

from netbuilder.app import graph_list
from netbuilder.app.graph_list import calls, duplicate, move_to, name_refusal, ordered
from netbuilder.graph import edits
from tests.drawing import Drawing, classifier


def names(drawing: Drawing) -> list[str]:
    return [graph.name for graph in ordered(drawing.document)]


@pytest.fixture
def drawing() -> Drawing:
    result = classifier()
    for name in ("second", "third"):
        edits.add_graph(result.history, "network", name)
    return result


@pytest.mark.parametrize(
    ("name", "place", "after"),
    [
        ("third", 0, ["third", "main", "second", "train"]),
        ("main", 1, ["second", "main", "third", "train"]),
        ("main", 99, ["second", "third", "main", "train"]),
        ("second", -3, ["second", "main", "third", "train"]),
    ],
)
def test_a_graph_is_moved_among_its_kind(
    drawing: Drawing, name: str, place: int, after: list[str]
) -> None:
    graph = drawing.document.network(name)
    assert graph is not None
    before = drawing.document.copy()
    move_to(drawing.history, graph, place)
    assert names(drawing) == after
    assert drawing.history.undo() == f"Move {name}"
    assert drawing.document == before


def test_a_graph_that_stays_is_no_step(drawing: Drawing) -> None:
    state = drawing.history.state
    move_to(drawing.history, drawing.document.of_kind("network")[1], 1)
    assert drawing.history.state == state


def test_graphs_of_a_file_that_gives_all_the_same_place(drawing: Drawing) -> None:
    for graph in drawing.document.of_kind("network"):
        edits.set_graph(drawing.history, graph, order=0)
    last = drawing.document.of_kind("network")[2]
    move_to(drawing.history, last, 0)
    assert drawing.document.of_kind("network")[0] is last


def test_a_copy_stands_beside_and_is_equal(drawing: Drawing) -> None:
    main = drawing.document.of_kind("network")[0]
    before = drawing.document.copy()
    copy = duplicate(drawing.history, main)
    assert names(drawing) == ["main", copy.name, "second", "third", "train"]
    assert dict(copy.nodes) == dict(main.nodes)
    assert dict(copy.wires) == dict(main.wires)
    edits.rename(drawing.history, copy, next(iter(copy.nodes)), "another")
    assert main.named("another") is None
    drawing.history.undo()
    drawing.history.undo()
    assert drawing.document == before


def test_why_a_name_is_refused(drawing: Drawing) -> None:
    main = drawing.document.of_kind("network")[0]
    assert name_refusal(drawing.document, main, "main") is None
    assert name_refusal(drawing.document, main, "fresh") is None
    assert name_refusal(drawing.document, main, " ") == "A graph needs a name."
    refusal = name_refusal(drawing.document, main, "second")
    assert refusal == "There is another network called 'second'."


def test_who_calls_a_network(drawing: Drawing) -> None:
    assert calls(drawing.document, drawing.document.of_kind("network")[0]) == ["train"]
    assert calls(drawing.document, drawing.document.of_kind("network")[1]) == []
    assert graph_list.calls(drawing.document, drawing.document.of_kind("step")[0]) == []
