"""Making a block of nodes and taking it apart again."""

from __future__ import annotations

from itertools import pairwise

import pytest

from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, edits, grouping, inlining, parameters
from netbuilder.graph.model import Frame, Node
from netbuilder.layers import catalogue
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing
from tests.graph import invariants
from tests.graph.block_drawings import chain, contents, ids, random_network, wires


def group(d: Drawing, *names: str, name: str = "stage") -> Node:
    return grouping.group(d.history, d.graph, ids(d.graph, *names), ports_of, name)


def test_nodes_move_into_the_block_and_the_wires_go_through_it() -> None:
    d = chain()
    node = group(d, "conv1", "relu1", "conv2", "relu2")
    block = d.document.block("stage")
    assert block is not None
    assert [n.name for n in d.graph.ordered()] == ["image", "stage", "flatten", "head", "logits"]
    assert "image.output>stage.input" in wires(d.graph)
    assert "stage.output>flatten.input" in wires(d.graph)
    assert [n.name for n in block.ordered()] == [
        "input",
        "conv1",
        "relu1",
        "conv2",
        "relu2",
        "output",
    ]
    assert {"input.output>conv1.input", "relu2.output>output.input"} < wires(block)
    ports = ports_of(d.document, d.graph, node)
    assert [p.name for p in (*ports.inputs, *ports.outputs)] == ["input", "output"]
    invariants.check(d.document)


def test_one_input_for_each_output_that_comes_in_and_one_output_for_each_that_goes_out() -> None:
    d = Drawing()
    a, b = d.input(4, name="a"), d.input(4, name="b")
    s = d.add("torch.add", a, b, name="s")
    t = d.add("torch.add", a, s, name="t")
    d.output(s, name="one")
    d.output(t, name="two")
    d.output(s, name="three")
    node = group(d, "s", "t")
    ports = ports_of(d.document, d.graph, node)
    assert [p.name for p in ports.inputs] == ["a", "b"]
    assert [p.name for p in ports.outputs] == ["s_2", "t_2"]
    assert {"stage.s_2>one.input", "stage.s_2>three.input", "stage.t_2>two.input"} < wires(d.graph)
    block = d.document.block("stage")
    assert block is not None
    assert {"a.output>s.input", "a.output>t.input", "b.output>s.other"} < wires(block)


def test_nodes_that_nothing_feeds_get_ports_to_wire() -> None:
    d = Drawing()
    d.add("ReLU", d.add("Linear", name="fc", out_features=3), name="act")
    node = group(d, "fc", "act")
    ports = ports_of(d.document, d.graph, node)
    assert [p.name for p in (*ports.inputs, *ports.outputs)] == ["input", "output"]


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ((), "Select the layers"),
        (("image", "logits"), "Select the layers"),
        (("conv1", "conv2"), "'relu1' lies between"),
        (("conv1", "flatten"), "'conv2' and 2 more lies between"),
    ],
)
def test_what_can_be_no_block_is_refused_with_the_reason(
    names: tuple[str, ...], reason: str
) -> None:
    d = chain()
    before = invariants.fingerprint(d.document)
    with pytest.raises(ChangeError, match=reason):
        group(d, *names)
    assert invariants.fingerprint(d.document) == before


def test_nodes_that_share_weights_stay_together() -> None:
    d = chain()
    first, second = ids(d.graph, "conv1", "conv2")
    edits.set_node(d.history, d.graph, second, shares=first)
    with pytest.raises(ChangeError, match="'conv2' uses the weights of 'conv1'"):
        group(d, "conv1", "relu1")
    assert group(d, "conv1", "relu1", "conv2").layer == blocks.BLOCK


@pytest.mark.parametrize(
    "own", ["netbuilder.DataField", "netbuilder.NetworkCall", "torchmetrics.MeanMetric"]
)
def test_a_training_step_keeps_what_is_its_own(own: str) -> None:
    d = Drawing()
    d.add_graph("step", "train")
    d.add("torch.add", name="s")
    d.add(own, name="own")
    with pytest.raises(ChangeError, match="'own' belongs to the training step"):
        group(d, "s", "own")
    assert group(d, "s").layer == blocks.BLOCK


