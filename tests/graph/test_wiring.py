"""Wires in bulk: each edit is one step that undoes, keeps the rules, and says why not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netbuilder.errors import ChangeError
from netbuilder.graph import fragment, wiring
from netbuilder.graph.rules import End
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing
from tests.graph import invariants


@pytest.fixture
def skip() -> Drawing:
    """x -> a -> b -> sum, and a -> sum beside b; c is alone."""
    made = Drawing()
    x = made.input(4, name="x")
    a = made.add("Linear", x, name="a", out_features=4)
    b = made.add("ReLU", a, name="b")
    made.add("torch.add", b, a, name="sum")
    made.add("Tanh", name="c")
    return made


def id_of(made: Drawing, name: str) -> str:
    found = made.graph.named(name)
    assert found is not None
    return found.id


def pairs(made: Drawing) -> set[tuple[str, str, str]]:
    """The wires as names: source, target and the target's port."""
    nodes = made.graph.nodes
    return {
        (nodes[w.source].name, nodes[w.target].name, w.target_port)
        for w in made.graph.wires.values()
    }


def out_of(made: Drawing, name: str) -> End:
    return End(id_of(made, name), "output")


EDITS: dict[str, tuple[Callable[[Drawing], object], set[tuple[str, str, str]]]] = {
    "insert after": (
        lambda d: wiring.insert_after(d.history, d.graph, out_of(d, "a"), id_of(d, "c"), ports_of),
        {("x", "a", "input"), ("a", "c", "input"), ("c", "b", "input")}
        | {("b", "sum", "input"), ("c", "sum", "other")},
    ),
    "insert after a node that feeds nothing": (
        lambda d: wiring.insert_after(
            d.history, d.graph, out_of(d, "sum"), id_of(d, "c"), ports_of
        ),
        {("x", "a", "input"), ("a", "b", "input"), ("sum", "c", "input")}
        | {("b", "sum", "input"), ("a", "sum", "other")},
    ),
    "move to another output": (
        lambda d: wiring.take_wires(
            d.history,
            d.graph,
            wiring.wires_at_port(d.graph, id_of(d, "a"), "output", output=True),
            out_of(d, "c"),
            True,
            ports_of,
        ),
        {("x", "a", "input"), ("c", "b", "input")} | {("b", "sum", "input"), ("c", "sum", "other")},
    ),
    "move to another input": (
        lambda d: wiring.take_wires(
            d.history,
            d.graph,
            wiring.wires_at_port(d.graph, id_of(d, "b"), "input", output=False),
            End(id_of(d, "c"), "input"),
            False,
            ports_of,
        ),
        {("x", "a", "input"), ("a", "c", "input")} | {("b", "sum", "input"), ("a", "sum", "other")},
    ),
    "take one out": (
        lambda d: wiring.take_out(d.history, d.graph, [id_of(d, "b")], ports_of),
        {("x", "a", "input"), ("a", "sum", "input"), ("a", "sum", "other")},
    ),
    "take two out": (
        lambda d: wiring.take_out(d.history, d.graph, [id_of(d, "a"), id_of(d, "b")], ports_of),
        {("a", "b", "input"), ("x", "sum", "input"), ("x", "sum", "other")},
    ),
    "take the first out": (
        lambda d: wiring.take_out(d.history, d.graph, [id_of(d, "x")], ports_of),
        {("a", "b", "input"), ("b", "sum", "input"), ("a", "sum", "other")},
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_each_is_one_step_that_undoes(skip: Drawing, name: str) -> None:
    edit, expected = EDITS[name]
    before, steps = skip.document.copy(), skip.history.state
    edit(skip)
    assert pairs(skip) == expected
    invariants.check(skip.document)
    after = skip.document.copy()
    skip.history.undo()
    assert skip.document == before
    assert skip.history.state == steps, "one step"
    skip.history.redo()
    assert skip.document == after


def test_a_circle_is_refused_and_leaves_no_trace(skip: Drawing) -> None:
    before = skip.document.copy()
    wires = wiring.wires_at_port(skip.graph, id_of(skip, "a"), "output", output=True)
    with pytest.raises(ChangeError, match=r"can't feed itself|cycle"):
        wiring.take_wires(skip.history, skip.graph, wires, out_of(skip, "sum"), True, ports_of)
    with pytest.raises(ChangeError, match="no input or no output"):
        wiring.insert_after(skip.history, skip.graph, out_of(skip, "a"), id_of(skip, "x"), ports_of)
    assert skip.document == before


def test_a_free_input_is_preferred(skip: Drawing) -> None:
    total = skip.add("torch.add", name="total")

    def free() -> str | None:
        return wiring.free_input(skip.document, skip.graph, total.id, ports_of)

    assert free() == "input"
    skip.wire(skip.graph.nodes[id_of(skip, "a")], total, "input")
    assert free() == "other"
    skip.wire(skip.graph.nodes[id_of(skip, "b")], total, "other")
    assert free() == "input", "all are taken: the first is replaced"
    assert wiring.free_input(skip.document, skip.graph, id_of(skip, "x"), ports_of) is None


def test_the_wires_of_a_copied_part_are_those_of_the_original(skip: Drawing) -> None:
    part = fragment.cut_out(skip.graph, [id_of(skip, "b"), id_of(skip, "sum")])
    fragment.paste(skip.history, skip.graph, part, keep_inputs=True)
    assert {("a", "b_2", "input"), ("b_2", "sum_2", "input"), ("a", "sum_2", "other")} <= pairs(
        skip
    )
    invariants.check(skip.document)
