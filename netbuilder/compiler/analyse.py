"""Everything that can be told about a document: problems, shapes, code."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from netbuilder.compiler import own_files
from netbuilder.compiler.advice import advice
from netbuilder.compiler.blocks import used_blocks
from netbuilder.compiler.check import check
from netbuilder.compiler.classes import programs
from netbuilder.compiler.emit import Source, emit
from netbuilder.compiler.infer import infer
from netbuilder.compiler.inference import Fields, Inference, World
from netbuilder.compiler.networks import in_order, inside, needed, weights
from netbuilder.compiler.probe import Cache
from netbuilder.compiler.program import Program
from netbuilder.compiler.report import GraphReport, NodeReport, Report
from netbuilder.compiler.resolve import Resolved, resolve
from netbuilder.errors import Problem
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.quiet import quiet
from netbuilder.layers import own
from netbuilder.layers.catalogue import ports_of
from netbuilder.layers.own import CodeFile

_SEVERITIES = {"error": 0, "warning": 1, "info": 2}
_shared = Cache()


@dataclass(frozen=True, slots=True)
class Compiled:
    """A document seen through: problems, and for each graph (by id) types, calls and source.

    Graphs with errors have no program and no source, and none has where no source was asked
    for. Of a block these are those of its first use; `uses` has them all, by block and path:
    ids of the network and of the nodes that lead to it.
    """

    document: Document
    resolved: Resolved
    problems: tuple[Problem, ...]
    inferences: dict[str, Inference]
    programs: dict[str, Program]
    sources: dict[str, Source]
    uses: dict[str, dict[str, Inference]]
    restricted: tuple[CodeFile, ...] = ()
    """Code files that are used and may not be run; graphs that need them have no source."""

    def errors(self, graph: Graph) -> list[Problem]:
        """What keeps this graph from being built."""
        return [p for p in self.problems if p.severity == "error" and p.graph in (graph.id, "")]

    @property
    def networks(self) -> dict[str, Inference]:
        """What is known of the networks, by name."""
        found = self.inferences.values()
        return {known.graph.name: known for known in found if known.graph.kind == "network"}

    def inside(self, graph: Graph) -> Iterator[Inference]:
        """What is known of a graph and of all blocks and networks in it, each use once."""
        return inside(self.inferences[graph.id], self.networks)

    def scanned(self, graph: Graph) -> Compiled:
        """The same with a source of this network in which loops over time are scans."""
        known = self.inferences[graph.id]
        found = programs(self.resolved.document, known, self.networks, scanned=True)
        return replace(self, sources={**self.sources, graph.id: emit(found)})


def compile_document(
    document: Document, fields: Fields, cache: Cache | None = None, *, source: bool = True
) -> Compiled:
    """Check and infer all graphs of a document; with `source`, lower and emit them too.

    `fields` are the types of the data's fields (`data.sources.field_types`). Lowering and
    emitting find no problems: those are the same without.
    """
    with own.using(document.project), quiet():
        return _compile(document, fields, cache, source)


def _compile(document: Document, fields: Fields, cache: Cache | None, source: bool) -> Compiled:
    resolved = resolve(document)
    flat = resolved.document
    problems = _unused_blocks_warn(flat, check(document))
    unseen = own_files.unseen(flat)
    problems += own_files.problems(document, unseen)
    broken = {p.graph for p in problems if p.severity == "error"}
    known: dict[str, Inference] = {}
    inferences: dict[str, Inference] = {}
    world = World(flat, cache or _shared, fields, known, frozenset(broken), unseen.graphs)
    for graph in in_order(flat):
        inferences[graph.id] = known[graph.name] = infer(world, graph)
    for graph in flat.of_kind("step"):
        inferences[graph.id] = infer(world, graph)
    for id, inference in inferences.items():
        problems += [p.within(id) if p.path else p for p in inference.problems]
    compiled = Compiled(document, resolved, (), inferences, {}, {}, {}, unseen.files)
    for id, inference in list(inferences.items()):
        graph = flat.graph(id)
        errors = [p for p in problems if p.severity == "error" and p.graph == id]
        if not errors and id not in unseen.graphs:
            faulty = {p.graph for p in problems if p.severity == "error"}
            faulty = {name for name, inside in known.items() if inside.graph.id in faulty}
            problems += _untyped(graph, inference, known, faulty)
            errors = [p for p in problems if p.severity == "error" and p.graph == id]
        if source and not errors and id not in unseen.graphs:
            _write(compiled, programs(flat, inference, known))
        for path, use in _paths(id, inference):
            compiled.uses.setdefault(use.graph.id, {})[path] = use
    for id, uses in compiled.uses.items():
        inferences[id] = next(iter(uses.values()))
    problems += advice(flat, inferences, problems)
    return replace(compiled, problems=_in_order(document, problems))


def _write(compiled: Compiled, found: list[Program]) -> None:
    """The source of a graph, and of the blocks that are first used in it."""
    for number, program in enumerate(found, 1):
        id = program.graph.id
        if id not in compiled.sources:
            compiled.programs[id] = program
            compiled.sources[id] = emit(_needed(found[:number]))


def _needed(found: list[Program]) -> list[Program]:
    """The last program and those that it is made of."""
    wanted = [found[-1]]
    for program in reversed(found[:-1]):
        made = (part.constructor for user in wanted for part in user.calls)
        given = (part.default for user in wanted for part in user.given)
        if any(c is not None and f"{program.class_name}(" in c.text for c in (*made, *given)):
            wanted.insert(0, program)
    return wanted


def _paths(prefix: str, inference: Inference) -> Iterator[tuple[str, Inference]]:
    """The uses of blocks in a graph, repeated ones once, each with its path."""
    for node, repeated in inference.blocks.items():
        if repeated:
            path = f"{prefix}/{node}"
            yield path, repeated[0]
            yield from _paths(path, repeated[0])


def _unused_blocks_warn(document: Document, problems: list[Problem]) -> list[Problem]:
    """Mistakes in a block that no network contains keep nothing from being built."""
    unused = {block.id for block in document.of_kind("block")} - used_blocks(document)
    return [
        replace(p, severity="warning") if p.graph in unused and p.severity == "error" else p
        for p in problems
    ]


def _untyped(
    graph: Graph, inference: Inference, networks: dict[str, Inference], faulty: set[str]
) -> list[Problem]:
    """Nothing can be built while a network that it calls has mistakes."""
    hint = "Mend the network first."
    for node in graph.ordered():
        name = node.params.get("network")
        if node.id not in inference.outputs and isinstance(name, str) and name in networks:
            message = f"The network '{name}' has problems, so its outputs are not known."
            return [Problem("error", "network.broken", message, hint, graph.id, node.id)]
    if graph.kind == "step":
        return []
    inner = next((name for name in needed(inference, networks) if name in faulty), None)
    if inner is None:
        return []
    message = f"The network '{inner}' has problems, and '{graph.name}' calls it."
    return [Problem("error", "network.broken", message, hint, graph.id)]


def _in_order(document: Document, problems: list[Problem]) -> tuple[Problem, ...]:
    """Errors first, then by graph and node as the person drew them."""
    graphs = {id: graph.info.order for id, graph in document.graphs.items()}
    nodes = {n.id: n.order for graph in document.graphs.values() for n in graph.nodes.values()}

    told: dict[tuple[str, ...], Problem] = {}
    for p in problems:
        # The same mistake in several uses is told once, at the first.
        told.setdefault((p.severity, p.code, p.message, p.graph, p.node, p.port), p)

    def rank(problem: Problem) -> tuple[int, int, int]:
        return (
            _SEVERITIES[problem.severity],
            graphs.get(problem.graph, -1),
            nodes.get(problem.node, -1),
        )

    return tuple(sorted(told.values(), key=rank))


def analyse(
    document: Document, fields: Fields, cache: Cache | None = None, *, source: bool = True
) -> Report:
    """The report for the window and the command line; the code is in it with `source` only."""
    compiled = compile_document(document, fields, cache, source=source)
    made: dict[int, GraphReport] = {}

    def report(id: str, inference: Inference) -> GraphReport:
        if builtins.id(inference) not in made:
            made[builtins.id(inference)] = _report(compiled, id, inference)
        return made[builtins.id(inference)]

    return Report(
        compiled.problems,
        {id: report(id, inference) for id, inference in compiled.inferences.items()},
        {
            block: {path: report(block, use) for path, use in uses.items()}
            for block, uses in compiled.uses.items()
        },
        source,
    )


def _report(compiled: Compiled, id: str, inference: Inference) -> GraphReport:
    source = compiled.sources.get(id)
    calls: Mapping[str, int] = {}
    total = sum(inference.parameters.values())
    if inference.graph.kind == "network":
        total, calls = weights(inference, compiled.networks)
    nodes = {node: _node_report(inference, node, calls) for node in inference.layers}
    for node, start in compiled.resolved.passed.get(id, {}).items():
        known = inference.outputs.get(start.node, {}).get(start.port)
        if known is not None:
            # What a reroute or a bypassed node hands on, under each of its ports.
            graph = compiled.document.graph(id)
            ports = ports_of(compiled.document, graph, graph.nodes[node]).outputs
            outputs = {port.name: known for port in ports}
            nodes[node] = NodeReport.of({}, outputs, 0, {})
    return GraphReport(
        nodes,
        total,
        source.text if source else "",
        source.lines if source else {},
    )


def _node_report(inference: Inference, node: str, calls: Mapping[str, int]) -> NodeReport:
    parameters = calls.get(node, inference.parameters.get(node, 0))
    settled = inference.settled.get(node)
    if settled is not None and settled.parameters == parameters:
        return settled.report
    return NodeReport.of(
        inference.inputs.get(node, {}),
        inference.outputs.get(node, {}),
        parameters,
        inference.inferred.get(node, {}),
    )
