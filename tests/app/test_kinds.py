"""The usual kinds of training as projects to begin with."""

from __future__ import annotations

import pytest

from netbuilder.app.kinds import KINDS, begin
from netbuilder.engine import tasks
from netbuilder.errors import DocumentError
from tests.app.fakes import Desk

ASKED = {
    *("classification", "regression", "reconstruction", "variational", "adversarial"),
    *("denoising", "language-model", "contrastive", "distillation"),
}


def test_every_usual_kind_is_there() -> None:
    assert {kind.id for kind in KINDS} == ASKED
    assert all(20 < len(kind.help) < 60 for kind in KINDS)


@pytest.mark.parametrize("id", sorted(ASKED))
def test_a_kind_is_a_project_of_ones_own_without_a_problem(id: str) -> None:
    document = begin(id)
    assert document.project.title == "Untitled"
    assert not document.project.description
    assert not document.project.about
    report = tasks.analyse(document)
    assert report.problems == ()
    assert all(report.graphs[graph.id].code for graph in document.of_kind("step"))


def test_an_unknown_kind_is_told() -> None:
    with pytest.raises(DocumentError, match="no kind of project 'nothing'") as caught:
        begin("nothing")
    assert "adversarial" in caught.value.hint


def test_a_session_begins_with_a_kind() -> None:
    session = Desk().session
    session.new(kind="adversarial")
    assert [step.name for step in session.document.of_kind("step")] == ["discriminate", "generate"]
