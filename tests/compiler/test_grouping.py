"""A block computes what its nodes computed, and so do the nodes that come out of it again."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest
import torch

from netbuilder.compiler.build import build_network
from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, edits, grouping, inlining
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
