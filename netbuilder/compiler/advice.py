"""Warnings and hints about what runs: habits, odd layers, steps that teach nothing.

They come last, when types are known, and keep silent about nodes that have errors: one mistake
is told once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from netbuilder.compiler.alone import alone
from netbuilder.compiler.check import to_problem
from netbuilder.compiler.foresight import foresight
from netbuilder.compiler.habits import habits, is_usual
from netbuilder.compiler.inference import Inference
from netbuilder.compiler.learning import BATCH_NORMS, learning, lonely_batch, own_weights, untaught
from netbuilder.compiler.walk import Walk
from netbuilder.errors import Problem
from netbuilder.graph.document import Document, Graph


def advice(
    document: Document, inferences: Mapping[str, Inference], problems: Iterable[Problem]
) -> Iterator[Problem]:
    """What is hardly meant in a document without reroutes; `inferences` are by graph.

    Of a block that is used several times the first use counts.
    """
    walk = Walk(document, inferences)
    told = [problem for problem in problems if problem.severity != "info"]
    nodes = {(problem.graph, problem.node) for problem in told}
    broken = {problem.graph for problem in told if problem.severity == "error"}
    for id, inference in inferences.items():
        graph = document.graph(id)
        yield from _nodes(walk, graph, inference, nodes)
        if graph.kind == "step" and not broken:
            wrong = list(learning(walk, graph))
            # Who trains the wrong network hears of the other one already.
            yield from wrong or untaught(walk, graph)
            yield from own_weights(walk, graph)
            yield from foresight(walk, graph)


def _nodes(
    walk: Walk, graph: Graph, inference: Inference, told: set[tuple[str, str]]
) -> Iterator[Problem]:
    single = walk.document.project.training.get("batch_size") == 1
    for id, layer in inference.layers.items():
        if (graph.id, id) in told:
            continue
        node = graph.nodes[id]
        # Most nodes are of no concern to anyone: an analysis after an edit has no time for them.
        if not is_usual(graph, node, layer, inference.layers):
            for complaint in habits(walk, graph, node, layer):
                yield to_problem(complaint, graph, node)
        for complaint in alone(layer, inference.inputs.get(id, {})):
            yield to_problem(complaint, graph, node)
        if single and layer.id in BATCH_NORMS:
            yield from lonely_batch(walk, graph, node)
