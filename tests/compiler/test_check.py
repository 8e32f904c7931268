"""Structural problems: each at its node, all at once, with fixes that mend them."""

from __future__ import annotations

from netbuilder.compiler.check import check
from netbuilder.compiler.roles import node_names
from netbuilder.errors import Problem
from netbuilder.graph import edits, fixes
from netbuilder.graph.changes import Added
from netbuilder.graph.document import Document
from netbuilder.graph.model import GraphInfo, Node, ProjectInfo, Unreadable, Wire
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing, classifier


def codes(document: Document) -> list[str]:
    return [problem.code for problem in check(document)]


def only(document: Document, code: str) -> Problem:
    (problem,) = [problem for problem in check(document) if problem.code == code]
    return problem


def test_a_good_project_has_no_problems() -> None:
    assert check(classifier().document) == []


def test_an_empty_project_says_what_is_missing() -> None:
    assert codes(Document()) == ["network.missing"]
    assert codes(Drawing().document) == ["output.missing", "input.missing"]


def test_missing_ends_are_added_by_a_click_and_wired_where_there_is_no_doubt() -> None:
    d = Drawing()
    relu = d.add("ReLU", d.add("Flatten"))
    for code in ("input.missing", "output.missing"):
        fixes.apply_fix(d.history, only(d.document, code).fixes[0], ports_of)
    assert codes(d.document) == []
    names = [node.name for node in sorted(d.graph.nodes.values(), key=lambda node: node.y)]
    assert names[0] == "input"
    assert names[-1] == "output"
    assert [w.source for w in d.graph.wires_into(d.graph.ordered()[-1].id)] == [relu.id]
    empty = Drawing()
    for code in ("output.missing", "input.missing"):
        fixes.apply_fix(empty.history, only(empty.document, code).fixes[0], ports_of)
    assert "output.missing" not in codes(empty.document)
    two = Drawing()
    two.add("ReLU")
    two.add("ReLU")
    fixes.apply_fix(two.history, only(two.document, "output.missing").fixes[0], ports_of)
    assert two.graph.wires == {}


def test_an_unwired_input_is_an_error_where_it_matters_and_a_warning_elsewhere() -> None:
    d = Drawing()
    x = d.input(4)
    used = d.add("Linear", out_features=2)
    d.output(used)
    loose = d.add("ReLU")
    problems = {p.node: p for p in check(d.document) if p.code == "port.unwired"}
    assert problems[used.id].severity == "error"
    assert problems[used.id].port == "input"
    assert problems[loose.id].severity == "warning"
    assert only(d.document, "node.unused").node == x.id


def test_cycles_are_named_and_can_be_cut() -> None:
    d = Drawing()
    a, b = d.add("ReLU", name="a"), d.add("ReLU", name="b")
    with d.history.document.editing():
        for source, target in ((a, b), (b, a)):
            wire = Wire(
                id=f"{source.name}{target.name}",
                source=source.id,
                source_port="output",
                target=target.id,
                target_port="input",
            )
            d.document.apply(Added(d.graph.id, wire))
    problem = only(d.document, "graph.cycle")
    assert "a → b → a" in problem.message
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert "graph.cycle" not in codes(d.document)


def test_unknown_layers_and_wrong_places_are_named() -> None:
    d = Drawing()
    x = d.input(4)
    alien = d.add("acme.Warp", name="warp")
    assert only(d.document, "layer.unknown").node == alien.id
    loss = d.add("netbuilder.Objective", name="loss")
    problem = only(d.document, "layer.place")
    assert problem.node == loss.id
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert "layer.place" not in codes(d.document)
    assert x.id in d.graph.nodes


def test_bad_parameters_are_problems_with_the_default_as_fix() -> None:
    d = Drawing()
    d.output(d.add("Linear", d.input(4), out_features=3, bias="yes"))
    problem = only(d.document, "parameter.invalid")
    assert "'bias'" in problem.message
    assert "'yes'" in problem.message
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert codes(d.document) == []


def test_wires_to_ports_that_are_not_there_can_be_removed() -> None:
    d = Drawing()
    x = d.input(4)
    relu = d.add("ReLU", x)
    d.output(relu)
    wire = Wire(id="w", source=x.id, source_port="output", target=relu.id, target_port="other")
    with d.document.editing():
        d.document.apply(Added(d.graph.id, wire))
    problem = only(d.document, "wire.port")
    assert "'other'" in problem.message
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert codes(d.document) == []


