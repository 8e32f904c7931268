"""From drafts to a document: ids, wires, inputs with their shapes, places."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from netbuilder.exchange.bring.blocks import Block
from netbuilder.exchange.bring.drafts import BLOCK, Draft, DraftNode
from netbuilder.exchange.bring.program import Program, Ref, Size
from netbuilder.graph import tidying
from netbuilder.graph.changes import Added
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.graph.model import GraphInfo, GraphKind, Json, Node, ProjectInfo, Wire, freeze

INPUT, BLOCK_INPUT, OUTPUT = "netbuilder.Input", "netbuilder.BlockInput", "netbuilder.Output"
NETWORK = "main"
_SYMBOL = re.compile(r"[A-Za-z_]\w*\Z")
_OF_GRAPHS = re.compile(r"V\Z|E\Z|.*(node|edge)", re.IGNORECASE)
"""Names of sizes that are no batch where they come first."""
_LETTERS = ("T", "S", "U", "V", "W", "L", "K", "M")


def write(program: Program, network: Draft, blocks: list[Block], notes: list[str]) -> Document:
    """The document with one network, `main`, and its blocks, laid out."""
    items: list[Added] = []
    sizes = free_sizes(program)
    ends = [_input(program, value, name, sizes, notes) for value, name in network.inputs.items()]
    taken: set[str] = set()
    _Graph(items, "network", NETWORK, 0, {}, taken).fill(network, ends)
    for order, block in enumerate(blocks, start=1):
        declared = [{"name": name, "default": value} for name, value in block.parameters.items()]
        settings = {"parameters": declared} if declared else {}
        inputs: list[End] = [
            (value, name, BLOCK_INPUT, {}) for value, name in block.pattern.inputs.items()
        ]
        _Graph(items, "block", block.name, order, settings, taken).fill(block.pattern, inputs)
    document = Document.of(ProjectInfo(title=program.title[:200]), items)
    history = History(document)
    for graph in document.graphs.values():
        tidying.tidy(history, graph, {})
    return document


End = tuple[str, str, str, dict[str, Json]]
"""A value that comes in: its name, the node's name, layer and parameters."""


@dataclass(slots=True)
class _Graph:
    """One graph on its way into the items of a document."""

    items: list[Added]
    kind: GraphKind
    name: str
    order: int
    settings: Mapping[str, Json]
    taken: set[str]
    """Ids that items of the document have."""
    ids: dict[int, str] = field(default_factory=dict)

    def fill(self, draft: Draft, ends: list[End]) -> None:
        """Add the graph and all that is in it."""
        info = GraphInfo(
            id=self._id("g", self.name),
            kind=self.kind,
            name=self.name,
            order=self.order,
            settings=freeze(self.settings),
        )
        self.items.append(Added(info.id, info))
        sources: dict[str, tuple[str, str]] = {}
        nodes: list[Node] = []
        for value, name, layer, params in ends:
            id = self._id("n", name)
            nodes.append(self._node(id, layer, name, params, len(nodes)))
            sources[value] = (id, "output")
        for drawn in draft.nodes:
            self.ids[id_of(drawn)] = self._id("n", drawn.name)
        for drawn in draft.nodes:
            nodes.append(self._drawn(drawn, len(nodes)))
            for value, port in drawn.outputs.items():
                sources[value] = (nodes[-1].id, port)
        targets = [
            (self.ids[id_of(drawn)], port, value)
            for drawn in draft.nodes
            for port, value in drawn.inputs.items()
        ]
        for value, name in draft.outputs:
            id = self._id("n", name)
            nodes.append(self._node(id, OUTPUT, name, {}, len(nodes)))
            targets.append((id, "input", value))
        self.items += (Added(info.id, node) for node in nodes)
        for target, port, value in targets:
            if value in sources:
                source, source_port = sources[value]
                wire = Wire(
                    id=self._id("w", f"{target} {port}"),
                    source=source,
                    source_port=source_port,
                    target=target,
                    target_port=port,
                )
                self.items.append(Added(info.id, wire))

    def _id(self, prefix: str, text: str) -> str:
        """An id that is the same at every import."""
        digest = hashlib.sha256(f"{self.kind} {self.name} {prefix} {text}".encode()).hexdigest()
        # Of some ten thousand items two may well begin alike.
        length = next(at for at in range(8, 65) if prefix + digest[:at] not in self.taken)
        self.taken.add(prefix + digest[:length])
        return prefix + digest[:length]

    def _node(self, id: str, layer: str, name: str, params: Json, order: int) -> Node:
        return Node(id=id, layer=layer, name=name, params=freeze(params), order=order)

    def _drawn(self, drawn: DraftNode, order: int) -> Node:
        owner = drawn.shares
        return Node(
            id=self.ids[id_of(drawn)],
            layer=drawn.layer,
            name=drawn.name,
            params=freeze({} if owner is not None and drawn.layer != BLOCK else drawn.params),
            order=order,
            note=drawn.note,
            shares=self.ids[id_of(owner)] if owner is not None else "",
        )


