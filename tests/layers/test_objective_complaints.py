"""What losses and metrics say when they do not fit what they get."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netbuilder.graph import fixes
from netbuilder.graph.model import Node
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing
from tests.layers.telling import step, told

STEPS: list[tuple[str, Callable[[Drawing, dict[str, Node]], Node], str]] = [
    (
        "MSELoss compares N×1 with N: they must have the same shape. PyTorch would compare every "
        "sample with every other.",
        lambda d, f: d.add("MSELoss", f["column"], f["value"]),
        "insert_before",
    ),
    (
        "L1Loss compares N with N×1: they must have the same shape. PyTorch would compare every "
        "sample with every other.",
        lambda d, f: d.add("L1Loss", f["value"], f["column"]),
        "insert_before",
    ),
    (
        "BCEWithLogitsLoss takes zeros and ones as float32, gets class numbers.",
        lambda d, f: d.add("BCEWithLogitsLoss", f["column"], f["flag"]),
        "insert_before",
    ),
    (
        "The target has 10 classes, but there are scores for 5 only.",
        lambda d, f: d.add("CrossEntropyLoss", f["few"], f["label"]),
        "",
    ),
    (
        "CrossEntropyLoss gets scores N×10 with a target N×1, expects N.",
        lambda d, f: d.add("CrossEntropyLoss", f["scores"], f["labels"]),
        "insert_before",
    ),
    (
        "CrossEntropyLoss expects class numbers (int64) as target, gets int32.",
        lambda d, f: d.add("CrossEntropyLoss", f["scores"], f["small"]),
        "insert_before",
    ),
    (
        "CrossEntropyLoss expects class numbers (int64) as target, gets float32.",
        lambda d, f: d.add("CrossEntropyLoss", f["scores"], f["value"]),
        "insert_before",
    ),
    (
        "CrossEntropyLoss gets scores N×7×10 with a target N×7, expects N×10.",
        lambda d, f: d.add("CrossEntropyLoss", f["places"], f["places_label"]),
        "insert_before",
    ),
    (
        "CrossEntropyLoss expects scores N×classes, gets N.",
        lambda d, f: d.add("CrossEntropyLoss", f["value"], f["label"]),
        "",
    ),
    (
        "weight has 2 numbers for 10 classes.",
        lambda d, f: d.add("CrossEntropyLoss", f["scores"], f["label"], weight=(1.0, 2.0)),
        "unset_parameter",
    ),
    (
        "The loss must be a single number, gets N.",
        lambda d, f: d.add("CrossEntropyLoss", f["scores"], f["label"], reduction="none"),
        "insert_before",
    ),
]


@pytest.mark.parametrize(
    ("message", "draw", "operation"), STEPS, ids=[row[0][:50] for row in STEPS]
)
def test_losses_tell_what_does_not_fit(
    message: str, draw: Callable[[Drawing, dict[str, Node]], Node], operation: str
) -> None:
    d = step(draw)
    (problem,) = told(d)
    assert problem.message == message
    assert bool(problem.fixes) == bool(operation)
    if operation:
        fixes.apply_fix(d.history, problem.fixes[0], ports_of)
        assert told(d) == []


def test_metrics_tell_what_does_not_fit() -> None:
    def draw(d: Drawing, f: dict[str, Node]) -> Node:
        d.add("torchmetrics.Accuracy", f["few"], f["label"], task="multiclass")
        d.add("torchmetrics.MeanAbsoluteError", f["column"], f["value"])
        return d.add("MSELoss", f["value"], f["value"])

    assert [p.message[:60] for p in told(step(draw))] == [
        "The target has 10 classes, but there are scores for 5 only.",
        "MeanAbsoluteError compares N×1 with N: they must have the sa",
    ]
