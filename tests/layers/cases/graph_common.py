"""Random graphs for the cases of torch_geometric's layers: V nodes and E edges."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, some

V, E = symbol("V"), symbol("E")
NODES = 6
"""As many as `harness.SIZES` says of V: nodes that an edge may name."""


def nodes(features: int) -> TensorType:
    return TensorType((V, features))


def edges() -> TensorType:
    return TensorType((2, E), "int64", NODES)


def ids(of: Any, high: int) -> TensorType:
    """The kind of each node or edge, or the graph that a node belongs to."""
    return TensorType((of,), "int64", high)


def positive(tensor: Any) -> Any:
    return tensor.abs() + 0.1


def graph(
    weight: bool = False, attributes: str | None = None, wide: int = 1, **choices: Any
) -> Generator:
    """Cases with a graph of random size, and some of the parameters `choices`.

    `weight`: with edge_weight or without; `attributes`: with edge_attr or without, and this
    parameter its size where it is there; `wide`: what the number of features is a multiple of.
    """

    def make(r: Random) -> Case:
        inputs = {"x": nodes(wide * r.randint(1, 4)), "edge_index": edges()}
        params = some(r, **choices)
        values: dict[str, Any] = {}
        if weight and r.random() < 0.75:
            inputs["edge_weight"] = TensorType((E,))
            values["edge_weight"] = positive
        if attributes is not None and r.random() < 0.8:
            size = r.randint(1, 3)
            inputs["edge_attr"] = TensorType((E, size))
            params[attributes] = size
        return Case(params, inputs, values)

    return make


def given(make: Generator, **required: Any) -> Generator:
    """The same cases with required parameters; a list is a choice."""

    def more(r: Random) -> Case:
        case = make(r)
        found = {
            name: r.choice(value) if isinstance(value, list) else value
            for name, value in required.items()
        }
        return Case({**case.params, **found}, case.inputs, case.values)

    return more


def also(make: Generator, **ports: Callable[[TensorType], TensorType]) -> Generator:
    """The same cases with further inputs, made from the type of `x`."""

    def more(r: Random) -> Case:
        case = make(r)
        further = {port: of(case.inputs["x"]) for port, of in ports.items()}
        return Case(case.params, {**case.inputs, **further}, case.values)

    return more
