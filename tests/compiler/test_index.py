"""`index`: what a use that is repeated says of each of its repetitions."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from netbuilder.compiler.build import build_network, network_source
from netbuilder.errors import Problem
from netbuilder.graph import edits, grouping, inlining
from netbuilder.layers.catalogue import ports_of
from tests.compiler.reading import one_line
from tests.compiler.units import close, codes, new, problems, simple, use
from tests.drawing import Drawing

DILATION = {"name": "dilation", "default": 1}


def look_back(d: Drawing) -> None:
    """A block whose output is its input beside what was `dilation` before."""
    x = d.add("netbuilder.BlockInput", name="x")
    h = d.add("ConstantPad1d", x, name="pad", padding=["=dilation", 0], value=0.0)
    h = d.add("Conv1d", h, name="conv", out_channels=4, kernel_size=2, dilation="=dilation")
    d.output(h, name="y")


def row(dilation: str = "=2**index", **params: Any) -> Drawing:
    d = new(DILATION, name="unit")
    look_back(d)
    close(d)
    x = d.input(4, 20, name="series")
    d.output(use(d, x, name="row", values={"dilation": dilation}, **params), name="out")
    return d


def told(d: Drawing) -> Problem:
    (found,) = [problem for problem in problems(d) if problem.severity == "error"]
    return found


def source(d: Drawing) -> str:
    return one_line(network_source(d.document, "main").text)


def test_each_repetition_has_its_own_value() -> None:
    d = row(repeat=5)
    assert problems(d) == []
    assert "*(Unit(dilation=2 ** index) for index in range(5))" in source(d)
    model: Any = build_network(d.document, "main")
    assert [unit.conv.dilation[0] for unit in model.row] == [1, 2, 4, 8, 16]
    assert list(model.state_dict())[2:4] == ["row.1.conv.weight", "row.1.conv.bias"]
    # Keys of weights are those that a repeated block has anyhow.
    plain = build_network(row("=1", repeat=5).document, "main")
    assert list(plain.state_dict()) == list(model.state_dict())
    back = torch.zeros(1, 4, 20)
    back[..., 0] = 1
    with torch.no_grad():
        for unit in model.row:
            unit.conv.bias.zero_()
            unit.conv.weight.fill_(1.0)
        # It looks 1 + 2 + 4 + 8 + 16 steps back: a first 1 is seen everywhere.
        assert bool((model(back) > 0).all())


def test_the_code_is_what_trains() -> None:
    d = row(repeat=3)
    model = build_network(d.document, "main").eval()
    namespace: dict[str, Any] = {}
    exec(network_source(d.document, "main").text, namespace)  # noqa: S102
    again = namespace["Main"]().eval()
    again.load_state_dict(model.state_dict())
    series = torch.randn(2, 4, 20)
    assert torch.equal(model(series), again(series))


def test_what_comes_out_may_be_of_another_size_each_time() -> None:
    d = simple()
    image = d.input(3, 8, 8, name="image")
    d.output(use(d, image, name="row", values={"channels": "=8*(index+1)"}, repeat=3))
    assert problems(d) == []
    model: Any = build_network(d.document, "main")
    assert [unit.conv.in_channels for unit in model.row] == [3, 8, 16]
    assert model(torch.randn(2, 3, 8, 8)).shape == (2, 24, 8, 8)
    assert "Unit(in_channels=8, channels=16)" in source(d)


def test_a_row_goes_on_counting_after_others() -> None:
    d = simple()
    image = d.input(3, 8, 8, name="image")
    values = {"channels": "=max(16, 8*index)", "stride": "=1 + index//3"}
    d.output(use(d, image, name="row", values=values, repeat=3))
    text = source(d)
    assert "Unit(in_channels=3, channels=16, stride=1)" in text
    assert "for index in range(1, 3)" in text
    model: Any = build_network(d.document, "main")
    assert [unit.conv.out_channels for unit in model.row] == [16, 16, 16]


def stages() -> Drawing:
    """A block with a row in it, used with two depths."""
    d = simple()
    d.add_graph(
        "block", "stage", parameters=({"name": "depth", "default": 2}, {"name": "w", "default": 16})
    )
    x = d.add("netbuilder.BlockInput", name="x")
    values = {"channels": "=max(w, 8*index)"}
    d.output(use(d, x, name="units", values=values, repeat="=depth"), name="y")
    close(d)
    return d


def test_rows_of_one_class_may_part_at_different_places() -> None:
    d = stages()
    a, b = d.input(16, 8, 8, name="a"), d.input(24, 8, 8, name="b")
    d.output(use(d, a, name="one", block="stage", values={"depth": 6, "w": 16}), name="narrow")
    d.output(use(d, b, name="two", block="stage", values={"depth": 7, "w": 24}), name="wide")
    assert problems(d) == []
    model: Any = build_network(d.document, "main")
    rows = [
        [(u.conv.in_channels, u.conv.out_channels) for u in part.units]
        for part in (model.one, model.two)
    ]
    assert rows[0] == [(16, 16), (16, 16), (16, 16), (16, 24), (24, 32), (32, 40)]
    assert rows[1] == [(24, 24)] * 4 + [(24, 32), (32, 40), (40, 48)]
    assert source(d).count("class Stage") == 1


def test_a_network_called_index_is_another_thing() -> None:
    d = row(repeat=2)
    block = d.document.block("unit")
    assert block is not None
    d.add_graph("network", "index")
    d.output(d.add("Linear", d.input(4, 20, name="x"), name="fc", out_features=20), name="y")
    d.graph = block
    y = next(node for node in block.nodes.values() if node.name == "y")
    conv = next(node for node in block.nodes.values() if node.name == "conv")
    (wire,) = block.wires_into(y.id)
    with d.history.step("A call between"):
        edits.delete(d.history, block, [wire.id])
        call = d.add("netbuilder.NetworkCall", conv, name="call", network="index")
        d.wire(call, y, "input")
    assert problems(d) == []
    assert "Unit(index=index, dilation=2 ** index_2) for index_2 in range(2)" in source(d)
    model: Any = build_network(d.document, "main")
    assert model(torch.randn(2, 4, 20)).shape == (2, 4, 20)


@pytest.mark.parametrize("nested", [False, True])
def test_repetitions_that_come_apart_keep_their_values(nested: bool) -> None:
    d = row(repeat=4)
    if nested:
        node = d.graph.named("row")
        assert node is not None
        outer = grouping.group(d.history, d.graph, [node.id], ports_of, "outer")
        assert problems(d) == []
        inlining.ungroup(d.history, d.graph, outer.id)
    node = d.graph.named("row")
    assert node is not None
    inlining.ungroup(d.history, d.graph, node.id)
    assert problems(d) == []
    convs = [n for n in d.graph.ordered() if n.layer == "torch.nn.Conv1d"]
    assert [conv.params["dilation"] for conv in convs] == [1, 2, 4, 8]


def test_index_without_a_repeat_is_told() -> None:
    problem = told(row())
    assert problem.code == "parameter.expression"
    assert problem.message == "'values': there is no repetition here that 'index' could count."
    assert "repeat 6" in problem.hint


def test_index_in_the_block_itself_is_told() -> None:
    d = new(name="unit")
    x = d.add("netbuilder.BlockInput", name="x")
    d.output(d.add("Dropout", x, name="drop", p="=0.1*index"), name="y")
    close(d)
    d.output(use(d, d.input(4), name="row", repeat=3), name="out")
    first = next(problem for problem in problems(d) if problem.code == "parameter.expression")
    assert first.message == "'p': there is no repetition here that 'index' could count."
    assert "where a node repeats the block" in first.hint


def test_a_value_that_fails_later_in_the_row_is_told_with_its_place() -> None:
    problem = told(row("=4 // (2-index)", repeat=4))
    assert problem.message == "Where index is 2: 'values': The expression divides by zero."


def test_no_repeat_counts_itself_and_no_parameter_is_called_index() -> None:
    assert "parameter.expression" in codes(row(repeat="=index+2"))
    d = new({"name": "index", "default": 1}, name="unit")
    d.output(d.add("Dropout", d.add("netbuilder.BlockInput", name="x"), name="drop"), name="y")
    close(d)
    d.output(use(d, d.input(4), name="row", repeat=3), name="out")
    assert "block.parameter" in codes(d)


def test_a_loop_over_time_has_no_index() -> None:
    d = new({"name": "p", "default": 0.1}, name="cell")
    x = d.add("netbuilder.BlockInput", name="x")
    d.output(d.add("Dropout", x, name="drop", p="=p"), name="y")
    close(d)
    loop = d.add(
        "netbuilder.Loop", d.input(5, 4), name="loop", block="cell", values={"p": "=index/9"}
    )
    d.output(loop, name="out")
    assert codes(d) == ["parameter.expression"]
