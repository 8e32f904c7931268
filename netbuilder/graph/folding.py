"""Fold repeated runs of nodes into blocks: equal parts of a graph are drawn once.

A row of runs that feed one another becomes one node with `repeat`, runs elsewhere become uses of
one block; what saves most comes first, until nothing saves any more. The network computes the
same; `inlining` takes it back. Only the keys of the weights are others: `Folded.key` tells them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from netbuilder.errors import ChangeError
from netbuilder.graph import edits, frames, repeats, rules, tidying
from netbuilder.graph.blocks import (
    BLOCK,
    BLOCK_INPUT,
    OUTPUT,
    block_of,
    blocks_in,
    needed,
)
from netbuilder.graph.changes import Added, Changed, Removed
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.layout import Size
from netbuilder.graph.model import Json, Node, Wire, freeze, new_id
from netbuilder.graph.repeats import Line, Run
from netbuilder.graph.rules import End

TITLE = "Fold repeated runs into blocks"
MOST_BLOCKS = 50


@dataclass(slots=True)
class Folded:
    """What came of folding a graph: the blocks made, and where nodes are now.

    `places` are paths of names (`layer.0.norm`) by the names that the nodes had.
    """

    blocks: list[str] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)

    def key(self, key: str) -> str:
        """A key of the network's weights as it is now."""
        name, dot, rest = key.partition(".")
        return f"{self.places.get(name, name)}{dot}{rest}"

    def follow(self, step: Mapping[str, str]) -> None:
        """Take note that nodes of the graph, by name, moved once more."""
        for name, path in self.places.items():
            head, dot, rest = path.partition(".")
            self.places[name] = f"{step.get(head, head)}{dot}{rest}"


def keys_after(
    document: Document, network: Graph, graph: Graph, found: Folded
) -> Callable[[str], str] | None:
    """What keys of a network's weights are now that `graph` was folded: itself, or a block in it.

    None if the network doesn't have it inside.
    """
    if network.id == graph.id:
        return found.key
    names = [str(node.params.get("block")) for node in blocks_in(network)]
    if all(block.id != graph.id for block in needed(document, names)):
        return None

    def key(key: str) -> str:
        here, before, rest = network, "", key
        while here.id != graph.id:
            head, _, rest = rest.partition(".")
            node = next((each for each in here.nodes.values() if each.name == head), None)
            inner = block_of(document, node) if node is not None else None
            if inner is None:
                return key
            before += f"{head}."
            number, _, after = rest.partition(".")
            if number.isdecimal():
                before, rest = f"{before}{number}.", after
            here = inner
        return before + found.key(rest)

    return key


def may_fold(graph: Graph) -> str | None:
    """Why nothing can be folded here, for a person; None if it may be tried."""
    if graph.kind == "step":
        return "A block is made of a network's layers; this is a training step."
    return None


def folded(document: Document, graph: str) -> tuple[Document, Folded]:
    """The document with the graph of this id folded; the one that is given stays as it is."""
    copy = document.copy()
    history = History(copy)
    return copy, fold(history, copy.graph(graph))


def fold(history: History, graph: Graph, sizes: Mapping[str, Size] | None = None) -> Folded:
    """Fold what repeats in a graph, as one step to undo; the graph is laid out anew then.

    `ChangeError` where there can't be blocks. `sizes` are widths and heights by node id.
    """
    reason = may_fold(graph)
    if reason:
        raise ChangeError(reason)
    found = Folded(places={node.name: node.name for node in graph.nodes.values()})
    made: dict[tuple[object, ...], Graph] = {}
    with history.step(TITLE):
        for _ in range(MOST_BLOCKS):
            line, run = _next(graph)
            if line is None or run is None:
                break
            found.follow(_Folding(history, graph, line, run, made).run())
        blocks = sorted(made.values(), key=lambda block: _first_use(graph, block))
        found.blocks = [block.name for block in blocks]
        for order, block in zip(sorted(b.info.order for b in blocks), blocks, strict=True):
            if block.info.order != order:
                after = replace(block.info, order=order)
                history.document.apply(Changed(block.id, block.info, after))
        if found.blocks:
            for block in made.values():
                tidying.tidy(history, block, {})
            tidying.tidy(history, graph, dict(sizes or {}))
    return found


