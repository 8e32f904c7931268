"""Shapes: exact formulas, inferred sizes, problems at their nodes."""

from __future__ import annotations

import pytest
import torch

from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.probe import Cache, run_layer
from netbuilder.compiler.report import Report
from netbuilder.graph import edits, fixes
from netbuilder.graph.model import Node
from netbuilder.layers import dims
from netbuilder.layers.base import TensorType
from netbuilder.layers.catalogue import layers, ports_of
from netbuilder.layers.dims import symbol
from tests.drawing import Drawing, classifier

N, T = symbol("N"), symbol("T")
FIELDS = {
    "image": TensorType((N, 1, 8, 8)),
    "label": TensorType((N,), "int64", 10),
}


def shape_of(d: Drawing, node: Node, port: str = "output") -> str:
    report = analyse(d.document, FIELDS)
    return report.graphs[d.graph.id].nodes[node.id].outputs[port].text


def messages(report: Report) -> list[str]:
    return [problem.message for problem in report.problems if problem.severity == "error"]


def test_sizes_are_inferred_and_counted() -> None:
    d = classifier()
    report = analyse(d.document, FIELDS)
    assert report.problems == ()
    nodes = {n.name: report.graphs[d.graph.id].nodes[n.id] for n in d.graph.nodes.values()}
    assert nodes["conv1"].outputs["output"].shape == ("N", 4, 8, 8)
    assert nodes["conv1"].inferred == {"in_channels": 1}
    assert nodes["head"].inferred == {"in_features": 256}
    assert report.graphs[d.graph.id].parameters == 4 * 9 + 4 + 2560 + 10
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize(
    ("kernel", "stride", "padding"), [(3, 1, 0), (3, 1, 1), (3, 2, 1), (5, 3, 0), (4, 4, 0)]
)
def test_strided_convolutions_over_a_symbol_are_exact(
    kernel: int, stride: int, padding: int
) -> None:
    layer = layers()["torch.nn.Conv1d"].model_validate(
        {
            "in_channels": 2,
            "out_channels": 3,
            "kernel_size": kernel,
            "stride": stride,
            "padding": padding,
        }
    )
    outcome = run_layer(layer, {"input": TensorType((N, 2, T))})
    shape = outcome.outputs["output"].shape
    conv = torch.nn.Conv1d(2, 3, kernel, stride=stride, padding=padding)
    for length in range(5, 60):
        expected = tuple(conv(torch.zeros(2, 2, length)).shape)
        assert dims.concrete(shape, {"N": 2, "T": length}) == expected


@pytest.mark.parametrize(
    ("id", "params", "rank"),
    [
        ("torch.nn.functional.interpolate", {"scale_factor": 2.0}, 4),
        ("torch.nn.Unflatten", {"dim": 1, "unflattened_size": (7, -1)}, 2),
    ],
)
def test_a_formula_goes_on_through_what_takes_it_as_it_is(
    id: str, params: dict[str, object], rank: int
) -> None:
    """Doubled, or divided again, whatever it is of the symbols."""
    rounded = (T - 1) // 4 // 2 + 1
    given = (N, 2, rounded, rounded) if rank == 4 else (N, rounded * 7)
    layer = layers()[id].model_validate(params)
    shape = run_layer(layer, {"input": TensorType(given)}).outputs["output"].shape
    for length in range(5, 60):
        size = (length - 1) // 4 // 2 + 1
        expected = (2, 2, 2 * size, 2 * size) if rank == 4 else (2, 7, size)
        assert dims.concrete(shape, {"N": 2, "T": length}) == expected


