"""What names a network or a node follows its new name."""

from __future__ import annotations

import pytest

from netbuilder.app import graphs
from netbuilder.graph import edits
from tests.drawing import Drawing, classifier

ENTRY = {"file": "a.safetensors", "sha256": "0" * 64}


@pytest.fixture
def drawing() -> Drawing:
    made = classifier()
    names = [node.name for node in made.graph.nodes.values()]
    parts = [{"part": part, "lr": 0.1} for part in ("main", f"main.{names[1]}", "main_2.stem")]
    settings = {"updates": ("main", "other"), "parts": tuple(parts)}
    [step] = made.document.of_kind("step")
    edits.set_graph(made.history, step, settings=settings)
    edits.set_project(made.history, weights={"main": ENTRY, "other": ENTRY})
    return made


def told(drawing: Drawing) -> tuple[list[str], list[str], list[str]]:
    [step] = drawing.document.of_kind("step")
    settings = step.info.settings
    parts = [part["part"] for part in settings["parts"]]
    return list(settings["updates"]), parts, list(drawing.document.project.weights)


def test_of_a_network(drawing: Drawing) -> None:
    first = [node.name for node in drawing.graph.nodes.values()][1]
    before = drawing.document.copy()
    graphs.rename(drawing.history, drawing.graph, "net")
    parts = ["net", f"net.{first}", "main_2.stem"]
    assert told(drawing) == (["net", "other"], parts, ["net", "other"])
    drawing.history.undo()
    assert drawing.document == before


def test_of_a_node(drawing: Drawing) -> None:
    node = list(drawing.graph.nodes.values())[1]
    before = drawing.document.copy()
    edits.rename(drawing.history, drawing.graph, node.id, "first")
    parts = ["main", "main.first", "main_2.stem"]
    assert told(drawing) == (["main", "other"], parts, ["main", "other"])
    drawing.history.undo()
    assert drawing.document == before
