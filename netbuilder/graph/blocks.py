"""Blocks of a project: who uses them, and edits that concern all uses at once.

`grouping` makes a block of nodes, `inlining` takes a use apart, `parameters` declares what
a block can be told. Each edit is one step to undo; `ChangeError` says why not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from netbuilder.errors import ChangeError
from netbuilder.graph import edits, rules
from netbuilder.graph.changes import Added, Changed
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.loops import LOOP
from netbuilder.graph.model import Node, Wire, new_id

BLOCK = "netbuilder.Block"
USES = frozenset({BLOCK, LOOP})
"""Layers whose nodes use a block: once or in a row, or over time."""
INPUT = "netbuilder.Input"
BLOCK_INPUT = "netbuilder.BlockInput"
OUTPUT = "netbuilder.Output"
ENDS = frozenset({INPUT, BLOCK_INPUT, OUTPUT})
"""Layers whose nodes are the ports of the graph that they stand in."""

Use = tuple[Graph, Node]


def block_of(document: Document, node: Node) -> Graph | None:
    """The block that a node uses; None if it uses none that is there."""
    return document.block(str(node.params.get("block", ""))) if node.layer in USES else None


def blocks_in(graph: Graph) -> Iterator[Node]:
    """The nodes of a graph that use a block, whether it is there or not."""
    return (node for node in graph.nodes.values() if node.layer in USES)


def uses(document: Document, block: Graph) -> list[Use]:
    """Where a block is used: networks first, in the order of graphs and nodes."""
    graphs = [*document.of_kind("network"), *document.of_kind("block"), *document.of_kind("step")]
    return [
        (graph, node)
        for graph in graphs
        for node in sorted(blocks_in(graph), key=lambda node: (node.order, node.id))
        if node.params.get("block") == block.name
    ]


def needed(document: Document, names: Iterable[str]) -> list[Graph]:
    """The blocks with these names and all that they use, each after those that it needs."""
    there = {block.name: block for block in document.of_kind("block")}
    found: dict[str, Graph] = {}
    begun: set[str] = set()
    # A block on the stack for the second time has all that it needs. No recursion: files
    # may nest blocks deeper than Python's stack.
    stack = [name for name in reversed(list(names)) if name in there]
    while stack:
        name = stack[-1]
        if name in begun:
            stack.pop()
            found.setdefault(name, there[name])
            continue
        begun.add(name)
        inner = sorted(blocks_in(there[name]), key=lambda node: (node.order, node.id))
        wanted = [str(node.params.get("block", "")) for node in inner]
        stack += [other for other in reversed(wanted) if other in there and other not in begun]
    return list(found.values())


def refusal(document: Document, graph: Graph, name: str) -> str | None:
    """Why the block `name` can't be placed in a graph, for a person; None if it can."""
    if graph.kind == "block":
        if name == graph.name:
            return f"'{name}' can't hold itself."
        if any(block.name == graph.name for block in needed(document, [name])):
            return f"'{name}' uses '{graph.name}': a block can't hold itself."
    return None


def rename(history: History, block: Graph, name: str) -> None:
    """Give a block another name; all its uses follow. `ChangeError` if the name is taken."""
    document = history.document
    name = rules.identifier(name.strip(), "block")
    if name == block.name:
        return
    if document.block(name) is not None:
        raise ChangeError(f"There is another block called '{name}'.")
    with history.step(f"Rename {block.name} to {name}"):
        for graph, node in uses(document, block):
            after = replace(node, params={**node.params, "block": name})
            document.apply(Changed(graph.id, node, after))
        document.apply(Changed(block.id, block.info, replace(block.info, name=name)))


def ports(graph: Graph, *, outputs: bool) -> list[Node]:
    """The nodes that are the inputs or the outputs of a graph, in the order of the ports."""
    layers = (OUTPUT,) if outputs else (INPUT, BLOCK_INPUT)
    return [node for node in graph.ordered() if node.layer in layers]


