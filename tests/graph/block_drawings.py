"""What tests of blocks compare and draw."""

from __future__ import annotations

import random
from typing import Any

from netbuilder.graph import edits
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.rules import End
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing

LAYERS = ("torch.nn.Linear", "torch.nn.ReLU", "torch.add", "torch.cat", "torch.nn.LSTM")


def contents(graph: Graph, *, places: bool = True) -> Any:
    """A graph by the names of its nodes: equal for graphs that differ in ids and order only."""
    names = {node.id: node.name for node in graph.nodes.values()}
    nodes = {
        node.name: (
            node.layer,
            dict(node.params),
            (node.x, node.y) if places else None,
            node.note,
            node.mute,
            names.get(node.shares, ""),
        )
        for node in graph.nodes.values()
    }
    wires = {
        (names[wire.source], wire.source_port, names[wire.target], wire.target_port)
        for wire in graph.wires.values()
    }
    return nodes, wires


def random_network(seed: int, size: int = 12) -> tuple[History, Graph, random.Random]:
    """A network without cycles, wired at random; also some notes, mutes and shared weights."""
    dice = random.Random(seed)
    history = History(Document())
    graph = edits.add_graph(history, "network", "main")
    ids: list[str] = []
    for number in range(size):
        layer = "netbuilder.Input" if number < 2 else dice.choice(LAYERS)
        layer = "netbuilder.Output" if number >= size - 2 else layer
        node = edits.add_node(history, graph, layer, x=8.0 * dice.randrange(90), y=96.0 * number)
        for port in ports_of(history.document, graph, node).inputs:
            source = dice.choice(ids)
            outputs = ports_of(history.document, graph, graph.nodes[source]).outputs
            if outputs and dice.random() < 0.8:
                start = End(source, dice.choice(outputs).name)
                edits.connect(history, graph, start, End(node.id, port.name), ports_of)
        if dice.random() < 0.2:
            edits.set_node(history, graph, node.id, note="noted", mute="muted")
        twins = [id for id in ids if graph.nodes[id].layer == layer]
        has_weights = layer not in ("netbuilder.Input", "netbuilder.Output")
        if twins and has_weights and dice.random() < 0.2:
            edits.set_node(history, graph, node.id, shares=dice.choice(twins))
        ids.append(node.id)
    return history, graph, dice


def chain() -> Drawing:
    """An input, two convolutions with their activations, a head and an output."""
    d = Drawing()
    x = d.input(3, 16, 16, name="image")
    for number in (1, 2):
        x = d.add("Conv2d", x, name=f"conv{number}", out_channels=8, kernel_size=3, padding=1)
        x = d.add("ReLU", x, name=f"relu{number}")
    x = d.add("Flatten", x, name="flatten")
    x = d.add("Linear", x, name="head", out_features=10)
    d.output(x, name="logits")
    places = {n.id: (0.0, 96.0 * at) for at, n in enumerate(d.graph.ordered())}
    edits.move(d.history, d.graph, places)
    return d


def ids(graph: Graph, *names: str) -> list[str]:
    """The ids of the nodes with these names."""
    found = [graph.named(name) for name in names]
    return [node.id for node in found if node is not None]


def wires(graph: Graph) -> set[str]:
    """The wires as `a.output>b.input`."""
    names = {node.id: node.name for node in graph.nodes.values()}
    return {
        f"{names[w.source]}.{w.source_port}>{names[w.target]}.{w.target_port}"
        for w in graph.wires.values()
    }
