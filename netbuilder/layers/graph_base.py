"""What layers of torch_geometric share: nodes, edges, and what stands on them.

A graph is `x` (V×features, a row a node) and `edge_index` (2×E, int64: from where, to
where). The sizes are those of one graph, or of several that are joined to one: nothing here
has a batch dim.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar, Literal

from netbuilder.errors import Fix
from netbuilder.graph.model import Json
from netbuilder.layers import code
from netbuilder.layers.base import Complaint, Family, Layer, Port, Types
from netbuilder.layers.checks import (
    bad_parameter,
    cast,
    check_floating,
    check_weights,
    differ,
    first_of,
    insert,
    leave_out,
    set_to,
    size_at,
)
from netbuilder.layers.dims import Symbolic

X = Port("x", "V×features: a row for each node.")
EDGES = Port("edge_index", "2×E, int64: the nodes from which and to which each edge goes.")
WEIGHTS = Port("edge_weight", "E: a number for each edge.", optional=True)
ATTRIBUTES = Port("edge_attr", "E×features: a row for each edge.", optional=True)
EDGE_ROWS = Port("edge_attr", "E×features: a row for each edge.")
EDGE_TYPES = Port("edge_type", "E, int64: the kind of each edge.")
BATCH_IDS = Port("batch", "V, int64: the graph that each node belongs to.", optional=True)

Aggregation = Literal["sum", "add", "mean", "min", "max", "mul"]
"""How what comes from the neighbours is joined."""

Act = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "tanh", "sigmoid"]
_ACTS = {
    "relu": "ReLU",
    "leaky_relu": "LeakyReLU",
    "elu": "ELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "tanh": "Tanh",
    "sigmoid": "Sigmoid",
}
Norm = Literal["batch_norm", "layer_norm"]

WEIGHTED = (X, EDGES, WEIGHTS)
NO_SIZES: Mapping[str, str] = MappingProxyType({})


def activation(name: Json) -> ast.expr:
    """The module of an activation by its short name."""
    return code.call(f"torch.nn.{_ACTS[str(name)]}")


def with_activation(layer: Layer, made: ast.expr | None) -> ast.expr | None:
    """The constructor with its `act` as the module that PyG takes, not as a name."""
    if isinstance(made, ast.Call):
        for argument in made.keywords:
            name = getattr(layer, "act", None)
            if argument.arg == "act" and name is not None:
                argument.value = activation(name)
    return made


def mlp(sizes: list[int], norm: str | None) -> ast.expr:
    """PyG's multi-layer perceptron with these sizes, the input's first."""
    named = {} if norm == "batch_norm" else {"norm": code.const(norm)}
    listed = ast.List([code.const(size) for size in sizes], ast.Load())
    return code.call("torch_geometric.nn.MLP", listed, **named)


class GraphLayer(Layer):
    """A layer over the nodes and edges of a graph."""

    family = Family.GRAPH
    needs_values = True
    in_pt2 = False
    inputs: ClassVar[tuple[Port, ...]] = (X, EDGES)
    positional: ClassVar[tuple[str, ...]] = ("in_channels", "out_channels")
    sizes: ClassVar[Mapping[str, str]] = MappingProxyType({"in_channels": "x"})
    """The port whose last size a parameter is."""
    node_ports: ClassVar[tuple[str, ...]] = ("x",)
    """Ports with a row of floating point numbers for each node."""
    edge_list: ClassVar[str] = "edge_index"
    weightless: ClassVar[bool] = False
    """Whether it has no weights, so that any floating point dtype will do."""

    def infer(self, inputs: Types) -> dict[str, Json]:
        found = {name: size_at(inputs, port, -1) for name, port in self.sizes.items()}
        return {name: size for name, size in found.items() if size is not None}

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self.choices(),
            *(self._rows(inputs, port) for port in self.node_ports),
            *(check_ids(self, inputs, p.name) for p in self.inputs if p.name.endswith("_index")),
            self._edge_numbers(inputs),
            check_per(self, inputs, "batch", "x", 0, "node"),
            self._last_sizes(inputs),
            self._attributes_used(inputs),
            self.fits(inputs),
            self._kept(inputs),
        )

    def choices(self) -> Iterator[Complaint]:
        """Complaints about parameters that don't fit each other."""
        return iter(())

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        """Complaints about what comes in, once its form is right."""
        return iter(())

    def _rows(self, inputs: Types, port: str) -> Iterator[Complaint]:
        tensor = inputs.get(port)
        if tensor is None:
            return
        if tensor.rank != 2:
            hint = "Give the Input two sizes, nodes and features, and switch its batch dim off."
            yield Complaint(
                f"{self.title} takes a row for each node, V×features, gets {tensor}.",
                hint,
                port,
                code="shape.rank",
            )
            return
        yield from (
            check_floating(self, inputs, port)
            if self.weightless
            else check_weights(self, inputs, port)
        )
        first = inputs.get(self.node_ports[0])
        if first is not None and first.rank and differ(first.shape[0], tensor.shape[0]):
            yield Complaint(
                f"{self.title} gets {first.shape[0]} nodes in {self.node_ports[0]} and "
                f"{tensor.shape[0]} in {port}.",
                "Both must have a row for each node.",
                port,
            )

    def _edge_numbers(self, inputs: Types) -> Iterator[Complaint]:
        edges = self.edge_list
        for port in self.inputs:
            if port.name == "edge_attr":
                yield from check_per(self, inputs, port.name, edges, 1, "edge", "E×features")
            elif port.name in ("edge_weight", "edge_type"):
                yield from check_per(self, inputs, port.name, edges, 1, "edge")

    def _last_sizes(self, inputs: Types) -> Iterator[Complaint]:
        for name, port in self.sizes.items():
            tensor, wanted = inputs.get(port), getattr(self, name)
            if tensor is not None and wanted is not None and tensor.shape[-1] != wanted:
                yield Complaint(
                    f"{self.title} expects {wanted} features in {port}, gets {tensor.shape[-1]}.",
                    f"Leave {name} empty to take it from the input, or change what comes in.",
                    port,
                    fixes=(leave_out(name),) if isinstance(tensor.shape[-1], int) else (),
                )
                return

    def _attributes_used(self, inputs: Types) -> Iterator[Complaint]:
        """PyG ignores edge_attr in silence where edge_dim is empty."""
        tensor, name = inputs.get("edge_attr"), self.edge_size
        if tensor is None or not name:
            return
        found, wanted = tensor.shape[-1], getattr(self, name)
        if found != wanted and isinstance(found, int):
            told = "ignores edge_attr: set" if wanted is None else f"expects {wanted} features:"
            yield Complaint(
                f"{self.title} {told} {name} to its {found} features."
                if wanted is None
                else f"{self.title} {told} edge_attr has {found}.",
                f"Set {name} to {found}.",
                "edge_attr",
                fixes=(set_to(name, found),),
            )

    edge_size: ClassVar[str] = ""
    """The parameter that must be the number of features in `edge_attr`, where it is wired."""

    def _kept(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("x")
        varies = tensor is not None and isinstance(tensor.shape[0], Symbolic)
        if varies and getattr(self, "cached", False):
            yield Complaint(
                f"{self.title} with cached keeps the edges of the first graph for all others.",
                "Switch cached off, unless the network sees one graph only.",
                "x",
                code="graph.cached",
                severity="warning",
                fixes=(set_to("cached", False),),
            )

    def saves_output(self) -> bool:
        return True  # as maxima do

    def subtitle(self) -> str:
        out = getattr(self, "out_channels", None)
        return "" if out is None else str(out)

    def onnx_refusal(self) -> str:
        if not getattr(self, "cached", False):
            return ""
        return "With cached the file would hold the edges of one graph for ever."


def check_ids(layer: Layer, inputs: Types, port: str) -> Iterator[Complaint]:
    """Complains about edges that are not 2×E whole numbers, or name nodes that are not there."""
    tensor = inputs.get(port)
    if tensor is None:
        return
    if tensor.rank != 2 or differ(tensor.shape[0], 2):
        turned = tensor.rank == 2 and tensor.shape[1] == 2
        yield Complaint(
            f"{layer.title} takes edges as 2×E, gets {tensor}.",
            "Transpose it: the first row says from where, the second to where."
            if turned
            else "Give the Input the sizes 2 and E, and switch its batch dim off.",
            port,
            code="shape.rank",
            fixes=(insert("Transpose", port, "torch.transpose", dim0=0, dim1=1),) if turned else (),
        )
        return
    yield from _whole(layer, inputs, port, "The edges", "node numbers")
    nodes = inputs.get("x")
    count = nodes.shape[0] if nodes is not None and nodes.rank else None
    if isinstance(count, int) and tensor.high is not None and tensor.high > count:
        yield Complaint(
            f"Edges name nodes up to {tensor.high - 1}, but x has {count} rows.",
            "Give x a row for each node, or the edges' Input a smaller bound.",
            port,
        )


def _whole(layer: Layer, inputs: Types, port: str, what: str, kind: str) -> Iterator[Complaint]:
    tensor = inputs[port]
    if tensor.dtype != "int64":
        yield Complaint(
            f"{what} of {layer.title} are {kind} (int64), gets {tensor.dtype}.",
            "Set the Input's dtype to int64, or convert it.",
            port,
            code="dtype.mismatch",
            fixes=(cast(port, "int64"),),
        )


def check_per(
    layer: Layer, inputs: Types, port: str, of: str, dim: int, unit: str, layout: str = ""
) -> Iterator[Complaint]:
    """Complains if `port` has not an entry for each node or edge: dim `dim` of port `of`.

    An entry is a number; a row of numbers where a `layout` such as `E×features` is given.
    """
    tensor, base = inputs.get(port), inputs.get(of)
    if tensor is None:
        return
    rank = 2 if layout else 1
    if tensor.rank != rank:
        form = layout or f"one number for each {unit}"
        fixes: tuple[Fix, ...] = ()
        if rank == 1 and tensor.rank == 2 and tensor.shape[1] == 1:
            fixes = (insert("Remove the dim of size 1", port, "torch.squeeze", dim=1),)
        elif rank == 2 and tensor.rank == 1:
            fixes = (insert("Insert a dim at 1", port, "torch.unsqueeze", dim=1),)
        yield Complaint(
            f"{layer.title} takes {form} as {port}, gets {tensor}.",
            "Reshape it, or switch the batch dim of its Input off.",
            port,
            code="shape.rank",
            fixes=fixes,
        )
        return
    if base is not None and base.rank > dim and differ(tensor.shape[0], base.shape[dim]):
        yield Complaint(
            f"{layer.title} gets {tensor.shape[0]} entries in {port} for {base.shape[dim]} "
            f"{unit}s.",
            f"There must be one for each {unit}.",
            port,
        )
    elif port in ("batch", "edge_type", "node_type"):
        yield from _whole(layer, inputs, port, f"The entries of {port}", "numbers")
    elif getattr(layer, "weightless", False):
        yield from check_floating(layer, inputs, port)
    else:
        yield from check_weights(layer, inputs, port)


def empty(name: str) -> Fix:
    """A fix that leaves a parameter empty."""
    return Fix(f"Leave {name} empty", "unset_parameter", {"name": name})


def needs_attributes(layer: GraphLayer, inputs: Types) -> Iterator[Complaint]:
    """Complains if the layer has weights for edge_attr, which is not wired."""
    if getattr(layer, "edge_dim", None) is not None and "edge_attr" not in inputs:
        yield Complaint(
            f"{layer.title} with edge_dim needs edge_attr.",
            "Wire it, or leave edge_dim empty.",
            fixes=(empty("edge_dim"),),
        )


def known_types(layer: GraphLayer, inputs: Types) -> Iterator[Complaint]:
    """Complains about kinds of edges beyond num_relations, and how weights are saved."""
    bases, blocks = getattr(layer, "num_bases", None), getattr(layer, "num_blocks", None)
    if bases is not None and blocks is not None:
        yield bad_parameter(
            f"{layer.title} has both num_bases and num_blocks.",
            "Leave one of them empty.",
            empty("num_blocks"),
        )
        return
    if blocks is not None:
        for name in ("in_channels", "out_channels"):
            size = getattr(layer, name)
            if size is not None and size % blocks:
                yield bad_parameter(
                    f"{size} {name} can't be split into {blocks} blocks.",
                    "Choose num_blocks so that it divides both sizes, or leave it empty.",
                    empty("num_blocks"),
                )
                return
    kinds, tensor = getattr(layer, "num_relations", 1), inputs.get("edge_type")
    if tensor is not None and tensor.high is not None and tensor.high > kinds:
        yield Complaint(
            f"Kinds of edges up to {tensor.high - 1} come in, but num_relations is {kinds}.",
            f"Set num_relations to {tensor.high}.",
            "edge_type",
            fixes=(set_to("num_relations", tensor.high),),
        )
