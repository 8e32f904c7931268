"""Repeated runs of nodes folded into blocks: what is found, and that nothing else changes."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
import torch

from netbuilder.compiler import build
from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, edits, folding, grouping, inlining
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Node
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing

WIDTH = 4
Motif = Callable[[Drawing, Node, Node, str], Node]


def plain(d: Drawing, x: Node, beside: Node, name: str) -> Node:
    """Three layers in a row."""
    x = d.add("Linear", x, name=f"{name}_first", out_features=WIDTH)
    return d.add("Tanh", d.add("ReLU", x))


def residual(d: Drawing, x: Node, beside: Node, name: str) -> Node:
    """Layers beside a wire that skips them."""
    y = d.add("ReLU", d.add("Linear", x, name=f"{name}_one", out_features=WIDTH))
    y = d.add("Linear", y, name=f"{name}_two", out_features=WIDTH)
    return d.add("LayerNorm", d.add("torch.add", x, y), name=f"{name}_norm")


def mixed(d: Drawing, x: Node, beside: Node, name: str) -> Node:
    """Layers that read another value, too; the last one first."""
    y = d.add("torch.mul", d.add("Sigmoid", beside), x)
    y = d.add("Linear", y, name=f"{name}_gate", out_features=WIDTH)
    return d.add("torch.sub", y, beside)


def tied(d: Drawing, x: Node, beside: Node, name: str) -> Node:
    """Two layers of one weight."""
    one = d.add("Linear", x, name=f"{name}_own", out_features=WIDTH)
    two = d.add("Linear", d.add("ReLU", one), name=f"{name}_same", out_features=WIDTH)
    edits.set_node(d.history, d.graph, two.id, shares=one.id)
    return d.add("torch.add", d.graph.nodes[two.id], x)


MOTIFS: tuple[Motif, ...] = (plain, residual, mixed, tied)


def stacked(*rows: tuple[Motif, int]) -> Drawing:
    """Motifs so many times in a row, one row after the other."""
    d = Drawing()
    x, beside = d.input(WIDTH, name="x"), d.input(WIDTH, name="beside")
    for row, (motif, count) in enumerate(rows):
        for number in range(count):
            x = motif(d, x, beside, f"part{row}_layer_{number}")
    d.output(x, name="y")
    return d


def canonical(graph: Graph) -> list[str]:
    """What each output is computed of: equal for graphs that differ in names and places only."""
    known: dict[str, str] = {}
    numbers: dict[str, int] = {}

    def said(id: str) -> str:
        if id not in known:
            node = graph.nodes[id]
            wires = sorted(graph.wires_into(id), key=lambda wire: wire.target_port)
            inner = [(w.target_port, w.source_port, said(w.source)) for w in wires]
            named = node.name if node.layer in blocks.ENDS else ""
            owner = said(node.shares) if node.shares else ""
            text = f"{node.layer} {named} {sorted(node.params.items())} {inner} {owner}"
            known[id] = f"#{numbers.setdefault(text, len(numbers))}"
        return known[id]

    for id in (node.id for node in graph.ordered() if node.layer == blocks.OUTPUT):
        said(id)
    return sorted(numbers)


def outputs(document: Document, weights: dict[str, torch.Tensor]) -> torch.Tensor:
    """What the network gives for fixed numbers."""
    module = build.build_network(document, "main")
    module.load_state_dict(weights)
    generator = torch.Generator().manual_seed(1)
    inputs = [torch.randn(3, WIDTH, generator=generator) for _ in range(2)]
    with torch.no_grad():
        result = module(*inputs)
    assert isinstance(result, torch.Tensor)
    return result


def unfolded(document: Document) -> Document:
    """With every use of a block taken apart again."""
    copy = document.copy()
    history = History(copy)
    graph = copy.of_kind("network")[0]
    while uses := list(blocks.blocks_in(graph)):
        inlining.ungroup(history, graph, uses[0].id)
    return copy


@pytest.mark.parametrize("seed", range(12))
def test_a_folded_network_computes_the_same(seed: int) -> None:
    """With the same weights under their new keys; taken apart, it is what it was."""
    dice = random.Random(seed)
    rows = [(dice.choice(MOTIFS), dice.randint(1, 5)) for _ in range(dice.randint(1, 4))]
    d = stacked(*rows)
    torch.manual_seed(seed)
    before = build.build_network(d.document, "main").state_dict()
    made, found = folding.folded(d.document, d.graph.id)
    after = {found.key(key): tensor for key, tensor in before.items()}
    assert torch.equal(outputs(made, after), outputs(d.document, before))
    assert canonical(made.copy().graph(d.graph.id)) == canonical(d.graph) or found.blocks
    assert canonical(unfolded(made).graph(d.graph.id)) == canonical(d.graph)
    if max(count for _, count in rows) > 3:
        assert found.blocks


def test_a_row_is_one_node() -> None:
    """Runs that feed one another are one use with repeat, called after their scope."""
    d = stacked((residual, 4))
    made, found = folding.folded(d.document, d.graph.id)
    graph = made.graph(d.graph.id)
    (use,) = blocks.blocks_in(graph)
    assert use.name == "part0_layer"
    assert dict(use.params) == {"block": "part0_layer", "repeat": 4}
    assert len(graph.nodes) == 4
    assert found.key("part0_layer_2_two.weight") == "part0_layer.2.two.weight"
    block = made.block("part0_layer")
    assert block is not None
    assert [node.name for node in block.ordered()] == [
        "input", "one", "relu", "two", "add", "norm", "output",
    ]  # fmt: skip


def test_equal_rows_use_one_block() -> None:
    """Rows that stand apart are two uses of the same block."""
    d = Drawing()
    x = d.input(WIDTH, name="x")
    for row in range(2):
        for number in range(4):
            x = residual(d, x, x, f"part{row}_layer_{number}")
        x = d.add("Softmax", x, name=f"between{row}")
    d.output(x, name="y")
    made, found = folding.folded(d.document, d.graph.id)
    assert len(found.blocks) == len(made.of_kind("block")) == 1
    assert [u.params["repeat"] for u in blocks.blocks_in(made.graph(d.graph.id))] == [4, 4]


def test_runs_that_are_read_in_between_are_several_uses() -> None:
    """What comes out of each run goes elsewhere too: a row would hide it."""
    d = Drawing()
    x = d.input(WIDTH, name="x")
    ends = []
    for number in range(4):
        x = residual(d, x, x, f"layer_{number}")
        ends.append(x)
    d.output(d.add("torch.add", ends[1], ends[3]), name="y")
    before = build.build_network(d.document, "main").state_dict()
    made, found = folding.folded(d.document, d.graph.id)
    uses = list(blocks.blocks_in(made.graph(d.graph.id)))
    assert sum(int(use.params.get("repeat", 1)) for use in uses) == 4
    assert len(uses) > 1
    after = {found.key(key): tensor for key, tensor in before.items()}
    module = build.build_network(made, "main")
    assert set(module.state_dict()) == set(after)


def unlike_inside(d: Drawing, x: Node, beside: Node, number: int) -> Node:
    """The same layers, wired in two ways."""
    a = d.add("Linear", x, name=f"layer_{number}_a", out_features=WIDTH)
    b = d.add("Tanh", a)
    return d.add("Sigmoid", d.add("torch.sub", b, a if number % 3 else b))


def unlike_beside(d: Drawing, x: Node, beside: Node, number: int) -> Node:
    """Equal runs that read something else each."""
    a = d.add("Linear", x, name=f"layer_{number}_a", out_features=WIDTH)
    others = [node for node in d.graph.ordered() if node.layer == blocks.INPUT]
    return d.add("Tanh", d.add("torch.mul", a, others[number % 3 % 2]))


@pytest.mark.parametrize("motif", [unlike_inside, unlike_beside])
def test_runs_that_are_wired_in_other_ways(
    motif: Callable[[Drawing, Node, Node, int], Node],
) -> None:
    """Equal layers are no equal runs, and a row hides nothing that differs."""
    d = Drawing()
    x, beside = d.input(WIDTH, name="x"), d.input(WIDTH, name="beside")
    end = d.add("torch.add", x, beside)
    for number in range(8):
        end = motif(d, end, beside, number)
    d.output(end, name="y")
    torch.manual_seed(0)
    before = build.build_network(d.document, "main").state_dict()
    made, found = folding.folded(d.document, d.graph.id)
    after = {found.key(key): tensor for key, tensor in before.items()}
    assert torch.equal(outputs(made, after), outputs(d.document, before))


def test_what_differs_is_not_folded() -> None:
    """Another parameter, or another wire, in each run."""
    d = Drawing()
    first = x = d.input(WIDTH, name="x")
    for number in range(4):
        x = d.add("Linear", x, name=f"a_{number}", out_features=WIDTH + number)
        x = d.add("Dropout", x, p=0.1 * number)
        x = d.add("Linear", x, name=f"b_{number}", out_features=WIDTH)
    x = d.add("torch.add", x, first)
    d.output(x, name="y")
    before = d.document.copy()
    made, found = folding.folded(d.document, d.graph.id)
    assert not found.blocks
    assert made == before


def test_weights_used_from_outside_stay() -> None:
    """A run whose weights another node uses can't go into a block."""
    d = stacked((plain, 4))
    owner = next(node for node in d.graph.nodes.values() if node.name == "part0_layer_1_first")
    end = next(node for node in d.graph.nodes.values() if node.layer == blocks.OUTPUT)
    last = d.graph.wires_into(end.id)[0].source
    spare = d.add("Linear", d.graph.nodes[last], name="again", out_features=WIDTH)
    edits.set_node(d.history, d.graph, spare.id, shares=owner.id)
    d.output(d.graph.nodes[spare.id], name="z")
    made, _ = folding.folded(d.document, d.graph.id)
    graph = made.graph(d.graph.id)
    assert graph.named("part0_layer_1_first") is not None
    assert graph.nodes[spare.id].shares == owner.id


