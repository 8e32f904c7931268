"""Layers that overwrite their input may do so only where nobody else needs it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.build import build_network
from netbuilder.compiler.check import check
from netbuilder.graph import fixes
from netbuilder.graph.changes import Added
from netbuilder.graph.model import Node, Wire
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing


def relu(d: Drawing, x: Node) -> Node:
    return d.add("ReLU", x, name="relu", inplace=True)


def skip(d: Drawing, x: Node) -> Node:
    x = d.add("Linear", x, name="fc", out_features=4)
    return d.add("torch.add", relu(d, x), x, name="sum")


def skip_over_view(d: Drawing, x: Node) -> Node:
    x = d.add("Linear", x, name="fc", out_features=4)
    return d.add("torch.add", relu(d, d.add("Flatten", x)), x, name="sum")


def after_sigmoid(d: Drawing, x: Node) -> Node:
    return relu(d, d.add("Identity", d.add("Sigmoid", x, name="sigmoid")))


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (skip, "'relu' overwrites its input, but 'sum' reads it too."),
        (skip_over_view, "'relu' overwrites its input, but 'sum' reads it too."),
        (relu, "'relu' overwrites its input, but it belongs to 'x'."),
        (after_sigmoid, "'relu' overwrites its input, but the gradient of 'sigmoid' needs it."),
    ],
)
def test_what_somebody_needs_is_not_overwritten(
    draw: Callable[[Drawing, Node], Node], message: str
) -> None:
    d = Drawing()
    d.output(draw(d, d.input(4, name="x")))
    (problem,) = check(d.document)
    assert problem.message == message
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert all(p.code != problem.code for p in analyse(d.document, {}).problems)
    assert analyse(d.document, {}).ok


def test_the_usual_chain_may_overwrite() -> None:
    d = Drawing()
    x = d.add("BatchNorm1d", d.add("Linear", d.input(4), out_features=4))
    d.output(d.add("Linear", relu(d, x), out_features=2))
    assert check(d.document) == []
    model = build_network(d.document, "main")
    assert "inplace=True" in repr(model)
    model(torch.randn(3, 4)).sum().backward()


def test_a_circle_of_views_does_not_hang() -> None:
    d = Drawing()
    first = d.add("Flatten")
    second = d.add("Dropout", first, inplace=True)
    back = Wire(
        id="w", source=second.id, source_port="output", target=first.id, target_port="input"
    )
    with d.document.editing():
        d.document.apply(Added(d.graph.id, back))
    assert "graph.cycle" in {problem.code for problem in check(d.document)}
