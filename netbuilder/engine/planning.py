"""From a document to what a training needs: networks, steps, data, settings."""

from __future__ import annotations

from contextlib import nullcontext

from netbuilder.compiler import analyse, build
from netbuilder.data import datasets
from netbuilder.data import settings as data_settings
from netbuilder.errors import Problem, ProblemsError
from netbuilder.exchange import weights
from netbuilder.graph.document import Document
from netbuilder.training import randomness, settings
from netbuilder.training.optimisation import initialising
from netbuilder.training.own_chance import OwnChance
from netbuilder.training.plan import Plan, StepPlan


def make(document: Document, *, beside: bool = False) -> Plan:
    """The plan of a project, with fresh weights by its seed.

    `beside`: a training may be under way in this process, whose chance is left alone.
    `ProblemsError` lists every error of the project and of its data.
    """
    chosen = settings.read_training(document.project.training)
    fields = data_settings.field_types(document.project.data)
    refuse(analyse.analyse(document, fields).problems)
    if not fields:
        problem = Problem("error", "data.none", *data_settings.NO_DATA)
        raise ProblemsError(problem.message, [problem], problem.hint)
    dataset = datasets.prepare(data_settings.read(document.project.data))
    if not beside:
        randomness.seed_all(chosen.seed)
    with OwnChance(chosen.seed) if beside else nullcontext():
        networks = build.build_networks(document)
        for name, network in networks.items():
            initialising.apply(network, chosen.initialisation, zero_biases=chosen.zero_biases)
            weights.give(document, name, network)
    steps = []
    for graph in document.of_kind("step"):
        built = build.build_step(document, graph.name, fields, networks)
        steps.append(
            StepPlan(
                name=graph.name,
                module=built.module,
                fields=built.fields,
                keywords=built.keywords,
                updates=built.updates,
                settings=settings.read_step(graph.info.settings, graph.name),
                metrics=built.metrics,
                previews=built.previews,
                asks=built.asks,
                across_batch=built.across_batch,
            )
        )
    return Plan(networks, tuple(steps), dataset, chosen)


def refuse(problems: tuple[Problem, ...]) -> None:
    """`ProblemsError` if there are errors among the problems."""
    errors = [problem for problem in problems if problem.severity == "error"]
    if not errors:
        return
    more = f" And {len(errors) - 1} more." if len(errors) > 1 else ""
    raise ProblemsError(f"{errors[0].message}{more}", problems, errors[0].hint)
