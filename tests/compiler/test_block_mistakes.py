"""Mistakes in blocks and of their uses are told where they are, and nothing of them is run."""

from __future__ import annotations

import re

import pytest
import torch

from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.build import build_network, locate_error, network_source
from netbuilder.errors import Problem, ProblemsError
from netbuilder.graph import edits
from netbuilder.graph.fixes import apply_fix
from netbuilder.layers.catalogue import ports_of
from tests.compiler.units import close, codes, new, problems, simple, use
from tests.drawing import Drawing

# -- mistakes ------------------------------------------------------------------------------


def test_a_mistake_inside_is_told_inside_and_at_the_use() -> None:
    d = simple()
    used = use(d, d.input(5, name="flat"), name="wrong")
    d.output(used)
    found = {problem.code: problem for problem in problems(d)}
    inside = d.document.block("unit")
    assert inside is not None
    assert found["shape.rank"].graph == inside.id
    at_use = found["block.inside"]
    assert at_use.node == used.id
    assert "at 'conv'" in at_use.message
    with pytest.raises(ProblemsError):
        build_network(d.document, "main")


def test_a_block_with_structural_mistakes_stops_its_users_only() -> None:
    d = simple()
    close(d)
    d.output(d.add("ReLU", d.input(3, name="x")), name="y")
    block = d.document.block("unit")
    assert block is not None
    act = block.named("act")
    assert act is not None
    wire = block.wires_into(act.id)[0]
    edits.delete(d.history, block, [wire.id])
    assert codes(d) == []
    build_network(d.document, "main")
    x = use(d, d.input(3, 8, 8, name="image"), name="user")
    d.output(x, name="z")
    assert {"port.unwired", "block.inside"} <= set(codes(d))


def test_unknown_blocks_parameters_and_names() -> None:
    d = simple()
    d.output(use(d, d.input(3, 8, 8), name="a", values={"nonsense": 3}))
    use(d, name="b", block="missing")
    assert {"block.parameter", "block.unknown"} <= set(codes(d))
    for name in ("self", "nn", "1x", "min", "_a", "import", "", "a b"):
        block = d.document.block("unit")
        assert block is not None
        parameters = [*block.info.settings["parameters"], {"name": name, "default": 1}]
        edits.set_graph(d.history, block, settings={"parameters": parameters})
        assert any(p.code == "block.parameter" and p.graph == block.id for p in problems(d)), name
        d.history.undo()


@pytest.mark.parametrize("value", [{"a": 1}, [[{"b": 2}]], "=channels"])
def test_odd_defaults_and_values_are_told(value: object) -> None:
    d = simple()
    block = d.document.block("unit")
    assert block is not None
    d.output(use(d, d.input(3, 8, 8), name="a"))
    parameters = [*block.info.settings["parameters"], {"name": "odd", "default": value}]
    edits.set_graph(d.history, block, settings={"parameters": parameters})
    assert set(codes(d)) == {"block.parameter", "block.inside"}
    edits.set_graph(d.history, block, settings={"parameters": [*parameters[:-1], {"name": "odd"}]})
    assert codes(d) == []
    node = d.graph.named("a")
    assert node is not None
    edits.set_parameters(d.history, d.graph, [node.id], {"values": {"odd": value}})
    assert set(codes(d)) & {"block.parameter", "parameter.expression"}


def test_an_unknown_name_in_an_expression_is_told_at_its_node() -> None:
    d = simple(channels="=chanels")
    d.output(use(d, d.input(3, 8, 8), name="a"))
    told = next(problem for problem in problems(d) if problem.code == "parameter.expression")
    assert "chanels" in told.message
    assert "channels" in told.message
    assert told.graph == d.document.of_kind("block")[0].id


def test_a_block_inside_itself_is_refused() -> None:
    d = simple()
    d.add_graph("block", "outer")
    x = d.add("netbuilder.BlockInput", name="x")
    d.output(use(d, x, name="inner"), name="y")
    block = d.document.block("unit")
    assert block is not None
    d.graph = block
    act = block.named("act")
    assert act is not None
    use(d, act, name="back", block="outer")
    close(d)
    d.output(use(d, d.input(3, 8, 8), name="a"))
    told = [problem for problem in problems(d) if problem.code == "block.cycle"]
    assert len(told) == 2
    assert "outer → unit → outer" in told[0].message + told[1].message


