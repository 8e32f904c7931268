"""Taking a block apart where it is used: its nodes come out, with wires and values kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from netbuilder.errors import ChangeError
from netbuilder.graph import blocks, edits, expressions, frames, layout, parameters, rules
from netbuilder.graph.blocks import BLOCK_INPUT, OUTPUT
from netbuilder.graph.changes import Added, Changed, Removed
from netbuilder.graph.document import Graph
from netbuilder.graph.grouping import Sizes, extent
from netbuilder.graph.history import History
from netbuilder.graph.layout import ALONG, NODE_SIZE
from netbuilder.graph.loops import LOOP
from netbuilder.graph.model import Json, Node, Wire, new_id
from netbuilder.graph.rules import End

Box = tuple[float, float, float, float]

ROOM = 16.0
"""Nodes nearer than this are in each other's way."""
MOST_NODES = 100_000
"""More than this a block does not unroll into: the graph could not be worked with."""


def may_ungroup(history: History, graph: Graph, node: str) -> str | None:
    """Why a node can't be taken apart, for a person; None if it can."""
    use = graph.nodes[node]
    block = blocks.block_of(history.document, use)
    if use.layer == LOOP:
        return f"'{use.name}' runs its block over time: that can't be drawn as single nodes."
    if use.layer != blocks.BLOCK:
        return f"'{use.name}' is no block."
    if block is None:
        return f"There is no block '{use.params.get('block', '')}'."
    if block.id == graph.id:
        return f"'{use.name}' stands in the block that it uses: delete it."
    if use.shares in graph.nodes:
        return f"'{use.name}' uses the weights of '{graph.nodes[use.shares].name}': end that first."
    sharer = next((other for other in graph.nodes.values() if other.shares == node), None)
    if sharer is not None:
        return f"'{sharer.name}' uses the weights of '{use.name}': end that first."
    if use.mute == "bypassed":
        return f"'{use.name}' is bypassed: switch it on first."
    if expressions.holds_expression(use.params.get("repeat")):
        return f"How often '{use.name}' repeats is not fixed: set a number first."
    if _repeat(use) * len(block.nodes) > MOST_NODES:
        return f"'{use.name}' would become more than {MOST_NODES:,} nodes."
    return None


def ungroup(history: History, graph: Graph, node: str, sizes: Sizes | None = None) -> list[Node]:
    """Put the contents of a block in the place of the node that uses it; the new nodes.

    Repeats follow one another; values of parameters replace them in expressions. A block
    that nobody else uses goes, and the (first) nodes keep its nodes' ids: what they learnt is
    found again. `sizes` are widths and heights by node id, of nodes of both graphs.
    """
    reason = may_ungroup(history, graph, node)
    if reason:
        raise ChangeError(reason)
    use = graph.nodes[node]
    block = blocks.block_of(history.document, use)
    assert block is not None
    alone = len(blocks.uses(history.document, block)) == 1
    inside = history.document.copy().graph(block.id) if alone else block
    with history.step(f"Take {use.name} apart"):
        inlined = _Inlining(history, graph, use, inside, sizes or {}, keep=alone)
        if alone:
            edits.remove_graph(history, block)
        inlined.run()
    return [graph.nodes[id] for id in inlined.made]


def _repeat(use: Node) -> int:
    repeat = use.params.get("repeat", 1)
    good = isinstance(repeat, int) and not isinstance(repeat, bool) and repeat > 0
    return repeat if good else 1


def _port_nodes(block: Graph, layer: str) -> list[Node]:
    """The nodes that are ports, in their order; muted ones count as if they were not there."""
    return [node for node in block.ordered() if node.layer == layer and not node.mute]


def _overlap(one: Box, other: Box) -> bool:
    across = one[0] < other[2] and other[0] < one[2]
    return across and one[1] < other[3] and other[1] < one[3]


