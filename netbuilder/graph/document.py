"""The document: graphs of nodes and wires behind one door.

`Document.apply(change)` is the only way to change anything. It checks the change
against what is there, so a document is consistent after every change: ids are unique,
no wire dangles, each input port has one wire at most. Who wants to edit opens a
`History.step`; outside one, `apply` refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, TypeVar

from netbuilder.errors import ChangeError
from netbuilder.graph.beside import Beside
from netbuilder.graph.changes import Added, Change, Changed, Removed
from netbuilder.graph.model import (
    Frame,
    GraphInfo,
    GraphKind,
    Item,
    Node,
    ProjectInfo,
    Unreadable,
    Wire,
)

Listener = Callable[[Change], None]
T = TypeVar("T")


class Graph:
    """One graph of a document, to read. Only `Document.apply` writes to it."""

    def __init__(self, info: GraphInfo) -> None:
        self._info = info
        self._nodes: dict[str, Node] = {}
        self._wires: dict[str, Wire] = {}
        self._frames: dict[str, Frame] = {}
        self._unreadable: dict[str, Unreadable] = {}
        self._into: dict[str, dict[str, Wire]] = {}
        self._out_of: dict[str, dict[str, Wire]] = {}
        self.nodes: Mapping[str, Node] = MappingProxyType(self._nodes)
        self.wires: Mapping[str, Wire] = MappingProxyType(self._wires)
        self.frames: Mapping[str, Frame] = MappingProxyType(self._frames)
        self.unreadable: Mapping[str, Unreadable] = MappingProxyType(self._unreadable)
        self._worked_out: dict[str, Any] = {}

    @property
    def id(self) -> str:
        return self._info.id

    @property
    def info(self) -> GraphInfo:
        return self._info

    @property
    def name(self) -> str:
        return self._info.name

    @property
    def kind(self) -> GraphKind:
        return self._info.kind

    def ordered(self) -> list[Node]:
        """The nodes by `order`: the order in which they were added."""
        return list(self.worked_out("ordered", Graph._in_order))

    def _in_order(self) -> list[Node]:
        return sorted(self._nodes.values(), key=lambda node: (node.order, node.id))

    def worked_out(self, name: str, how: Callable[[Graph], T]) -> T:
        """What `how` says of the nodes and wires; it is asked again only after an edit of them.

        Nobody may change what comes back.
        """
        if name not in self._worked_out:
            self._worked_out[name] = how(self)
        found: T = self._worked_out[name]
        return found

    def contents(self) -> Iterator[Node | Wire | Frame | Unreadable]:
        """Everything in the graph, nodes before the wires that need them."""
        yield from self._nodes.values()
        yield from self._wires.values()
        yield from self._frames.values()
        yield from self._unreadable.values()

    def item(self, id: str) -> Node | Wire | Frame | Unreadable | None:
        """The node, wire, frame or unreadable entry with this id, if there is one."""
        return next((table[id] for table in self._tables() if id in table), None)

    def _tables(self) -> tuple[dict[str, Any], ...]:
        return self._nodes, self._wires, self._frames, self._unreadable

    def wire_into(self, node: str, port: str) -> Wire | None:
        """The wire that feeds this input port, if there is one."""
        return self._into.get(node, {}).get(port)

    def wires_into(self, node: str) -> list[Wire]:
        """The wires that feed this node."""
        return list(self._into.get(node, {}).values())

    def wires_out_of(self, node: str) -> list[Wire]:
        """The wires that leave this node."""
        return list(self._out_of.get(node, {}).values())

    def wires_at(self, nodes: Iterable[str]) -> list[Wire]:
        """The wires that touch any of these nodes, each once."""
        found: dict[str, Wire] = {}
        for node in nodes:
            for wire in (*self.wires_into(node), *self.wires_out_of(node)):
                found[wire.id] = wire
        return list(found.values())

    def named(self, name: str) -> Node | None:
        """The node with this name, if there is one."""
        return next((node for node in self._nodes.values() if node.name == name), None)

    def _copy(self) -> Graph:
        copy = Graph(self._info)
        for mine, its in zip(self._tables(), copy._tables(), strict=True):
            its.update(mine)
        copy._into.update({node: dict(wires) for node, wires in self._into.items()})
        copy._out_of.update({node: dict(wires) for node, wires in self._out_of.items()})
        return copy

    def _table(self, item: Item) -> dict[str, Any]:
        match item:
            case Node():
                return self._nodes
            case Wire():
                return self._wires
            case Frame():
                return self._frames
            case Unreadable():
                return self._unreadable
        raise ChangeError(f"a graph holds no {type(item).__name__}")

    def _put(self, item: Node | Wire | Frame | Unreadable) -> None:
        self._table(item)[item.id] = item
        self._worked_out.clear()
        if isinstance(item, Wire):
            self._into.setdefault(item.target, {})[item.target_port] = item
            self._out_of.setdefault(item.source, {})[item.id] = item

    def _drop(self, item: Node | Wire | Frame | Unreadable) -> None:
        del self._table(item)[item.id]
        self._worked_out.clear()
        if isinstance(item, Wire):
            del self._into[item.target][item.target_port]
            del self._out_of[item.source][item.id]
        elif isinstance(item, Node):
            self._into.pop(item.id, None)
            self._out_of.pop(item.id, None)


class Document:
    """A project in memory: its settings and its graphs."""

    def __init__(self, project: ProjectInfo | None = None) -> None:
        self._project = project or ProjectInfo()
        self._graphs: dict[str, Graph] = {}
        self._listeners: list[Listener] = []
        self._open = False
        self.graphs: Mapping[str, Graph] = MappingProxyType(self._graphs)
        self.beside = Beside()

    # -- reading ---------------------------------------------------------------------

    @property
    def project(self) -> ProjectInfo:
        return self._project

    def graph(self, id: str) -> Graph:
        """The graph with this id; `KeyError` if there is none."""
        return self._graphs[id]

    def of_kind(self, kind: GraphKind) -> list[Graph]:
        """The graphs of one kind, in their order."""
        found = [graph for graph in self._graphs.values() if graph.kind == kind]
        return sorted(found, key=lambda graph: (graph.info.order, graph.id))

    def network(self, name: str) -> Graph | None:
        """The network with this name, if there is one."""
        return next((graph for graph in self.of_kind("network") if graph.name == name), None)

    def block(self, name: str) -> Graph | None:
        """The block with this name, if there is one."""
        return next((graph for graph in self.of_kind("block") if graph.name == name), None)

    # -- the one door ----------------------------------------------------------------

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` after every change; the result unsubscribes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    @contextmanager
    def editing(self) -> Iterator[None]:
        """Opens the door. For `History` and loaders; everybody else uses `History.step`."""
        if self._open:
            raise ChangeError("a step is open already")
        self._open = True
        try:
            yield
        finally:
            self._open = False

    def apply(self, change: Change) -> None:
        """Make one change and tell the listeners; `ChangeError` leaves all as it was.

        A listener that fails keeps no other from hearing; its error is raised at the end.
        """
        if not self._open:
            raise ChangeError("an edit outside a step: use History.step")
        match change:
            case Added(graph, item):
                self._add(graph, item)
            case Removed(graph, item):
                self._remove(graph, item)
            case Changed(graph, before, after):
                self._change(graph, before, after)
        failure: Exception | None = None
        for listener in tuple(self._listeners):
            try:
                listener(change)
            except Exception as error:
                failure = failure or error
        if failure is not None:
            raise failure

    def _inside(self, graph: str) -> Graph:
        try:
            return self._graphs[graph]
        except KeyError:
            raise ChangeError(f"there is no graph {graph!r}") from None

    def _add(self, graph_id: str, item: Item) -> None:
        if isinstance(item, ProjectInfo):
            raise ChangeError("a document has one project")
        if isinstance(item, GraphInfo):
            if item.id in self._graphs or item.id != graph_id:
                raise ChangeError(f"the graph {item.id!r} is there already")
            self._graphs[item.id] = Graph(item)
            return
        graph = self._inside(graph_id)
        if any(item.id in table for table in graph._tables()):
            raise ChangeError(f"the id {item.id!r} is taken")
        if isinstance(item, Wire):
            self._check_wire(graph, item)
        graph._put(item)

    def _remove(self, graph_id: str, item: Item) -> None:
        if isinstance(item, ProjectInfo):
            raise ChangeError("a document has one project")
        graph = self._inside(graph_id)
        if isinstance(item, GraphInfo):
            if graph.info != item or any((graph.nodes, graph.frames, graph.unreadable)):
                raise ChangeError(f"the graph {item.name!r} is not empty")
            del self._graphs[item.id]
            return
        if graph._table(item).get(item.id) != item:
            raise ChangeError(f"{item.id!r} is not what the change removes")
        if isinstance(item, Node) and graph.wires_at([item.id]):
            raise ChangeError(f"the node {item.name!r} still has wires")
        graph._drop(item)

    def _change(self, graph_id: str, before: Item, after: Item) -> None:
        if type(before) is not type(after):
            raise ChangeError("a change keeps the type of its item")
        if isinstance(before, ProjectInfo) and isinstance(after, ProjectInfo):
            if self._project != before:
                raise ChangeError("the project is not what the change expects")
            self._project = after
            return
        assert not isinstance(before, ProjectInfo)
        assert not isinstance(after, ProjectInfo)
        if before.id != after.id:
            raise ChangeError("a change keeps the id of its item")
        graph = self._inside(graph_id)
        if isinstance(before, GraphInfo) and isinstance(after, GraphInfo):
            if graph.info != before or before.kind != after.kind:
                raise ChangeError(f"the graph {before.name!r} is not what the change expects")
            graph._info = after
            return
        assert not isinstance(before, GraphInfo)
        assert not isinstance(after, GraphInfo)
        if graph._table(before).get(before.id) != before:
            raise ChangeError(f"{before.id!r} is not what the change expects")
        if isinstance(before, Wire) and isinstance(after, Wire):
            graph._drop(before)
            try:
                self._check_wire(graph, after)
            except ChangeError:
                graph._put(before)
                raise
        graph._put(after)

    @staticmethod
    def _check_wire(graph: Graph, wire: Wire) -> None:
        for end in (wire.source, wire.target):
            if end not in graph.nodes:
                raise ChangeError(f"the wire {wire.id!r} has no node {end!r}")
        if graph.wire_into(wire.target, wire.target_port) is not None:
            name = graph.nodes[wire.target].name
            raise ChangeError(f"the port {wire.target_port!r} of {name!r} has a wire already")

    # -- copies ----------------------------------------------------------------------

    def items(self) -> Iterator[Added]:
        """What would have to be added to an empty document to get this one."""
        for graph in self._graphs.values():
            yield Added(graph.id, graph.info)
            for item in graph.contents():
                yield Added(graph.id, item)

    @staticmethod
    def of(project: ProjectInfo, items: Iterable[Added]) -> Document:
        """A document with these contents; `ChangeError` where they don't fit together."""
        document = Document(project)
        with document.editing():
            for change in items:
                document.apply(change)
        return document

    def copy(self) -> Document:
        """An independent document with equal contents and no listeners.

        Cheap: the values are shared, only the tables are copied. So a thread can write out
        what the window goes on editing.
        """
        copy = Document(self._project)
        copy._graphs.update({id: graph._copy() for id, graph in self._graphs.items()})
        copy.beside = self.beside
        return copy

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Document):
            return NotImplemented
        return self._project == other._project and self._contents() == other._contents()

    __hash__ = None  # type: ignore[assignment]

    def _contents(self) -> dict[str, tuple[Any, ...]]:
        return {
            id: (graph.info, graph._nodes, graph._wires, graph._frames, graph._unreadable)
            for id, graph in self._graphs.items()
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return Document.of, (self._project, tuple(self.items()))