def test_what_belongs_to_a_step_is_what_no_block_holds() -> None:
    alone = {id for id, layer in catalogue.layers().items() if "block" not in layer.where}
    for id in alone - {"netbuilder.Input", "netbuilder.BlockInput"}:
        assert grouping._of_step(Node(id="n", layer=id, name="n")), id


def test_frames_that_are_selected_move_along() -> None:
    d = chain()
    frame = edits.add_frame(d.history, d.graph, Frame(id="f1", title="Two convolutions"))
    chosen = [*ids(d.graph, "conv1", "relu1"), frame.id]
    grouping.group(d.history, d.graph, chosen, ports_of, "stage")
    block = d.document.block("stage")
    assert block is not None
    assert list(block.frames) == ["f1"]
    assert not d.graph.frames


@pytest.mark.parametrize("seed", range(60))
def test_taking_a_fresh_block_apart_restores_the_graph(seed: int) -> None:
    history, graph, dice = random_network(seed)
    before, fingerprint = contents(graph), invariants.fingerprint(history.document)
    nodes = list(graph.nodes)
    start = dice.randrange(2, 8)
    chosen = nodes[start : start + dice.randrange(1, 6)]
    if dice.random() < 0.5:
        chosen = dice.sample(nodes, 3)
    try:
        node = grouping.group(history, graph, chosen, ports_of, "part")
    except ChangeError:
        assert invariants.fingerprint(history.document) == fingerprint
        return
    grouped = invariants.fingerprint(history.document)
    invariants.check(history.document)
    inlining.ungroup(history, graph, node.id)
    invariants.check(history.document)
    assert contents(graph) == before
    assert not history.document.of_kind("block")
    history.undo()
    assert invariants.fingerprint(history.document) == grouped
    history.undo()
    assert invariants.fingerprint(history.document) == fingerprint
    history.redo()
    assert invariants.fingerprint(history.document) == grouped


def test_a_block_that_others_use_stays_when_one_use_is_taken_apart() -> None:
    d = chain()
    node = group(d, "conv1", "relu1")
    block = d.document.block("stage")
    assert block is not None
    other = blocks.place(d.history, d.graph, block)
    inlining.ungroup(d.history, d.graph, node.id)
    assert d.document.block("stage") is block
    inlining.ungroup(d.history, d.graph, other.id)
    assert d.document.block("stage") is None
    assert {"conv1", "conv1_2"} < {n.name for n in d.graph.nodes.values()}


def test_repeats_follow_one_another_when_they_are_taken_apart() -> None:
    d = Drawing()
    x, y = d.input(4, name="x"), d.input(4, name="y")
    s = d.add("torch.add", x, y, name="s")
    act = d.add("ReLU", s, name="act")
    d.output(act, name="out")
    node = group(d, "s", "act")
    edits.set_parameters(d.history, d.graph, [node.id], {"repeat": 3})
    inlining.ungroup(d.history, d.graph, node.id)
    assert wires(d.graph) == {
        "x.output>s.input",
        "act.output>s_2.input",
        "act_2.output>s_3.input",
        "y.output>s.other",
        "y.output>s_2.other",
        "y.output>s_3.other",
        "s.output>act.input",
        "s_2.output>act_2.input",
        "s_3.output>act_3.input",
        "act_3.output>out.input",
    }
    boxes = sorted(n.y for n in d.graph.nodes.values() if n.layer == "torch.nn.ReLU")
    assert boxes[0] < boxes[1] < boxes[2]


def test_an_input_that_goes_straight_through_leads_back_to_what_feeds_the_first() -> None:
    d = Drawing()
    x = d.input(4, name="x")
    relu = d.add("ReLU", x, name="act")
    d.output(relu, name="out")
    node = group(d, "act")
    block = d.document.block("stage")
    assert block is not None
    edits.delete(d.history, block, ids(block, "act"), reconnect=True)
    edits.set_parameters(d.history, d.graph, [node.id], {"repeat": 4000})
    inlining.ungroup(d.history, d.graph, node.id)
    assert wires(d.graph) == {"x.output>out.input"}


