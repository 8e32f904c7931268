"""What a merge leaves to a person: all that is as ours and no more, and taking theirs ends it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbuilder.graph import edits
from netbuilder.graph.difference import difference
from netbuilder.graph.disputed import disputed, words
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.graph.merging import merge
from netbuilder.graph.model import Frame
from netbuilder.graph.taking import taken
from tests.graph.invariants import check
from tests.graph.random_edits import RandomEdits
from tests.graph.test_merging import (
    CONFLICTS,
    Edit,
    _delete,
    _insert,
    _main,
    _optimizer,
    _set,
    edited,
    start,
    wandered,
)


def _replace_layer(history: History) -> None:
    graph = _main(history.document)
    node = graph.named("relu1")
    assert node is not None
    edits.set_node(history, graph, node.id, layer="torch.nn.ELU", params={"alpha": 2.0})


def _rename(name: str, new: str) -> Edit:
    def do(history: History) -> None:
        graph = _main(history.document)
        node = graph.named(name)
        assert node is not None
        edits.rename(history, graph, node.id, new)

    return do


def _note(name: str, text: str) -> Edit:
    def do(history: History) -> None:
        graph = _main(history.document)
        node = graph.named(name)
        assert node is not None
        edits.set_node(history, graph, node.id, note=text)

    return do


CASES: list[tuple[Edit, Edit, list[str]]] = [
    (
        _set("conv1", out_channels=8, kernel_size=5),
        _set("conv1", out_channels=9, stride=2),
        ["'conv1': out_channels 8 here, 9 in theirs"],
    ),
    (
        _set("dropout", p=0.1),
        _delete("dropout"),
        ["'dropout': changed here, removed in theirs"],
    ),
    (
        _delete("dropout"),
        _set("dropout", p=0.1),
        ["'dropout': removed here, changed or used in theirs"],
    ),
    (
        _rename("conv1", "stem"),
        _rename("conv1", "first"),
        ["'stem': name stem here, first in theirs"],
    ),
    (
        _set("relu1", inplace=True),
        _replace_layer,
        ["'relu1': layer torch.nn.ReLU here, torch.nn.ELU in theirs"],
    ),
    (
        _replace_layer,
        _set("relu1", inplace=True),
        ["'relu1': layer torch.nn.ELU here, torch.nn.ReLU in theirs"],
    ),
    (
        _optimizer(lr=0.1),
        _optimizer(kind="SGD"),
        ["optimizer.kind AdamW here, SGD in theirs"],
    ),
    (
        _optimizer(kind="SGD"),
        _optimizer(lr=0.1),
        ["optimizer.kind SGD here, AdamW in theirs"],
    ),
    (
        _insert("relu1", "torch.nn.GELU"),
        _insert("relu1", "torch.nn.Tanh"),
        ["'conv2': input is fed by gelu.output here, by tanh.output in theirs"],
    ),
    (_insert("relu1", "torch.nn.GELU"), _insert("relu2", "torch.nn.GELU"), []),
    (_rename("conv1", "x"), _rename("conv2", "x"), []),
    (_set("conv1", stride=2), _set("conv1", padding=0), []),
    (_delete("dropout"), _delete("dropout"), []),
    (_delete("norm1"), _delete("conv1"), []),
    (
        _delete("conv1"),
        _note("conv1", "Keep this"),
        ["'conv1': removed here, changed or used in theirs"],
    ),
]


@pytest.mark.parametrize(("ours", "theirs", "told"), CASES)
def test_each_thing_that_both_changed_is_told_once_and_can_be_taken(
    ours: Edit, theirs: Edit, told: list[str]
) -> None:
    base = start()
    x, y = edited(base, ours), edited(base, theirs)
    result = merge(base, x, y)
    now = result.document
    rows = disputed(base, y, now)
    assert [words(row) for row in rows] == told
    assert bool(rows) == bool(result.conflicts)
    other = merge(base, y, x).document
    assert len(disputed(base, x, other)) == len(told)
    while rows:
        now = taken(y, now, rows[:1])
        check(now)
        left = disputed(base, y, now)
        assert len(left) < len(rows)
        rows = left
    assert difference(other, now) == []


def test_the_table_of_conflicts_is_disputed_too() -> None:
    for _, ours, theirs, _words in CONFLICTS:
        x, y = edited(start(), ours), edited(start(), theirs)
        assert disputed(start(), y, merge(start(), x, y).document)


@given(seed=st.integers(0, 2**32), mine=st.integers(1, 20), others=st.integers(1, 20))
@settings(max_examples=30, deadline=None, derandomize=True)
def test_nothing_that_stayed_as_ours_goes_without_a_word(seed: int, mine: int, others: int) -> None:
    base = wandered(RandomEdits(seed).document, seed, 60)
    x, y = wandered(base, seed + 1, mine), wandered(base, seed + 2, others)
    result = merge(base, x, y)
    rows = disputed(base, y, result.document)
    assert bool(rows) == bool(result.conflicts), [c.words for c in result.conflicts]
    assert disputed(base, base, x) == []
    assert disputed(base, y, y) == []
    assert disputed(base, y, base) != [] or difference(base, y) == []
    for row in rows:
        assert words(row)
        check(taken(y, result.document, [row]))
    settled = taken(y, result.document, rows)
    check(settled)
    assert disputed(base, y, settled) == []


def test_files_that_both_added() -> None:
    x, y = edited(start(), _set("dropout", p=0.1)), edited(start(), _set("dropout", p=0.2))
    now = merge(Document(), x, y).document
    [row] = disputed(Document(), y, now)
    assert words(row) == "'dropout': p 0.1 here, 0.2 in theirs"


def _block(history: History) -> None:
    edits.add_graph(history, "block", "stage")


def _use(history: History) -> None:
    params = {"block": "stage"}
    edits.add_node(history, _main(history.document), "netbuilder.Block", params=params)


def _fill(history: History) -> None:
    [block] = history.document.of_kind("block")
    edits.add_node(history, block, "torch.nn.ReLU")


def _mark(history: History) -> None:
    [block] = history.document.of_kind("block")
    edits.add_frame(history, block, Frame(id="f", title="Why"))


def _remove(history: History) -> None:
    edits.remove_graph(history, history.document.of_kind("block")[0])


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        (_use, _remove, ["'stage': changed here, removed in theirs"]),
        (_remove, _use, ["'stage': removed here, changed or used in theirs"]),
        (_fill, _remove, ["'stage': changed here, removed in theirs"]),
        (_remove, _fill, ["'stage': removed here, changed or used in theirs"]),
        (_remove, _set("conv1", stride=2), []),
        (_remove, _mark, []),
    ],
)
def test_a_block_that_one_side_removed(ours: Edit, theirs: Edit, told: list[str]) -> None:
    base = edited(start(), _block)
    x, y = edited(base, ours), edited(base, theirs)
    result = merge(base, x, y)
    rows = disputed(base, y, result.document)
    assert [words(row) for row in rows] == told
    assert disputed(base, y, taken(y, result.document, rows)) == []


def _write(title: str, note: str, frame: str) -> Edit:
    def do(history: History) -> None:
        about = {"licence": note}
        edits.set_project(history, title=title, about=about)
        graph = _main(history.document)
        node = graph.named("conv1")
        assert node is not None
        edits.set_node(history, graph, node.id, note=note)
        [one] = graph.frames
        edits.set_frame(history, graph, one, title=frame)

    return do


def test_what_both_wrote_is_told_too() -> None:
    def framed(history: History) -> None:
        edits.add_frame(history, _main(history.document), Frame(id="f", title="Stem"))

    base = edited(start(), framed)
    x, y = edited(base, _write("A", "a", "a")), edited(base, _write("B", "b", "b"))
    result = merge(base, x, y)
    rows = disputed(base, y, result.document)
    assert [words(row) for row in rows] == [
        "title A here, B in theirs",
        "about.licence a here, b in theirs",
        "'conv1': note a here, b in theirs",
        "'a': title a here, b in theirs",
    ]
    assert len(result.conflicts) == len(rows)
    now = result.document
    for row in rows:
        now = taken(y, now, [row])
    assert disputed(base, y, now) == []
    assert now == y
    assert disputed(base, y, taken(y, result.document, rows)) == []


def test_what_belongs_to_one_graph_stands_together() -> None:
    def change(rate: float, title: str) -> Edit:
        def do(history: History) -> None:
            edits.set_project(history, title=title, training={"epochs": round(10 * rate)})
            _optimizer(lr=rate)(history)

        return do

    x, y = edited(start(), change(0.1, "A")), edited(start(), change(0.2, "B"))
    rows = disputed(start(), y, merge(start(), x, y).document)
    assert [(row.graph, row.key) for row in rows] == [
        ("", "training.epochs"),
        ("", "title"),
        ("train", "optimizer.lr"),
    ]


def test_settings_that_were_taken_are_those_of_their_kind() -> None:
    source = {"source": "digits", "seed": 1}
    base = edited(start(), lambda h: edits.set_project(h, data=source))
    x = edited(base, lambda h: edits.set_project(h, data={**source, "seed": 2, "test": 0.1}))
    y = edited(base, lambda h: edits.set_project(h, data={"source": "iris", "seed": 1}))
    now = merge(base, x, y).document
    assert now.project.data == x.project.data
    [row] = disputed(base, y, now)
    assert words(row) == "data.source digits here, iris in theirs"
    assert taken(y, now, [row]).project.data == y.project.data
