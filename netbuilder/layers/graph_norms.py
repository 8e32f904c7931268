"""Normalisation of the features of nodes."""

from __future__ import annotations

from types import MappingProxyType
from typing import ClassVar, Literal

from netbuilder.layers.base import Inferred, Port, Positive, Probability, Real, Size, start_with
from netbuilder.layers.graph_base import BATCH_IDS, NO_SIZES, GraphLayer, X


class _NodeNorm(GraphLayer):
    """Statistics over the nodes of each graph; `batch` says which graph a node belongs to."""

    inputs: ClassVar[tuple[Port, ...]] = (X, BATCH_IDS)
    positional: ClassVar[tuple[str, ...]] = ("in_channels",)
    same_type = "x"


class BatchNorm(_NodeNorm):
    """Normalises each feature over all nodes, as BatchNorm1d.

    `allow_single_element` lets a graph of one node pass in training. `momentum` is how fast
    the running averages follow.
    """

    id = "torch_geometric.nn.BatchNorm"
    title = "BatchNorm (nodes)"
    keywords = "batch normalization bn graph gnn"
    inputs = (X,)

    in_channels: Inferred = None
    eps: Positive = 1e-05
    momentum: Probability | None = 0.1
    affine: bool = True
    track_running_stats: bool = True
    allow_single_element: bool = False


class InstanceNorm(_NodeNorm):
    """Normalises each feature over the nodes of each graph on its own.

    Wire `batch` where several graphs are joined. `affine` adds a learnt scale and offset.
    """

    id = "torch_geometric.nn.InstanceNorm"
    title = "InstanceNorm (nodes)"
    keywords = "instance normalization graph gnn"

    in_channels: Inferred = None
    eps: Positive = 1e-05
    momentum: Probability = 0.1
    affine: bool = False
    track_running_stats: bool = False


class LayerNorm(_NodeNorm):
    """Normalises all features of each graph together, or of each node (`mode` node).

    Wire `batch` where several graphs are joined and mode is graph.
    """

    id = "torch_geometric.nn.LayerNorm"
    title = "LayerNorm (nodes)"
    keywords = "layer normalization ln graph gnn"

    in_channels: Inferred = None
    eps: Positive = 1e-05
    affine: bool = True
    mode: Literal["graph", "node"] = "graph"


class GraphNorm(_NodeNorm):
    """Normalises each feature over each graph, and learns how much of the mean to keep.

    Wire `batch` where several graphs are joined. Cai and others, 2021.
    """

    id = "torch_geometric.nn.GraphNorm"
    title = "GraphNorm"
    keywords = "graph normalization mean shift gnn"

    in_channels: Inferred = None
    eps: Positive = 1e-05


class GraphSizeNorm(_NodeNorm):
    """Divides each node's features by the root of the number of nodes in its graph.

    Dwivedi and others, 2020.
    """

    id = "torch_geometric.nn.GraphSizeNorm"
    title = "GraphSizeNorm"
    keywords = "graph size normalization gnn"
    positional = ()
    sizes = NO_SIZES
    weightless = True


class PairNorm(_NodeNorm):
    """Keeps the distances between nodes, so that deep networks do not make them all alike.

    `scale` is how far apart they are kept, `scale_individually` gives all rows one length.
    Zhao and Akoglu, 2020.
    """

    id = "torch_geometric.nn.PairNorm"
    title = "PairNorm"
    keywords = "oversmoothing distance normalization graph gnn"
    positional = ()
    sizes = NO_SIZES
    weightless = True

    scale: Real = 1.0
    scale_individually: bool = False
    eps: Positive = 1e-05


class MeanSubtractionNorm(_NodeNorm):
    """Takes the mean over the nodes of each graph away from every feature.

    Wire `batch` where several graphs are joined. Yang and others, 2020.
    """

    id = "torch_geometric.nn.MeanSubtractionNorm"
    title = "MeanSubtractionNorm"
    keywords = "center mean oversmoothing normalization graph gnn"
    positional = ()
    sizes = NO_SIZES
    weightless = True


class MessageNorm(_NodeNorm):
    """Gives what came from the neighbours, `msg`, the length of the node's own features.

    `learn_scale` learns a factor. Li and others, 2020.
    """

    id = "torch_geometric.nn.MessageNorm"
    title = "MessageNorm"
    keywords = "message length normalization deepergcn graph gnn"
    inputs = (X, Port("msg", "V×features: what came from the neighbours."))
    node_ports = ("x", "msg")
    positional = ()
    sizes = NO_SIZES
    same_type = "msg"

    learn_scale: bool = False


class DiffGroupNorm(_NodeNorm):
    """Sorts nodes into `groups` softly and normalises each; a share `lamda` of it is added.

    Keeps groups apart in deep networks. Zhou and others, 2020.
    """

    id = "torch_geometric.nn.DiffGroupNorm"
    title = "DiffGroupNorm"
    keywords = "differentiable group normalization oversmoothing graph gnn"
    inputs = (X,)
    positional = ("in_channels", "groups")
    sizes = MappingProxyType({"in_channels": "x"})
    starting = start_with(groups=10)

    in_channels: Inferred = None
    groups: Size
    lamda: Real = 0.01
    eps: Positive = 1e-05
    momentum: Probability = 0.1
    affine: bool = True
    track_running_stats: bool = True
