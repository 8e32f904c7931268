"""A block computes what its nodes computed, and so do the nodes that come out of it again."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
import torch

from netbuilder.compiler.build import build_network
from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, edits, grouping, inlining, parameters
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing

WIDTH = 6
State = Mapping[str, torch.Tensor]


def random_drawing(seed: int) -> tuple[Drawing, random.Random]:
    """A network of layers that all take and give vectors of one width."""
    dice = random.Random(seed)
    d = Drawing()
    nodes = [d.input(WIDTH, name="x"), d.input(WIDTH, name="y")]
    for number in range(10):
        kind = dice.choice(("Linear", "Linear", "Tanh", "torch.add", "torch.mul"))
        params = {"out_features": WIDTH} if kind == "Linear" else {}
        sources = dice.sample(nodes[-5:], 2 if "." in kind else 1)
        node = d.add(kind, *sources, name=f"n{number}", **params)
        twins = [n for n in nodes if n.layer == node.layer and not n.shares]
        if kind == "Linear" and twins and dice.random() < 0.3:
            edits.set_node(d.history, d.graph, node.id, shares=dice.choice(twins).id)
            node = d.graph.nodes[node.id]
        nodes.append(node)
    used = {wire.source for wire in d.graph.wires.values()}
    for node in nodes:
        if node.id not in used and node.layer != "netbuilder.Input":
            d.output(node, name=f"out_{node.name}")
    return d, dice


def run(d: Drawing, state: State | None = None) -> tuple[list[torch.Tensor], State]:
    """What the network gives for fixed inputs with these weights (all names must be there)."""
    torch.manual_seed(0)
    model = build_network(d.document, "main").eval()
    if state is not None:
        model.load_state_dict(state)
    generator = torch.Generator().manual_seed(1)
    inputs = [torch.randn(2, WIDTH, generator=generator) for _ in range(2)]
    with torch.no_grad():
        found = model(*inputs)
    return list(found) if isinstance(found, tuple) else [found], model.state_dict()


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return len(one) == len(other) and all(map(torch.equal, one, other))


@pytest.mark.parametrize("seed", range(12))
def test_a_block_computes_what_its_nodes_did_and_they_do_so_again(seed: int) -> None:
    d, dice = random_drawing(seed)
    outputs, state = run(d)
    inner = [n.id for n in d.graph.nodes.values() if n.layer not in blocks.ENDS]
    node = grouped(d, inner, dice)
    block = blocks.block_of(d.document, node)
    assert block is not None
    moved = {n.name for n in block.nodes.values() if n.layer not in blocks.ENDS}
    inside = {
        f"{node.name}.{name}" if name.split(".")[0] in moved else name: value
        for name, value in state.items()
    }
    again, names = run(d, inside)
    assert set(names) == set(inside)
    assert same(again, outputs)
    inlining.ungroup(d.history, d.graph, node.id)
    back, names = run(d, state)
    assert set(names) == set(state)
    assert same(back, outputs)


def grouped(d: Drawing, ids: list[str], dice: random.Random) -> Node:
    """A block of some nodes that can be one."""
    for _ in range(200):
        chosen = dice.sample(ids, dice.randrange(1, 7))
        try:
            return grouping.group(d.history, d.graph, chosen, ports_of, "part")
        except ChangeError:
            continue
    raise AssertionError("nothing could be grouped")


def test_repeats_that_come_apart_compute_the_same() -> None:
    d = Drawing()
    x, y = d.input(WIDTH, name="x"), d.input(WIDTH, name="y")
    fc = d.add("Linear", x, name="fc", out_features=WIDTH)
    s = d.add("torch.add", d.add("Tanh", fc, name="act"), y, name="s")
    d.output(s, name="out")
    inner = [n.id for n in d.graph.nodes.values() if n.layer not in blocks.ENDS]
    node = grouping.group(d.history, d.graph, inner, ports_of, "part")
    edits.set_parameters(d.history, d.graph, [node.id], {"repeat": 3})
    outputs, state = run(d)
    assert len(state) == 6
    apart = {}
    for name, value in state.items():
        _, number, _, leaf = name.split(".")
        apart[f"fc.{leaf}" if number == "0" else f"fc_{int(number) + 1}.{leaf}"] = value
    inlining.ungroup(d.history, d.graph, node.id)
    back, names = run(d, apart)
    assert set(names) == set(apart)
    assert same(back, outputs)


def nested_drawing(seed: int) -> Drawing:
    """Blocks in blocks, with parameters, repeats, and a second use of each."""
    d, dice = random_drawing(seed)
    graph = d.graph
    for level in range(3):
        inner = [n.id for n in graph.nodes.values() if n.layer not in blocks.ENDS]
        for _ in range(100):
            chosen = dice.sample(inner, min(len(inner), dice.randrange(1, 6)))
            if chosen and grouping.may_group(graph, chosen) is None:
                break
        else:
            break
        node = grouping.group(d.history, graph, chosen, ports_of, f"level{level}")
        block = blocks.block_of(d.document, node)
        assert block is not None
        parametrise(d, graph, node, block)
        ports = ports_of(d.document, graph, node)
        if len(ports.outputs) <= len(ports.inputs) and dice.random() < 0.6:
            edits.set_parameters(d.history, graph, [node.id], {"repeat": 2})
        graph = block
    return d


def parametrise(d: Drawing, graph: Graph, node: Node, block: Graph) -> None:
    """The widths inside become `2*unit`, with the right `unit` at the use and a wrong default."""
    for inner in list(block.nodes.values()):
        if inner.params.get("out_features") == WIDTH:
            if not any(p.name == "unit" for p in parameters.declared(block)):
                parameters.declare(d.history, block, "unit", 99)
            values = {"out_features": "=2*unit"}
            edits.set_parameters(d.history, block, [inner.id], values)
    if parameters.declared(block):
        given: dict[str, Any] = dict(graph.nodes[node.id].params.get("values", {}))
        # Inside a block that has the parameter it is handed on.
        known = {p.name for p in parameters.declared(graph)}
        given["unit"] = "=unit" if "unit" in known else WIDTH // 2
        edits.set_parameters(d.history, graph, [node.id], {"values": given})


def even(d: Drawing) -> tuple[list[torch.Tensor], list[tuple[int, ...]]]:
    """What the network gives when each weight follows from its shape alone; all shapes."""
    model = build_network(d.document, "main").eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.linspace(-0.5, 0.6, weight.numel()).reshape(weight.shape))
        generator = torch.Generator().manual_seed(1)
        found = model(*(torch.randn(2, WIDTH, generator=generator) for _ in range(2)))
    shapes = sorted(tuple(weight.shape) for weight in model.parameters())
    return list(found) if isinstance(found, tuple) else [found], shapes


@pytest.mark.parametrize("seed", range(8))
def test_blocks_in_blocks_with_parameters_come_apart_to_the_same(seed: int) -> None:
    d = nested_drawing(seed)
    outputs, shapes = even(d)
    while uses := list(blocks.blocks_in(d.graph)):
        inlining.ungroup(d.history, d.graph, uses[0].id)
    assert not d.document.of_kind("block")
    again, flat = even(d)
    assert flat == shapes
    assert same(again, outputs)


def test_what_all_repeats_get_is_not_overwritten_by_the_first() -> None:
    d = Drawing()
    x, y = d.input(WIDTH, name="x"), d.input(WIDTH, name="y")
    twice = d.add("torch.add", y, y, name="twice")
    s = d.add("torch.add", x, twice, name="s")
    d.output(s, name="out")
    node = grouping.group(d.history, d.graph, [s.id], ports_of, "part")
    edits.set_parameters(d.history, d.graph, [node.id], {"repeat": 3})
    x_1, y_1 = torch.ones(1, WIDTH), torch.full((1, WIDTH), 10.0)
    # `twice` is read by the loop alone, right after it was made: but in each round.
    assert torch.equal(build_network(d.document, "main")(x_1, y_1), torch.full((1, WIDTH), 61.0))
