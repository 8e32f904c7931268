"""Layers of torch_geometric: complete, with PyG's parameters, and able to learn."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import networkx as nx
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from netbuilder.analysis.costs import summary
from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.build import build_network, network_source
from netbuilder.compiler.libraries import quietly
from netbuilder.graph import fixes
from netbuilder.graph.model import Node
from netbuilder.layers.catalogue import layers, ports_of
from tests.drawing import Drawing
from tests.layers.exceptions import GRAPH_EXCEPTIONS
from tests.layers.graphs import ACTIVATIONS, NETWORKS
from tests.layers.reference import parameters
from tests.layers.test_coverage import uncovered

PREFIX = "torch_geometric.nn."
GRAPHS = [id for id in layers() if id.startswith(PREFIX)]
MODULES = [id for id in GRAPHS if id.removeprefix(PREFIX)[0].isupper()]

NOT_PLAIN = {"act_kwargs", "nn", "phi", "device"}
"""Parameters that are objects: modules, and what modules are made with."""


def torch_geometric_nn() -> Any:
    return quietly("torch_geometric.nn")


@pytest.mark.parametrize("part", ["conv", "norm", "pool"])
def test_torch_geometric_is_complete(part: str) -> None:
    """Every class, and every function that pools nodes."""
    library = torch_geometric_nn()
    names = getattr(library, part).__all__
    known = [id.removeprefix(PREFIX) for id in GRAPHS]
    reasons = {name: reason for name, reason in GRAPH_EXCEPTIONS.items() if name in names}
    assert uncovered(names, known, reasons) == []


def test_no_exception_is_left_over() -> None:
    library = torch_geometric_nn()
    exported = {
        name for part in ("conv", "norm", "pool") for name in getattr(library, part).__all__
    }
    assert set(GRAPH_EXCEPTIONS) <= exported


@pytest.mark.parametrize("id", MODULES)
def test_parameters_are_those_of_torch_geometric(id: str) -> None:
    kind, name = layers()[id], id.removeprefix(PREFIX)
    theirs = parameters(getattr(torch_geometric_nn(), name).__init__)
    theirs = {n: default for n, default in theirs.items() if n not in NOT_PLAIN}
    ours = dict(kind.model_fields)
    if name in NETWORKS:
        inner = {"in_channels", "hidden_channels", "out_channels", "norm", "edge_dim"} - set(theirs)
        ours = {n: field for n, field in ours.items() if n not in inner}
    # PyG hands these on to its base class.
    ours = {n: field for n, field in ours.items() if n != "aggr" or "aggr" in theirs}
    assert list(ours) == list(theirs)
    for parameter, field in ours.items():
        default = theirs[parameter]
        if isinstance(default, nn.Module):
            assert name in ACTIVATIONS
            default = type(default).__name__.lower()
        if default is inspect.Parameter.empty:
            assert field.is_required() or parameter in kind.inferable()
        else:
            named = default.__name__ if inspect.isclass(default) else default
            assert field.default == named, parameter


# -- shapes -----------------------------------------------------------------------------------


def drawn(*shape: int | str, **more: Any) -> tuple[Drawing, Node, Node]:
    """A drawing with the nodes of a graph of any size and its edges."""
    d = Drawing()
    x = d.input(*(shape or ("V", 34)), name="x", batched=False)
    edges = d.input(2, "E", name="edge_index", dtype="int64", batched=False, **more)
    return d, x, edges


def shapes(d: Drawing) -> dict[str, dict[str, list[int | str]]]:
    report = analyse(d.document, {})
    assert [p.message for p in report.problems if p.severity == "error"] == []
    nodes = report.graphs[d.graph.id].nodes
    return {
        d.graph.nodes[id].name: {port: list(t.shape) for port, t in node.outputs.items()}
        for id, node in nodes.items()
    }


def test_sizes_of_graphs_stay_symbols() -> None:
    d, x, edges = drawn()
    hidden = d.add(f"{PREFIX}GATConv", x, edges, name="gat", out_channels=8, heads=4)
    wide = d.add(f"{PREFIX}MixHopConv", hidden, edges, name="mix", out_channels=5)
    top = d.add(f"{PREFIX}TopKPooling", wide, edges, name="top")
    again = d.add(f"{PREFIX}TopKPooling", (top, "x"), (top, "edge_index"), name="again")
    d.output(d.add(f"{PREFIX}global_mean_pool", (again, "x"), (again, "batch"), name="pooled"))
    found = shapes(d)
    assert found["gat"] == {"output": ["V", 32]}
    assert found["mix"] == {"output": ["V", 15]}
    assert found["top"]["x"] == ["V_kept", 15]
    assert found["top"]["edge_index"] == [2, "E_kept"]
    assert found["again"]["x"] == ["V_kept_kept", 15]
    assert found["pooled"] == {"output": ["N", 15]}


def test_what_runs_on_zeros_draws_no_random_numbers() -> None:
    d, x, edges = drawn()
    d.output(d.add(f"{PREFIX}GATConv", x, edges, out_channels=8))
    state = torch.get_rng_state()
    shapes(d)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_layer_too_large_to_be_tried_is_refused() -> None:
    d, x, edges = drawn("V", 100_000)
    d.output(d.add(f"{PREFIX}GCNConv", x, edges, out_channels=100_000))
    (problem,) = analyse(d.document, {}).problems
    assert "too many to try it out" in problem.message


# -- learning ---------------------------------------------------------------------------------


def test_two_graph_convolutions_learn_a_karate_club_from_four_members() -> None:
    d, x, edges = drawn()
    hidden = d.add(f"{PREFIX}GCNConv", x, edges, name="conv1", out_channels=8)
    hidden = d.add("ReLU", hidden, name="relu")
    d.output(d.add(f"{PREFIX}GCNConv", hidden, edges, name="conv2", out_channels=2))
    source = network_source(d.document, "main").text
    assert "import torch_geometric.nn as pyg_nn" in source
    assert "pyg_nn.GCNConv(34, 8)" in source

    club = nx.karate_club_graph()
    sides = torch.tensor([int(club.nodes[i]["club"] == "Officer") for i in club])
    pairs = torch.tensor([pair for a, b in club.edges for pair in ((a, b), (b, a))]).T
    known = torch.tensor([0, 1, 32, 33])
    torch.manual_seed(0)
    model = build_network(d.document, "main")
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(torch.eye(34), pairs)[known], sides[known])
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    right = model(torch.eye(34), pairs).argmax(1) == sides
    assert right.float().mean() >= 0.9


# -- what does not fit --------------------------------------------------------------------------


def problems(d: Drawing, severity: str = "error") -> list[Any]:
    return [p for p in analyse(d.document, {}).problems if p.severity == severity]


def convolved(d: Drawing, x: Node, edges: Node, layer: str = "GCNConv", **params: Any) -> Drawing:
    d.output(d.add(f"{PREFIX}{layer}", x, edges, **({"out_channels": 4} | params)))
    return d


def turned() -> Drawing:
    d, x, _ = drawn()
    return convolved(d, x, d.input("E", 2, dtype="int64", batched=False))


def fractions() -> Drawing:
    d, x, _ = drawn()
    return convolved(d, x, d.input(2, "E", batched=False))


def column() -> Drawing:
    d, x, edges = drawn()
    weights = d.input("E", 1, batched=False)
    d.output(d.add(f"{PREFIX}GCNConv", x, edges, weights, out_channels=4))
    return d


def ignored() -> Drawing:
    d, x, edges = drawn()
    d.output(d.add(f"{PREFIX}GATConv", x, edges, d.input("E", 3, batched=False), out_channels=4))
    return d


MISTAKES = [
    ("GCNConv takes edges as 2×E, gets E×2.", turned),
    ("The edges of GCNConv are node numbers (int64), gets float32.", fractions),
    ("GCNConv takes one number for each edge as edge_weight, gets E×1.", column),
    ("GATConv ignores edge_attr: set edge_dim to its 3 features.", ignored),
    (
        "GCNConv expects 5 features in x, gets 34.",
        lambda: convolved(*drawn(), in_channels=5),
    ),
    (
        "GatedGraphConv can't make 8 features of 34.",
        lambda: convolved(*drawn(), "GatedGraphConv", out_channels=8, num_layers=2),
    ),
    (
        "12 out_channels can't be split into 8 heads.",
        lambda: convolved(*drawn(), "EGConv", out_channels=12),
    ),
]


@pytest.mark.parametrize(("message", "draw"), MISTAKES, ids=[row[0][:40] for row in MISTAKES])
def test_a_mistake_is_told_and_mended_by_its_fix(message: str, draw: Any) -> None:
    d = draw()
    (problem,) = problems(d)
    assert problem.message == message
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert problems(d) == []


def test_a_batch_of_node_tables_is_told() -> None:
    d = Drawing()
    edges = d.input(2, "E", dtype="int64", batched=False)
    d = convolved(d, d.input("V", 34), edges)
    (problem,) = problems(d)
    assert problem.message == "GCNConv takes a row for each node, V×features, gets N×V×34."


def test_edges_to_nodes_that_are_not_there_are_told() -> None:
    d = convolved(*drawn(5, 34, high=7))
    (problem,) = problems(d)
    assert problem.message == "Edges name nodes up to 6, but x has 5 rows."


def test_cached_edges_are_a_warning() -> None:
    d = convolved(*drawn(), cached=True)
    (problem,) = problems(d, "warning")
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert problems(d, "warning") == []


# -- the library comes late -----------------------------------------------------------------------

_LATE = """
import sys
from netbuilder.analysis.costs import summary
from netbuilder.compiler.analyse import analyse
from netbuilder.layers.catalogue import layers
from tests.drawing import Drawing
assert len(layers()) > 100
d = Drawing()
d.output(d.add("Linear", d.input(4), out_features=2))
assert analyse(d.document, {}).problems == ()
assert "torch_geometric" not in sys.modules
x, edges = d.input("V", 3, batched=False), d.input(2, "E", dtype="int64", batched=False)
d.output(d.add("torch_geometric.nn.GCNConv", x, edges, out_channels=2))
assert not [p for p in analyse(d.document, {}).problems if p.severity == "error"]
assert "torch_geometric" in sys.modules
"""


def test_torch_geometric_is_imported_with_the_first_layer_of_it_and_says_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _LATE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_costs_of_a_network_of_graphs() -> None:
    d = convolved(*drawn())
    found = summary(d.document, None, {"x": [6, 34], "edge_index": [2, 9]})["networks"]["main"]
    assert found["parameters"] == 34 * 4 + 4
    assert found["macs"] == 6 * 34 * 4
