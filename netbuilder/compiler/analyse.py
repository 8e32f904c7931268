"""Everything that can be told about a document: problems, shapes, code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from netbuilder.compiler.check import check
from netbuilder.compiler.emit import Source, emit
from netbuilder.compiler.infer import Cache, Fields, Inference, infer
from netbuilder.compiler.lower import Program, lower
from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.errors import Problem
from netbuilder.graph.document import Document, Graph
from netbuilder.layers.base import TensorType

_SEVERITIES = {"error": 0, "warning": 1, "info": 2}
_shared = Cache()


@dataclass(frozen=True, slots=True)
class Compiled:
    """A document seen through: problems, and for each graph (by id) types, calls and source.

    Graphs with errors have no program and no source.
    """

    document: Document
    problems: tuple[Problem, ...]
    inferences: dict[str, Inference]
    programs: dict[str, Program]
    sources: dict[str, Source]

    def errors(self, graph: Graph) -> list[Problem]:
        """What keeps this graph from being built."""
        return [p for p in self.problems if p.severity == "error" and p.graph in (graph.id, "")]


def compile_document(document: Document, fields: Fields, cache: Cache | None = None) -> Compiled:
    """Check, infer, lower and emit all graphs of a document.

    `fields` are the types of the data's fields (`data.sources.field_types`).
    """
    cache = cache or _shared
    problems = check(document)
    inferences: dict[str, Inference] = {}
    networks: dict[str, Inference] = {}
    for graph in document.of_kind("network"):
        inferences[graph.id] = networks[graph.name] = infer(document, graph, {}, {}, cache)
    for graph in document.of_kind("step"):
        inferences[graph.id] = infer(document, graph, fields, networks, cache)
    for inference in inferences.values():
        problems += inference.problems
    compiled = Compiled(document, (), inferences, {}, {})
    for id, inference in inferences.items():
        graph = document.graph(id)
        own = [p for p in problems if p.severity == "error" and p.graph == id]
        if not own:
            problems += _untyped(graph, inference, networks)
            own = [p for p in problems if p.severity == "error" and p.graph == id]
        if not own:
            program = lower(document, graph, inference.layers)
            compiled.programs[id] = program
            compiled.sources[id] = emit(document, program, inference.outputs)
    return replace(compiled, problems=_in_order(document, problems))


def _untyped(graph: Graph, inference: Inference, networks: dict[str, Inference]) -> list[Problem]:
    """A step can't be built while a network that it calls has mistakes."""
    for node in graph.ordered():
        name = node.params.get("network")
        if node.id in inference.outputs or not isinstance(name, str) or name not in networks:
            continue
        return [
            Problem(
                "error",
                "network.broken",
                f"The network '{name}' has problems, so its outputs are not known.",
                "Mend the network first.",
                graph.id,
                node.id,
            )
        ]
    return []


def _in_order(document: Document, problems: list[Problem]) -> tuple[Problem, ...]:
    """Errors first, then by graph and node as the person drew them."""
    graphs = {id: graph.info.order for id, graph in document.graphs.items()}
    nodes = {n.id: n.order for graph in document.graphs.values() for n in graph.nodes.values()}

    def rank(problem: Problem) -> tuple[int, int, int]:
        return (
            _SEVERITIES[problem.severity],
            graphs.get(problem.graph, -1),
            nodes.get(problem.node, -1),
        )

    return tuple(sorted(problems, key=rank))


def analyse(document: Document, fields: Fields, cache: Cache | None = None) -> Report:
    """The report for the window and the command line."""
    compiled = compile_document(document, fields, cache)
    return Report(
        compiled.problems,
        {id: _report(compiled, id, inference) for id, inference in compiled.inferences.items()},
    )


def _report(compiled: Compiled, id: str, inference: Inference) -> GraphReport:
    def tensors(types: Mapping[str, TensorType]) -> dict[str, TensorReport]:
        return {port: TensorReport.of(tensor) for port, tensor in types.items()}

    source = compiled.sources.get(id)
    nodes = {
        node: NodeReport(
            tensors(inference.inputs.get(node, {})),
            tensors(inference.outputs.get(node, {})),
            inference.parameters.get(node, 0),
            inference.inferred.get(node, {}),
        )
        for node in inference.layers
    }
    return GraphReport(
        nodes,
        sum(inference.parameters.values()),
        source.text if source else "",
        source.lines if source else {},
    )
