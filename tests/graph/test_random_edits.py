"""Thousands of random edits: the document is whole after each, and every one can be undone."""

from __future__ import annotations

import pytest

from netbuilder.graph.document import Document
from tests.graph import invariants
from tests.graph.random_edits import RandomEdits


def walk(seed: int, edits: int, at_least: int) -> None:
    run = RandomEdits(seed)
    history, document = run.history, run.document
    # State 0 is the empty document, before the network that the edits begin with.
    texts = {0: invariants.fingerprint(Document()), history.state: invariants.fingerprint(document)}
    mark = edits // 2
    saved = ""
    for number in range(edits):
        run.edit()
        invariants.check(document)
        text = invariants.fingerprint(document)
        # Equal states are equal documents, however they were reached.
        assert texts.setdefault(history.state, text) == text
        if number == mark:
            history.mark_saved()
            saved = text
        if number >= mark and not history.dirty:
            assert text == saved
    for name in run.operations:
        assert run.done[name] >= at_least, (name, run.done)
    assert run.refused["connect"] > 0
    # The walk may end on an undo: what waits to be done again belongs to the end.
    while history.redo() is not None:
        pass
    end = invariants.fingerprint(document)
    undone = 0
    while history.undo() is not None:
        undone += 1
        assert invariants.fingerprint(document) == texts[history.state]
    assert undone > edits // 20
    invariants.check(document)
    while history.redo() is not None:
        undone -= 1
        assert invariants.fingerprint(document) == texts[history.state]
    assert undone == 0
    invariants.check(document)
    while history.redo() is not None:
        pass
    assert invariants.fingerprint(document) == texts[history.state]
    assert end in texts.values()


@pytest.mark.parametrize("seed", [1, 2])
def test_random_edits_and_back(seed: int) -> None:
    walk(seed, 700, at_least=3)


@pytest.mark.nightly
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(20))
def test_many_random_edits_and_back(seed: int) -> None:
    walk(seed, 10_000, at_least=190)
