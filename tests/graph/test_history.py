"""Undo, redo, merging, rolling back, and whether there is something to save."""

from __future__ import annotations

import tracemalloc

import pytest

from netbuilder.errors import ChangeError
from netbuilder.graph import edits
from netbuilder.graph.changes import Added, Change, Changed
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.graph.model import Node, Wire
from netbuilder.graph.rules import End
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing
from tests.graph import invariants


@pytest.fixture
def drawing() -> Drawing:
    made = Drawing()
    first = made.add("Linear", name="first", out_features=3)
    made.add("ReLU", first, name="second")
    return made


def count_undo(history: History) -> int:
    number = 0
    while history.undo() is not None:
        number += 1
    return number


def test_an_edit_outside_a_step_is_refused(drawing: Drawing) -> None:
    node = Node(id="x", layer="torch.nn.ReLU", name="x")
    with pytest.raises(ChangeError, match="outside a step"):
        drawing.document.apply(Added(drawing.graph.id, node))
    assert "x" not in drawing.graph.nodes


def test_a_drag_of_100_moves_is_one_step(drawing: Drawing) -> None:
    first = next(iter(drawing.graph.nodes))
    state = drawing.history.state
    for x in range(100):
        edits.move(drawing.history, drawing.graph, {first: (x, x)}, merge="drag 1")
    drawing.history.undo()
    assert drawing.history.state == state
    assert drawing.graph.nodes[first].x == 0
    drawing.history.redo()
    assert drawing.graph.nodes[first].x == 99


@pytest.mark.parametrize("cut", ["other key", "no key", "seal", "undo", "save", "other step"])
def test_what_ends_merging(drawing: Drawing, cut: str) -> None:
    history, graph = drawing.history, drawing.graph
    first, second = graph.nodes
    edits.move(history, graph, {first: (8, 8)}, merge="a")
    match cut:
        case "seal":
            history.seal()
        case "undo":
            history.undo()
            history.redo()
        case "save":
            history.mark_saved()
        case "other step":
            edits.rename(history, graph, second, "another")
    merge = {"other key": "b", "no key": None}.get(cut, "a")
    state = history.state
    edits.move(history, graph, {first: (16, 16)}, merge=merge)
    history.undo()
    assert history.state == state
    assert graph.nodes[first].x == 8


def test_merged_steps_that_cancel_out_leave_no_step(drawing: Drawing) -> None:
    first = next(iter(drawing.graph.nodes))
    state = drawing.history.state
    for x in (8, 0):
        edits.move(drawing.history, drawing.graph, {first: (x, 0)}, merge="there and back")
    assert drawing.history.state == state


def test_a_step_without_changes_is_no_step(drawing: Drawing) -> None:
    drawing.history.undo()
    state = drawing.history.state
    with drawing.history.step("Nothing"):
        pass
    assert drawing.history.state == state
    assert drawing.history.redo_title is not None


