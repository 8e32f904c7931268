"""What differs between two projects, in words.

Only what has a meaning counts: not where nodes stand, frames, notes, titles and descriptions.
Nodes are the same by their ids, see `graph.matching`; two documents that mean the same have no
difference, whatever their ids are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from netbuilder.graph.blocks import USES
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.matching import Matching, match
from netbuilder.graph.model import GraphKind, Node, Wire

KINDS: Mapping[GraphKind, str] = {
    "network": "Network",
    "block": "Block",
    "step": "Training step",
}
CALL = "netbuilder.NetworkCall"
PROJECT = ("data", "training", "code", "weights")


Change = Literal["added", "removed", "changed"]
What = Literal[
    "graph",
    "node",
    "name",
    "layer",
    "parameter",
    "mute",
    "wire",
    "setting",
    "order",
    "shape",
    "cost",
    "remark",
]


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that differs.

    `change` tells what became of it, `what` what it is. `graph` and `node` are names (the later
    ones where there are), `graph_id` and `node_id` ids in the later document, empty where there
    is none; `old_graph_id` and `old_node_id` are those in the earlier one. `key` names a
    parameter, a setting, a port (`shape`) or a figure (`cost`); `before` and `after` are its
    values, None where it was not set. Shapes and costs come from `app.comparing`, remarks from
    `graph.remarks`. `wire` and `old_wire` are ids of wires.
    """

    change: Change
    what: What
    graph: str = ""
    node: str = ""
    key: str = ""
    before: Any = None
    after: Any = None
    graph_id: str = ""
    node_id: str = ""
    old_graph_id: str = ""
    old_node_id: str = ""
    wire: str = ""
    old_wire: str = ""

    @property
    def words(self) -> str:
        """The row for a person; its graph is not named where `graph` stands beside it."""
        own = f"'{self.node}'" if self.node else f"'{self.graph}'"
        was, now = shown(self.before), shown(self.after)
        match self.what:
            case "graph":
                return f"{self.key} {own} {self.change}"
            case "node":
                return f"{own} {self.change}: {self.after or self.before}"
            case "name":
                return f"'{was}' renamed to '{now}'"
            case "layer":
                return f"{own} was {was}, is {now}"
            case "mute":
                return f"{own} was {was or 'active'}, is {now or 'active'}"
            case "wire":
                return f"Wire {self.change}: {self.key}"
            case "order":
                return f"The order of {self.key} changed: {was} → {now}"
            case "shape":
                return f"{own}: shape of {self.key} {was} → {now}"
            case "cost":
                return f"{FIGURES.get(self.key, self.key)} {_counted(self.before, self.after)}"
        at = f"{own}: " if self.node else ""
        if self.before is None:
            return f"{at}{self.key} set to {now}"
        if self.after is None:
            return f"{at}{self.key} no longer set (was {was})"
        return f"{at}{self.key} {was} → {now}"

    def to_json(self) -> dict[str, Any]:
        """One row of the `diff` command."""
        value = asdict(self)
        return {**value, "words": self.words}


_JSON = json.JSONEncoder(sort_keys=True)
FIGURES: Mapping[str, str] = {
    "parameters": "Parameters",
    "macs": "Multiplications of a sample",
    "kept_bytes": "Bytes kept of a sample for the gradient",
}


def _counted(before: int, after: int) -> str:
    """Two figures and by how much the later one differs."""
    share = f" ({100 * (after - before) / before:+.3g} %)" if before else ""
    return f"{before:,} → {after:,}{share}"


def shown(value: Any) -> str:
    """A value as a person reads it."""
    if value is None:
        return "not set"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"


def difference(before: Document, after: Document) -> list[Row]:
    """All that differs, settings first, then graph by graph; empty if both mean the same."""
    if meaning(before) == meaning(after):
        return []
    return list(_Comparison(before, after).rows())


def matched(before: Document, after: Document) -> Matching:
    """What `difference` takes to be the same in both."""
    return match(before, after, structure=True)


# -- meaning ---------------------------------------------------------------------------------


def meaning(document: Document) -> Any:
    """What a project means, by names: equal for documents that differ in ids and looks alone."""
    project = document.project
    extra = {key: value for key, value in project.extra.items() if key != "layout"}
    graphs = [*document.of_kind("network"), *document.of_kind("block"), *document.of_kind("step")]
    own = [_text(getattr(project, name)) for name in PROJECT]
    return *own, _text(extra), [_graph_meaning(graph) for graph in graphs]