def test_unreadable_entries_stay_and_are_reported() -> None:
    d = classifier()
    entry = Unreadable(id="u", section="nodes", index=4, raw=5, reason="it is a number")
    with d.document.editing():
        d.document.apply(Added(d.graph.id, entry))
    problem = only(d.document, "file.unreadable")
    assert "Entry 5" in problem.message
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert codes(d.document) == []


def test_graphs_that_could_not_be_read_are_reported() -> None:
    document = Document.of(ProjectInfo(extra={"graphs": (5,)}), classifier().document.items())
    assert only(document, "file.unreadable").severity == "warning"


def test_steps_need_one_loss_and_a_network_to_update() -> None:
    d = classifier()
    d.add_graph("step", "second")
    assert codes(d.document) == ["loss.missing", "step.updates"]
    step = d.document.of_kind("step")[0]
    edits.set_graph(d.history, step, settings={"updates": ["ghost"]})
    problem = next(p for p in check(d.document) if p.graph == step.id)
    assert "ghost" in problem.message
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert step.info.settings["updates"] == ("main",)


def test_a_call_of_no_network_offers_those_there_are() -> None:
    d = classifier()
    step = d.document.of_kind("step")[0]
    call = step.named("main")
    assert call is not None
    edits.set_parameters(d.history, step, [call.id], {"network": "ghost"})
    problem = only(d.document, "network.unknown")
    assert problem.node == call.id
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert check(d.document) == []


def test_names_of_files_become_legal_and_unique() -> None:
    names = ["conv", "conv", "import", "a b", "a b", "x\nimport os", "", "7up", "conv_2", "train"]
    info = GraphInfo(id="g", kind="network", name="main")
    nodes = [
        Added("g", Node(id=f"n{i}", layer="torch.nn.ReLU", name=name, order=i))
        for i, name in enumerate(names)
    ]
    document = Document.of(ProjectInfo(), [Added("g", info), *nodes])
    by_id = node_names(document.graph("g"))
    legal = [by_id[f"n{i}"] for i in range(len(names))]
    assert legal[0] == "conv"
    assert legal[8] == "conv_2"
    assert len(set(legal)) == len(legal)
    assert all(name.isidentifier() for name in legal)
    changed = [p for p in check(document) if p.code == "name.changed"]
    assert [int(p.node[1:]) for p in changed] == [1, 2, 3, 4, 5, 6, 7, 9]


def test_an_open_input_is_wired_by_a_click_where_one_output_goes_nowhere() -> None:
    d = Drawing()
    x = d.input(4)
    first = d.add("Linear", x, name="first", out_features=2)
    second = d.add("ReLU", name="second")
    d.output(second)
    (fix,) = only(d.document, "port.unwired").fixes
    assert fix.title == "Connect 'first'"
    fixes.apply_fix(d.history, fix, ports_of)
    assert codes(d.document) == []
    wire = d.graph.wire_into(second.id, "input")
    assert wire is not None
    assert wire.source == first.id
    edits.delete(d.history, d.graph, [wire.id])
    for _ in range(3):
        d.add("ReLU", x)
    open_port = next(p for p in check(d.document) if p.port == "input" and p.node == second.id)
    assert not open_port.fixes, "of four nobody can tell which is meant"


def test_no_wire_is_offered_that_makes_a_circle() -> None:
    d = Drawing()
    relu = d.add("ReLU", name="relu")
    d.add("Tanh", relu)
    found = [p for p in check(d.document) if p.node == relu.id and p.code == "port.unwired"]
    assert [p.fixes for p in found] == [()]


def test_what_leads_nowhere_is_deleted_by_a_click() -> None:
    d = classifier()
    d.add("ReLU", d.graph.ordered()[0], name="idle")
    (fix,) = only(d.document, "node.unused").fixes
    fixes.apply_fix(d.history, fix, ports_of)
    assert codes(d.document) == []


def test_the_loss_node_is_added_behind_the_one_loss() -> None:
    d = classifier()
    step = d.document.of_kind("step")[0]
    loss = step.named("loss")
    assert loss is not None
    edits.delete(d.history, step, [loss.id])
    (fix,) = only(d.document, "loss.missing").fixes
    fixes.apply_fix(d.history, fix, ports_of)
    assert codes(d.document) == []
