"""Layers of graphs for the exporters: no size follows from numbers, and results are PyG's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from netbuilder.compiler.libraries import quietly
from netbuilder.engine import tasks
from netbuilder.exchange import departing, graph_layers, onnx_export
from netbuilder.exchange.options import ExportOptions
from netbuilder.exchange.specs import TensorSpec
from tests.drawing import Drawing
from tests.exchange.around import go_around, layers

PYG = "torch_geometric.nn."
NODES = 7
EDGES = torch.tensor([[0, 1, 2, 2, 2, 4, 4, 0, 3, 0], [1, 2, 2, 0, 2, 1, 4, 1, 0, 0]])
"""Two loops at node 2, one at 4 and 0, an edge that comes twice; 5 and 6 have none, 3 no loop."""
WEIGHTS = torch.tensor([0.5, 1.0, 2.0, 0.3, 3.0, 0.7, -0.2, 0.9, 1.5, 0.4])
KINDS = torch.tensor([0, 1, 0, 2, 2, 1, 1, 0, 0, 2])
ROWS = torch.randn(len(WEIGHTS), 2, generator=torch.Generator().manual_seed(3))
X = torch.randn(NODES, 4, generator=torch.Generator().manual_seed(2))

Given = dict[str, Any]
WEIGHED: Given = {"edge_weight": WEIGHTS}
POSITIVE: Given = {"edge_weight": WEIGHTS.abs()}
KIND: Given = {"edge_type": KINDS}
ATTRIBUTES: Given = {"edge_attr": ROWS}
CASES: list[tuple[str, tuple[Any, ...], Given, Given]] = [
    ("GCNConv", (4, 3), {}, {}),
    ("GCNConv", (4, 3), {"improved": True}, POSITIVE),
    ("GCNConv", (4, 3), {}, WEIGHED),
    ("GCN2Conv", (4, 0.5), {}, {"x_0": X.flip(0), **POSITIVE}),
    ("GATConv", (4, 3), {"heads": 2}, {}),
    ("GATConv", (4, 3), {"heads": 2, "edge_dim": 2, "fill_value": "mean"}, ATTRIBUTES),
    ("GATConv", (4, 3), {"edge_dim": 2, "fill_value": "max"}, ATTRIBUTES),
    ("GATConv", (4, 3), {"edge_dim": 2, "fill_value": 0.5}, ATTRIBUTES),
    ("GATv2Conv", (4, 3), {"heads": 2, "edge_dim": 2, "fill_value": "add"}, ATTRIBUTES),
    ("SuperGATConv", (4, 3), {}, {}),
    ("AGNNConv", (), {}, {}),
    ("FeaStConv", (4, 3), {"heads": 2}, {}),
    ("FAConv", (4,), {}, {"x_0": X.flip(0)}),
    ("SGConv", (4, 3), {"K": 2}, WEIGHED),
    ("SSGConv", (4, 3, 0.1), {"K": 2}, POSITIVE),
    ("APPNP", (3, 0.1), {}, POSITIVE),
    ("MixHopConv", (4, 3), {}, POSITIVE),
    ("EGConv", (4, 8), {"num_heads": 2, "aggregators": ["mean", "max", "min"]}, {}),
    ("EGConv", (4, 8), {"num_heads": 2, "aggregators": ["symnorm"]}, {}),
    ("PDNConv", (4, 3, 2, 5), {}, ATTRIBUTES),
    ("AntiSymmetricConv", (4,), {}, {}),
    ("ChebConv", (4, 3, 3), {}, POSITIVE),
    ("ChebConv", (4, 3, 3), {}, WEIGHED),
    ("ChebConv", (4, 3, 3), {"normalization": None}, {}),
    ("ChebConv", (4, 3, 3), {"normalization": None}, WEIGHED),
    ("ChebConv", (4, 3, 2), {"normalization": "rw"}, POSITIVE),
    ("ClusterGCNConv", (4, 3), {"diag_lambda": 0.5}, {}),
    ("MFConv", (4, 3), {"max_degree": 2}, {}),
    ("RGCNConv", (4, 3, 3), {}, KIND),
    ("RGCNConv", (4, 2, 3), {"num_blocks": 2, "aggr": "max"}, KIND),
    ("FiLMConv", (4, 3, 3), {}, KIND),
    ("RGATConv", (4, 3, 3), {"attention_mechanism": "within-relation", "heads": 2}, KIND),
]


def made(name: str, args: tuple[Any, ...], params: Given) -> nn.Module:
    torch.manual_seed(4)
    kind = getattr(quietly("torch_geometric.nn"), name)
    module: nn.Module = kind(*args, **params)
    with torch.no_grad():
        for weight in module.parameters():
            weight.add_(0.1 * torch.randn_like(weight))  # biases begin with zeros
    return module.eval()


@pytest.mark.parametrize(("name", "args", "params", "more"), CASES)
def test_a_layer_that_keeps_all_edges_computes_the_same(
    name: str, args: tuple[Any, ...], params: Given, more: Given
) -> None:
    module = made(name, args, params)
    for edges in (EDGES, EDGES.roll(1, 1), EDGES.flip(1), EDGES[:, :0]):
        count = edges.shape[1]
        given = {key: value[:count] if key != "x_0" else value for key, value in more.items()}
        if not count and name == "RGATConv":
            continue  # PyG's own fails
        with torch.no_grad():
            right = module(X, edge_index=edges, **given)
            with graph_layers.kept(module):
                assert any(
                    "forward" in vars(part) or name == "RGATConv" for part in module.modules()
                )
                found = module(X, edge_index=edges, **given)
        torch.testing.assert_close(found, right, equal_nan=True)
    assert "forward" not in vars(module)


def test_layers_that_take_nothing_away_are_left_alone() -> None:
    for name, args, params in (
        ("GCNConv", (4, 3), {"add_self_loops": False}),
        ("GATConv", (4, 3), {"add_self_loops": False}),
        ("TAGConv", (4, 3), {}),
        ("SAGEConv", (4, 3), {}),
    ):
        module = made(name, args, params)
        with graph_layers.kept(module):
            assert not any("forward" in vars(part) for part in module.modules())


class All(nn.Module):
    """Many layers side by side: one export for all."""

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        chosen = {name: (args, params, more) for name, args, params, more in CASES}
        self.rest = [set(chosen[name][2]) for name in names]
        self.parts = nn.ModuleList(made(name, *chosen[name][:2]) for name in names)

    def forward(
        self, x: Tensor, edge_index: Tensor, weight: Tensor, rows: Tensor, kinds: Tensor
    ) -> Tensor:
        given = {"x_0": x, "edge_weight": weight, "edge_attr": rows, "edge_type": kinds}
        found = [
            part(x, edge_index=edge_index, **{name: given[name] for name in rest})
            for part, rest in zip(self.parts, self.rest, strict=True)
        ]
        return torch.cat(found, 1)


def _file(names: list[str], path: Path) -> nn.Module:
    module = All(names).eval()
    inputs = (
        TensorSpec("x", ("V", 4)),
        TensorSpec("edge_index", (2, "E"), "int64", NODES),
        TensorSpec("weight", ("E",)),
        TensorSpec("rows", ("E", 2)),
        TensorSpec("kinds", ("E",), "int64", 3),
    )
    onnx_export.write(module, onnx_export.Wanted(inputs, (TensorSpec("y", ("V", 1)),)), {}, path)
    return module


def _check(names: list[str], path: Path) -> None:
    module = _file(names, path)
    operators = {node.op_type for node in onnx.load(path).graph.node}
    assert not operators & {"NonZero", "Compress", "Unique"}
    session = onnxruntime.InferenceSession(str(path))
    wanted = {each.name for each in session.get_inputs()}
    for nodes, count in ((7, 10), (9, 10), (7, 1), (8, 4)):
        x = torch.cat([X, X])[:nodes]
        given = (x, EDGES[:, :count], WEIGHTS[:count].abs(), ROWS[:count], KINDS[:count])
        with torch.no_grad():
            right = module(*given).numpy()
        titles = ("x", "edge_index", "weight", "rows", "kinds")
        feed = {n: v.numpy() for n, v in zip(titles, given, strict=True) if n in wanted}
        assert departing.relative_error(session.run(None, feed)[0], right) < 1e-5, (nodes, count)


# The network below is tried in every run.
@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted({name for name, *_ in CASES}))
def test_the_file_of_each_layer_computes_the_same(name: str, tmp_path: Path) -> None:
    _check([name], tmp_path / "one.onnx")


def drawn() -> Drawing:
    """Attention with rows for the edges, then a convolution."""
    d = Drawing()
    x = d.input("V", 4, name="x", batched=False)
    edges = d.input(2, "E", name="edges", dtype="int64", batched=False, high=7)
    rows = d.input("E", 2, name="rows", batched=False)
    found = d.add(f"{PYG}GATConv", x, edges, rows, out_channels=3, heads=2, edge_dim=2)
    d.output(d.add(f"{PYG}GCNConv", found, edges, out_channels=3), name="y")
    return d


@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
def test_a_network_of_graphs_goes_around(tmp_path: Path) -> None:
    around = go_around(drawn().document, "main", tmp_path)
    assert max(around.errors.values()) < 1e-5
    kinds = layers(around.brought)
    assert kinds.count("torch.nn.Linear") == 3
    # That no edge counts from the end is known: nothing asks.
    assert "torch.lt" not in kinds


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
def test_a_mean_by_graph_behind_them_exports(tmp_path: Path) -> None:
    d = Drawing()
    x = d.input("V", 4, name="x", batched=False)
    edges = d.input(2, "E", name="edges", dtype="int64", batched=False, high=6)
    graphs = d.input("V", name="batch", dtype="int64", batched=False, high=3)
    found = d.add(f"{PYG}GCNConv", x, edges, out_channels=3)
    d.output(d.add(f"{PYG}global_mean_pool", found, graphs), name="y")
    answer = tasks.export(d.document, ExportOptions("onnx", "main"), tmp_path / "a.onnx")
    assert answer["verified"], answer
