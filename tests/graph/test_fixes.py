"""What fixes do to a graph: one step each, with new nodes where there is room."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from netbuilder.errors import ChangeError, Fix
from netbuilder.graph import edits, fixes
from netbuilder.graph.layout import NODE_SIZE
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing

FLATTEN = {"layer": "torch.nn.Flatten", "params": {}}


def chain(flow: str) -> Drawing:
    """Three nodes close to one another, in the project's direction."""
    d = Drawing()
    edits.set_project(d.history, flow=flow)
    x = d.input(3, 8, 8, name="x")
    head = d.add("Linear", x, name="head", out_features=4)
    d.output(head, name="y")
    step = 96.0 if flow == "down" else 256.0
    places = {
        node.id: (0.0, step * at) if flow == "down" else (step * at, 0.0)
        for at, node in enumerate(d.graph.ordered())
    }
    edits.move(d.history, d.graph, places)
    return d


def fix(d: Drawing, operation: str, **arguments: Any) -> None:
    here = {"graph": d.graph.id, **arguments}
    fixes.apply_fix(d.history, Fix("Mend it", operation, here), ports_of)


def lies_free(d: Drawing) -> bool:
    nodes = list(d.graph.nodes.values())
    return all(
        abs(a.x - b.x) >= NODE_SIZE[0] or abs(a.y - b.y) >= NODE_SIZE[1]
        for a in nodes
        for b in nodes
        if a is not b
    )


@pytest.mark.parametrize("flow", ["down", "right"])
def test_what_follows_makes_room_for_an_inserted_node(flow: str) -> None:
    d = chain(flow)
    head = d.graph.named("head")
    assert head is not None
    before = d.document.copy()
    fix(d, "insert_before", node=head.id, port="input", **FLATTEN)
    order = sorted(d.graph.nodes.values(), key=lambda node: (node.y, node.x))
    assert [node.name for node in order] == ["x", "flatten", "head", "y"]
    across = {node.x if flow == "down" else node.y for node in d.graph.nodes.values()}
    assert across == {0.0}, "the chain stays straight"
    assert lies_free(d)
    assert d.history.undo_title == "Mend it"
    d.history.undo()
    assert d.document == before


def test_a_chain_is_inserted_in_its_order() -> None:
    d = chain("down")
    head = d.graph.named("head")
    assert head is not None
    relu = {"layer": "torch.nn.ReLU", "params": {"inplace": True}}
    fix(d, "insert_chain", node=head.id, port="input", chain=[FLATTEN, relu])
    order = sorted(d.graph.nodes.values(), key=lambda node: node.y)
    assert [node.name for node in order] == ["x", "flatten", "relu", "head", "y"]
    for before, after in pairwise(order):
        assert [wire.source for wire in d.graph.wires_into(after.id)] == [before.id]
    assert lies_free(d)
    assert order[2].params == {"inplace": True}


def test_several_nodes_get_parameters_in_one_step() -> None:
    d = chain("down")
    x, head, _ = d.graph.ordered()
    state = d.history.state
    nodes = {x.id: {"shape": (1, 2)}, head.id: {"bias": False, "out_features": 9}}
    fix(d, "set_parameters", nodes=nodes)
    assert d.graph.nodes[head.id].params == {"bias": False, "out_features": 9}
    assert d.graph.nodes[x.id].params["shape"] == (1, 2)
    d.history.undo()
    assert d.history.state == state


def test_a_fix_that_does_not_fit_leaves_no_trace() -> None:
    d = chain("down")
    head = d.graph.named("head")
    assert head is not None
    state, before = d.history.state, d.document.copy()
    broken = {"layer": "torch.nn.ReLU", "params": {"inplace": 2**60}}
    attempts: list[tuple[str, dict[str, Any]]] = [
        ("insert_before", {"node": head.id, "port": "gone", **FLATTEN}),
        ("insert_chain", {"node": head.id, "port": "input", "chain": [FLATTEN, broken]}),
        ("set_parameter", {"node": "gone", "name": "a", "value": 1}),
        ("set_parameters", {"nodes": {head.id: {"bias": False}, "gone": {"bias": True}}}),
        ("connect", {"source": head.id}),
        ("no_such_thing", {}),
    ]
    for operation, arguments in attempts:
        with pytest.raises(ChangeError):
            fix(d, operation, **arguments)
        assert d.document == before, operation
        assert d.history.state == state
    with pytest.raises(ChangeError, match="no fix called 'no_such_thing'"):
        fix(d, "no_such_thing")


def test_a_node_is_taken_out_and_what_fed_it_feeds_what_it_fed() -> None:
    d = chain("down")
    head = d.graph.named("head")
    assert head is not None
    before = d.document.copy()
    fix(d, "take_out", node=head.id)
    assert [wire.target for wire in d.graph.wires.values()] == [d.graph.ordered()[-1].id]
    assert d.graph.named("head") is None
    d.history.undo()
    assert d.document == before


def test_another_layer_takes_a_place_with_its_wires() -> None:
    d = Drawing()
    image = d.input(3, 8, 8)
    norm = d.add("BatchNorm1d", image)
    d.output(norm)
    before = d.document.copy()
    fix(d, "replace_layer", node=norm.id, layer="torch.nn.BatchNorm2d", params={"eps": 0.1})
    after = d.graph.nodes[norm.id]
    assert (after.name, after.layer) == ("batch_norm2d", "torch.nn.BatchNorm2d")
    assert dict(after.params) == {"eps": 0.1}
    assert len(d.graph.wires_at([norm.id])) == 2
    d.history.undo()
    assert d.document == before


def test_ports_of_another_name_follow_by_their_place() -> None:
    d = Drawing()
    x = d.input(4)
    pair = d.add("torch.add", x, x)
    d.output(pair)
    fix(d, "replace_layer", node=pair.id, layer="torch.nn.Bilinear", params={"out_features": 2})
    assert [w.target_port for w in d.graph.wires_into(pair.id)] == ["input1", "input2"]


def test_a_second_number_joins_the_first() -> None:
    d = Drawing()
    x, y = d.input(4, name="x"), d.input(4, name="y")
    end = d.output(x)
    fix(d, "join", node=end.id, port="input", layer="torch.add", source=y.id, source_port="output")
    wire = d.graph.wire_into(end.id, "input")
    assert wire is not None
    assert [w.source for w in d.graph.wires_into(wire.source)] == [x.id, y.id]


def test_several_fixes_are_one_step() -> None:
    d = chain("down")
    head = d.graph.named("head")
    assert head is not None
    here = {"graph": d.graph.id, "node": head.id}
    parts = [
        {"operation": "rename", "arguments": {**here, "name": "last"}},
        {"operation": "insert_before", "arguments": {**here, "port": "input", **FLATTEN}},
    ]
    before = d.document.copy()
    fix(d, "several", fixes=parts)
    assert d.graph.named("last") is not None
    assert d.graph.named("flatten") is not None
    d.history.undo()
    assert d.document == before
    parts[1] = {"operation": "take_out", "arguments": {**here, "node": "gone"}}
    with pytest.raises(ChangeError, match="no longer fits"):
        fix(d, "several", fixes=parts)
    assert d.document == before, "a part that does not fit leaves no trace of the others"
