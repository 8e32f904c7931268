"""Whether shared weights fit the nodes that use them."""

from __future__ import annotations

from netbuilder.compiler.check import to_problem
from netbuilder.compiler.inference import Inference
from netbuilder.errors import Fix
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.layers.base import Complaint
from netbuilder.layers.catalogue import owner_of


def check_fit(graph: Graph, node: Node, result: Inference) -> None:
    """Checks that shared weights fit, and counts them once."""
    owner = owner_of(graph, node)
    own, other = result.layers.get(node.id), result.layers.get(owner.id)
    if own is None or other is None or owner is node:
        return
    result.parameters[node.id] = 0
    if own.open_sizes():
        # What comes in is not known; that is told where it begins.
        return
    inside = [result.blocks.get(id, ()) for id in (node.id, owner.id)]
    same = own == other and len(inside[0]) == len(inside[1])
    if same and all(_alike(a, b) for a, b in zip(*inside, strict=True)):
        return
    here, there = result.inferred.get(node.id, {}), result.inferred.get(owner.id, {})
    name = next((name for name in here if here[name] != there.get(name)), "")
    what = f", which are for {name} {there.get(name)}; here it is {here[name]}" if name else ""
    complaint = Complaint(
        f"The weights of '{owner.name}' don't fit '{node.name}'{what}.",
        "Change what comes in, or give the node weights of its own.",
        code="shares.misfit",
        fixes=(Fix("Give it weights of its own", "set_node", {"fields": {"shares": ""}}),),
    )
    result.problems.append(to_problem(complaint, graph, node))


def _alike(one: Inference, other: Inference) -> bool:
    """Whether two uses of a block have modules of the same sizes."""
    return one is other or (
        one.layers == other.layers
        and one.blocks.keys() == other.blocks.keys()
        and all(
            len(one.blocks[id]) == len(other.blocks[id])
            and all(_alike(a, b) for a, b in zip(one.blocks[id], other.blocks[id], strict=True))
            for id in one.blocks
        )
    )
