"""Merging projects: what one side changed is taken, the rest is told, and the result is whole."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbuilder.app import templates
from netbuilder.graph import edits
from netbuilder.graph.changes import Added
from netbuilder.graph.difference import difference
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.merging import Merged, merge
from netbuilder.graph.model import GraphInfo, Mute, Unreadable, Wire
from netbuilder.graph.rules import End
from netbuilder.layers import catalogue
from netbuilder.storage import format
from tests.graph.invariants import check
from tests.graph.random_edits import RandomEdits

Edit = Callable[[History], object]


def wandered(start: Document, seed: int, steps: int) -> Document:
    """The document after some random edits."""
    run = RandomEdits(seed, most_nodes=12)
    run.document = start.copy()
    run.history = History(run.document)
    for _ in range(steps):
        run.edit()
    return run.document


def edited(start: Document, *todo: Edit) -> Document:
    history = History(start.copy())
    for edit in todo:
        edit(history)
    return history.document


@given(seed=st.integers(0, 2**32), mine=st.integers(1, 30), others=st.integers(1, 30))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_one_side_alone_wins_and_both_give_a_whole_document(
    seed: int, mine: int, others: int
) -> None:
    base = wandered(RandomEdits(seed).document, seed, 60)
    x, y = wandered(base, seed + 1, mine), wandered(base, seed + 2, others)
    assert merge(base, x, base) == Merged(x)
    assert merge(base, base, y) == Merged(y)
    assert merge(base, x, x) == merge(x, x, x) == Merged(x)
    one, other = merge(base, x, y), merge(base, y, x)
    for result in (one, other):
        check(result.document)
        assert format.loads(format.dumps(result.document)) == result.document
        assert all(conflict.words for conflict in result.conflicts)
    assert len(one.conflicts) == len(other.conflicts)
    if not one.conflicts:
        # But for the places of what both moved.
        assert difference(one.document, other.document) == []


@cache
def start() -> Document:
    return templates.open_template("digits_cnn")


def _main(document: Document) -> Graph:
    return document.of_kind("network")[0]


def node_edits(name: str) -> st.SearchStrategy[Edit]:
    """Edits of one node that leave its neighbours alone."""

    def on(edit: Callable[[History, Graph, str], object]) -> Edit:
        def do(history: History) -> None:
            graph = _main(history.document)
            id = next(n.id for n in _main(start()).nodes.values() if n.name == name)
            if id in graph.nodes:
                edit(history, graph, id)

        return do

    number = st.integers(1, 9)
    return st.one_of(
        number.map(lambda n: on(lambda h, g, i: edits.set_parameters(h, g, [i], {"extra": n}))),
        number.map(lambda n: on(lambda h, g, i: edits.rename(h, g, i, f"{name}_{n}"))),
        number.map(lambda n: on(lambda h, g, i: edits.move(h, g, {i: (n * 8.0, 0.0)}))),
        st.sampled_from(get_args(Mute)).map(
            lambda mute: on(lambda h, g, i: edits.set_mute(h, g, [i], mute))
        ),
        st.just(on(lambda h, g, i: edits.delete(h, g, [i]))),
    )


def some(names: tuple[str, ...]) -> st.SearchStrategy[list[Edit]]:
    return st.lists(st.sampled_from(names).flatmap(node_edits), max_size=4)


def step_edit(history: History, **settings: object) -> None:
    [step] = history.document.of_kind("step")
    edits.set_graph(history, step, settings={**step.info.settings, **settings})


@given(
    ours=some(("conv1", "norm1", "relu1")),
    theirs=some(("pool", "flatten", "dropout")),
    every=st.booleans(),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_edits_at_different_places_give_what_one_person_would_have_made(
    ours: list[Edit], theirs: list[Edit], every: bool
) -> None:
    if every:
        theirs = [*theirs, lambda history: step_edit(history, every=2)]
    x, y, both = (edited(start(), *todo) for todo in (ours, theirs, [*ours, *theirs]))
    assert merge(start(), x, y) == merge(start(), y, x) == Merged(both)


def _set(name: str, **values: object) -> Edit:
    def do(history: History) -> None:
        graph = _main(history.document)
        node = graph.named(name)
        assert node is not None
        edits.set_parameters(history, graph, [node.id], values)

    return do


def _delete(name: str) -> Edit:
    def do(history: History) -> None:
        graph = _main(history.document)
        node = graph.named(name)
        assert node is not None
        edits.delete(history, graph, [node.id], ports_of=catalogue.ports_of)

    return do


def _insert(after: str, layer: str) -> Edit:
    def do(history: History) -> None:
        graph = _main(history.document)
        node = graph.named(after)
        assert node is not None
        [wire] = graph.wires_out_of(node.id)
        edits.insert_layer(history, graph, wire.id, layer, None, catalogue.ports_of)

    return do


def _optimizer(**values: object) -> Edit:
    def do(history: History) -> None:
        [step] = history.document.of_kind("step")
        step_edit(history, optimizer={**step.info.settings["optimizer"], **values})

    return do


CONFLICTS: list[tuple[str, Edit, Edit, list[str]]] = [
    (
        "one parameter, two values",
        _set("conv1", out_channels=8, kernel_size=5),
        _set("conv1", out_channels=9, stride=2),
        ["main.conv1 out_channels: 8 (ours), 9 (theirs), was 16"],
    ),
    (
        "removed there",
        _set("dropout", p=0.1),
        _delete("dropout"),
        ["main.dropout: changed by ours, removed by theirs"],
    ),
    (
        "removed here",
        _delete("dropout"),
        _set("dropout", p=0.1),
        ["main.dropout: removed by ours, changed by theirs"],
    ),
    (
        "two layers on one wire",
        _insert("relu1", "torch.nn.GELU"),
        _insert("relu1", "torch.nn.Tanh"),
        ["main.conv2.input: gelu.output (ours), tanh.output (theirs), was relu1.output"],
    ),
    (
        "parameters of one optimizer and another optimizer",
        _optimizer(lr=0.1),
        _optimizer(kind="SGD"),
        [
            'train settings.optimizer: {"kind": "AdamW", "lr": 0.1} (ours), '
            '{"kind": "SGD", "lr": 0.003} (theirs), was {"kind": "AdamW", "lr": 0.003}'
        ],
    ),
]


@pytest.mark.parametrize(("ours", "theirs", "words"), [row[1:] for row in CONFLICTS])
def test_what_both_changed_differently_stays_as_ours_and_is_told(
    ours: Edit, theirs: Edit, words: list[str]
) -> None:
    x, y = edited(start(), ours), edited(start(), theirs)
    result = merge(start(), x, y)
    assert [conflict.words for conflict in result.conflicts] == words
    check(result.document)
    kept = difference(x, result.document)
    # What only they changed, or added beside, came along; nothing of ours was lost.
    assert all(row.change == "added" or row.key in ("stride",) for row in kept), kept


def test_a_node_that_stays_keeps_its_wires() -> None:
    x, y = edited(start(), _set("dropout", p=0.1)), edited(start(), _delete("dropout"))
    assert merge(start(), x, y).document == x


def test_a_node_that_stays_has_no_wire_from_one_that_goes() -> None:
    x = edited(start(), _set("norm1", eps=0.1))
    y = edited(start(), _delete("norm1"), _delete("conv1"))
    result = merge(start(), x, y)
    check(result.document)
    graph = _main(result.document)
    norm = graph.named("norm1")
    assert norm is not None
    assert graph.named("conv1") is None
    assert graph.wires_into(norm.id) == []


def test_both_may_add_nodes_of_one_name() -> None:
    x = edited(start(), _insert("relu1", "torch.nn.GELU"))
    y = edited(start(), _insert("relu2", "torch.nn.GELU"))
    one, other = merge(start(), x, y), merge(start(), y, x)
    assert not one.conflicts
    assert one.document == other.document
    names = [node.name for node in _main(one.document).nodes.values()]
    assert {"gelu", "gelu_2"} <= set(names)
    assert len(set(names)) == len(names)
    assert one.notes == ("main.gelu: both sides have one, renamed to gelu_2",)


def test_references_follow_a_graph_that_the_other_side_renamed() -> None:
    from netbuilder.app import graphs

    x = edited(start(), lambda h: graphs.rename(h, _main(h.document), "net"))

    def calls(history: History) -> None:
        [step] = history.document.of_kind("step")
        params = {"network": "main"}
        edits.add_node(history, step, "netbuilder.NetworkCall", name="again", params=params)
        edits.add_graph(history, "network", "critic")
        step_edit(history, updates=("main", "critic"))

    y = edited(start(), calls)
    for result in (merge(start(), x, y), merge(start(), y, x)):
        assert not result.conflicts
        [step] = result.document.of_kind("step")
        called = [n.params["network"] for n in step.nodes.values() if "network" in n.params]
        assert called == ["net", "net"]
        assert step.info.settings["updates"] == ("net", "critic")


def test_wires_of_both_that_make_a_circle_are_not_both_taken() -> None:
    def add(history: History) -> None:
        graph = _main(history.document)
        for name in ("a", "b"):
            edits.add_node(history, graph, "torch.nn.ReLU", name=name)

    def wire(source: str, target: str) -> Edit:
        def do(history: History) -> None:
            graph = _main(history.document)
            start, end = graph.named(source), graph.named(target)
            assert start is not None
            assert end is not None
            ports = catalogue.ports_of
            edits.connect(history, graph, End(start.id, "output"), End(end.id, "input"), ports)

        return do

    base = edited(start(), add)
    x, y = edited(base, wire("a", "b")), edited(base, wire("b", "a"))
    result = merge(base, x, y)
    assert result.document == x
    assert [conflict.words for conflict in result.conflicts] == [
        "main.a.input: the wire from b.output would close a circle"
    ]


def test_a_block_that_is_used_is_not_lost_without_a_word() -> None:
    def block(history: History) -> None:
        edits.add_graph(history, "block", "stage")

    def use(history: History) -> None:
        params = {"block": "stage"}
        edits.add_node(history, _main(history.document), "netbuilder.Block", params=params)

    def remove(history: History) -> None:
        edits.remove_graph(history, history.document.of_kind("block")[0])

    base = edited(start(), block)
    x, y = edited(base, use), edited(base, remove)
    mine, yours = merge(base, x, y), merge(base, y, x)
    assert mine.document == x
    assert yours.document.block("stage") is None
    for result in (mine, yours):
        words = [conflict.words for conflict in result.conflicts]
        assert words == ["block: uses the block 'stage', which the other side removed"]


def test_what_shares_weights_with_a_removed_node_gets_its_own() -> None:
    from netbuilder.graph import sharing

    def twin(history: History) -> None:
        graph = _main(history.document)
        edits.add_node(history, graph, "torch.nn.Conv2d", name="twin", params={"kernel_size": 9})

    def share(history: History) -> None:
        graph = _main(history.document)
        ids = [node.id for node in graph.nodes.values() if node.name in ("conv2", "twin")]
        sharing.share(history, graph, ids)

    base = edited(start(), twin)
    result = merge(base, edited(base, _delete("conv2")), edited(base, share))
    node = _main(result.document).named("twin")
    assert node is not None
    assert node.shares == ""
    assert node.params["out_channels"] == 32
    assert len(result.conflicts) == 1


def _odd(*raws: object) -> Document:
    info = GraphInfo(id="g1", kind="network", name="main")
    entries = [
        Unreadable(id=f"unreadable-nodes-{at}", section="nodes", index=at, raw=raw, reason="?")
        for at, raw in enumerate(raws)
    ]
    return Document.of(Document().project, [Added("g1", info), *(Added("g1", e) for e in entries)])


def test_entries_that_nobody_can_read_are_kept_as_each_side_left_them() -> None:
    base, x, y = _odd("a", "b"), _odd("b"), _odd("a", "b", "c")
    result = merge(base, x, y).document
    assert sorted(e.raw for e in result.graphs["g1"].unreadable.values()) == ["b", "c"]
    assert merge(base, x, base) == Merged(x)
    assert merge(base, base, y) == Merged(y)
    again = format.loads(format.dumps(result))
    assert sorted(e.raw for e in again.graphs["g1"].unreadable.values()) == ["b", "c"]


def test_what_both_moved_stands_where_ours_has_it() -> None:
    def move(to: float) -> Edit:
        def do(history: History) -> None:
            graph = _main(history.document)
            node = graph.named("conv1")
            assert node is not None
            edits.move(history, graph, {node.id: (to, to)})
            edits.set_node(history, graph, node.id, collapsed=to > 500)

        return do

    x, y = edited(start(), move(400.0)), edited(start(), move(800.0), _set("conv1", stride=2))
    result = merge(start(), x, y)
    assert not result.conflicts
    conv = _main(result.document).named("conv1")
    assert conv is not None
    assert (conv.x, conv.y, conv.params["stride"]) == (400.0, 400.0, 2)


def test_names_that_one_side_has_twice_are_its_own_affair() -> None:
    text = format.dumps(start()).replace('"name": "relu2"', '"name": "relu1"')
    twice = format.loads(text)
    x = edited(twice, _set("conv1", stride=2))
    assert merge(twice, x, twice) == merge(twice, twice, x) == Merged(x)


def test_wires_that_both_gave_one_id_are_both_there() -> None:
    history = History(start().copy())
    graph = _main(history.document)
    for name in ("a", "b", "c"):
        edits.add_node(history, graph, "torch.nn.ReLU", name=name)
    base = history.document
    ids = {node.name: node.id for node in graph.nodes.values()}

    def wired(target: str) -> Document:
        wire = Wire(
            id="w",
            source=ids["a"],
            source_port="output",
            target=ids[target],
            target_port="input",
        )
        side = base.copy()
        with side.editing():
            side.apply(Added(graph.id, wire))
        return side

    result = merge(base, wired("b"), wired("c"))
    check(result.document)
    assert not result.conflicts
    assert len(_main(result.document).wires_out_of(ids["a"])) == 2


def test_ids_that_both_gave_by_hand_are_used_once() -> None:
    base = format.loads(
        '{"netbuilder": 1, "graphs": [{"id": "g", "kind": "network", "name": "main", "order": 0, '
        '"nodes": [{"id": "a", "name": "a", "layer": "torch.nn.ReLU", "order": 0}], "wires": []}]}'
    )

    def with_node(layer: str, wire: str) -> Document:
        text = format.dumps(base)
        node = f'{{"id": "b", "name": "b", "layer": "{layer}", "order": 1}}'
        text = text.replace('"order": 0}\n', f'"order": 0}},\n{node}\n', 1)
        return format.loads(text.replace('"wires": []', f'"wires": [{wire}]'))

    x = with_node("torch.nn.ReLU", '{"id": "w", "from": ["a", "output"], "to": ["b", "input"]}')
    y = with_node("torch.nn.Tanh", '{"id": "w", "from": ["b", "output"], "to": ["a", "input"]}')
    assert [len(side.graphs["g"].nodes) for side in (x, y)] == [2, 2]
    result = merge(base, x, y)
    check(result.document)
    assert [conflict.kind for conflict in result.conflicts][:1] == ["added"]
    assert difference(x, result.document) == []


def test_files_that_both_added_are_merged_as_far_as_they_are_alike() -> None:
    x, y = (
        edited(start(), _set("dropout", p=0.1)),
        edited(start(), _insert("pool", "torch.nn.GELU")),
    )
    result = merge(Document(), x, y)
    check(result.document)
    assert result.conflicts
    assert merge(Document(), x, x) == Merged(x)