def _first_use(graph: Graph, block: Graph) -> int:
    """Where a block first stands; those that stand in others come last."""
    orders = [n.order for n in blocks_in(graph) if n.params.get("block") == block.name]
    return min(orders, default=1 + len(graph.nodes))


def _next(graph: Graph) -> tuple[Line | None, Run | None]:
    best: tuple[Line | None, Run | None] = (None, None)
    for line in repeats.lines(graph):
        run = repeats.best(line)
        if run is not None and (best[1] is None or run.gain > best[1].gain):
            best = line, run
    return best


class _Folding:
    """One run on its way into a block."""

    def __init__(
        self,
        history: History,
        graph: Graph,
        line: Line,
        run: Run,
        made: dict[tuple[object, ...], Graph],
    ) -> None:
        self.history, self.document, self.graph = history, history.document, graph
        self.line, self.found, self.made = line, run, made
        self.parts = [line.nodes[start : start + run.length] for start in run.starts]
        self.words = [repeats.scope(part) for part in self.parts]
        self.step: dict[str, str] = {}
        """Where nodes of the graph are now, by their names."""

    def run(self) -> Mapping[str, str]:
        going = [node.id for part in self.parts for node in part]
        held = frames.held_by_frames(self.graph, {})
        for wire in self.graph.wires_at(going):
            self.document.apply(Removed(self.graph.id, wire))
        block = self._block()
        for part in self.parts:
            for node in part:
                if node.id in self.graph.nodes:
                    self.document.apply(Removed(self.graph.id, node))
        for id, each in held.items():
            if set(each.nodes) <= set(going):
                self.document.apply(Removed(self.graph.id, self.graph.frames[id]))
        self._uses(block)
        return self.step

    # -- the block -----------------------------------------------------------------------------

    def _block(self) -> Graph:
        """A new block of the first run, or one that was made of runs like it."""
        inputs = tuple(ports for _, ports in self.found.inputs)
        sign = repeats.signature(self.line, self.found.starts[0], self.found.length)
        # Numbers for kinds are those of one line: what they stand for counts.
        kinds = tuple((n.layer, repr(sorted(n.params.items()))) for n in self.parts[0])
        key = (kinds, tuple(s[1:] for s in sign or ()), inputs, self.found.outputs)  # type: ignore[index]
        if key not in self.made:
            self.made[key] = self._new_block()
        return self.made[key]

    def _new_block(self) -> Graph:
        document, first = self.document, self.parts[0]
        block = edits.add_graph(self.history, "block", self._block_name())
        taken: set[str] = set()
        for node in first:
            document.apply(Removed(self.graph.id, node))
        ports = len(self.found.inputs)
        ends: list[Node] = []
        for kind, count, base in ((BLOCK_INPUT, ports, "input"), (OUTPUT, self._outputs, "output")):
            for number in range(count):
                name = base if count == 1 else f"{base}_{number + 1}"
                taken.add(name)
                order = number if kind == BLOCK_INPUT else ports + len(first) + number
                ends.append(Node(id=new_id("n"), layer=kind, name=name, order=order))
        inner = []
        for order, node in enumerate(first, ports):
            name = rules.unique_name(repeats.short(node, self.words[0]), taken)
            taken.add(name)
            inner.append(replace(node, name=name, order=order, shares=""))
        for node in [*ends[:ports], *inner, *ends[ports:]]:
            document.apply(Added(block.id, node))
        start = self.found.starts[0]
        for at, node in enumerate(inner):
            owner = self.line.owners[start + at]
            if owner >= 0:
                after = replace(node, shares=inner[owner - start].id)
                document.apply(Removed(block.id, node))
                document.apply(Added(block.id, after))
            for port, source, name in self.line.feeds[start + at]:
                if start <= source < start + self.found.length:
                    self._wire(block, End(inner[source - start].id, name), End(node.id, port))
        for end, (_, targets) in zip(ends, self.found.inputs, strict=False):
            for at, port in targets:
                self._wire(block, End(end.id, "output"), End(inner[at].id, port))
        for end, (at, port) in zip(ends[ports:], self.found.outputs, strict=True):
            self._wire(block, End(inner[at].id, port), End(end.id, "input"))
        return block

    @property
    def _outputs(self) -> int:
        return len(self.found.outputs)

    def _block_name(self) -> str:
        stem = _stem(self.words)
        return rules.identifier("_".join(stem), "block") if stem else "block"

    # -- its uses ------------------------------------------------------------------------------

    def _uses(self, block: Graph) -> None:
        inner = [node.name for node in block.ordered() if node.layer not in (BLOCK_INPUT, OUTPUT)]
        inputs = [node.name for node in block.ordered() if node.layer == BLOCK_INPUT]
        outputs = [node.name for node in block.ordered() if node.layer == OUTPUT]
        taken = {node.name for node in self.graph.nodes.values()}
        repeat = len(self.parts) if self.found.in_row else 1
        ids: list[str] = []
        for number in range(1 if self.found.in_row else len(self.parts)):
            words = _stem(self.words) if self.found.in_row else self.words[number]
            name = rules.unique_name(rules.identifier("_".join(words) or block.name), taken)
            taken.add(name)
            params: dict[str, Json] = {"block": block.name}
            params |= {"repeat": repeat} if repeat > 1 else {}
            first = self.parts[number][0]
            node = Node(
                id=new_id("n"), layer=BLOCK, name=name, params=freeze(params), order=first.order
            )
            ids.append(node.id)
            self.document.apply(Added(self.graph.id, node))
            for row in range(repeat):
                path = f"{name}.{row}" if repeat > 1 else name
                old = self.parts[row if repeat > 1 else number]
                self.step |= {n.name: f"{path}.{new}" for n, new in zip(old, inner, strict=True)}
        for number, id in enumerate(ids):
            for port, (sources, _) in zip(inputs, self.found.inputs, strict=True):
                self._wire(self.graph, self._end(sources[number], ids, outputs), End(id, port))
        last = self.found.starts[-1:] if self.found.in_row else self.found.starts
        inside = {at for start in self.found.starts for at in range(start, start + self._length)}
        for number, start in enumerate(last):
            for output, (at, port) in zip(outputs, self.found.outputs, strict=True):
                for place in self.line.readers[start + at].get(port, ()):
                    if place not in inside:
                        self._read(End(ids[number], output), start + at, port, place)

    @property
    def _length(self) -> int:
        return self.found.length

    def _end(self, source: tuple[int, str], ids: Sequence[str], outputs: Sequence[str]) -> End:
        """What a value is made by now: a node as before, or a use."""
        at, port = source
        for number, start in enumerate(self.found.starts):
            if start <= at < start + self._length:
                output = outputs[self.found.outputs.index((at - start, port))]
                return End(ids[number], output)
        return End(self.line.nodes[at].id, port)

    def _read(self, source: End, at: int, port: str, place: int) -> None:
        for target, feeding, name in self.line.feeds[place]:
            if (feeding, name) == (at, port):
                end = End(self.line.nodes[place].id, target)
                if self.graph.wire_into(end.node, end.port) is None:
                    self._wire(self.graph, source, end)

    def _wire(self, graph: Graph, source: End, target: End) -> None:
        wire = Wire(
            id=new_id("w"),
            source=source.node,
            source_port=source.port,
            target=target.node,
            target_port=target.port,
        )
        self.document.apply(Added(graph.id, wire))


# -- names ---------------------------------------------------------------------------------------


def _stem(scopes: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What scopes have in common, without the number at its end: `encoder layer`."""
    same = list(repeats.common(scopes))
    while same and same[-1].isdecimal():
        same.pop()
    return tuple(same)