def test_one_step_to_undo() -> None:
    """The edit leaves no trace when it is taken back, and a step can't be folded."""
    d = stacked((residual, 4), (plain, 4))
    before = d.document.copy()
    folding.fold(d.history, d.graph)
    assert d.document != before
    assert d.history.undo() == "Fold repeated runs into blocks"
    assert d.document == before
    step = d.add_graph("step", "train", updates=["main"])
    with pytest.raises(ChangeError, match="training step"):
        folding.fold(d.history, step)


@pytest.mark.parametrize("repeat", [1, 2])
def test_folding_inside_a_block_moves_the_keys_of_networks_that_use_it(repeat: int) -> None:
    """However deep the block lies, and however often it is used."""
    d = stacked((plain, 4), (residual, 1))
    inner = [node.id for node in d.graph.ordered() if node.layer not in blocks.ENDS][:12]
    use = grouping.group(d.history, d.graph, inner, ports_of)
    assert use is not None
    edits.set_parameters(d.history, d.graph, [use.id], {"repeat": repeat})
    deeper = grouping.group(d.history, d.graph, [use.id], ports_of)
    assert deeper is not None
    torch.manual_seed(0)
    before = build.build_network(d.document, "main").state_dict()
    expected = outputs(d.document, before)
    block = blocks.block_of(d.document, use)
    assert block is not None
    other = edits.add_graph(d.history, "network", "other")
    found = folding.fold(d.history, block)
    assert found.blocks
    assert folding.keys_after(d.document, other, block, found) is None
    key = folding.keys_after(d.document, d.graph, block, found)
    assert key is not None
    after = {key(name): tensor for name, tensor in before.items()}
    assert len(after) == len(before)
    assert torch.equal(outputs(d.document, after), expected)
