"""Three-way merging of one graph's contents; see `merging`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any

from netbuilder.graph import three_way
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Frame, Node, Unreadable, Wire
from netbuilder.graph.names import settled
from netbuilder.graph.three_way import ABSENT

Content = Node | Wire | Frame | Unreadable
Telling = Callable[[str, Iterable[str]], three_way.Tell]
"""Makes who hears of conflicts at a place, other than those in some fields."""
_PLACE = ("x", "y", "width", "height", "collapsed", "color", "extra.layout")
"""What is for the eye: never a conflict."""
_LAYER = ("layer", "params")


def fields(item: Any) -> dict[str, Any]:
    """An item's fields by name, as they are."""
    return {each.name: getattr(item, each.name) for each in fields_of(item)}


def meaning_of(graph: Graph) -> Any:
    """What of a graph is not for the eye, comparable."""
    info = fields(graph.info)
    return (
        three_way.text({**info, "order": 0, "extra": _plain(info["extra"])}),
        {id: _meaning(node) for id, node in graph.nodes.items()},
        {(w.target, w.target_port): _fed(w) for w in graph.wires.values()},
        sorted(_raw(item) for item in graph.unreadable.values()),
    )


def _meaning(item: Node | Frame) -> str:
    value = {key: value for key, value in fields(item).items() if key not in _PLACE}
    return three_way.text({**value, "extra": _plain(value["extra"])})


def _plain(extra: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in extra.items() if key != "layout"}


def _fed(wire: Wire | None) -> tuple[str, ...] | None:
    """What a wire brings; its id is nobody's concern."""
    if wire is None:
        return None
    return wire.source, wire.source_port, three_way.text(wire.extra)


def _raw(item: Unreadable) -> tuple[str, str]:
    return item.section, three_way.text(item.raw)


