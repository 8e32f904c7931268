"""What a mistake is in the table, and short ways to draw one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.report import Report
from netbuilder.errors import Problem, Severity
from netbuilder.graph import edits
from netbuilder.graph.model import Node
from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import symbol
from tests.drawing import Drawing

N = symbol("N")


def batch(*shape: int, dtype: str = "float32", high: int | None = None) -> TensorType:
    return TensorType((N, *shape), dtype, high)


FIELDS = {
    "image": batch(3, 32, 32),
    "last": batch(32, 32, 3),
    "row": batch(16),
    "price": batch(),
    "column": batch(1),
    "label": batch(dtype="int64", high=10),
    "grade": batch(),
    "labels": batch(1, dtype="int64", high=10),
    "flag": batch(1, dtype="int64", high=2),
    "answer": batch(dtype="int64"),
    "one_hot": batch(10, dtype="int64"),
    "tokens": batch(12, dtype="int64", high=50),
    "tags": batch(12, dtype="int64", high=7),
}
"""The fields of the data in all drawings."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A drawing with one mistake in it, what is said of it, and what mends it.

    `fix` is the title of the first fix. Without one, `why` tells the reader why none can be,
    and `remedy` is the part of the hint that names what to do.
    """

    title: str
    draw: Callable[[], Drawing]
    message: str
    hint: str
    fix: str = ""
    severity: Severity = "error"
    why: str = ""
    remedy: str = ""
    others: int = 0
    """How many other problems come along: mistakes that are there as well."""


def report(d: Drawing) -> Report:
    return analyse(d.document, FIELDS)


def problems(d: Drawing) -> list[Problem]:
    return list(report(d).problems)


def network(draw: Callable[[Drawing], Node]) -> Callable[[], Drawing]:
    """A network whose output is what `draw` gives."""

    def drawing() -> Drawing:
        d = Drawing()
        d.output(draw(d), name="y")
        return tidy(d)

    return drawing


def step(
    inside: Callable[[Drawing], Node],
    loss: Callable[[Drawing, Node, dict[str, Node]], Node],
    field: str = "row",
    *fields: str,
) -> Callable[[], Drawing]:
    """A network and its training step.

    The network's input is the field; `loss` gets the call of the network and the further
    fields by name, and gives the number for the Loss node.
    """

    def drawing() -> Drawing:
        d = Drawing()
        d.output(inside(d), name="y")
        d.add_graph("step", "train", updates=["main"])
        known = {name: d.add("netbuilder.DataField", name=name, field=name) for name in fields}
        known.setdefault(field, d.add("netbuilder.DataField", name=field, field=field))
        call = d.add("netbuilder.NetworkCall", known[field], name="main", network="main")
        d.add("netbuilder.Objective", loss(d, call, known), name="loss")
        return tidy(d)

    return drawing


def mlp(d: Drawing, out: int, last: str = "", **params: object) -> Node:
    """16 numbers in, `out` out, with a layer behind the head if `last` names one."""
    x = d.add("Linear", d.input(16, name="row"), name="hidden", out_features=32)
    x = d.add("ReLU", x, name="relu")
    x = d.add("Linear", x, name="head", out_features=out)
    return d.add(last, x, name=f"{last.lower()}_at_end", **params) if last else x


def tidy(d: Drawing) -> Drawing:
    """The nodes of all graphs below one another, as a person draws them."""
    for graph in d.document.graphs.values():
        places = {n.id: (0.0, 96.0 * rank) for rank, n in enumerate(graph.ordered())}
        edits.move(d.history, graph, places)
    return d
