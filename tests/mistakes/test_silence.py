"""False alarms are worse than silence: nothing is said of what is usual and right.

Of the templates neither: tests/app/test_templates.py looks at each.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.drawing import Drawing
from tests.mistakes.base import problems
from tests.mistakes.well_made import WELL_MADE


@pytest.mark.parametrize("draw", WELL_MADE, ids=[draw.__name__ for draw in WELL_MADE])
def test_nothing_is_said_of_a_well_made_network(draw: Callable[[], Drawing]) -> None:
    assert [problem.message for problem in problems(draw())] == []
