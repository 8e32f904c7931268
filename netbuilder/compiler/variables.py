"""Names of the variables in `forward`: those of the nodes, `x` in a chain, fresh ones beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from netbuilder.compiler.program import Site
from netbuilder.compiler.text import ALIAS_NAMES
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.layers.base import Layer, Role, Targets
from netbuilder.layers.callers import Caller

Value = tuple[str, str]
"""A node's id and an output port: what a variable holds."""

CHAINS = ("x", "y", "z")
"""Variables that a value goes to when the very next call is all that needs it: the first one
that no node is called by."""

SILENT = frozenset({Role.INPUT, Role.DATA, Role.OUTPUT, Role.OBJECTIVE, Role.METRIC, Role.PREVIEW})
"""Roles that are arguments or results of `forward` rather than calls in it."""

_TAKEN = ALIAS_NAMES | {"self", "torch", "torchmetrics", "math", "float", "slice", "module"}


class Variables:
    """The variables of one graph's `forward`. `order` are the nodes that are needed, sorted."""

    def __init__(
        self,
        graph: Graph,
        layers: Mapping[str, Layer],
        order: Sequence[Node],
        names: Mapping[str, str],
    ) -> None:
        self._layers = layers
        self._names = names
        self._readers: dict[Value, set[str]] = {}
        """Which nodes that are needed read an output."""
        used = {node.id for node in order}
        for wire in graph.wires.values():
            if wire.target in used:
                self._readers.setdefault((wire.source, wire.source_port), set()).add(wire.target)
        self._known: dict[Value, str] = {}
        self._local: set[str] = set()
        """Variables inside the code of one call."""
        running = [node for node in order if layers[node.id].role not in SILENT]
        self.number = {node.id: i for i, node in enumerate(running)}
        """Where each call stands among the calls."""
        called = (layer.function() for layer in layers.values() if isinstance(layer, Caller))
        functions = {name.rpartition(".")[2] for name in called if name}
        self._taken = _TAKEN | functions | ({"previews"} if graph.kind == "step" else set())
        free = (name for name in CHAINS if name not in names.values())
        self._chain = next(free, "") or _free(CHAINS[0], {*names.values()})

    def __getitem__(self, value: Value) -> str:
        return self._known[value]

    def begin(self, node: Node, wanted: str) -> str:
        """The argument of `forward` that a node's value comes in as."""
        name = self._legal(wanted)
        self._known[node.id, "output"] = name
        return name

    def local(self, wanted: str) -> str:
        """A variable of no node, used nowhere else."""
        taken = {*self._names.values(), *self._known.values(), *self._local, self._chain}
        name = _free(self._legal(wanted), taken)
        self._local.add(name)
        return name

    def hold(self, site: Site, port: str, name: str) -> None:
        """Says which variable holds an output."""
        self._known[site.node.id, port] = name

    def wired(self, node: Node, port: str) -> bool:
        """Whether something that is needed reads an output."""
        return (node.id, port) in self._readers

    def assign(
        self,
        site: Site,
        outputs: Sequence[str] | None = None,
        kept: Iterable[str] = (),
    ) -> str:
        """Chooses the variables of a node's outputs (those that are used), none of them `kept`.

        Returns what is assigned to.
        """
        kept = set(kept)
        outputs = site.outputs if outputs is None else outputs
        for port in outputs:
            self.hold(site, port, self._variable(site.node, port, outputs, kept))
        if site.layer.role in (Role.CALL, Role.BLOCK):
            names = tuple(port.name for port in site.ports.outputs)
            shape: Targets = names if len(names) != 1 else names[0]
        else:
            shape = site.layer.targets()
        return self._targets(site.node, shape)

    def choose(self, site: Site, port: str) -> str:
        """Chooses the variable of one output."""
        name = self._variable(site.node, port, site.outputs, set())
        self.hold(site, port, name)
        return name

    def _targets(self, node: Node, shape: Targets) -> str:
        if isinstance(shape, str):
            return self._known.get((node.id, shape), "_")
        parts = [self._targets(node, part) for part in shape]
        if all(part == "_" for part in parts):
            return "_"
        if len(parts) == 1:
            return f"({parts[0]},)"
        inner = [part if "," not in part else f"({part})" for part in parts]
        return ", ".join(inner)

    def _variable(self, node: Node, port: str, outputs: Sequence[str], kept: set[str]) -> str:
        readers = self._readers.get((node.id, port), set())
        if len(outputs) == 1 and self._only_next(node, readers) and self._chain not in kept:
            return self._chain
        name = self._names[node.id] if len(outputs) == 1 else f"{self._names[node.id]}_{port}"
        taken = {variable for key, variable in self._known.items() if key[0] != node.id}
        return _free(self._legal(name), taken | self._local)

    def _only_next(self, node: Node, readers: set[str]) -> bool:
        """Whether the value is read by the next call alone, or at the very end alone."""
        if len(readers) != 1:
            return False
        (reader,) = readers
        at = self.number[node.id]
        if reader in self.number:
            return self.number[reader] == at + 1
        if self._layers[reader].role is not Role.OUTPUT:
            return False
        return at + 1 == len(self.number)

    def _legal(self, name: str) -> str:
        return f"{name}_" if name in self._taken else name


def _free(wanted: str, taken: set[str]) -> str:
    while wanted in taken:
        wanted += "_"
    return wanted
