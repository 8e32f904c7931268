"""Shapes and costs of two projects beside each other."""

from __future__ import annotations

from netbuilder.app.comparing import Side, compare
from netbuilder.app.templates import open_template
from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.engine import overrides


def _report(side: Side, sizes: dict[str, str]) -> Side:
    graph = side.document.of_kind("network")[0]
    nodes = {
        node.id: NodeReport(outputs={"output": TensorReport((), "float32", sizes[node.name])})
        for node in graph.nodes.values()
        if node.name in sizes
    }
    return Side(side.document, Report(graphs={graph.id: GraphReport(nodes)}), side.costs)


def test_shapes_are_told_port_by_port_and_costs_by_network() -> None:
    before = open_template("digits_mlp")
    after = overrides.apply(before, {"main.hidden1.out_features": 99, "training.epochs": 3})
    one = Side(before, costs={"main": {"parameters": 100, "macs": 7, "kept_bytes": 0}})
    other = Side(after, costs={"main": {"parameters": 150, "macs": 7, "kept_bytes": 4}})
    one = _report(one, {"hidden1": "N×64", "relu1": "N×64", "logits": "N×10"})
    other = _report(other, {"hidden1": "N×99", "relu1": "N×64"})
    assert [row.words for row in compare(one, other)] == [
        "training.epochs 20 → 3",
        "'hidden1': out_features 256 → 99",
        "'hidden1': shape of output N×64 → N×99",
        "Parameters 100 → 150 (+50 %)",
        "Bytes kept of a sample for the gradient 0 → 4",
    ]
    drawn = compare(Side(before), Side(after))
    assert [row.what for row in drawn] == ["setting", "parameter"]
    assert compare(one, one) == []
