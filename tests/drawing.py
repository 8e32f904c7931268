"""Draws small projects for tests, through the same edits that people make."""

from __future__ import annotations

from typing import Any

from netbuilder.graph import edits
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import GraphKind, Node
from netbuilder.graph.rules import End
from netbuilder.layers.catalogue import ports_of


class Drawing:
    """A document with short ways to add and wire nodes."""

    def __init__(self) -> None:
        self.document = Document()
        self.history = History(self.document)
        self.graph: Graph = self.add_graph("network", "main")

    def add_graph(self, kind: GraphKind, name: str, **settings: Any) -> Graph:
        self.graph = edits.add_graph(self.history, kind, name, settings)
        return self.graph

    def add(self, layer: str, /, *sources: Node | tuple[Node, str], **params: Any) -> Node:
        """A node fed by these outputs at its inputs in order; `name=` names it."""
        name = params.pop("name", "")
        short = layer if "." in layer else f"torch.nn.{layer}"
        node = edits.add_node(self.history, self.graph, short, name=name, params=params)
        for i, source in enumerate(sources):
            port = ports_of(self.document, self.graph, node).inputs[i].name
            self.wire(source, node, port)
        return node

    def wire(self, source: Node | tuple[Node, str], target: Node, port: str) -> None:
        node, output = source if isinstance(source, tuple) else (source, "")
        output = output or ports_of(self.document, self.graph, node).outputs[0].name
        end = End(node.id, output)
        edits.connect(self.history, self.graph, end, End(target.id, port), ports_of)

    def input(self, *shape: int | str, **params: Any) -> Node:
        return self.add("netbuilder.Input", shape=shape, **params)

    def output(self, *sources: Node | tuple[Node, str], name: str = "") -> Node:
        return self.add("netbuilder.Output", *sources, name=name)


def classifier() -> Drawing:
    """A small CNN with its training step."""
    d = Drawing()
    image = d.input(1, 8, 8, name="image")
    x = d.add("Conv2d", image, name="conv1", out_channels=4, kernel_size=3, padding=1)
    x = d.add("ReLU", x, name="relu1")
    x = d.add("Flatten", x, name="flatten")
    x = d.add("Linear", x, name="head", out_features=10)
    d.output(x, name="logits")
    d.add_graph("step", "train", updates=["main"])
    data = d.add("netbuilder.DataField", name="image", field="image")
    label = d.add("netbuilder.DataField", name="label", field="label")
    call = d.add("netbuilder.NetworkCall", data, name="main", network="main")
    loss = d.add("CrossEntropyLoss", call, label, name="cross_entropy")
    d.add("netbuilder.Objective", loss, name="loss")
    d.graph = d.document.of_kind("network")[0]
    return d