def id_of(node: DraftNode) -> int:
    """What tells drafts apart while they are written."""
    return id(node)


# -- inputs --------------------------------------------------------------------------------------


def free_sizes(program: Program) -> dict[str, str]:
    """Names for the sizes that may change, other than the batch, by the tracer's symbols."""
    batch = set()
    others: dict[str, None] = {}
    for value in program.inputs:
        shape = program.types[value].shape if value in program.types else ()
        for at, size in enumerate(shape):
            if isinstance(size, str) and _SYMBOL.match(size):
                if at == 0 and not _OF_GRAPHS.match(program.names.get(size, "")):
                    batch.add(size)
                else:
                    others[size] = None
    names: dict[str, str] = {}
    for symbol in others:
        given = program.names.get(symbol, "")
        spare = (letter for letter in _LETTERS if letter not in names.values())
        names[symbol] = given if given and given not in names.values() else next(spare, symbol)
    return names | dict.fromkeys(batch, "N")


def _input(
    program: Program, value: str, name: str, sizes: Mapping[str, str], notes: list[str]
) -> End:
    known = program.types.get(value)
    if known is None:
        return value, name, INPUT, {"shape": ()}
    batched = bool(known.shape) and isinstance(known.shape[0], str)
    batched = batched and sizes.get(str(known.shape[0]), "N") == "N"
    rest = known.shape[1:] if batched else known.shape
    shape = tuple(_dim(program, size, sizes, notes, name) for size in rest)
    params: dict[str, Json] = {"shape": shape}
    if known.dtype != "float32":
        params["dtype"] = known.dtype
    if not batched:
        params["batched"] = False
        of_graph = any(_OF_GRAPHS.match(str(size)) for size in shape)
        if known.shape and "N" not in shape and not of_graph:
            notes.append(f"'{name}' has a batch of {known.shape[0]}: the module allows no other.")
    rows = _rows(program, value)
    if rows:
        params["high"] = rows
    return value, name, INPUT, params


def _dim(
    program: Program, size: Size, sizes: Mapping[str, str], notes: list[str], name: str
) -> int | str:
    if isinstance(size, int):
        return size
    if size in sizes:
        return sizes[size]
    number = program.number(size)
    notes.append(f"'{name}' has a size {size}, a formula: here it is {number}.")
    return number


def _rows(program: Program, value: str) -> int:
    """How many ids there are, where the input goes straight into an embedding; else 0."""
    for operation in program.operations:
        weight = operation.args.get("weight")
        indices = operation.args.get("indices")
        if operation.base == "embedding" and indices == Ref(value) and isinstance(weight, Ref):
            state = program.states.get(weight.name)
            if state is not None and state.key in program.tensors:
                return int(program.tensors[state.key].shape[0])
    return 0


# -- weights -------------------------------------------------------------------------------------


def keys(draft: Draft) -> Iterator[tuple[str, str]]:
    """The keys of the network's `state_dict`, each with the program's key for it."""
    for path, node in _parts(draft, ""):
        for name, key in node.states.items():
            yield f"{path}.{name}", key


def paths(draft: Draft) -> Iterator[tuple[str, str]]:
    """The paths of the network's parts, each with that of the module whose call it is."""
    for path, node in _parts(draft, ""):
        if node.path:
            yield path, node.path


def _parts(draft: Draft, prefix: str) -> Iterator[tuple[str, DraftNode]]:
    for node in draft.nodes:
        if node.shares is not None:
            continue
        if node.inner is None:
            yield f"{prefix}{node.name}", node
        elif node.repeats:
            for at, use in enumerate(node.repeats):
                assert use.inner is not None
                yield from _parts(use.inner, f"{prefix}{node.name}.{at}.")
        else:
            yield from _parts(node.inner, f"{prefix}{node.name}.")
