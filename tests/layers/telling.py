"""Drawings with a mistake, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable

from netbuilder.compiler.analyse import analyse
from netbuilder.errors import Problem
from netbuilder.graph.model import Node
from tests.drawing import Drawing
from tests.layers.cases.common import batch

FIELDS = {
    "image": batch(1, 8, 8),
    "column": batch(1),
    "value": batch(),
    "label": batch(dtype="int64", high=10),
    "labels": batch(1, dtype="int64", high=10),
    "small": batch(dtype="int32"),
    "flag": batch(1, dtype="int64", high=2),
    "scores": batch(10),
    "few": batch(5),
    "places": batch(7, 10),
    "places_label": batch(7, dtype="int64", high=10),
}


def told(d: Drawing, severity: str = "error") -> list[Problem]:
    return [p for p in analyse(d.document, FIELDS).problems if p.severity == severity]


def network(draw: Callable[[Drawing], Node]) -> Drawing:
    d = Drawing()
    d.output(draw(d))
    return d


def step(draw: Callable[[Drawing, dict[str, Node]], Node]) -> Drawing:
    """A step with a node for each of `FIELDS`; what `draw` gives is the loss."""
    d = Drawing()
    d.output(d.add("Identity", d.input(1, 8, 8)))
    d.add_graph("step", "train", updates=["main"])
    fields = {name: d.add("netbuilder.DataField", name=name, field=name) for name in FIELDS}
    d.add("netbuilder.Preview", d.add("netbuilder.NetworkCall", fields["image"], network="main"))
    d.add("netbuilder.Objective", draw(d, fields), name="objective")
    return d