def move_port(history: History, graph: Graph, node: str, by: int) -> None:
    """Move an input or output up (-1) or down (1) among those of its kind."""
    kind = ports(graph, outputs=graph.nodes[node].layer == OUTPUT)
    at = next(number for number, port in enumerate(kind) if port.id == node)
    if not 0 <= at + by < len(kind):
        return
    moved = list(kind)
    moved.insert(at + by, moved.pop(at))
    # Ranks may be equal in a file that was made by hand: then these get fresh ones.
    ranks = sorted({port.order for port in kind})
    if len(ranks) < len(kind):
        last = 1 + max(node.order for node in graph.nodes.values())
        ranks = list(range(last, last + len(kind)))
    with history.step(f"Move {graph.nodes[node].name}"):
        for port, order in zip(moved, ranks, strict=True):
            if port.order != order:
                history.document.apply(Changed(graph.id, port, replace(port, order=order)))


def begin(history: History, name: str = "block") -> Graph:
    """A new block to fill: an input that goes straight to an output."""
    document = history.document
    with history.step("Add block"):
        block = edits.add_graph(history, "block", name)
        down = document.project.flow == "down"
        ends = []
        for number, (layer, end) in enumerate(((BLOCK_INPUT, "input"), (OUTPUT, "output"))):
            x, y = (0.0, 192.0 * number) if down else (384.0 * number, 0.0)
            ends.append(edits.add_node(history, block, layer, name=end, x=x, y=y).id)
        source, target = ends
        wire = Wire(
            id=new_id("w"),
            source=source,
            source_port="output",
            target=target,
            target_port="input",
        )
        document.apply(Added(block.id, wire))
    return block


def copy_block(history: History, block: Graph) -> Graph:
    """A second block with the same contents; blocks inside it stay shared."""
    document = history.document
    with history.step(f"Copy {block.name}"):
        copy = edits.add_graph(history, "block", block.name, block.info.settings)
        for item in list(block.contents()):
            document.apply(Added(copy.id, item))
    return copy


def make_unique(history: History, graph: Graph, node: str) -> Graph:
    """Give one use of a block a copy of its own; edits of the other uses pass it by."""
    before = graph.nodes[node]
    block = block_of(history.document, before)
    if block is None:
        raise ChangeError(f"'{before.name}' uses no block that is there.")
    with history.step(f"Make {before.name} independent"):
        copy = copy_block(history, block)
        after = replace(before, params={**before.params, "block": copy.name})
        history.document.apply(Changed(graph.id, before, after))
    return copy


def remove(history: History, block: Graph, *, with_uses: bool = False) -> None:
    """Remove a block; one that is used goes only together with its uses."""
    found = uses(history.document, block)
    if found and not with_uses:
        times = "once" if len(found) == 1 else f"{len(found)} times"
        where = ", ".join(dict.fromkeys(f"'{graph.name}'" for graph, _ in found))
        raise ChangeError(
            f"The block '{block.name}' is used {times}, in {where}. Delete its uses first, or "
            "remove it with them: see the Graph menu."
        )
    with history.step(f"Remove block {block.name}"):
        for graph, node in found:
            # A use inside the block itself, of a broken file, goes with its graph.
            if graph.id != block.id:
                edits.delete(history, graph, [node.id])
        edits.remove_graph(history, block)


def place(
    history: History, graph: Graph, block: Graph, *, x: float = 0.0, y: float = 0.0, name: str = ""
) -> Node:
    """A new use of a block; its name is the block's, or as near to it as is free."""
    reason = refusal(history.document, graph, block.name)
    if reason:
        raise ChangeError(reason)
    taken = {node.name for node in graph.nodes.values()}
    node = Node(
        id=new_id("n"),
        layer=BLOCK,
        name=rules.unique_name(rules.identifier(name or block.name), taken),
        params={"block": block.name},
        x=x,
        y=y,
        order=1 + max((node.order for node in graph.nodes.values()), default=-1),
    )
    with history.step(f"Add {node.name}"):
        history.document.apply(Added(graph.id, node))
    return node
