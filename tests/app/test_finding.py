"""Finding nodes of a project by a few letters."""

from __future__ import annotations

from netbuilder.app.finding import MOST, find
from netbuilder.graph import edits
from netbuilder.graph.model import Frame
from tests.drawing import Drawing, classifier


def titles(drawing: Drawing, query: str) -> list[str]:
    return [found.title for found in find(drawing.document, query, drawing.graph.id)[0]]


def test_names_layers_and_graphs_are_found_in_all_graphs() -> None:
    d = classifier()
    assert titles(d, "conv1") == ["conv1"]
    assert titles(d, "linear") == ["head"]
    assert titles(d, "cross") == ["cross_entropy"]
    assert set(titles(d, "train")) >= {"image", "label", "main", "loss"}
    assert titles(d, "no such thing") == []


def test_names_come_before_kinds_and_what_is_here_first() -> None:
    d = classifier()
    found = find(d.document, "image", d.graph.id)[0]
    assert [one.graph for one in found][:2] == [d.graph.id, d.document.of_kind("step")[0].id]
    step = d.document.of_kind("step")[0]
    assert find(d.document, "image", step.id)[0][0].graph == step.id
    flat = d.graph.named("head")
    assert flat is not None
    edits.rename(d.history, d.graph, flat.id, "relu_head")
    assert titles(d, "relu")[0] in ("relu1", "relu_head")
    assert titles(d, "head")[0] == "relu_head"


def test_scattered_letters_and_several_words() -> None:
    d = classifier()
    assert titles(d, "flt") == ["flatten"]
    assert titles(d, "conv main") == ["conv1"]
    assert titles(d, "conv train") == []


def test_frames_and_notes_are_found() -> None:
    d = classifier()
    edits.add_frame(d.history, d.graph, Frame(id="f", title="Stem"))
    edits.add_frame(d.history, d.graph, Frame(id="n", note="remember the\nwarm-up"))
    assert titles(d, "stem") == ["Stem"]
    (found,) = find(d.document, "warm", d.graph.id)[0]
    assert (found.title, found.help) == ("remember the warm-up", "Note in network main")


def test_without_a_query_this_graph_is_listed_and_the_list_ends() -> None:
    d = classifier()
    found, total = find(d.document, "", d.graph.id)
    assert {one.graph for one in found} == {d.graph.id}
    assert total == len(d.graph.nodes)
    for _ in range(MOST):
        d.add("ReLU")
    found, total = find(d.document, "relu", d.graph.id)
    assert (len(found), total) == (MOST, MOST + 1)
