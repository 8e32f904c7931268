"""Data that does not fit the network: a problem at its node, and fixes that mend it."""

from __future__ import annotations

from typing import Any

import pytest

from netbuilder.app import templates
from netbuilder.engine import tasks
from netbuilder.errors import Problem
from netbuilder.graph import edits, fixes
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.layers.catalogue import ports_of


def put(document: Document, source: str, **params: Any) -> Document:
    """The project on other data."""
    data = {"source": f"netbuilder.{source}", "params": params}
    edits.set_project(History(document), data=data)
    return document


def errors(document: Document) -> list[Problem]:
    report = tasks.analyse(document, source=False)
    return [problem for problem in report.problems if problem.severity == "error"]


def mend(document: Document, title: str) -> None:
    """Click the fix of this title, at whatever problem it is."""
    found = [fix for problem in errors(document) for fix in problem.fixes]
    wanted = next((fix for fix in found if fix.title == title), None)
    assert wanted is not None, [fix.title for fix in found]
    fixes.apply_fix(History(document), wanted, ports_of)


def titles(document: Document) -> list[str]:
    return [fix.title for problem in errors(document) for fix in problem.fixes]


@pytest.mark.parametrize(
    ("template", "source", "params", "clicks"),
    [
        ("digits_cnn", "Shapes", {}, ["Set the shape of 'image' to 3×32×32"]),
        ("digits_cnn", "Photographs", {}, ["Set the shape of 'image' to 3×32×32"]),
        ("digits_mlp", "CaptionedDigits", {}, []),
        ("lstm_forecast", "Sines", {"length": 64}, []),
    ],
)
def test_one_click_brings_data_and_network_together(
    template: str, source: str, params: dict[str, Any], clicks: list[str]
) -> None:
    document = put(templates.open_template(template), source, **params)
    for title in clicks:
        mend(document, title)
    assert errors(document) == []


def test_the_problem_is_at_the_call_and_names_both_shapes() -> None:
    document = put(templates.open_template("digits_cnn"), "Shapes")
    (problem,) = errors(document)
    assert problem.code == "data.misfit"
    assert problem.graph == document.of_kind("step")[0].id
    assert "N×1×8×8" in problem.message
    assert "N×3×32×32" in problem.message


def test_generated_pictures_are_made_in_the_size_of_the_network() -> None:
    document = put(templates.open_template("digits_cnn"), "Shapes")
    # Their colours can't be taken away.
    assert not any(title.startswith("Bring") for title in titles(document))
    mend(document, "Set the shape of 'image' to 3×32×32")
    put(document, "Shapes", size=20)
    mend(document, "Bring the data to 3×32×32")
    assert document.project.data["params"] == {"size": 32}
    assert errors(document) == []


def test_another_field_that_fits_is_one_click_away() -> None:
    document = put(templates.open_template("digits_cnn"), "CaptionedDigits")
    step = document.of_kind("step")[0]
    data = next(node for node in step.nodes.values() if node.params.get("field") == "image")
    edits.set_parameters(History(document), step, [data.id], {"field": "caption"})
    assert "Use 'image' instead" in titles(document)
    assert "Use 'label' instead" not in titles(document)
    mend(document, "Use 'image' instead")
    assert errors(document) == []


def test_more_classes_than_scores_are_mended_in_the_last_layer() -> None:
    document = put(templates.open_template("digits_mlp"), "Digits")
    (network,) = document.of_kind("network")
    last = max(
        (node for node in network.nodes.values() if "out_features" in node.params),
        key=lambda node: node.y,
    )
    edits.set_parameters(History(document), network, [last.id], {"out_features": 4})
    mend(document, f"Set out_features of {last.name} to 10")
    assert errors(document) == []


def test_more_ids_than_the_network_knows() -> None:
    document = templates.open_template("gpt_small")
    (network,) = document.of_kind("network")
    start = next(node for node in network.nodes.values() if node.layer == "netbuilder.Input")
    edits.set_parameters(History(document), network, [start.id], {"high": 5})
    found = [p for p in errors(document) if p.code == "data.misfit"]
    assert found
    fixes.apply_fix(History(document), found[0].fixes[0], ports_of)
    assert not [p for p in errors(document) if p.code == "data.misfit"]


def test_several_things_that_differ_are_set_at_once() -> None:
    document = put(templates.open_template("mlp_regression"), "Digits")
    step = document.of_kind("step")[0]
    data = next(node for node in step.nodes.values() if node.params.get("field") == "features")
    edits.set_parameters(History(document), step, [data.id], {"field": "label"})
    mend(document, "Set shape, dtype of 'features' as the data has them")
    assert not [p for p in errors(document) if p.code == "data.misfit"]


def test_a_field_that_is_not_there_names_those_that_are() -> None:
    document = put(templates.open_template("mlp_regression"), "Linnerud")
    assert errors(document)[0].code == "data.misfit" or errors(document)[0].fixes
    put(document, "Digits")
    assert "Use 'image'" in titles(document)
