"""What is wrong in the settings of steps is told as they are drawn."""

from __future__ import annotations

from typing import Any

from netbuilder.app.templates import open_template
from netbuilder.engine import settings_faults
from netbuilder.errors import Problem
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History


def told(document: Document) -> list[tuple[str, str, str]]:
    """Code, step and text of each problem."""
    names = {graph.id: graph.name for graph in document.of_kind("step")}

    def row(problem: Problem) -> tuple[str, str, str]:
        return problem.code, names[problem.graph], problem.message

    return [row(problem) for problem in settings_faults.find(document)]


def changed(template: str, step: str, **settings: Any) -> Document:
    document = open_template(template)
    history = History(document)
    graph = next(graph for graph in document.of_kind("step") if graph.name == step)
    edits.set_graph(history, graph, settings={**graph.info.settings, **settings})
    return document


def test_two_averages_of_one_network_are_told_where_the_second_is_drawn() -> None:
    both = {"updates": ("generator", "discriminator"), "ema": 0.9}
    document = changed("gan_mlp", "discriminate", **both)
    ((code, step, text),) = told(document)
    assert (code, step) == ("step.average", "generate")
    assert text == "Steps 'discriminate' and 'generate' both average 'generator'."
    frozen = ({"part": "generator", "frozen": True},)
    assert not told(changed("gan_mlp", "discriminate", **both, parts=frozen))
    assert not told(changed("gan_mlp", "discriminate", ema=0.9))


def test_a_step_that_never_runs_is_told() -> None:
    document = changed("distillation", "distil", first_epoch=61)
    assert told(document) == [
        (
            "step.epochs",
            "distil",
            "The step never runs: it begins with epoch 61, and the training has 60.",
        )
    ]
    ((code, step, text),) = told(changed("distillation", "teach", first_epoch=5, last_epoch=4))
    assert (code, step) == ("step.epochs", "teach")
    assert "its last epoch (4) comes before its first (5)" in text


def test_a_schedule_is_held_against_the_epochs_of_its_step() -> None:
    late = {"kind": "none", "warmup": 11.0}
    ((code, step, text),) = told(changed("distillation", "teach", schedule=late))
    assert (code, step) == ("step.schedule", "teach")
    assert "longer than the run of 10" in text
    assert not told(changed("distillation", "distil", schedule=late))
