"""The one door: what a document refuses, and that a refusal changes nothing."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from netbuilder.errors import ChangeError
from netbuilder.graph.changes import Added, Change, Changed, Removed
from netbuilder.graph.document import Document
from netbuilder.graph.model import (
    Frame,
    GraphInfo,
    Node,
    ProjectInfo,
    Unreadable,
    Wire,
    freeze,
)
from tests.graph import invariants

GRAPH = GraphInfo(id="g", kind="network", name="main")
A = Node(id="a", layer="torch.nn.ReLU", name="a")
B = Node(id="b", layer="torch.nn.ReLU", name="b")
WIRE = Wire(id="w", source="a", source_port="output", target="b", target_port="input")
FRAME = Frame(id="f")


@pytest.fixture
def document() -> Document:
    contents = (GRAPH, A, B, WIRE, FRAME)
    return Document.of(ProjectInfo(), [Added("g", item) for item in contents])


REFUSED: list[Change] = [
    Added("g", GRAPH),
    Added("other", GraphInfo(id="x", kind="network", name="x")),
    Added("nowhere", A),
    Added("g", A),
    Added("g", replace(FRAME, id="a")),
    Added("g", replace(A, id="w")),
    Added("g", replace(WIRE, id="w2")),
    Added("g", replace(WIRE, id="w2", target="missing")),
    Added("g", replace(WIRE, id="w2", source="missing", target_port="other")),
    Added("", ProjectInfo()),
    Removed("", ProjectInfo()),
    Removed("g", GRAPH),
    Removed("g", A),
    Removed("g", replace(FRAME, title="another")),
    Changed("g", A, replace(A, id="c")),
    Changed("g", A, B),
    Changed("g", A, FRAME),
    Changed("g", replace(A, name="old"), replace(A, name="new")),
    Changed("g", WIRE, replace(WIRE, target="missing")),
    Changed("g", GRAPH, replace(GRAPH, kind="step")),
    Changed("", ProjectInfo(title="other"), ProjectInfo(title="new")),
]


@pytest.mark.parametrize("change", REFUSED, ids=str)
def test_a_refused_change_changes_nothing(document: Document, change: Change) -> None:
    before = invariants.fingerprint(document)
    heard: list[Change] = []
    document.subscribe(heard.append)
    with document.editing(), pytest.raises(ChangeError):
        document.apply(change)
    assert not heard
    assert invariants.fingerprint(document) == before
    invariants.check(document)


ACCEPTED: list[Change] = [
    Added("g", Node(id="c", layer="x", name="c")),
    Added("g", Unreadable(id="u", section="nodes", index=0, raw=None, reason="")),
    Added("g2", GraphInfo(id="g2", kind="step", name="train")),
    Removed("g", WIRE),
    Removed("g", FRAME),
    Changed("g", A, replace(A, x=8.0)),
    Changed("g", WIRE, replace(WIRE, target_port="other")),
    Changed("g", GRAPH, replace(GRAPH, name="renamed")),
    Changed("", ProjectInfo(), ProjectInfo(title="new")),
]


@pytest.mark.parametrize("change", ACCEPTED, ids=str)
def test_a_change_and_its_inverse_cancel_out(document: Document, change: Change) -> None:
    before = document.copy()
    heard: list[Change] = []
    unsubscribe = document.subscribe(heard.append)
    with document.editing():
        document.apply(change)
        assert document != before
        invariants.check(document)
        document.apply(change.inverse())
    assert document == before
    assert heard == [change, change.inverse()]
    assert change.inverse().inverse() == change
    unsubscribe()
    with document.editing():
        document.apply(change)
    assert len(heard) == 2


def test_copies_are_equal_and_apart(document: Document) -> None:
    copies = [document.copy(), pickle.loads(pickle.dumps(document))]  # noqa: S301
    for copy in copies:
        assert copy == document
        with copy.editing():
            copy.apply(Removed("g", FRAME))
        assert copy != document
        invariants.check(copy)
    invariants.check(document)


def test_two_steps_at_once_are_refused(document: Document) -> None:
    with document.editing(), pytest.raises(ChangeError, match="open already"):
        document.editing().__enter__()
    with pytest.raises(ChangeError, match="outside a step"):
        document.apply(Removed("g", FRAME))


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53 + 1, object(), {1: 2}, "\ud800", {"\ud800": 1}, b"x"],
)
def test_what_json_cannot_hold_never_enters(value: object) -> None:
    with pytest.raises(ChangeError):
        freeze({"deep": [value]})


def test_freezing_keeps_values_and_types() -> None:
    value = {"a": [1, 1.0, True, None, "ü", {"b": [[]]}], "big": 2**53}
    frozen = freeze(value)
    assert frozen == {"a": (1, 1.0, True, None, "ü", {"b": ((),)}), "big": 2**53}
    assert [type(item) for item in frozen["a"][:3]] == [int, float, bool]
