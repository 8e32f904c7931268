"""What the compiler found out about a document, as plain values that travel as JSON.

Torch-free: the window reads these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from netbuilder.errors import Problem
from netbuilder.layers import dims
from netbuilder.layers.base import TensorType


@dataclass(frozen=True, slots=True)
class TensorReport:
    """A wire's contents to show: `shape` like `("N", 64, "T - 2")`, `text` like `N×64×(T-2)`."""

    shape: tuple[int | str, ...]
    dtype: str
    text: str

    @staticmethod
    @lru_cache(maxsize=20_000)
    def of(tensor: TensorType) -> TensorReport:
        return TensorReport(
            tuple(dims.to_json(dim) for dim in tensor.shape), tensor.dtype, dims.text(tensor.shape)
        )


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One node: types by port (unknown ones are missing), weights, inferred parameters."""

    inputs: Mapping[str, TensorReport] = field(default_factory=dict)
    outputs: Mapping[str, TensorReport] = field(default_factory=dict)
    parameters: int = 0
    inferred: Mapping[str, Any] = field(default_factory=dict)

    @staticmethod
    def of(
        inputs: Mapping[str, TensorType],
        outputs: Mapping[str, TensorType],
        parameters: int,
        inferred: Mapping[str, Any],
    ) -> NodeReport:
        """With types as the compiler has them."""
        return NodeReport(_tensors(inputs), _tensors(outputs), parameters, inferred)


def _tensors(types: Mapping[str, TensorType]) -> dict[str, TensorReport]:
    return {port: TensorReport.of(tensor) for port, tensor in types.items()}


@dataclass(frozen=True, slots=True)
class GraphReport:
    """One graph: its nodes by id and, when it has no errors and code was asked for, its code.

    `lines` maps a line number of `code` (from 1) to the ids of the graph and of the node it
    came from.
    """

    nodes: Mapping[str, NodeReport] = field(default_factory=dict)
    parameters: int = 0
    code: str = ""
    lines: Mapping[int, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """All problems and graphs (by id) of a document.

    A block's graph is reported as in its first use; `uses` has all of them, by the block's id
    and the path of the use: the ids of the network and of the nodes that lead to it, with
    slashes between. `source` is whether code was asked for.
    """

    problems: tuple[Problem, ...] = ()
    graphs: Mapping[str, GraphReport] = field(default_factory=dict)
    uses: Mapping[str, Mapping[str, GraphReport]] = field(default_factory=dict)
    source: bool = True

    @property
    def ok(self) -> bool:
        """Whether it can be trained: no errors (warnings are allowed)."""
        return all(problem.severity != "error" for problem in self.problems)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON for the worker's answer."""
        return {
            "problems": [problem.to_json() for problem in self.problems],
            "graphs": {id: _graph_to_json(graph) for id, graph in self.graphs.items()},
            "uses": {id: _uses_to_json(uses) for id, uses in self.uses.items()},
            "source": self.source,
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Report:
        """The report that `to_json` wrote."""
        return Report(
            tuple(Problem.from_json(entry) for entry in value["problems"]),
            {id: _graph_from_json(entry) for id, entry in value["graphs"].items()},
            {id: _uses_from_json(entry) for id, entry in value.get("uses", {}).items()},
            bool(value.get("source", True)),
        )


def _uses_to_json(uses: Mapping[str, GraphReport]) -> dict[str, Any]:
    """Reports once each, and which path has which: uses that are alike share theirs."""
    reports: list[GraphReport] = []
    paths: dict[str, int] = {}
    numbers: dict[int, int] = {}
    for path, report in uses.items():
        if id(report) not in numbers:
            numbers[id(report)] = len(reports)
            reports.append(report)
        paths[path] = numbers[id(report)]
    return {"reports": [_graph_to_json(report) for report in reports], "paths": paths}


def _uses_from_json(value: Mapping[str, Any]) -> dict[str, GraphReport]:
    reports = [_graph_from_json(entry) for entry in value["reports"]]
    return {path: reports[number] for path, number in value["paths"].items()}


def _graph_to_json(graph: GraphReport) -> dict[str, Any]:
    def tensors(types: Mapping[str, TensorReport]) -> dict[str, Any]:
        return {port: [list(t.shape), t.dtype, t.text] for port, t in types.items()}

    return {
        "parameters": graph.parameters,
        "code": graph.code,
        "lines": {str(line): list(place) for line, place in graph.lines.items()},
        "nodes": {
            id: [tensors(n.inputs), tensors(n.outputs), n.parameters, dict(n.inferred)]
            for id, n in graph.nodes.items()
        },
    }


def _graph_from_json(value: Mapping[str, Any]) -> GraphReport:
    def tensors(types: Mapping[str, Any]) -> dict[str, TensorReport]:
        return {port: TensorReport(tuple(t[0]), t[1], t[2]) for port, t in types.items()}

    return GraphReport(
        nodes={
            id: NodeReport(tensors(n[0]), tensors(n[1]), n[2], n[3])
            for id, n in value["nodes"].items()
        },
        parameters=value["parameters"],
        code=value["code"],
        lines={int(line): (place[0], place[1]) for line, place in value["lines"].items()},
    )