def test_a_failed_step_leaves_no_trace(drawing: Drawing) -> None:
    history = drawing.history
    before, state = invariants.fingerprint(drawing.document), history.state

    def half() -> None:
        with history.step("Half"):
            edits.delete(history, drawing.graph, list(drawing.graph.nodes))
            drawing.add("Linear", out_features=1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert invariants.fingerprint(drawing.document) == before
    assert history.state == state
    invariants.check(drawing.document)


def test_a_failed_inner_step_leaves_the_outer_one_alone(drawing: Drawing) -> None:
    history = drawing.history

    def inner() -> None:
        with history.step("Inner"):
            drawing.add("ReLU", name="lost")
            raise RuntimeError

    with history.step("Outer"):
        drawing.add("ReLU", name="kept")
        before = invariants.fingerprint(drawing.document)
        with pytest.raises(RuntimeError):
            inner()
        assert invariants.fingerprint(drawing.document) == before
    assert history.undo_title == "Outer"
    history.undo()
    assert drawing.graph.named("kept") is None
    history.redo()
    assert drawing.graph.named("kept") is not None
    assert drawing.graph.named("lost") is None


def test_a_view_that_fails_does_not_break_the_document(drawing: Drawing) -> None:
    history, document = drawing.history, drawing.document
    before = invariants.fingerprint(document)
    heard: list[Change] = []

    def broken_view(change: Change) -> None:
        raise ValueError("a view")

    document.subscribe(broken_view)
    document.subscribe(heard.append)
    with pytest.raises(ValueError, match="a view"):
        drawing.add("ReLU", name="third")
    assert len(heard) == 2  # the change and its inverse
    assert invariants.fingerprint(document) == before
    with pytest.raises(ValueError, match="a view"):
        history.undo()
    invariants.check(document)
    with pytest.raises(ValueError, match="a view"):
        history.redo()
    assert invariants.fingerprint(document) == before


def test_undo_inside_a_step_is_refused(drawing: Drawing) -> None:
    with pytest.raises(ChangeError, match="inside a step"), drawing.history.step("x"):
        drawing.history.undo()


def test_a_new_edit_drops_what_was_undone(drawing: Drawing) -> None:
    drawing.history.undo()
    drawing.add("ReLU", name="new")
    assert drawing.history.redo_title is None


def dirty(history: History) -> bool:
    """Asked through a function, because mypy takes a property for constant."""
    return history.dirty


def test_dirty_through_save_undo_and_redo(drawing: Drawing) -> None:
    history = drawing.history
    assert dirty(history)
    history.mark_saved()
    assert not dirty(history)
    drawing.add("ReLU", name="third")
    assert dirty(history)
    history.undo()
    assert not dirty(history)
    history.undo()
    assert dirty(history)
    history.redo()
    assert not dirty(history)
    history.undo()
    drawing.add("ReLU", name="other")
    assert dirty(history)
    history.undo()
    assert dirty(history)  # the saved state can't be reached any more


def test_a_merged_edit_after_saving_is_dirty(drawing: Drawing) -> None:
    first = next(iter(drawing.graph.nodes))
    edits.move(drawing.history, drawing.graph, {first: (8, 8)}, merge="drag")
    drawing.history.mark_saved()
    edits.move(drawing.history, drawing.graph, {first: (0, 0)}, merge="drag")
    assert dirty(drawing.history)
    drawing.history.undo()
    assert not dirty(drawing.history)


def test_the_oldest_steps_go_when_they_take_too_much_memory() -> None:
    document = Document()
    history = History(document, memory=10_000)
    graph = edits.add_graph(history, "network", "main")
    for number in range(100):
        edits.add_node(history, graph, "torch.nn.ReLU", name=f"n{number}")
    kept = count_undo(history)
    assert 10 <= kept <= 25
    assert len(graph.nodes) == 100 - kept
    assert history.dirty
    while history.redo() is not None:
        pass
    edits.set_node(history, graph, next(iter(graph.nodes)), note="x" * 20_000)
    assert count_undo(history) == 1, "a step that is too long alone can still be undone"


def test_undo_keeps_within_its_memory() -> None:
    """100,000 edits of 5,000 nodes stay within the bytes that the history may keep (E6)."""
    document = Document()
    history = History(document, memory=4 * 2**20)
    graph = edits.add_graph(history, "network", "main")
    with history.step("many"):
        for number in range(5_000):
            params = {"out_features": number, "bias": True}
            edits.add_node(history, graph, "torch.nn.Linear", name=f"n{number}", params=params)
    ids = list(graph.nodes)
    tracemalloc.start()
    try:
        for number in range(20_000):
            values = {"out_features": 1_000 + number}
            edits.set_parameters(history, graph, [ids[number % 5_000]], values)
            history.seal()
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The 5,000 nodes themselves were made anew as well: some 4 MB of what is measured.
    assert grown < 12 * 2**20
    assert 1_000 < count_undo(history) < 20_000


def test_a_node_changed_on_both_sides_of_its_removal(drawing: Drawing) -> None:
    graph, document, history = drawing.graph, drawing.document, drawing.history
    id = next(iter(graph.nodes))
    before = invariants.fingerprint(document)
    with history.step("There and back"):
        edits.move(history, graph, {id: (8, 8)})
        removed = graph.nodes[id]
        edits.delete(history, graph, [id])
        document.apply(Added(graph.id, removed))
        edits.move(history, graph, {id: (16, 16)})
    after = invariants.fingerprint(document)
    history.undo()
    assert invariants.fingerprint(document) == before
    history.redo()
    assert invariants.fingerprint(document) == after


def test_wires_that_swap_ports_redo_in_their_order() -> None:
    made = Drawing()
    a, b = made.add("ReLU", name="a"), made.add("ReLU", name="b")
    total = made.add("torch.add", a, b, name="total")
    graph, document = made.graph, made.document
    first = graph.wire_into(total.id, "input")
    second = graph.wire_into(total.id, "other")
    assert first is not None
    assert second is not None

    def onto(wire: Wire, port: str) -> Wire:
        return Wire(id=wire.id, source=wire.source, source_port=wire.source_port,
                    target=wire.target, target_port=port)  # fmt: skip

    with made.history.step("Swap"):
        parked = onto(first, "parked")
        document.apply(Changed(graph.id, first, parked))
        document.apply(Changed(graph.id, second, onto(second, "input")))
        document.apply(Changed(graph.id, parked, onto(first, "other")))
    swapped = invariants.fingerprint(document)
    made.history.undo()
    invariants.check(document)
    made.history.redo()
    assert invariants.fingerprint(document) == swapped
    invariants.check(document)


def test_connecting_replaces_the_wire_in_one_step() -> None:
    made = Drawing()
    a, b = made.add("ReLU", name="a"), made.add("ReLU", name="b")
    end = made.add("ReLU", a, name="end")
    edits.connect(made.history, made.graph, End(b.id, "output"), End(end.id, "input"), ports_of)
    assert [wire.source for wire in made.graph.wires_into(end.id)] == [b.id]
    made.history.undo()
    assert [wire.source for wire in made.graph.wires_into(end.id)] == [a.id]
