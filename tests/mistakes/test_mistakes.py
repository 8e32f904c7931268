"""Each mistake of the table is told in these words, and mended by its fix."""

from __future__ import annotations

import pytest

from netbuilder.errors import Problem
from netbuilder.graph import fixes
from netbuilder.layers.catalogue import ports_of
from tests.mistakes.base import Mistake, problems
from tests.mistakes.page import PAGE, page
from tests.mistakes.table import TABLE


def told(mistake: Mistake, found: list[Problem]) -> Problem:
    (problem,) = [problem for problem in found if problem.message == mistake.message]
    return problem


@pytest.mark.parametrize("mistake", TABLE, ids=[mistake.title for mistake in TABLE])
def test_it_is_told_and_mended(mistake: Mistake) -> None:
    d = mistake.draw()
    found = problems(d)
    assert mistake.message in [problem.message for problem in found]
    problem = told(mistake, found)
    assert (problem.severity, problem.hint) == (mistake.severity, mistake.hint)
    assert len(found) == 1 + mistake.others, [problem.message for problem in found]
    if not mistake.fix:
        assert not problem.fixes, "the table says that there is no fix"
        assert mistake.why
        assert mistake.remedy in problem.hint
        return
    assert problem.fixes[0].title == mistake.fix
    before = d.document.copy()
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    after = problems(d)
    assert problem.code not in [p.code for p in after if p.node == problem.node]
    assert [p.message for p in after if p.severity == "error"] == []
    d.history.undo()
    assert d.document == before, "a fix is one step to undo"


def test_every_fix_that_is_offered_can_be_done() -> None:
    tried = 0
    for mistake in TABLE:
        for number in range(1, 6):
            d = mistake.draw()
            found = told(mistake, problems(d)).fixes
            if number >= len(found):
                break
            fixes.apply_fix(d.history, found[number], ports_of)
            tried += 1
    assert tried >= 20


def test_there_are_many_and_most_have_a_fix() -> None:
    assert len(TABLE) >= 80
    assert sum(bool(mistake.fix) for mistake in TABLE) >= 50
    assert len({mistake.title for mistake in TABLE}) == len(TABLE)


def test_the_page_has_the_table() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run: python -m tests.mistakes.page"
