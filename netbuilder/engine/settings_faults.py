"""What is wrong in the settings of a project's training and of its steps, as it is drawn.

What depends on weights or data is looked at before a run begins (`training.preflight`).
"""

from __future__ import annotations

from collections.abc import Iterator

from netbuilder.errors import NetbuilderError, Problem
from netbuilder.graph.document import Document, Graph
from netbuilder.training.optimisation import schedules
from netbuilder.training.settings import StepSettings, read_step, read_training

Read = list[tuple[Graph, StepSettings]]


def find(document: Document) -> Iterator[Problem]:
    """The problems, each at its graph."""
    epochs = 0
    try:
        epochs = read_training(document.project.training).epochs
    except NetbuilderError as error:
        yield Problem("error", "training.settings", str(error), error.hint)
    steps: Read = []
    for graph in document.of_kind("step"):
        try:
            steps.append((graph, read_step(graph.info.settings, graph.name)))
        except NetbuilderError as error:
            yield Problem("error", "step.settings", str(error), error.hint, graph.id)
    for graph, step in steps:
        if epochs:
            yield from _time_problems(graph, step, epochs)
    yield from _average_problems(steps)


def _time_problems(graph: Graph, step: StepSettings, epochs: int) -> Iterator[Problem]:
    idle = step.idle(epochs)
    if idle:
        hint = "Change its first and last epoch, or the epochs of the training."
        yield Problem("warning", "step.epochs", f"The step never runs: {idle}.", hint, graph.id)
        return
    for text in schedules.troubles(step.schedule, step.span(epochs)[1]):
        hint = "Change the schedule of the step, or the epochs of the training."
        yield Problem("warning", "step.schedule", text, hint, graph.id)


def _average_problems(steps: Read) -> Iterator[Problem]:
    """Networks that two steps average: only one of the averages could be evaluated and kept."""
    frozen = {part.part for _, step in steps for part in step.parts if part.frozen}
    averaged: dict[str, str] = {}
    for graph, step in steps:
        names = [name for name in step.updates if step.ema is not None and name not in frozen]
        twice = next((name for name in names if name in averaged), None)
        if twice is not None:
            message = f"Steps '{averaged[twice]}' and '{graph.name}' both average '{twice}'."
            hint = "Clear `ema` in one of them: the other's average follows all updates of its own."
            yield Problem("error", "step.average", message, hint, graph.id)
        averaged |= dict.fromkeys(names, graph.name)
