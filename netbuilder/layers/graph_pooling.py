"""Pooling over graphs: one row for each graph, or the nodes that matter."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Inferred,
    Port,
    Ports,
    Real,
    Size,
    Targets,
    TensorType,
    Types,
)
from netbuilder.layers.checks import BATCH
from netbuilder.layers.dims import Dim, symbol
from netbuilder.layers.graph_base import (
    ATTRIBUTES,
    BATCH_IDS,
    EDGES,
    NO_SIZES,
    GraphLayer,
    X,
    empty,
)

Ratio = Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)] | Size
"""A share of the nodes, or how many of them."""


class _GlobalPooling(GraphLayer):
    """One row for each graph; PyG has these as functions."""

    inputs = (X, BATCH_IDS)
    positional = ()
    sizes = NO_SIZES
    weightless = True

    size: Size | None = None

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        batch = inputs.get("batch", code.const(None))
        named = {} if self.size is None else {"size": code.const(self.arguments()["size"])}
        return code.call(self.id, inputs["x"], batch, **named)

    def output_types(self, inputs: Types) -> Mapping[str, TensorType]:
        x = inputs["x"]
        return {"output": TensorType((self._graphs(inputs), *x.shape[1:]), x.dtype)}

    def _graphs(self, inputs: Types) -> Dim:
        """How many graphs come out: the samples of a batch of graphs."""
        if "batch" not in inputs:
            return 1
        if self.size is not None:
            return self.size
        rows = inputs["x"].shape[0]
        # Where the nodes themselves are the samples, graphs are something else.
        return symbol("G") if rows == BATCH else BATCH

    def fits(self, inputs: Types) -> Iterator[Complaint]:
        if self.size is not None and "batch" not in inputs:
            yield Complaint(
                f"{self.title} counts graphs (size) only where batch says which there are.",
                "Wire batch, or leave size empty.",
                fixes=(empty("size"),),
            )

    def subtitle(self) -> str:
        return "" if self.size is None else f"{self.size} graphs"


class GlobalMeanPool(_GlobalPooling):
    """The mean of the nodes of each graph: from V×features to a row for each graph.

    `batch` says which graph each node belongs to; without it there is one. `size` is the
    number of graphs where the last may have no nodes.
    """

    id = "torch_geometric.nn.global_mean_pool"
    title = "global_mean_pool"
    keywords = "readout graph classification average pooling gnn"


class GlobalAddPool(_GlobalPooling):
    """The sum of the nodes of each graph: from V×features to a row for each graph.

    Keeps how many nodes there were. `batch` says which graph each node belongs to; without
    it there is one. `size` is the number of graphs where the last may have no nodes.
    """

    id = "torch_geometric.nn.global_add_pool"
    title = "global_add_pool"
    keywords = "readout graph classification sum pooling gnn"


class GlobalMaxPool(_GlobalPooling):
    """The largest of each feature over the nodes of each graph: a row for each graph.

    `batch` says which graph each node belongs to; without it there is one. `size` is the
    number of graphs where the last may have no nodes.
    """

    id = "torch_geometric.nn.global_max_pool"
    title = "global_max_pool"
    keywords = "readout graph classification maximum pooling gnn"


class _SelectedNodes(GraphLayer):
    """Keeps the nodes with the highest scores, and the edges between them."""

    inputs = (X, EDGES, ATTRIBUTES, BATCH_IDS)
    outputs = (
        Port("x", "The nodes that are kept, times their scores."),
        Port("edge_index", "The edges between them, renumbered."),
        Port("edge_attr", "Their rows; nothing if none came in."),
        Port("batch", "The graph that each of them belongs to."),
        Port("perm", "Their numbers before."),
        Port("score", "Their scores."),
    )
    returns: ClassVar[Targets] = ("x", "edge_index", "edge_attr", "batch", "perm", "score")
    positional = ("in_channels",)

    in_channels: Inferred = None
    ratio: Ratio = 0.5

    def ports(self) -> Ports:
        return Ports(self.inputs, self.outputs)

    def output_types(self, inputs: Types) -> Mapping[str, TensorType]:
        x, edges, rows = inputs["x"], inputs["edge_index"], inputs.get("edge_attr")
        kept, left = _fewer(x.shape[0], "nodes"), _fewer(edges.shape[1], "edges")
        graphs = inputs["batch"].high if "batch" in inputs else 1
        found = {
            "x": TensorType((kept, *x.shape[1:]), x.dtype),
            "edge_index": TensorType((2, left), "int64"),
            "batch": TensorType((kept,), "int64", graphs),
            "perm": TensorType((kept,), "int64"),
            "score": TensorType((kept,), x.dtype),
        }
        if rows is not None:
            found["edge_attr"] = TensorType((left, *rows.shape[1:]), rows.dtype)
        return found

    def onnx_refusal(self) -> str:
        if getattr(self, "min_score", None) is not None:
            return ""
        return "PyTorch's exporter has no stable sorting, which ratio needs; min_score goes."

    def subtitle(self) -> str:
        score = getattr(self, "min_score", None)
        return f"ratio {self.ratio:g}" if score is None else f"score over {score:g}"


def _fewer(count: Dim, what: str) -> Dim:
    """A size of its own for what is left of `count`: it depends on the numbers."""
    name = str(count)
    return symbol(f"{name}_kept" if name.isidentifier() else f"{what}_kept")


class TopKPooling(_SelectedNodes):
    """Keeps the share `ratio` of the nodes of each graph that score best along a direction.

    The direction is learnt. With `min_score` those that score more are kept instead. Gao
    and Ji, 2019.
    """

    id = "torch_geometric.nn.TopKPooling"
    title = "TopKPooling"
    keywords = "graph u-net hierarchical select nodes pooling gnn"

    min_score: Real | None = None
    multiplier: Real = 1.0
    nonlinearity: Literal["tanh", "relu", "sigmoid", "softmax"] = "tanh"


class SAGPooling(_SelectedNodes):
    """Keeps the share `ratio` of the nodes of each graph that a graph convolution scores best.

    With `min_score` those that score more are kept instead. Lee and others, 2019.
    """

    id = "torch_geometric.nn.SAGPooling"
    title = "SAGPooling"
    keywords = "self-attention graph hierarchical select nodes pooling gnn"

    GNN: Literal["GraphConv", "GCNConv", "SAGEConv", "LEConv"] = "GraphConv"
    min_score: Real | None = None
    multiplier: Real = 1.0
    nonlinearity: Literal["tanh", "relu", "sigmoid"] = "tanh"

    def constructor(self) -> ast.expr | None:
        made = super().constructor()
        assert isinstance(made, ast.Call)
        for argument in made.keywords:
            if argument.arg == "GNN":
                argument.value = code.dotted(f"torch_geometric.nn.{self.GNN}")
        return made
