"""Views of tensors whose numbers are not in order in memory: PyTorch refuses them when they run.

Types say nothing of the order in memory, so that the run on the meta device lets them pass.
"""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.errors import Fix
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.layers.base import Complaint
from netbuilder.layers.catalogue import owner_of

VIEW = "torch.Tensor.view"
DISORDER = frozenset(
    {
        *("torch.permute", "torch.transpose", "torch.movedim", "torch.diagonal"),
        *("torch.Tensor.expand", "torch.Tensor.expand_as", "torch.Tensor.unfold"),
    }
)
"""Layers after which the numbers are most often out of order."""
PASSING = frozenset({"torch.unsqueeze", "torch.squeeze", "torch.nn.Identity"})


def torn(graph: Graph) -> Iterator[tuple[Node, Complaint]]:
    """Nodes that view what comes from a permute or the like."""
    for node in graph.ordered():
        source = _before(graph, node) if node.layer == VIEW else None
        if source is not None:
            yield (
                node,
                Complaint(
                    f"'{node.name}' is a view of what '{source.name}' gives, whose numbers are "
                    "most likely not in order in memory: then it fails when it runs.",
                    "Use torch.reshape, which copies where it must.",
                    "input",
                    code="shape.strides",
                    severity="warning",
                    fixes=(
                        Fix(
                            "Insert contiguous",
                            "insert_before",
                            {"port": "input", "layer": "torch.Tensor.contiguous", "params": {}},
                        ),
                    ),
                ),
            )


def _before(graph: Graph, node: Node) -> Node | None:
    """What put the numbers that come into a node out of order, if anything did."""
    seen = set()
    while node.id not in seen:
        seen.add(node.id)
        wire = graph.wire_into(node.id, "input")
        if wire is None:
            return None
        node = graph.nodes[wire.source]
        layer = owner_of(graph, node).layer
        if layer in DISORDER:
            return node
        if layer not in PASSING:
            return None
    return None
