"""Shapes and costs of two projects beside each other."""

from __future__ import annotations

from collections.abc import Callable

from netbuilder.app.comparing import Side, compare
from netbuilder.app.comparison import Comparison
from netbuilder.app.templates import open_template
from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.engine import overrides
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History


def _report(side: Side, sizes: dict[str, str]) -> Side:
    graph = side.document.of_kind("network")[0]
    nodes = {
        node.id: NodeReport(outputs={"output": TensorReport((), "float32", sizes[node.name])})
        for node in graph.nodes.values()
        if node.name in sizes
    }
    return Side(side.document, Report(graphs={graph.id: GraphReport(nodes)}), side.costs)


def test_shapes_are_told_port_by_port_and_costs_by_network() -> None:
    before = open_template("digits_mlp")
    after = overrides.apply(before, {"main.hidden1.out_features": 99, "training.epochs": 3})
    one = Side(before, costs={"main": {"parameters": 100, "macs": 7, "kept_bytes": 0}})
    other = Side(after, costs={"main": {"parameters": 150, "macs": 7, "kept_bytes": 4}})
    one = _report(one, {"hidden1": "N×64", "relu1": "N×64", "logits": "N×10"})
    other = _report(other, {"hidden1": "N×99", "relu1": "N×64"})
    assert [row.words for row in compare(one, other)] == [
        "training.epochs 20 → 3",
        "'hidden1': out_features 256 → 99",
        "'hidden1': shape of output N×64 → N×99",
        "Parameters 100 → 150 (+50 %)",
        "Bytes kept of a sample for the gradient 0 → 4",
    ]
    drawn = compare(Side(before), Side(after))
    assert [row.what for row in drawn] == ["setting", "parameter"]
    assert compare(one, one) == []


class Asked:
    """A session that is asked and answers when the test says so."""

    def __init__(self, document: Document) -> None:
        self.history = History(document)
        self.waiting: list[tuple[Document, Callable[[Side], None]]] = []

    @property
    def document(self) -> Document:
        return self.history.document

    def figures(self, document: Document, on_side: Callable[[Side], None]) -> None:
        self.waiting.append((document, on_side))


def test_an_answer_about_an_older_state_concerns_nobody() -> None:
    saved = open_template("digits_mlp")
    session = Asked(saved.copy())
    comparison = Comparison(session, saved)
    assert comparison.rows == []
    edits.set_project(session.history, training={"epochs": 3})
    comparison.refresh()
    told = [row.words for row in comparison.rows]
    assert "training.epochs 20 → 3" in told
    before, old, new = session.waiting
    old[1](Side(old[0], Report()))
    assert comparison.after == Side(new[0])
    new[1](Side(new[0], Report()))
    assert comparison.after == Side(new[0], Report())
    comparison.refresh()
    assert len(session.waiting) == 3, "nothing was edited since"
    comparison.take(comparison.rows, "Take back all")
    assert comparison.rows == []
    assert session.document == saved
    heard: list[str] = []
    comparison.changed = lambda: heard.append("changed")
    comparison.close()
    before[1](Side(before[0], Report()))
    assert heard == []


def test_a_block_that_changed_inside_is_marked_where_it_is_used() -> None:
    history = History(open_template("digits_mlp").copy())
    inner = edits.add_graph(history, "block", "inner")
    relu = edits.add_node(history, inner, "torch.nn.ReLU")
    outer = edits.add_graph(history, "block", "outer")
    params = {"block": "inner"}
    within = edits.add_node(history, outer, "netbuilder.Block", params=params)
    [main] = history.document.of_kind("network")
    use = edits.add_node(history, main, "netbuilder.Block", params={"block": "outer"})
    saved = history.document.copy()
    edits.set_parameters(history, inner, [relu.id], {"inplace": True})
    comparison = Comparison(Asked(history.document), saved)
    [row] = comparison.rows
    for name, node in (("main", use), ("outer", within)):
        [pair] = [pair for pair in comparison.pairs if pair.name == name]
        assert [dict(side.nodes) for side in comparison.marks(pair)] == [{node.id: "changed"}] * 2
        assert comparison.row_about(pair, node.id, before=False) == 0
    [pair] = [pair for pair in comparison.pairs if pair.name == "inner"]
    assert comparison.row_about(pair, row.old_node_id, before=True) == 0
    other = next(iter(main.nodes))
    assert comparison.row_about(comparison.pairs[0], other, before=True) is None
