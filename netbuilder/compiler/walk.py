"""Ways back along the wires: what made the numbers that come in somewhere.

A way leads through calls of networks and blocks to the node inside that computes, so that a
step's loss knows the last layer of the network that it judges.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from netbuilder.compiler.inference import Inference
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Node
from netbuilder.layers.base import Family, Layer, Role, TensorType
from netbuilder.layers.catalogue import called_graph, owner_of

HANDS_ON = frozenset({"torch.nn.Identity", "torch.nn.Flatten", "torch.nn.Unflatten"})
"""Layers beside those of `Family.RESHAPE` that give the same numbers in another form."""
FAR = 64
"""Longer ways are given up."""


@dataclass(frozen=True, slots=True)
class Spot:
    """An output port of a node in its graph."""

    graph: Graph
    node: Node
    port: str

    @property
    def arguments(self) -> dict[str, str]:
        """Where a fix of this node belongs."""
        return {"graph": self.graph.id, "node": self.node.id}


class Walk:
    """Goes back along the wires of a document without reroutes; `inferences` are by graph."""

    def __init__(self, document: Document, inferences: Mapping[str, Inference]) -> None:
        self.document = document
        self._inferences = inferences

    def layer(self, spot: Spot) -> Layer | None:
        """The layer of a node; None if its parameters can't be read."""
        known = self._inferences.get(spot.graph.id)
        return None if known is None else known.layers.get(spot.node.id)

    def type(self, spot: Spot) -> TensorType | None:
        """What comes out there, as far as that is known."""
        known = self._inferences.get(spot.graph.id)
        return None if known is None else known.outputs.get(spot.node.id, {}).get(spot.port)

    def types(self, graph: Graph, node: Node) -> Mapping[str, TensorType]:
        """What comes into a node, by port."""
        known = self._inferences.get(graph.id)
        return {} if known is None else known.inputs.get(node.id, {})

    def weights(self, spot: Spot) -> int:
        """How many weights a node uses, its own or another node's."""
        known = self._inferences.get(spot.graph.id)
        owner = owner_of(spot.graph, spot.node)
        return 0 if known is None else known.parameters.get(owner.id, 0)

    def parameters(self, graph: Graph) -> int:
        """How many weights a graph has."""
        known = self._inferences.get(graph.id)
        return 0 if known is None else sum(known.parameters.values())

    def into(self, graph: Graph, node: Node, port: str) -> Spot | None:
        """What feeds an input directly: a node of the same graph."""
        wire = graph.wire_into(node.id, port)
        if wire is None:
            return None
        return Spot(graph, graph.nodes[wire.source], wire.source_port)

    def inside(self, spot: Spot) -> Spot:
        """The node that computes there: for a call of a network or block the one inside it."""
        for _ in range(FAR):
            called = called_graph(self.document, spot.node)
            end = called.named(spot.port) if called is not None else None
            found = self.into(called, end, "input") if called is not None and end else None
            if found is None:
                return spot
            spot = found
        return spot

    def maker(self, graph: Graph, node: Node, port: str) -> Spot | None:
        """What made the numbers that come in: not what only gives them another form."""
        spot = self.into(graph, node, port)
        made = self.layer(spot) if spot is not None else None
        if made is not None and made.role is Role.LAYER and not is_passing(made):
            return spot
        return next(
            (spot for spot in self.way(graph, node, port) if not self._hands_on(spot)), None
        )

    def near(self, graph: Graph, node: Node, port: str) -> Spot | None:
        """As `maker`, without leaving the graph: a call of a network stays a call."""
        spot = self.into(graph, node, port)
        while spot is not None and self._hands_on(spot):
            spot = self.into(graph, spot.node, "input")
        return spot

    def way(self, graph: Graph, node: Node, port: str) -> Iterator[Spot]:
        """From an input back through what hands its numbers on, up to what makes them."""
        spot = self.into(graph, node, port)
        for _ in range(FAR):
            if spot is None:
                return
            spot = self.inside(spot)
            yield spot
            if not self._hands_on(spot):
                return
            spot = self.into(spot.graph, spot.node, "input")

    def _hands_on(self, spot: Spot) -> bool:
        layer = self.layer(spot)
        return layer is not None and layer.role is Role.LAYER and is_passing(layer)


def is_passing(layer: Layer) -> bool:
    """Whether a plain layer only gives the same numbers in another form."""
    return layer.family is Family.RESHAPE or layer.id in HANDS_ON
