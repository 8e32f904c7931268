"""Random but repeatable edits, as a person with a mouse and no plan would make them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import get_args

from netbuilder.errors import ChangeError
from netbuilder.graph import (
    arrange,
    blocks,
    carrying,
    edits,
    grouping,
    inlining,
    parameters,
    tidying,
)
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Frame, Mute, new_id
from netbuilder.graph.rules import End
from netbuilder.layers import catalogue

LAYERS = ("torch.nn.Linear", "torch.nn.ReLU", "torch.add", "torch.cat", "no.such.Layer")

MOST_GRAPHS = 8


class RandomEdits:
    """Makes one edit after another; `done` counts those that changed something, by name."""

    def __init__(self, seed: int, most_nodes: int = 40) -> None:
        self.random = random.Random(seed)
        self.document = Document()
        self.history = History(self.document)
        self.done: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.most_nodes = most_nodes
        self.copied: dict[str, object] | None = None
        edits.add_graph(self.history, "network", "main")
        self.operations: dict[str, Callable[[Graph], object]] = {
            "add": self._add,
            "insert": self._insert,
            "connect": self._connect,
            "disconnect": self._disconnect,
            "delete": self._delete,
            "reconnect": self._delete_reconnect,
            "move": self._move,
            "drag": self._drag,
            "set": self._set,
            "rename": self._rename,
            "note": self._note,
            "frame": self._frame,
            "copy_paste": self._copy_paste,
            "graph": self._graph,
            "project": self._project,
            "group": self._group,
            "ungroup": self._ungroup,
            "block": self._block,
            "place": self._place_block,
            "mute": self._mute,
            "share": self._share,
            "tidy": self._tidy,
            "align": self._align,
            "set_frame": self._set_frame,
            "fail": self._fail,
            "undo": self._undo,
            "redo": self._redo,
        }

    def edit(self) -> str:
        """One random edit; its name."""
        if not self.document.graphs:
            self.history.redo()
        name = self.random.choice(list(self.operations))
        if self.random.random() < 0.4:
            # What is often refused gets more chances.
            name = min(self.operations, key=lambda name: self.done[name])
        graph = self.random.choice(list(self.document.graphs.values()))
        if len(self.document.graphs) > MOST_GRAPHS:
            name = "graph"
        elif len(graph.nodes) > self.most_nodes:
            name = self.random.choice(("delete", "reconnect"))
        try:
            outcome = self.operations[name](graph)
        except ChangeError:
            self.refused[name] += 1
        else:
            if outcome is not None:
                self.done[name] += 1
        return name

    def _node(self, graph: Graph) -> str | None:
        return self.random.choice(list(graph.nodes)) if graph.nodes else None

    def _place(self) -> float:
        return edits.snap(self.random.uniform(-1000, 1000))

    def _add(self, graph: Graph) -> object:
        params = {"out_features": self.random.randrange(1, 100)}
        layer = self.random.choice(LAYERS)
        return edits.add_node(
            self.history, graph, layer, params=params, x=self._place(), y=self._place()
        )

    def _insert(self, graph: Graph) -> object:
        if not graph.wires:
            return None
        wire = self.random.choice(list(graph.wires))
        layer = self.random.choice(LAYERS)
        return edits.insert_layer(self.history, graph, wire, layer, None, catalogue.ports_of)

    def _connect(self, graph: Graph) -> object:
        for _ in range(4):
            try:
                wire = self._connect_two(graph)
            except ChangeError:
                self.refused["connect"] += 1
            else:
                return wire
        return None

    def _connect_two(self, graph: Graph) -> object:
        source, target = self._node(graph), self._node(graph)
        if source is None or target is None:
            return None
        ports = catalogue.ports_of(self.document, graph, graph.nodes[target]).inputs
        port = self.random.choice(ports).name if ports else "input"
        return edits.connect(
            self.history, graph, End(source, "output"), End(target, port), catalogue.ports_of
        )

    def _disconnect(self, graph: Graph) -> object:
        if not graph.wires:
            return None
        edits.delete(self.history, graph, [self.random.choice(list(graph.wires))])
        return True

    def _delete(self, graph: Graph, reconnect: bool = False) -> object:
        everything = [item.id for item in graph.contents()]
        if not everything:
            return None
        chosen = self.random.sample(everything, min(len(everything), self.random.randrange(1, 4)))
        edits.delete(self.history, graph, chosen, reconnect=reconnect, ports_of=catalogue.ports_of)
        return True

    def _delete_reconnect(self, graph: Graph) -> object:
        return self._delete(graph, reconnect=True)

    def _move(self, graph: Graph) -> object:
        movable = [*graph.nodes, *graph.frames]
        if not movable:
            return None
        chosen = self.random.sample(movable, min(len(movable), 5))
        edits.move(self.history, graph, {id: (self._place(), self._place()) for id in chosen})
        return True

    def _drag(self, graph: Graph) -> object:
        node = self._node(graph)
        if node is None:
            return None
        for _ in range(4):
            edits.move(self.history, graph, {node: (self._place(), 0.0)}, merge=node)
        return True

    def _set(self, graph: Graph) -> object:
        node = self._node(graph)
        if node is None:
            return None
        value = self.random.choice((None, self.random.randrange(9), [1, [2, 3]], "text"))
        if value is None and "free" not in graph.nodes[node].params:
            return None
        edits.set_parameters(self.history, graph, [node], {"free": value})
        return True

    def _rename(self, graph: Graph) -> object:
        node = self._node(graph)
        if node is None:
            return None
        edits.rename(self.history, graph, node, f"name_{self.random.randrange(30)}")
        return True

    def _note(self, graph: Graph) -> object:
        node = self._node(graph)
        if node is None:
            return None
        note = self.random.choice(("", "short", "ünïcode \u2028 <img>"))
        edits.set_node(self.history, graph, node, note=note, collapsed=bool(note))
        return True

    def _frame(self, graph: Graph) -> object:
        frame = Frame(id=new_id("f"), title="frame", x=self._place(), y=self._place())
        return edits.add_frame(self.history, graph, frame)

    def _copy_paste(self, graph: Graph) -> object:
        if graph.nodes and (self.copied is None or self.random.random() < 0.5):
            chosen = self.random.sample(list(graph.nodes), min(len(graph.nodes), 3))
            self.copied = carrying.cut_out(self.document, graph, chosen)
        if self.copied is None:
            return None
        carried = carrying.read(self.copied)
        return carrying.paste(self.history, graph, carried, keep_inputs=True)

    def _graph(self, graph: Graph) -> object:
        if len(self.document.graphs) > MOST_GRAPHS - 2:
            graph = min(self.document.graphs.values(), key=lambda graph: len(graph.nodes))
            edits.remove_graph(self.history, graph)
            return True
        kind = self.random.choice(("network", "step"))
        return edits.add_graph(self.history, kind, "main", {"updates": ["main"]})  # type: ignore[arg-type]

    def _project(self, graph: Graph) -> object:
        epochs = self.random.randrange(50)
        edits.set_project(self.history, title=f"Title {epochs}", training={"epochs": epochs})
        return True

    def _group(self, graph: Graph) -> object:
        for _ in range(4):
            chosen = self.random.sample(list(graph.nodes), min(len(graph.nodes), 3))
            if chosen and grouping.may_group(graph, chosen) is None:
                return grouping.group(self.history, graph, chosen, catalogue.ports_of)
        raise ChangeError("nothing to group")

    def _ungroup(self, graph: Graph) -> object:
        uses = [(g, n) for g in self.document.graphs.values() for n in blocks.blocks_in(g)]
        if not uses:
            return None
        graph, node = self.random.choice(uses)
        return inlining.ungroup(self.history, graph, node.id)

    def _block(self, graph: Graph) -> object:
        """Something that is done to a block as a whole."""
        found = self.document.of_kind("block")
        if not found:
            return None
        block = self.random.choice(found)
        name = f"p{self.random.randrange(4)}"
        match self.random.randrange(5):
            case 0:
                parameters.declare(self.history, block, name, self.random.randrange(9))
            case 1:
                known = [entry.name for entry in parameters.declared(block)]
                if not known:
                    return None
                parameters.rename(self.history, block, self.random.choice(known), name)
            case 2:
                blocks.rename(self.history, block, f"block_{self.random.randrange(20)}")
            case 3:
                blocks.remove(self.history, block, with_uses=self.random.random() < 0.3)
            case _:
                uses = blocks.uses(self.document, block)
                if not uses:
                    return None
                where, use = uses[0]
                blocks.make_unique(self.history, where, use.id)
        return True

    def _place_block(self, graph: Graph) -> object:
        found = self.document.of_kind("block")
        if not found:
            return None
        block = self.random.choice(found)
        return blocks.place(self.history, graph, block, x=self._place(), y=self._place())

    def _mute(self, graph: Graph) -> object:
        if not graph.nodes:
            return None
        chosen = self.random.sample(list(graph.nodes), min(len(graph.nodes), 2))
        mute = self.random.choice(get_args(Mute))
        edits.set_mute(self.history, graph, chosen, mute)
        return True

    def _share(self, graph: Graph) -> object:
        node, other = self._node(graph), self._node(graph)
        if node is None or other is None:
            return None
        edits.set_node(self.history, graph, node, shares=self.random.choice((other, "")))
        return True

    def _tidy(self, graph: Graph) -> object:
        tidying.tidy(self.history, graph, {})
        return True

    def _align(self, graph: Graph) -> object:
        boxes = {id: (node.x, node.y, 160.0, 56.0) for id, node in graph.nodes.items()}
        places = arrange.aligned(boxes, self.random.choice(get_args(arrange.Side)))
        edits.move(self.history, graph, places)
        return True

    def _set_frame(self, graph: Graph) -> object:
        if not graph.frames:
            return None
        frame = self.random.choice(list(graph.frames))
        fields = {"title": f"t{self.random.randrange(5)}", "width": abs(self._place()) + 8}
        edits.set_frame(self.history, graph, frame, **fields)
        return True

    def _fail(self, graph: Graph) -> object:
        """A gesture that breaks off half way."""
        try:
            with self.history.step("Break off"):
                self._add(graph)
                self._delete(graph)
                raise RuntimeError
        except RuntimeError:
            return True

    def _undo(self, graph: Graph) -> object:
        for _ in range(self.random.randrange(5)):
            self.history.undo()
        return self.history.undo()

    def _redo(self, graph: Graph) -> object:
        if self.history.redo_title is None:
            self.history.undo()
        return self.history.redo()