def test_more_outputs_than_inputs_cannot_be_repeated() -> None:
    d = new(name="twins")
    x = d.add("netbuilder.BlockInput", name="x")
    d.output(d.add("ReLU", x, name="a"), name="u")
    d.output(d.add("Tanh", x, name="b"), name="v")
    close(d)
    node = use(d, d.input(3), name="rows", block="twins", repeat=2)
    d.output((node, "u"))
    told = next(problem for problem in problems(d) if problem.code == "block.repeat")
    apply_fix(d.history, told.fixes[0], ports_of)
    assert codes(d) == []


def test_an_error_while_it_runs_is_located_in_the_block() -> None:
    d = simple()
    d.output(use(d, d.input(3, 8, 8), name="a"))
    model = build_network(d.document, "main")
    with pytest.raises(RuntimeError) as caught:
        model(torch.zeros(1, 4, 8, 8))
    found = locate_error(caught.value)
    assert found is not None
    assert found.graph == d.document.of_kind("block")[0].id
    assert found.name == "conv"


def test_hostile_names_and_values_never_become_code() -> None:
    d = simple(channels=4)
    block = d.document.block("unit")
    assert block is not None
    evil = '"""\nimport os\n__import__("os").system("x")'
    edits.set_graph(d.history, block, name="unit")
    parameters = [{"name": "text", "default": evil, "help": evil}]
    declared = [*block.info.settings["parameters"], *parameters]
    edits.set_graph(d.history, block, settings={"parameters": declared})
    values = {"text": evil, "channels": 4}
    d.output(use(d, d.input(3, 8, 8), name="a", values=values))
    text = network_source(d.document, "main").text
    assert not re.search(r"^\s*(import os|__import__)", text, re.MULTILINE)
    build_network(d.document, "main")


def test_what_cannot_be_shared_is_told() -> None:
    d = Drawing()
    one = d.add("Linear", d.input(6, name="x"), name="fc", out_features=6)
    two = d.add("ReLU", one, name="act")
    d.output(two, name="y")
    for target in (one.id, two.id, "nobody"):
        edits.set_node(d.history, d.graph, two.id, shares=target)
        told = next(problem for problem in problems(d) if problem.code == "shares.lost")
        apply_fix(d.history, told.fixes[0], ports_of)
        assert codes(d) == []


def test_reroutes_in_a_circle_are_a_circle() -> None:
    from netbuilder.graph.changes import Added
    from netbuilder.graph.model import Wire

    d = Drawing()
    d.output(d.input(6, name="x"), name="y")
    one = d.add("netbuilder.Reroute", name="one")
    two = d.add("netbuilder.Reroute", one, name="two")
    back = Wire(id="w", source=two.id, source_port="output", target=one.id, target_port="input")
    with d.history.step("circle"):
        d.document.apply(Added(d.graph.id, back))
    assert codes(d) == ["graph.cycle"]


def test_a_problem_inside_says_in_which_use_it_is() -> None:
    d = simple()
    d.add_graph("block", "outer")
    x = d.add("netbuilder.BlockInput", name="x")
    d.output(use(d, x, name="inner", values={"channels": 4}), name="y")
    close(d)
    d.output(use(d, d.input(3, 8, 8, name="image"), name="good", block="outer"), name="a")
    d.output(use(d, d.input(3, 2, name="flat"), name="bad", block="outer"), name="b")
    found = [p for p in problems(d) if p.severity == "error"]
    network, unit = d.graph, d.document.block("unit")
    outer = d.document.block("outer")
    assert unit is not None
    assert outer is not None
    bad, inner = network.named("bad"), outer.named("inner")
    assert bad is not None
    assert inner is not None
    paths = {p.graph: p.path for p in found}
    assert paths == {
        unit.id: f"{network.id}/{bad.id}/{inner.id}",
        outer.id: f"{network.id}/{bad.id}",
        network.id: "",
    }
    assert set(analyse(d.document, {}).uses[unit.id]) >= {paths[unit.id]}
    again = [Problem.from_json(p.to_json()) for p in found]
    assert again == found