class GraphMerge:
    """Merges the contents of a graph that both sides have; `old` is None where it is new."""

    def __init__(self, old: Graph | None, own: Graph, other: Graph, tell: Telling) -> None:
        self.own, self.other, self.telling = own, other, tell
        self.old = old or Graph(own.info)
        self.conflicts: list[tuple[Any, ...]] = []
        """The fields of `merging.Conflict`s."""
        self.notes: list[str] = []
        self._held: set[str] = set()
        """Nodes that stay as ours with their wires, because the other side has them otherwise."""

    def items(self) -> Iterator[Content]:
        """The merged contents, nodes before wires; ids are used once."""
        nodes = self._nodes()
        taken = set(nodes)
        yield from nodes.values()
        others: list[Content] = [*self._wires(nodes), *self._frames(), *self._unreadable()]
        for item in others:
            id = item.id
            while id in taken:
                id += "-"
            taken.add(id)
            yield item if id == item.id else replace(item, id=id)

    # -- nodes ---------------------------------------------------------------------------

    def _nodes(self) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for id in dict.fromkeys((*self.own.nodes, *self.other.nodes)):
            node = self._node(id)
            if node is not None:
                found[id] = node
        sides = ({n.id: n.name for n in g.nodes.values()} for g in (self.own, self.other))
        for id, name in settled({n.id: n.name for n in found.values()}, *sides).items():
            if found[id].name != name:
                self.notes.append(f"{self._at(found[id])}: both sides have one, renamed to {name}")
                found[id] = replace(found[id], name=name)
        return {id: self._with_owner(node, found) for id, node in found.items()}

    def _at(self, node: Node) -> str:
        return f"{self.own.name}.{node.name}"

    def _node(self, id: str) -> Node | None:
        old, own, other = (graph.nodes.get(id) for graph in (self.old, self.own, self.other))
        if own is not None and other is not None:
            return self._both(old, own, other)
        if own is not None:
            if old is None:
                return own
            if _meaning(old) == _meaning(own) and not self._rewired(self.own, id):
                return None
            self._held.add(id)
            self._told("removed", own, "changed", "removed")
            return own
        assert other is not None
        if old is None:
            return other
        if _meaning(old) != _meaning(other) or self._rewired(self.other, id):
            self._told("removed", other, "removed", "changed")
        return None

    def _told(self, kind: str, node: Node, ours: str, theirs: str) -> None:
        self.conflicts.append((kind, self._at(node), "", None, ours, theirs))

    def _rewired(self, side: Graph, id: str) -> bool:
        """Whether a side feeds a node otherwise, or uses it where the base does not."""

        def into(graph: Graph) -> dict[str, Any]:
            return {wire.target_port: _fed(wire) for wire in graph.wires_into(id)}

        def out(graph: Graph) -> set[tuple[str, ...]]:
            wires = graph.wires_out_of(id)
            return {(wire.source_port, wire.target, wire.target_port) for wire in wires}

        fed, was = into(side), into(self.old)
        # What went with another node is not this one's change.
        lost = {port for port in was if port not in fed and was[port][0] not in side.nodes}
        return fed != {k: v for k, v in was.items() if k not in lost} or bool(
            out(side) - out(self.old)
        )

    def _both(self, old: Node | None, own: Node, other: Node) -> Node:
        if old is None and (own.layer, own.name) != (other.layer, other.name):
            self._held.add(own.id)
            self.conflicts.append(("added", self._at(own), own.id))
            return own
        base: Mapping[str, Any] = {} if old is None else fields(old)
        here, there = fields(own), fields(other)
        tell = self.telling(self._at(own), _PLACE)
        result = {
            key: three_way.merged(base.get(key, ABSENT), here[key], there[key], key, tell)
            for key in here
            if key not in _LAYER
        }
        result.update(self._layer(base, here, there, tell))
        return Node(**result)

    @staticmethod
    def _layer(
        base: Mapping[str, Any],
        here: Mapping[str, Any],
        there: Mapping[str, Any],
        tell: three_way.Tell,
    ) -> dict[str, Any]:
        """Layer and parameters: those of one layer mean nothing to another."""
        sides = (here, there) if not base else (base, here, there)
        if len({side["layer"] for side in sides}) > 1:
            # In a pair nothing is merged by keys.
            before = (base["layer"], base["params"]) if base else ABSENT
            own, other = ((side["layer"], side["params"]) for side in (here, there))
            layer, params = three_way.merged(before, own, other, "layer", tell)
        else:
            layer = here["layer"]
            was = base.get("params", {})
            params = three_way.by_key(was, here["params"], there["params"], "", tell)
        return {"layer": layer, "params": params}

    def _with_owner(self, node: Node, found: Mapping[str, Node]) -> Node:
        """With parameters of its own where the owner of its weights was removed."""
        if not node.shares or node.shares in found:
            return node
        owners = (graph.nodes.get(node.shares) for graph in (self.own, self.other))
        owner = next((owner for owner in owners if owner is not None), None)
        if owner is None:
            return node
        text = f"weights shared with '{owner.name}'"
        self.conflicts.append(("missing", self._at(node), text))
        return replace(node, shares="", params=owner.params)

    # -- wires ---------------------------------------------------------------------------

    def _wires(self, nodes: Mapping[str, Node]) -> list[Wire]:
        ports = [
            {(w.target, w.target_port): w for w in graph.wires.values()}
            for graph in (self.old, self.own, self.other)
        ]
        was, here, there = ports
        found: dict[tuple[str, str], Wire] = {}
        for port in dict.fromkeys((*here, *there)):
            wire = self._wire(was.get(port), here.get(port), there.get(port), nodes)
            if wire is not None and wire.source in nodes and wire.target in nodes:
                found[port] = wire
        if not any(_circular(graph.wires.values()) for graph in (self.own, self.other)):
            found = self._uncircled(found, here, nodes)
        return list(found.values())

    def _wire(
        self, old: Wire | None, own: Wire | None, other: Wire | None, nodes: Mapping[str, Node]
    ) -> Wire | None:
        """What feeds an input."""
        ends = {wire.target for wire in (own, other) if wire is not None}
        ends |= {own.source} if own is not None else set()
        if own == other or other == old or ends & self._held:
            return own
        if own == old:
            return other
        was, here, there = map(_fed, (old, own, other))
        if here == there or was == there:
            return own
        if was == here:
            return other
        [target] = {wire.target for wire in (own, other) if wire is not None}
        port = next(wire.target_port for wire in (own, other) if wire is not None)
        if target in nodes:
            sides = zip(self._graphs, (old, own, other), strict=True)
            names = (self._source(graph, wire, nodes) for graph, wire in sides)
            self.conflicts.append(("wire", self._at(nodes[target]), port, *names))
        return own

    @property
    def _graphs(self) -> tuple[Graph, Graph, Graph]:
        return self.old, self.own, self.other

    @staticmethod
    def _source(graph: Graph, wire: Wire | None, nodes: Mapping[str, Node]) -> str | None:
        """What a wire comes from, as it is called in the result if it is there."""
        if wire is None:
            return None
        node = nodes.get(wire.source) or graph.nodes[wire.source]
        return f"{node.name}.{wire.source_port}"

    def _uncircled(
        self,
        found: dict[tuple[str, str], Wire],
        here: Mapping[tuple[str, str], Wire],
        nodes: Mapping[str, Node],
    ) -> dict[tuple[str, str], Wire]:
        """Without wires of theirs that close a circle together with ours."""
        if not _circular(found.values()):
            return found
        kept = {port: wire for port, wire in found.items() if here.get(port) == wire}
        for port, wire in found.items():
            if port in kept:
                continue
            if not _circular((*kept.values(), wire)):
                kept[port] = wire
                continue
            source = self._source(self.other, wire, nodes)
            self.conflicts.append(("cycle", self._at(nodes[port[0]]), port[1], None, None, source))
            own = here.get(port)
            if own is not None and own.source in nodes and not _circular((*kept.values(), own)):
                kept[port] = own
        return kept

    # -- the rest ------------------------------------------------------------------------

    def _frames(self) -> Iterator[Frame]:
        for id in dict.fromkeys((*self.own.frames, *self.other.frames)):
            old, own, other = (graph.frames.get(id) for graph in self._graphs)
            if own is not None and other is not None:
                base: Mapping[str, Any] = {} if old is None else fields(old)
                here, there = fields(own), fields(other)
                tell = self.telling(f"{self.own.name}: frame '{own.title}'", _PLACE)
                yield Frame(
                    **{
                        key: three_way.merged(
                            base.get(key, ABSENT), here[key], there[key], key, tell
                        )
                        for key in here
                    }
                )
                continue
            frame = own or other
            assert frame is not None
            # A frame holds words at most: what one side removed is gone unless the other wrote.
            if old is None or _meaning(old) != _meaning(frame):
                yield frame

    def _unreadable(self) -> Iterator[Unreadable]:
        """Entries that can't be read are the same where their text is."""
        counts = [Counter(map(_raw, graph.unreadable.values())) for graph in self._graphs]
        was, here, there = counts
        left = {raw: there[raw] if was[raw] == here[raw] else here[raw] for raw in (*here, *there)}
        for graph in (self.own, self.other):
            for item in graph.unreadable.values():
                raw = _raw(item)
                if left[raw] > 0:
                    left[raw] -= 1
                    yield item


def _circular(wires: Iterable[Wire]) -> bool:
    """Whether data would go round."""
    targets: dict[str, list[str]] = {}
    waiting: Counter[str] = Counter()
    for wire in wires:
        targets.setdefault(wire.source, []).append(wire.target)
        waiting[wire.target] += 1
    ready = [node for node in targets if not waiting[node]]
    left = sum(waiting.values())
    while ready:
        for target in targets.get(ready.pop(), ()):
            left -= 1
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return left > 0