def _graph_meaning(graph: Graph) -> Any:
    info = graph.info
    own = _text(info.settings), _text(_plain(info.extra)), _text(_unread(graph))
    return info.kind, info.name, own, graph.worked_out("meaning", _drawn)


def _drawn(graph: Graph) -> Any:
    """What nodes and wires mean."""
    names = {node.id: node.name for node in graph.nodes.values()}
    nodes = [
        (*_own_meaning(node), node.name, names.get(node.shares, node.shares))
        for node in graph.ordered()
    ]
    wires = {
        (names[w.source], w.source_port, names[w.target], w.target_port): _text(_plain(w.extra))
        for w in graph.wires.values()
    }
    return nodes, wires


def _own_meaning(node: Node) -> tuple[Any, ...]:
    return node.layer, _text(node.params), node.mute, _text(_plain(node.extra))


def _text(value: Any) -> str:
    """Equal for equal JSON: in Python True is 1 and 1 is 1.0."""
    if isinstance(value, Mapping) and not value:
        return "{}"
    return _JSON.encode(value)


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON."""
    if one is other:
        return True
    if type(one) is type(other) and isinstance(one, str | int):
        return bool(one == other)
    return _text(one) == _text(other)


def _plain(extra: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in extra.items() if key != "layout"}


def _unread(graph: Graph) -> list[Any]:
    kept = [item for item in graph.unreadable.values() if item.section in ("nodes", "wires")]
    return [item.raw for item in sorted(kept, key=lambda item: (item.section, item.index))]


# -- comparing -------------------------------------------------------------------------------


class _Comparison:
    def __init__(self, before: Document, after: Document) -> None:
        self.before, self.after = before, after
        self.matching = matched(before, after)
        self.renamed: dict[tuple[str, str], str] = {
            (graph.kind, graph.name): after.graphs[self.matching.graphs[graph.id]].name
            for graph in before.graphs.values()
            if graph.id in self.matching.graphs
        }

    def rows(self) -> Iterator[Row]:
        old, new = self.before.project, self.after.project
        for name in PROJECT:
            yield from _values(getattr(old, name), getattr(new, name), f"{name}.", _setting)
        yield from _values(_plain(old.extra), _plain(new.extra), "", _setting)
        for kind in KINDS:
            yield from self._graphs(kind)

    def _graphs(self, kind: GraphKind) -> Iterator[Row]:
        word, partners = KINDS[kind], self.matching.graphs
        for graph in self.before.of_kind(kind):
            if graph.id not in partners:
                yield Row("removed", "graph", graph.name, key=word, old_graph_id=graph.id)
        found = {new: old for old, new in partners.items()}
        stay: list[Graph] = []
        for graph in self.after.of_kind(kind):
            if graph.id not in found:
                yield Row("added", "graph", graph.name, key=word, graph_id=graph.id)
                continue
            stay.append(graph)
            yield from self._graph(self.before.graphs[found[graph.id]], graph)
        was = [partners[g.id] for g in self.before.of_kind(kind) if g.id in partners]
        if was != [graph.id for graph in stay]:
            names = [self.after.graphs[id].name for id in was]
            key, now = f"{word.lower()}s", [graph.name for graph in stay]
            yield Row("changed", "order", key=key, before=names, after=now)

    def _graph(self, old: Graph, new: Graph) -> Iterator[Row]:
        at: dict[str, Any] = {"graph": new.name, "graph_id": new.id, "old_graph_id": old.id}
        if old.name != new.name:
            yield Row("changed", "name", before=old.name, after=new.name, **at)
        settings = dict(old.info.settings)
        if "updates" in settings:
            names = settings["updates"]
            settings["updates"] = tuple(self.renamed.get(("network", n), n) for n in names)
        setting = _setting_of(at)
        yield from _values(settings, new.info.settings, "", setting)
        yield from _values(_plain(old.info.extra), _plain(new.info.extra), "", setting)
        partners = self.matching.nodes[old.id]
        found = {new_id: old_id for old_id, new_id in partners.items()}
        for node in old.ordered():
            if node.id not in partners:
                words, id = _layer(node), node.id
                yield Row("removed", "node", node=node.name, before=words, old_node_id=id, **at)
        for node in new.ordered():
            where = {**at, "node": node.name, "node_id": node.id}
            if node.id in found:
                where["old_node_id"] = found[node.id]
                yield from self._node(old, new, old.nodes[found[node.id]], node, where)
            else:
                yield Row("added", "node", after=_layer(node), **where)
        yield from self._wires(old, new, at)
        was = [new.nodes[partners[node.id]].name for node in old.ordered() if node.id in partners]
        now = [node.name for node in new.ordered() if node.id in found]
        if was != now:
            yield Row("changed", "order", key="nodes", before=was, after=now, **at)
        if _text(_unread(old)) != _text(_unread(new)):
            key = "entries that can't be read"
            yield Row("changed", "setting", key=key, before=_unread(old), after=_unread(new), **at)

    def _node(
        self, old: Graph, new: Graph, was: Node, node: Node, at: Mapping[str, Any]
    ) -> Iterator[Row]:
        if was.name != node.name:
            yield Row("changed", "name", before=was.name, after=node.name, **at)
        if was.layer != node.layer:
            yield Row("changed", "layer", before=was.layer, after=node.layer, **at)
        if was.mute != node.mute:
            yield Row("changed", "mute", before=was.mute, after=node.mute, **at)
        params = dict(was.params)
        for key, kind, layers in (("block", "block", USES), ("network", "network", {CALL})):
            if was.layer in layers and key in params:
                params[key] = self.renamed.get((kind, params[key]), params[key])

        def parameter(key: str, a: Any, b: Any) -> Row:
            return Row("changed", "parameter", key=key, before=a, after=b, **at)

        yield from _values(params, node.params, "", parameter)
        yield from _values(_plain(was.extra), _plain(node.extra), "", parameter)
        partners = self.matching.nodes[old.id]
        if partners.get(was.shares, was.shares) != node.shares:
            a, b = _owner(old, was), _owner(new, node)
            yield parameter("weights shared with", a, b)

    def _wires(self, old: Graph, new: Graph, at: Mapping[str, Any]) -> Iterator[Row]:
        partners = self.matching.nodes[old.id]

        def end(node: str) -> str:
            return partners.get(node, f"{node} of before")

        was = {
            (end(w.source), w.source_port, end(w.target), w.target_port): w
            for w in old.wires.values()
        }
        now = {(w.source, w.source_port, w.target, w.target_port): w for w in new.wires.values()}
        for key, wire in was.items():
            if key not in now:
                yield Row("removed", "wire", key=_wire(old, wire), old_wire=wire.id, **at)
        for key, wire in now.items():
            if key not in was:
                yield Row("added", "wire", key=_wire(new, wire), wire=wire.id, **at)
            elif _text(_plain(was[key].extra)) != _text(_plain(wire.extra)):
                a, b = _plain(was[key].extra), _plain(wire.extra)
                yield Row("changed", "setting", key=_wire(new, wire), before=a, after=b, **at)


def _layer(node: Node) -> str:
    params = ", ".join(f"{key}={shown(value)}" for key, value in sorted(node.params.items()))
    return f"{node.layer}({params})" if params else node.layer


def _owner(graph: Graph, node: Node) -> str | None:
    owner = graph.nodes.get(node.shares)
    return owner.name if owner is not None else node.shares or None


def _wire(graph: Graph, wire: Wire) -> str:
    source, target = graph.nodes[wire.source].name, graph.nodes[wire.target].name
    return f"{source}.{wire.source_port} → {target}.{wire.target_port}"


_Make = Callable[[str, Any, Any], Row]


def _setting(key: str, before: Any, after: Any) -> Row:
    return Row("changed", "setting", key=key, before=before, after=after)


def _setting_of(at: Mapping[str, Any]) -> _Make:
    def make(key: str, before: Any, after: Any) -> Row:
        return Row("changed", "setting", key=key, before=before, after=after, **at)

    return make


def _values(
    before: Mapping[str, Any], after: Mapping[str, Any], prefix: str, make: _Make
) -> Iterator[Row]:
    """What differs in two objects, level by level."""
    if before is after:
        return
    for key in sorted({*before, *after}):
        was, now = before.get(key), after.get(key)
        if (key in before) == (key in after) and _same(was, now):
            continue
        if isinstance(was, Mapping) and isinstance(now, Mapping):
            yield from _values(was, now, f"{prefix}{key}.", make)
        else:
            yield make(f"{prefix}{key}", was, now)
