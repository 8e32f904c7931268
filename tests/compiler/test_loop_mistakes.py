"""Loops over time: what people get wrong is told where it is; loops follow their block."""

from __future__ import annotations

import pytest
import torch

from netbuilder.compiler.build import build_network
from netbuilder.graph import edits
from netbuilder.graph.fixes import apply_fix
from netbuilder.layers.catalogue import ports_of
from tests.compiler.cells import attend, close, drawn, gru, loop, problems, told
from tests.drawing import Drawing

# -- mistakes ----------------------------------------------------------------------------------


def test_a_state_that_changes_its_shape_is_told_with_both() -> None:
    d = drawn(gru, outputs=("h",))
    node, h0 = d.graph.named("rnn"), d.input(5, name="h0")
    assert node is not None
    d.wire(h0, node, "h")
    (problem,) = [p for p in problems(d) if p.code == "loop.state"]
    assert problem.message == "The state 'h' changes its shape from N×5 to N×8 in a step."
    assert (problem.node, problem.port) == (node.id, "h")


def test_a_state_that_would_fit_once_is_told_too() -> None:
    d = Drawing()
    d.add_graph("block", "cell")
    h = d.add("netbuilder.BlockInput", name="h")
    d.output(d.add("Linear", h, name="fc", out_features=8), name="h_next")
    close(d)
    d.output((loop(d, d.input(5, name="h0"), block="cell", steps=2), "h_last"))
    (problem,) = problems(d)
    assert problem.message == "The state 'h' changes its shape from N×5 to N×8 in a step."


def test_a_state_that_begins_nowhere_is_told() -> None:
    d = Drawing()
    d.add_graph("block", "grow")
    x, h = d.add("netbuilder.BlockInput", name="x"), d.add("netbuilder.BlockInput", name="h")
    d.output(d.add("torch.cat", x, h, dim=1, name="longer"), name="h_next")
    close(d)
    d.output((loop(d, d.input("T", 4, name="x"), block="grow"), "h_last"))
    (problem,) = problems(d)
    assert problem.code == "loop.state"
    assert problem.message == "With which shape 'h' begins can't be told."


def test_sequences_of_different_lengths_are_told() -> None:
    d = Drawing()
    attend(d)
    sources = [d.input(5, size, name=name) for size, name in (("T", "a"), (7, "b"))]
    node = loop(d, *sources, d.input(5, name="scale"), block="sum_cell", dim=2)
    d.output((node, "y"))
    # `scale` is taken for a sequence as well.
    (problem,) = problems(d)
    assert problem.message == "The loop runs along dim 2, and 'scale' is N×5."
    apply_fix(d.history, problem.fixes[0], ports_of)
    (problem,) = problems(d)
    assert "'a' T, 'b' 7" in problem.message


def test_how_many_steps_must_be_known() -> None:
    d = Drawing()
    gru(d)
    x = d.input(4, name="x")
    d.output((loop(d, x, block="gru_cell", constants=("x",)), "h_last"))
    (problem,) = problems(d)
    assert problem.code == "loop.steps"
    apply_fix(d.history, problem.fixes[0], ports_of)
    assert problems(d) == []
    assert build_network(d.document, "main")(torch.randn(2, 4)).shape == (2, 8)
    node = d.graph.named("rnn")
    assert node is not None
    edits.set_parameters(d.history, d.graph, [node.id], {"constants": ("x", "h", "z")})
    text = told(d)
    assert "'h' in constants is a state of the block 'gru_cell'." in text
    assert "'z' in constants is no input of the block 'gru_cell'." in text


def test_a_loop_over_the_batch_is_doubted() -> None:
    d = drawn(gru, outputs=("h",), dim=0)
    assert "which is the batch" in told(d)


def test_an_output_without_its_state_is_told() -> None:
    d = drawn(gru, outputs=("h",))
    block = d.document.of_kind("block")[0]
    state = block.named("h_next")
    assert state is not None
    edits.set_node(d.history, block, state.id, name="k_next")
    assert "has no input 'k' for what comes out as 'k_next'" in told(d)


def test_mistakes_inside_are_told_at_the_loop() -> None:
    d = drawn(gru, outputs=("h",))
    block = d.document.of_kind("block")[0]
    gates = block.named("input_gates")
    assert gates is not None
    edits.set_parameters(d.history, block, [gates.id], {"in_features": 5})
    assert any(
        "'gru_cell' does not work here: inside, at 'input_gates'" in p.message for p in problems(d)
    ), told(d)


# -- the editor --------------------------------------------------------------------------------


@pytest.mark.parametrize(("old", "new"), [("h", "memory"), ("h_next", "memory_next")])
def test_both_ends_of_a_state_are_renamed_and_the_loop_follows(old: str, new: str) -> None:
    d = drawn(gru, outputs=("h", "h_last"))
    node, block = d.graph.named("rnn"), d.document.of_kind("block")[0]
    assert node is not None
    h0 = d.input(8, name="h0")
    d.wire(h0, node, "h")
    end = block.named(old)
    assert end is not None
    edits.rename(d.history, block, end.id, new)
    assert problems(d) == []
    ports = ports_of(d.document, d.graph, node)
    assert [p.name for p in ports.outputs] == ["memory", "memory_last"]
    assert {w.target_port for w in d.graph.wires_into(node.id)} == {"x", "memory"}
    build_network(d.document, "main")(torch.randn(2, 3, 4), torch.randn(2, 8))
    d.history.undo()
    assert problems(d) == []
    assert block.named("h_next") is not None


def test_constants_follow_a_rename() -> None:
    d = Drawing()
    attend(d)
    sources = [d.input(5, "T", name=name) for name in ("a", "b")]
    node = loop(d, *sources, d.input(5, name="scale"), block="sum_cell", dim=2)
    edits.set_parameters(d.history, d.graph, [node.id], {"constants": ("scale",)})
    d.output((node, "y"))
    block = d.document.of_kind("block")[0]
    end = block.named("scale")
    assert end is not None
    edits.rename(d.history, block, end.id, "factor")
    assert problems(d) == []
    assert d.graph.nodes[node.id].params["constants"] == ("factor",)
