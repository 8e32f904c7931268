"""False alarms are worse than silence: nothing is said of what is usual and right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netbuilder.app.templates import open_template, templates
from netbuilder.engine import tasks
from tests.drawing import Drawing
from tests.mistakes.base import problems
from tests.mistakes.well_made import WELL_MADE


@pytest.mark.parametrize("draw", WELL_MADE, ids=[draw.__name__ for draw in WELL_MADE])
def test_nothing_is_said_of_a_well_made_network(draw: Callable[[], Drawing]) -> None:
    assert [problem.message for problem in problems(draw())] == []


@pytest.mark.parametrize("id", [info.id for info in templates()])
def test_nothing_is_said_of_a_template(id: str) -> None:
    report = tasks.analyse(open_template(id))
    assert [problem.message for problem in report.problems] == []
