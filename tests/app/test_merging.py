"""Settling a merge: what is kept is ticked off, what is taken is a step to undo."""

from __future__ import annotations

from netbuilder.app.git_stages import Unmerged
from netbuilder.app.merging import Merging
from netbuilder.app.templates import open_template
from netbuilder.engine import overrides
from netbuilder.graph.changes import Changed
from netbuilder.graph.disputed import words
from netbuilder.graph.merging import merge
from tests.app.test_comparing import Asked


def test_what_is_kept_waits_no_more_until_it_changes() -> None:
    base = open_template("digits_mlp")
    ours = overrides.apply(base, {"main.hidden1.out_features": 8, "training.epochs": 3})
    theirs = overrides.apply(base, {"main.hidden1.out_features": 9, "training.epochs": 30})
    session = Asked(merge(base, ours, theirs).document)
    merging = Merging(session, Unmerged(base, theirs))
    epochs, features = merging.rows
    assert words(epochs) == "training.epochs 3 here, 30 in theirs"
    assert merging.words(epochs) == "training.epochs 3 here, 30 in theirs, was 20"
    assert [pair.changes for pair in merging.pairs] == [1, 0]
    merging.keep([epochs])
    assert merging.left == [features]
    merging.take(merging.left, "Take theirs")
    assert merging.rows == [epochs]
    assert merging.left == []
    merging.travel(back=True)
    assert merging.left == [features]
    merging.travel(back=False)
    merging.keep([epochs], kept=False)
    assert merging.left == [epochs]
    merging.keep([epochs])
    document = overrides.apply(session.document, {"training.epochs": 4})
    with session.history.step("edit") as now:
        now.apply(Changed("", now.project, document.project))
    merging.refresh()
    assert [words(row) for row in merging.left] == ["training.epochs 4 here, 30 in theirs"]