class _Inlining:
    """One use on its way out. `ids[copy][inner id]` are the new nodes' ids."""

    def __init__(
        self,
        history: History,
        graph: Graph,
        use: Node,
        block: Graph,
        sizes: Sizes,
        *,
        keep: bool = False,
    ) -> None:
        """`keep`: the block is gone, so that its nodes' ids are free."""
        self.history, self.document = history, history.document
        self.graph, self.use, self.block, self.sizes = graph, use, block, sizes
        self.copies = _repeat(use)
        self.inputs = _port_nodes(block, BLOCK_INPUT)
        self.outputs = _port_nodes(block, OUTPUT)
        ends = {BLOCK_INPUT, OUTPUT}
        self.inside = [node for node in block.ordered() if node.layer not in ends]
        self.values = [self._values(copy) for copy in range(self.copies)]
        self.ids = [{n.id: new_id("n") for n in self.inside} for _ in range(self.copies)]
        if keep:
            self.ids[0] = {n.id: n.id for n in self.inside}
        self.made: list[str] = []

    def _values(self, copy: int) -> dict[str, Json]:
        index: dict[str, Json] = {expressions.INDEX: copy}
        given = parameters.map_expressions(
            self.use.params.get("values", {}), lambda text: parameters.put_in(text, index)
        )
        values = {p.name: p.default for p in parameters.declared(self.block)}
        return {**values, **(given if isinstance(given, Mapping) else {})}

    def run(self) -> None:
        graph, use = self.graph, self.use
        self.feeding = {
            w.target_port: End(w.source, w.source_port) for w in graph.wires_into(use.id)
        }
        fed = graph.wires_out_of(use.id)
        for wire in graph.wires_at([use.id]):
            self.document.apply(Removed(graph.id, wire))
        self.document.apply(Removed(graph.id, use))
        self._add_nodes()
        for copy in range(self.copies):
            for wire in self.block.wires.values():
                if wire.target in self.ids[copy]:
                    target = End(self.ids[copy][wire.target], wire.target_port)
                    self._wire(self._source(copy, wire), target)
        named = {node.name: node for node in self.outputs}
        for wire in fed:
            if wire.source_port in named:
                source = self._coming_out(self.copies - 1, named[wire.source_port])
                self._wire(source, End(wire.target, wire.target_port))

    # -- wires -------------------------------------------------------------------------

    def _source(self, copy: int, wire: Wire) -> End | None:
        """What feeds a wire of the block in one of its copies; None if nothing does."""
        if wire.source in self.ids[copy]:
            return End(self.ids[copy][wire.source], wire.source_port)
        numbers = [i for i, node in enumerate(self.inputs) if node.id == wire.source]
        if not numbers:
            return None
        number = numbers[0]
        if copy > 0 and number < len(self.outputs):
            return self._coming_out(copy - 1, self.outputs[number])
        return self.feeding.get(self.inputs[number].name)

    def _coming_out(self, copy: int, output: Node) -> End | None:
        # An input that goes straight to an output leads back through all copies: no recursion.
        while True:
            wire = self.block.wire_into(output.id, "input")
            if wire is None:
                return None
            numbers = [i for i, node in enumerate(self.inputs) if node.id == wire.source]
            if not (numbers and copy > 0 and numbers[0] < len(self.outputs)):
                return self._source(copy, wire)
            copy, output = copy - 1, self.outputs[numbers[0]]

    def _wire(self, source: End | None, target: End) -> None:
        if source is None or self.graph.wire_into(target.node, target.port) is not None:
            return
        wire = Wire(
            id=new_id("w"),
            source=source.node,
            source_port=source.port,
            target=target.node,
            target_port=target.port,
        )
        self.document.apply(Added(self.graph.id, wire))

    # -- nodes -------------------------------------------------------------------------

    def _add_nodes(self) -> None:
        graph = self.graph
        taken = {node.name for node in graph.nodes.values()}
        order = 1 + max((node.order for node in graph.nodes.values()), default=-1)
        for copy, (dx, dy) in enumerate(self._places()):
            for node in self.inside:
                name = rules.unique_name(node.name, taken)
                taken.add(name)
                ids = self.ids[copy]
                fresh = replace(
                    node,
                    id=ids[node.id],
                    name=name,
                    params=self._filled(node, self.values[copy]),
                    x=node.x + dx,
                    y=node.y + dy,
                    order=order + len(self.made),
                    mute=self.use.mute or node.mute,
                    shares=ids.get(node.shares, ""),
                )
                self.made.append(fresh.id)
                self.document.apply(Added(graph.id, fresh))
            for frame in self.block.frames.values():
                shifted = replace(frame, id=new_id("f"), x=frame.x + dx, y=frame.y + dy)
                self.document.apply(Added(graph.id, shifted))
        if self.use.note and self.made:
            first = graph.nodes[self.made[0]]
            note = "\n".join(text for text in (self.use.note, first.note) if text)
            self.document.apply(Changed(graph.id, first, replace(first, note=note)))

    def _filled(self, node: Node, values: Mapping[str, Json]) -> Mapping[str, Json]:
        filled: Mapping[str, Json] = parameters.map_expressions(
            node.params, lambda text: parameters.put_in(text, values)
        )
        return filled

    def _places(self) -> list[tuple[float, float]]:
        """How far each copy is moved: around the use if there is room, else room is made."""
        if not self.inside:
            return [(0.0, 0.0)] * self.copies
        down = self.document.project.flow == "down"
        left, top, right, bottom = extent(self.inside, self.sizes)
        wide, tall = NODE_SIZE
        dx = self.use.x - edits.snap((left + right - wide) / 2)
        dy = self.use.y - edits.snap((top + bottom - tall) / 2)
        step = edits.snap((bottom - top if down else right - left) + ALONG[self._flow])
        if self.copies > 1 or self._covered(dx, dy):
            if down:
                dy = edits.snap(self.use.y - top)
            else:
                dx = edits.snap(self.use.x - left)
            size = self.sizes.get(self.use.id, NODE_SIZE)
            whole = step * self.copies - ALONG[self._flow]
            self._make_room(edits.snap(whole - (size[1] if down else size[0])))
        along = [step * copy for copy in range(self.copies)]
        return [(dx, dy + by) if down else (dx + by, dy) for by in along]

    @property
    def _flow(self) -> layout.Flow:
        return self.document.project.flow

    def _covered(self, dx: float, dy: float) -> bool:
        """Whether nodes moved so far would lie on or close to nodes that are there."""
        left, top, right, bottom = extent(self.inside, self.sizes)
        whole = left + dx, top + dy, right + dx, bottom + dy
        standing = [extent([node], self.sizes) for node in self.graph.nodes.values()]
        near = [box for box in standing if _overlap(box, whole)]
        for node in self.inside if near else ():
            left, top, right, bottom = extent([node], self.sizes)
            box = left + dx - ROOM, top + dy - ROOM, right + dx + ROOM, bottom + dy + ROOM
            if any(_overlap(box, other) for other in near):
                return True
        return False

    def _make_room(self, by: float) -> None:
        """Push away what stands after the use; frames grow or move with their nodes."""
        down, use = self._flow == "down", self.use
        moved: dict[str, tuple[float, float]] = {}
        held = frames.held_by_frames(self.graph, self.sizes)
        for node in self.graph.nodes.values():
            if by > 0 and (node.y > use.y if down else node.x > use.x):
                moved[node.id] = (node.x, node.y + by) if down else (node.x + by, node.y)
        edits.move(self.history, self.graph, moved)
        frames.fit_frames(self.history, self.graph, self.sizes, held)