def test_formulas_go_on_through_a_chain() -> None:
    d = Drawing()
    x = d.input(2, "T", name="wave")
    x = d.add("Conv1d", x, out_channels=4, kernel_size=3, stride=2, padding=1)
    x = d.add("Conv1d", x, out_channels=4, kernel_size=3, stride=2, padding=1)
    x = d.add("Conv1d", x, out_channels=4, kernel_size=3)
    d.output(x)
    report = analyse(d.document, {})
    assert report.problems == ()
    shape = report.graphs[d.graph.id].nodes[x.id].outputs["output"].shape
    conv = torch.nn.Conv1d(2, 2, 3, stride=2, padding=1)
    last = torch.nn.Conv1d(2, 2, 3)
    formula = str(shape[2]).replace("//", " // ")
    for length in range(9, 40):
        real = last(conv(conv(torch.zeros(1, 2, length)))).shape[2]
        assert eval(formula, {"T": length}) == real  # noqa: S307


def test_products_and_sums_of_symbols_are_fitted() -> None:
    d = Drawing()
    x = d.input("T", 6, name="x")
    flat = d.add("torch.reshape", x, shape=(-1, 6))
    assert shape_of(d, flat) == "N·T×6"
    both = d.add("torch.cat", x, x, dim=1)
    assert shape_of(d, both) == "N×2·T×6"


def test_lstm_has_its_states() -> None:
    d = Drawing()
    x = d.input("T", 8, name="x")
    lstm = d.add("LSTM", x, hidden_size=16, batch_first=True, num_layers=2)
    assert shape_of(d, lstm) == "N×T×16"
    assert shape_of(d, lstm, "h_n") == "2×N×16"
    assert shape_of(d, lstm, "c_n") == "2×N×16"


def test_what_torch_refuses_is_told_at_the_node() -> None:
    d = Drawing()
    a, b = d.input(3, 4, name="a"), d.input(3, 5, name="b")
    product = d.add("torch.matmul", a, b)
    d.output(product)
    report = analyse(d.document, {})
    (problem,) = [p for p in report.problems if p.severity == "error"]
    assert problem.node == product.id


def test_after_a_mistake_the_rest_is_silent() -> None:
    d = Drawing()
    x = d.add("Linear", d.input(8), in_features=9, out_features=4)
    x = d.add("ReLU", x)
    d.output(d.add("Linear", x, out_features=2))
    report = analyse(d.document, {})
    assert messages(report) == ["Linear expects 9 features, gets 8."]


def test_fixes_mend() -> None:
    d = Drawing()
    d.output(d.add("Linear", d.input(8), in_features=9, out_features=4))
    report = analyse(d.document, {})
    fixes.apply_fix(d.history, report.problems[0].fixes[0], ports_of)
    assert analyse(d.document, {}).problems == ()


def test_data_that_does_not_fit_the_network_is_told_with_a_fix() -> None:
    d = classifier()
    fields = {**FIELDS, "image": TensorType((N, 3, 8, 8))}
    (problem,) = analyse(d.document, fields).problems
    assert problem.code == "data.misfit"
    assert "N×1×8×8" in problem.message
    assert "N×3×8×8" in problem.message
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert analyse(d.document, fields).problems == ()


def test_a_missing_field_names_those_there_are() -> None:
    d = classifier()
    report = analyse(d.document, {"image": FIELDS["image"]})
    assert "The data has no field 'label'." in messages(report)


def test_a_broken_network_keeps_its_steps_from_being_built() -> None:
    d = classifier()
    head = d.graph.named("head")
    assert head is not None
    edits.set_parameters(d.history, d.graph, [head.id], {"in_features": 3})
    report = analyse(d.document, FIELDS)
    step = d.document.of_kind("step")[0]
    assert report.graphs[step.id].code == ""
    assert {p.code for p in report.problems if p.graph == step.id} == {"network.broken"}


def test_the_cache_answers_for_equal_layers_only() -> None:
    cache = Cache(size=2)
    linear = layers()["torch.nn.Linear"]
    seen = [
        cache.outcome(
            linear.model_validate({"in_features": 4, "out_features": size}),
            {"input": TensorType((N, 4))},
        )
        .outputs["output"]
        .shape
        for size in (2, 3, 4, 2)
    ]
    assert seen == [(N, 2), (N, 3), (N, 4), (N, 2)]
