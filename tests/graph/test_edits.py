"""What people do to a graph: every edit undoes, and every refusal says why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netbuilder.errors import ChangeError, Fix
from netbuilder.graph import edits, fragment, rules, topology
from netbuilder.graph.fixes import apply_fix
from netbuilder.graph.model import Frame
from netbuilder.graph.rules import End
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing
from tests.graph import invariants


@pytest.fixture
def chain() -> Drawing:
    """x -> a -> b -> c -> y, and a frame."""
    made = Drawing()
    x = made.input(4, name="x")
    a = made.add("Linear", x, name="a", out_features=3)
    b = made.add("ReLU", a, name="b")
    c = made.add("Linear", b, name="c", out_features=2)
    made.output(c, name="y")
    edits.add_frame(made.history, made.graph, Frame(id="frame", title="all"))
    return made


def node(made: Drawing, name: str) -> str:
    found = made.graph.named(name)
    assert found is not None
    return found.id


def wire_into(made: Drawing, name: str) -> str:
    wire = made.graph.wire_into(node(made, name), "input")
    assert wire is not None
    return wire.id


EDITS: dict[str, Callable[[Drawing], object]] = {
    "add": lambda d: edits.add_node(d.history, d.graph, "torch.nn.ReLU"),
    "set": lambda d: edits.set_parameters(d.history, d.graph, [node(d, "a")], {"bias": False}),
    "unset": lambda d: edits.set_parameters(
        d.history, d.graph, [node(d, "a")], {"out_features": None}
    ),
    "rename": lambda d: edits.rename(d.history, d.graph, node(d, "a"), "other"),
    "note": lambda d: edits.set_node(d.history, d.graph, node(d, "a"), note="why"),
    "move": lambda d: edits.move(d.history, d.graph, {node(d, "a"): (8, 8), "frame": (1, 1)}),
    "delete": lambda d: edits.delete(d.history, d.graph, [node(d, "b"), "frame"]),
    "delete, reconnect": lambda d: edits.delete(
        d.history, d.graph, [node(d, "b"), node(d, "c")], reconnect=True
    ),
    "insert": lambda d: edits.insert_layer(
        d.history, d.graph, wire_into(d, "b"), "torch.nn.ReLU", None, ports_of
    ),
    "frame": lambda d: edits.add_frame(d.history, d.graph, Frame(id="frame2")),
    "graph": lambda d: edits.add_graph(d.history, "step", "train", {"updates": ["main"]}),
    "remove graph": lambda d: edits.remove_graph(d.history, d.graph),
    "graph settings": lambda d: edits.set_graph(d.history, d.graph, name="renamed"),
    "project": lambda d: edits.set_project(d.history, title="New", data={"source": "x"}),
    "paste": lambda d: fragment.paste(
        d.history, d.graph, fragment.cut_out(d.graph, list(d.graph.nodes))
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_do_undo_do(chain: Drawing, name: str) -> None:
    document, history = chain.document, chain.history
    before, state = invariants.fingerprint(document), history.state
    EDITS[name](chain)
    after = invariants.fingerprint(document)
    assert after != before
    assert history.undo_title
    assert history.undo() is not None
    assert history.state == state
    assert invariants.fingerprint(document) == before
    history.redo()
    assert invariants.fingerprint(document) == after
    invariants.check(document)


def test_reconnecting_bridges_a_whole_run(chain: Drawing) -> None:
    edits.delete(chain.history, chain.graph, [node(chain, "b"), node(chain, "c")], reconnect=True)
    wire = chain.graph.wire_into(node(chain, "y"), "input")
    assert wire is not None
    assert wire.source == node(chain, "a")


def test_reconnecting_takes_the_first_input() -> None:
    made = Drawing()
    a, b = made.add("ReLU", name="a"), made.add("ReLU", name="b")
    total = made.add("torch.add", name="total")
    end = made.add("ReLU", total, name="end")
    made.wire(b, total, "other")
    made.wire(a, total, "input")
    edits.delete(made.history, made.graph, [total.id], reconnect=True, ports_of=ports_of)
    wire = made.graph.wire_into(end.id, "input")
    assert wire is not None
    assert wire.source == a.id


REFUSALS: dict[str, tuple[Callable[[Drawing], object], str]] = {
    "cycle": (
        lambda d: connect(d, "c", "a"),
        "cycle",
    ),
    "itself": (lambda d: connect(d, "b", "b"), "itself"),
    "twice": (lambda d: connect(d, "a", "b"), "already"),
    "no output": (lambda d: connect(d, "y", "a"), "no output"),
    "no input": (lambda d: connect(d, "a", "x"), "no input"),
    "taken name": (lambda d: edits.rename(d.history, d.graph, node(d, "a"), "b"), "called 'b'"),
    "keyword": (lambda d: edits.rename(d.history, d.graph, node(d, "a"), "for"), "Python"),
    "torch's name": (lambda d: edits.rename(d.history, d.graph, node(d, "a"), "train"), "PyTorch"),
    "dunder": (lambda d: edits.rename(d.history, d.graph, node(d, "a"), "__class__"), "Python"),
    "no name": (lambda d: edits.rename(d.history, d.graph, node(d, "a"), "a b"), "letters"),
    "added name": (
        lambda d: edits.add_node(d.history, d.graph, "torch.nn.ReLU", name="a"),
        "called 'a'",
    ),
    "NaN": (
        lambda d: edits.set_parameters(d.history, d.graph, [node(d, "a")], {"p": float("nan")}),
        "nan",
    ),
    "insert no input": (
        lambda d: edits.insert_on_wire(
            d.history, d.graph, wire_into(d, "b"), node(d, "x"), ports_of
        ),
        "no input",
    ),
    "insert in a cycle": (
        lambda d: edits.insert_on_wire(
            d.history, d.graph, wire_into(d, "b"), node(d, "a"), ports_of
        ),
        "itself",
    ),
}


def connect(made: Drawing, source: str, target: str) -> None:
    ends = End(node(made, source), "output"), End(node(made, target), "input")
    edits.connect(made.history, made.graph, *ends, ports_of)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_says_why_and_leaves_no_trace(chain: Drawing, name: str) -> None:
    edit, words = REFUSALS[name]
    before, state = invariants.fingerprint(chain.document), chain.history.state
    with pytest.raises(ChangeError, match=words):
        edit(chain)
    assert invariants.fingerprint(chain.document) == before
    assert chain.history.state == state


def fixes(made: Drawing) -> dict[str, Fix]:
    graph = made.graph.id
    at = {"graph": graph, "node": node(made, "c")}
    source = {"source": node(made, "a"), "source_port": "output"}
    settings: dict[str, object] = {"fields": {"settings": {"updates": ["main"]}}}
    return {
        "set_parameter": Fix("x", "set_parameter", {**at, "name": "out_features", "value": 9}),
        "unset_parameter": Fix("x", "unset_parameter", {**at, "name": "out_features"}),
        "insert_before": Fix(
            "x",
            "insert_before",
            {**at, "port": "input", "layer": "torch.nn.Flatten", "params": {"start_dim": 2}},
        ),
        "remove_items": Fix("x", "remove_items", {"graph": graph, "items": [node(made, "b")]}),
        "connect": Fix(
            "x", "connect", {"graph": graph, **source, "target": at["node"], "target_port": "input"}
        ),
        "rename": Fix("x", "rename", {**at, "name": "other"}),
        "set_graph": Fix("x", "set_graph", {"graph": graph, **settings}),
        "set_project": Fix("x", "set_project", {"fields": {"data": {"source": "s"}, "title": "T"}}),
    }


@pytest.mark.parametrize(
    "operation",
    [
        "set_parameter",
        "unset_parameter",
        "insert_before",
        "remove_items",
        "connect",
        "rename",
        "set_graph",
        "set_project",
    ],
)
def test_a_fix_is_one_step(chain: Drawing, operation: str) -> None:
    state = chain.history.state
    before = invariants.fingerprint(chain.document)
    apply_fix(chain.history, fixes(chain)[operation], ports_of)
    assert invariants.fingerprint(chain.document) != before
    chain.history.undo()
    assert chain.history.state == state
    assert invariants.fingerprint(chain.document) == before


@pytest.mark.parametrize(
    "fix",
    [
        Fix("x", "set_parameter", {"graph": "gone", "node": "n", "name": "p", "value": 1}),
        Fix("x", "set_parameter", {"graph": "G", "node": "gone", "name": "p", "value": 1}),
        Fix("x", "set_parameter", {"graph": "G"}),
        Fix("x", "insert_before", {"graph": "G", "node": "gone", "port": "input", "layer": "x"}),
        Fix("x", "no such thing", {"graph": "G"}),
    ],
    ids=lambda fix: f"{fix.operation} {sorted(fix.arguments)}",
)
def test_a_fix_that_no_longer_fits_says_so(chain: Drawing, fix: Fix) -> None:
    before = invariants.fingerprint(chain.document)
    graph = chain.graph.id if fix.arguments["graph"] == "G" else "gone"
    with pytest.raises(ChangeError):
        apply_fix(
            chain.history,
            Fix(fix.title, fix.operation, {**fix.arguments, "graph": graph}),
            ports_of,
        )
    assert invariants.fingerprint(chain.document) == before


# -- copies --------------------------------------------------------------------------------


def test_a_copy_has_fresh_ids_free_names_and_its_wires(chain: Drawing) -> None:
    graph = chain.graph
    edits.set_node(chain.history, graph, node(chain, "a"), note="long " * 100)
    ids = set(graph.nodes)
    part = fragment.cut_out(graph, [node(chain, "a"), node(chain, "b")])
    pasted = fragment.paste(chain.history, graph, part)
    assert [made.name for made in pasted] == ["a_2", "b_2"]
    assert not ids & {made.id for made in pasted}
    assert pasted[0].params == {"out_features": 3}
    assert pasted[0].note.startswith("long")
    (wire,) = graph.wires_at([made.id for made in pasted])
    assert (wire.source, wire.target) == (pasted[0].id, pasted[1].id)


def test_a_copy_may_keep_what_fed_it(chain: Drawing) -> None:
    part = fragment.cut_out(chain.graph, [node(chain, "b")])
    (kept,) = fragment.paste(chain.history, chain.graph, part, keep_inputs=True)
    (wire,) = chain.graph.wires_into(kept.id)
    assert wire.source == node(chain, "a")


def test_a_fragment_with_two_wires_into_a_port_keeps_the_first(chain: Drawing) -> None:
    part = fragment.cut_out(chain.graph, [node(chain, "a"), node(chain, "b")])
    part["wires"] = [*part["wires"], *part["wires"]]
    pasted = fragment.paste(chain.history, chain.graph, part)
    assert len(chain.graph.wires_at([made.id for made in pasted])) == 1


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"kind": "other"},
        {"kind": fragment.KIND, "version": 2, "nodes": [], "wires": []},
        {"kind": fragment.KIND, "version": 1},
        {"kind": fragment.KIND, "version": 1, "nodes": 5, "wires": []},
        {"kind": fragment.KIND, "version": 1, "nodes": [None], "wires": []},
        {"kind": fragment.KIND, "version": 1, "nodes": [{"id": "a"}], "wires": []},
        {"kind": fragment.KIND, "version": 1, "nodes": [], "wires": [["a", "b"]]},
        {
            "kind": fragment.KIND,
            "version": 1,
            "nodes": [{"id": "a", "layer": "x", "name": "x", "params": [], "at": [0, 0]}],
            "wires": [],
        },
        {
            "kind": fragment.KIND,
            "version": 1,
            "nodes": [{"id": "a", "layer": "x", "name": "x", "params": {}, "at": [0, 1e300]}],
            "wires": [],
        },
    ],
    ids=str,
)
def test_foreign_clipboards_are_refused(chain: Drawing, value: object) -> None:
    before = invariants.fingerprint(chain.document)
    with pytest.raises(ChangeError):
        fragment.paste(chain.history, chain.graph, value)  # type: ignore[arg-type]
    assert invariants.fingerprint(chain.document) == before


# -- names and order -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        ("torch.nn.Conv2d", "conv2d"),
        ("torch.nn.BatchNorm2d", "batch_norm2d"),
        ("torch.nn.ReLU", "relu"),
        ("torch.nn.LeakyReLU", "leaky_relu"),
        ("torch.nn.LSTM", "lstm"),
        ("torch.nn.MSELoss", "mse_loss"),
        ("torch.nn.BCEWithLogitsLoss", "bce_with_logits_loss"),
        ("netbuilder.Input", "input"),
        ("torch.nn.functional.scaled_dot_product_attention", "scaled_dot_product_attention"),
        ("x.type", "type_"),
        ("x.7up", "node_7up"),
        ("x.", "node"),
    ],
)
def test_default_names(layer: str, name: str) -> None:
    assert rules.default_name(layer) == name


def test_second_nodes_are_numbered() -> None:
    made = Drawing()
    names = [made.add("ReLU").name for _ in range(3)]
    assert names == ["relu", "relu_2", "relu_3"]


def test_order_follows_the_wires_then_the_person(chain: Drawing) -> None:
    late = edits.add_node(chain.history, chain.graph, "torch.nn.ReLU", name="late")
    order = [chain.graph.nodes[id].name for id in topology.sorted_nodes(chain.graph)]
    assert order == ["x", "a", "b", "c", "y", "late"]
    assert topology.cycles(chain.graph) == []
    assert topology.ancestors(chain.graph, [late.id]) == {late.id}
    assert len(topology.descendants(chain.graph, [node(chain, "b")])) == 3
