"""Classes of PyTorch's libraries that are no layers of the catalogue, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping

_CONTAINER = "A container: on the canvas that is wires, blocks and repetition."
_BASE = "A base class that can't run by itself."
_LAZY = "Sizes are taken from the input for every layer; the lazy class adds nothing."

NN_EXCEPTIONS: Mapping[str, str] = {
    "Module": _BASE,
    "RNNBase": _BASE,
    "RNNCellBase": _BASE,
    "Container": "Deprecated in favour of Module.",
    "NLLLoss2d": "Deprecated in favour of NLLLoss, which does the same.",
    "CrossMapLRN2d": "Its gradient is not that of its result; LocalResponseNorm's is.",
    "DataParallel": "A way to run a module on several devices, no layer of a network.",
    **dict.fromkeys(
        ("Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"), _CONTAINER
    ),
    **dict.fromkeys(
        (
            "LazyLinear",
            *(f"LazyConv{n}d" for n in (1, 2, 3)),
            *(f"LazyConvTranspose{n}d" for n in (1, 2, 3)),
            *(f"LazyBatchNorm{n}d" for n in (1, 2, 3)),
            *(f"LazyInstanceNorm{n}d" for n in (1, 2, 3)),
        ),
        _LAZY,
    ),
}
"""Module classes that `torch.nn` exports, by name."""

_EXTENSION = "Needs pyg-lib or torch-sparse, compiled extensions that PyG does not bring along."
_CUDA = "Needs cugraph or dgNN, which run on NVIDIA GPUs only."
_TYPES = "Takes dictionaries by kind of node and edge, which no wire carries."
_INNER = "A frame around another convolution, to be chosen beside it: use that one, with a sum."
_POSITIONS = "For points in space with networks of their own for positions; no plain x and edges."
_OBJECT = "Gives an object that describes the clusters beside the tensors, which no wire carries."
_HELPER = "Makes or searches edges and clusters of data once; not a layer that is trained."

GRAPH_EXCEPTIONS: Mapping[str, str] = {
    "MessagePassing": _BASE,
    **dict.fromkeys(
        ("SplineConv", "GravNetConv", "DynamicEdgeConv", "XConv", "PANConv"), _EXTENSION
    ),
    **dict.fromkeys(
        ("CuGraphSAGEConv", "CuGraphGATConv", "CuGraphRGCNConv", "FusedGATConv"), _CUDA
    ),
    **dict.fromkeys(("HGTConv", "HANConv", "HeteroConv"), _TYPES),
    **dict.fromkeys(("HeteroBatchNorm", "HeteroLayerNorm"), _TYPES),
    "HEATConv": "Takes kinds of nodes and of edges besides their features: data that few have.",
    **dict.fromkeys(("GPSConv", "DirGNNConv"), _INNER),
    **dict.fromkeys(
        ("PointNetConv", "PPFConv", "PointTransformerConv", "PointGNNConv"), _POSITIONS
    ),
    "DNAConv": "Takes the features of all layers before as V×layers×features, no plain x.",
    "MeshCNNConv": "Takes meshes whose edges have exactly four neighbours, in a given order.",
    "WLConv": "Numbers labels by hashing them: whole numbers come out, and nothing is learnt.",
    **dict.fromkeys(("EdgePooling", "ClusterPooling"), _OBJECT),
    "ASAPooling": "Makes edges between clusters with another convolution, as a sparse matrix.",
    "PANPooling": "Takes the sparse matrix that PANConv gives, which needs torch-sparse.",
    "MemPooling": "Gives dense clusters with their own loss, which is a method of the module.",
    **dict.fromkeys(
        (
            *("KNNIndex", "L2KNNIndex", "MIPSKNNIndex"),
            *("ApproxL2KNNIndex", "ApproxMIPSKNNIndex"),
            *("max_pool", "avg_pool", "max_pool_x", "avg_pool_x"),
            *("max_pool_neighbor_x", "avg_pool_neighbor_x"),
            *("graclus", "voxel_grid", "fps", "nearest"),
            *("knn", "knn_graph", "approx_knn", "approx_knn_graph", "radius", "radius_graph"),
        ),
        _HELPER,
    ),
}
"""What `torch_geometric.nn`'s conv, norm and pool export, by name."""
