"""Blocks on the canvas: made of a selection, taken apart, made independent, entered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.graph import blocks, edits, folding, frames, grouping, inlining, sharing
from netbuilder.graph.model import Node
from netbuilder.graph.quiet import quiet
from netbuilder.gui.canvas import arrange
from netbuilder.gui.outlining.node_outline import WEIGHTY
from netbuilder.layers import catalogue
from netbuilder.layers.base import Role
from netbuilder.layers.catalogue import ports_of
from netbuilder.storage import weights

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView


def selected_uses(view: CanvasView) -> list[Node]:
    """The selected nodes that use blocks."""
    nodes = (view.shown.nodes[id] for id in view.selection())
    return [node for node in nodes if node.layer in blocks.USES]


def group(view: CanvasView) -> None:
    """Make a block of the selected nodes and frames, with what the frames hold."""
    graph, sizes = view.shown, arrange.sizes(view)
    chosen = set(view.canvas.selection)
    for id in chosen & set(graph.frames):
        chosen |= set(frames.with_contents(graph, sizes, [id]))
    items = sorted(chosen)
    node = view.edit(lambda: grouping.group(view.past, graph, items, ports_of, sizes=sizes))
    if node is not None:
        view.select([node.id])


def ungroup(view: CanvasView) -> None:
    """Take the selected blocks apart; what was in them is selected then."""
    uses = selected_uses(view)
    if not uses:
        view.message.emit("Select a block to take apart.")
        return
    graph, sizes = view.shown, arrange.sizes(view)

    def apart() -> list[str]:
        some = uses[0].name if len(uses) == 1 else f"{len(uses)} blocks"
        made: list[str] = []
        with view.past.step(f"Take {some} apart"):
            for node in uses:
                made += [n.id for n in inlining.ungroup(view.past, graph, node.id, sizes)]
        return made

    made = view.edit(apart)
    if made is not None:
        view.select(made)


def fold(view: CanvasView) -> None:
    """Fold what repeats in the graph into blocks; weights beside the project follow."""
    graph, past, sizes = view.shown, view.past, arrange.sizes(view)
    document = past.document

    def folded() -> folding.Folded:
        with past.step(folding.TITLE):
            found = folding.fold(past, graph, sizes)
            for network in document.of_kind("network") if found.blocks else ():
                key = folding.keys_after(document, network, graph, found)
                given = None if key is None else weights.renamed(document, network.name, key)
                if given is not None:
                    edits.set_project(past, weights=given)
        return found

    with quiet():
        found = view.edit(folded)
    if found is not None and found.blocks:
        view.frame_all()
    elif found is not None:
        view.message.emit("Nothing repeats here that a block would make shorter.")


def make_unique(view: CanvasView) -> None:
    """Give each of the selected blocks a copy of its own."""
    uses = selected_uses(view)
    if not uses:
        view.message.emit("Select a block that is used elsewhere too.")
        return

    def apart() -> bool:
        some = uses[0].name if len(uses) == 1 else f"{len(uses)} blocks"
        with view.past.step(f"Make {some} independent"):
            for node in uses:
                blocks.make_unique(view.past, view.shown, node.id)
        return True

    view.edit(apart)


def enter(view: CanvasView) -> None:
    """Open the block or network that the one selected node stands for."""
    chosen = view.selection()
    if len(chosen) != 1:
        return
    node = view.shown.nodes[chosen[0]]
    if catalogue.called_graph(view.past.document, node) is None:
        view.message.emit(f"'{node.name}' has no inside: it is no block and no network.")
    else:
        view.open_requested.emit(node.id)


def leave(view: CanvasView) -> None:
    """Back to where the shown block is used."""
    view.leave_requested.emit()


def share(view: CanvasView) -> None:
    """Let the selected nodes use the weights of the first of them."""
    graph = view.shown
    chosen = [graph.nodes[id] for id in view.selection()]
    without = [node for node in chosen if not _has_weights(node)]
    if without:
        view.message.emit(f"'{without[0].name}' has no weights to share.")
        return
    ids = [node.id for node in chosen]
    view.edit(lambda: sharing.share(view.past, graph, ids))


def unshare(view: CanvasView) -> None:
    """Give the selected nodes weights of their own again."""
    ids = view.selection()
    if not view.edit(lambda: sharing.part(view.past, view.shown, ids)):
        view.message.emit("None of the selected nodes uses the weights of another.")


def _has_weights(node: Node) -> bool:
    kind = catalogue.find(node.layer)
    if kind is None:
        return False
    return kind.role is Role.BLOCK or (kind.role is Role.LAYER and kind.family in WEIGHTY)