def test_values_replace_the_parameters_when_a_block_is_taken_apart() -> None:
    d = chain()
    node = group(d, "conv1", "relu1")
    block = d.document.block("stage")
    assert block is not None
    parameters.declare(d.history, block, "channels", 16)
    parameters.declare(d.history, block, "kernel", 3)
    conv = ids(block, "conv1")
    values = {"out_channels": "=2*channels", "kernel_size": ["=kernel", "=kernel"]}
    edits.set_parameters(d.history, block, conv, values)
    edits.set_parameters(d.history, d.graph, [node.id], {"values": {"channels": 24}})
    inlining.ungroup(d.history, d.graph, node.id)
    conv1 = d.graph.named("conv1")
    assert conv1 is not None
    assert conv1.params == {"out_channels": 48, "kernel_size": (3, 3), "padding": 1}


def test_a_block_made_inside_a_block_knows_its_parameters_and_gives_them_back() -> None:
    d = chain()
    group(d, "conv1", "relu1", "conv2", "relu2")
    outer = d.document.block("stage")
    assert outer is not None
    parameters.declare(d.history, outer, "width", 8, "How wide it is")
    parameters.declare(d.history, outer, "unused", 1)
    edits.set_parameters(d.history, outer, ids(outer, "conv1"), {"out_channels": "=2*width"})
    before = contents(outer)
    chosen = ids(outer, "conv1", "relu1")
    node = grouping.group(d.history, outer, chosen, ports_of, "inner")
    inner = d.document.block("inner")
    assert inner is not None
    assert parameters.declared(inner) == (parameters.Parameter("width", 8, "How wide it is"),)
    assert node.params["values"] == {"width": "=width"}
    edits.set_parameters(d.history, outer, [node.id], {"values": {"width": "=width+1"}})
    inlining.ungroup(d.history, outer, node.id)
    conv = outer.named("conv1")
    assert conv is not None
    assert conv.params["out_channels"] == "=2 * (width + 1)"
    d.history.undo()
    d.history.undo()
    inlining.ungroup(d.history, outer, node.id)
    assert contents(outer) == before


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"mute": "bypassed"}, "bypassed"),
        ({"params": {"block": "stage", "repeat": "=n"}}, "not fixed"),
        ({"params": {"block": "stage", "repeat": 1_000_000}}, "more than 100,000 nodes"),
        ({"params": {"block": "gone"}}, "There is no block 'gone'"),
    ],
)
def test_what_can_not_be_taken_apart_is_refused(fields: dict[str, object], reason: str) -> None:
    d = chain()
    node = group(d, "conv1", "relu1")
    edits.set_node(d.history, d.graph, node.id, **fields)
    with pytest.raises(ChangeError, match=reason):
        inlining.ungroup(d.history, d.graph, node.id)


def test_shared_weights_between_uses_keep_both_whole() -> None:
    d = chain()
    node = group(d, "conv1", "relu1")
    block = d.document.block("stage")
    assert block is not None
    other = blocks.place(d.history, d.graph, block)
    edits.set_node(d.history, d.graph, other.id, shares=node.id)
    for use in (node, other):
        with pytest.raises(ChangeError, match="uses the weights of 'stage'"):
            inlining.ungroup(d.history, d.graph, use.id)


def test_a_muted_use_gives_muted_nodes_and_its_note_stays() -> None:
    d = chain()
    node = group(d, "conv1", "relu1")
    edits.set_node(d.history, d.graph, node.id, mute="muted", note="the stem")
    made = inlining.ungroup(d.history, d.graph, node.id)
    assert [n.mute for n in made] == ["muted", "muted"]
    assert made[0].note == "the stem"


def test_what_stands_after_a_use_makes_room() -> None:
    d = chain()
    node = group(d, "conv1", "relu1", "conv2", "relu2")
    below = ids(d.graph, "flatten", "head", "logits")
    use = d.graph.nodes[node.id]
    places = {id: (0.0, use.y + 96.0 * (at + 1)) for at, id in enumerate(below)}
    edits.move(d.history, d.graph, places)
    inlining.ungroup(d.history, d.graph, node.id)
    order = ["image", "conv1", "relu1", "conv2", "relu2", "flatten", "head", "logits"]
    tops = [d.graph.nodes[id].y for id in ids(d.graph, *order)]
    assert len(tops) == len(d.graph.nodes)
    assert all(after - before >= 48 for before, after in pairwise(tops[1:]))
