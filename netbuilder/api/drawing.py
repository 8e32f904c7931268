"""Networks, blocks and training steps to build: nodes are added by layer, and wired."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from netbuilder.errors import ChangeError
from netbuilder.graph import edits
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Json, Node
from netbuilder.graph.rules import End
from netbuilder.layers import catalogue, own

if TYPE_CHECKING:
    from netbuilder.api.project import Project


@dataclass(frozen=True, slots=True)
class PortRef:
    """One port of a node, by name."""

    node: NodeRef
    name: str


@dataclass(frozen=True, slots=True)
class NodeRef:
    """A node that was added; `node["input"]` is its port."""

    id: str
    graph: GraphRef

    def __getitem__(self, port: str) -> PortRef:
        return PortRef(self, port)

    @property
    def node(self) -> Node:
        """The node as it is now; `KeyError` if it was removed."""
        return self.graph.graph.nodes[self.id]

    @property
    def name(self) -> str:
        return self.node.name

    def set(self, **params: Json) -> NodeRef:
        """Set parameters; None leaves one out again."""
        history = self.graph.project.history
        edits.set_parameters(history, self.graph.graph, [self.id], params)
        return self


class GraphRef:
    """A network, a block or a training step, to build."""

    def __init__(self, project: Project, graph: Graph) -> None:
        self.project = project
        self.graph = graph

    @property
    def name(self) -> str:
        return self.graph.name

    @property
    def nodes(self) -> list[NodeRef]:
        """The nodes in the order in which they were added."""
        return [NodeRef(node.id, self) for node in self.graph.ordered()]

    def __getitem__(self, name: str) -> NodeRef:
        """The node with this name; `KeyError` if there is none."""
        node = self.graph.named(name)
        if node is None:
            raise KeyError(name)
        return NodeRef(node.id, self)

    def add(
        self,
        layer: str,
        *,
        name: str = "",
        at: tuple[float, float] | None = None,
        **params: Json,
    ) -> NodeRef:
        """A new node of the layer with this id, below the last one unless `at` says where.

        `ChangeError` if the layer is unknown or the name is taken.
        """
        load_packages([layer])
        with own.using(self.project.document.project):
            known = catalogue.find(layer)
        if known is None:
            raise ChangeError(f"There is no layer '{layer}'; see `netbuilder layers`.")
        lowest = max((node.y for node in self.graph.nodes.values()), default=-96.0)
        x, y = at or (0.0, lowest + 96.0)
        node = edits.add_node(
            self.project.history, self.graph, layer, name=name, params=params, x=x, y=y
        )
        return NodeRef(node.id, self)

    def connect(self, source: NodeRef | PortRef, target: NodeRef | PortRef) -> None:
        """Wire an output to an input.

        A node stands for its first output, or for its first input that has no wire yet; a
        named input that has a wire gets the new one. `ChangeError` says why they don't fit.
        """
        history, ports_of = self.project.history, catalogue.ports_of
        edits.connect(history, self.graph, self._output(source), self._input(target), ports_of)

    def _output(self, source: NodeRef | PortRef) -> End:
        if isinstance(source, PortRef):
            return End(source.node.id, source.name)
        ports = catalogue.ports_of(self.project.document, self.graph, source.node).outputs
        if not ports:
            raise ChangeError(f"'{source.name}' has no output.")
        return End(source.id, ports[0].name)

    def _input(self, target: NodeRef | PortRef) -> End:
        if isinstance(target, PortRef):
            return End(target.node.id, target.name)
        for port in catalogue.ports_of(self.project.document, self.graph, target.node).inputs:
            if self.graph.wire_into(target.id, port.name) is None:
                return End(target.id, port.name)
        raise ChangeError(f"'{target.name}' has no free input; name the one to replace.")


def load_packages(needed: Iterable[str]) -> None:
    """Loads the layers of installed packages if one is needed; each is tried apart before."""
    from netbuilder.engine import plugins

    plugins.load_for(needed)
