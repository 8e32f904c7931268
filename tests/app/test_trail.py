"""Entering and leaving blocks, and which of a block's uses the shown shapes belong to."""

from __future__ import annotations

import pytest

from netbuilder.app import trail as trails
from netbuilder.app.events import GraphShown, TrailMoved
from netbuilder.app.trail import Entered
from netbuilder.compiler.report import GraphReport, Report
from netbuilder.graph import blocks, edits, grouping
from netbuilder.graph.document import Graph
from netbuilder.layers.catalogue import ports_of
from tests.app.fakes import Desk


class Blocks:
    """A network with `outer` twice; `outer` holds `inner` once."""

    def __init__(self) -> None:
        self.desk = Desk()
        session = self.desk.session
        history, self.main = session.history, session.graph
        relu = edits.add_node(history, self.main, "torch.nn.ReLU", name="act")
        self.first = grouping.group(history, self.main, [relu.id], ports_of, "outer").id
        self.outer = self.block("outer")
        (act,) = [node.id for node in self.outer.nodes.values() if node.name == "act"]
        self.in_outer = grouping.group(history, self.outer, [act], ports_of, "inner").id
        self.inner = self.block("inner")
        self.second = blocks.place(history, self.main, self.outer).id

    def block(self, name: str) -> Graph:
        found = self.desk.session.document.block(name)
        assert found is not None
        return found

    def path(self, *nodes: str) -> str:
        return "/".join((self.main.id, *nodes))


@pytest.fixture
def b() -> Blocks:
    return Blocks()


def test_one_enters_and_leaves_level_by_level(b: Blocks) -> None:
    session = b.desk.session
    assert session.enter(b.second)
    assert session.enter(b.in_outer)
    assert session.graph is b.inner
    assert session.trail == (Entered(b.main.id, b.second), Entered(b.outer.id, b.in_outer))
    assert session.leave() == b.in_outer
    assert session.graph is b.outer
    assert session.leave() == b.second
    assert session.graph is b.main
    assert session.leave() == ""
    assert not session.enter("no such node")


def test_one_leaves_several_levels_at_once(b: Blocks) -> None:
    session = b.desk.session
    session.enter(b.second)
    session.enter(b.in_outer)
    assert session.leave(2) == b.second
    assert session.graph is b.main
    assert session.trail == ()


def test_a_block_that_was_shown_directly_is_left_to_its_first_use(b: Blocks) -> None:
    session = b.desk.session
    session.show(b.inner.id)
    assert session.trail == ()
    assert session.leave() == b.in_outer
    assert session.graph is b.outer
    assert session.leave() == b.first
    assert session.graph is b.main


def test_shapes_are_those_of_the_use_one_came_from(b: Blocks) -> None:
    session = b.desk.session
    one, two, three = (GraphReport(parameters=n) for n in (1, 2, 3))
    uses = {
        b.outer.id: {b.path(b.first): one, b.path(b.second): two},
        b.inner.id: {
            b.path(b.first, b.in_outer): one,
            b.path(b.second, b.in_outer): three,
        },
    }
    session.report = Report((), {b.outer.id: one, b.inner.id: one}, uses)
    session.enter(b.second)
    assert session.graph_report() is two
    session.enter(b.in_outer)
    assert session.graph_report() is three
    here = session.report_here()
    assert here is not None
    assert here.graphs == {b.outer.id: one, b.inner.id: three}
    session.show(b.inner.id)
    assert session.graph_report() is one
    # From a block that was shown directly, the way goes on from its first use.
    session.show(b.outer.id)
    session.enter(b.in_outer)
    assert session.graph_report() is one
    session.show_use(b.path(b.second, b.in_outer))
    assert session.graph_report() is three
    assert b.desk.heard(TrailMoved)


def test_paths_of_uses_that_are_no_more_lead_nowhere(b: Blocks) -> None:
    document = b.desk.session.document
    assert trails.trail_of(document, b.path(b.second)) == (Entered(b.main.id, b.second),)
    for path in ("", b.main.id, b.path("gone"), "gone/x", b.path(b.first, "gone")):
        assert trails.trail_of(document, path) == ()


def test_the_trail_ends_when_the_use_is_gone_but_the_block_stays_in_sight(b: Blocks) -> None:
    session = b.desk.session
    session.enter(b.second)
    edits.delete(session.history, b.main, [b.second])
    assert session.graph is b.outer
    assert session.trail == ()
    assert b.desk.heard(TrailMoved)


def test_undoing_the_block_one_is_in_leads_out_of_it(b: Blocks) -> None:
    session = b.desk.session
    session.enter(b.first)
    session.enter(b.in_outer)
    session.history.undo()
    assert session.graph is b.inner
    session.history.undo()
    assert "inner" not in {graph.name for graph in session.document.graphs.values()}
    assert session.graph is b.outer
    assert session.trail == (Entered(b.main.id, b.first),)
    session.history.undo()
    assert session.graph is b.main
    assert [event.graph_id for event in b.desk.heard(GraphShown)][-2:] == [b.outer.id, b.main.id]


def test_another_project_begins_without_a_trail(b: Blocks) -> None:
    session = b.desk.session
    session.enter(b.first)
    session.new()
    assert session.trail == ()


def test_undo_shows_where_it_was(b: Blocks) -> None:
    session = b.desk.session
    act = next(n.id for n in b.inner.nodes.values() if n.name == "act")
    edits.rename(session.history, b.inner, act, "relu")
    session.enter(b.second)
    session.enter(b.in_outer)
    session.leave()
    # By the use in the shown graph.
    assert session.undo() == "Rename act to relu"
    assert session.graph is b.inner
    assert session.trail == (Entered(b.main.id, b.second), Entered(b.outer.id, b.in_outer))
    # By the way one came.
    assert session.undo() == "Add outer_2"
    assert session.graph is b.main
    session.redo()
    session.redo()
    assert session.graph is b.inner
    assert len(session.trail) == 0


def test_undo_of_what_concerns_the_whole_project_stays_where_one_is(b: Blocks) -> None:
    session = b.desk.session
    session.show(b.inner.id)
    edits.set_project(session.history, title="Other")
    session.undo()
    assert session.graph is b.inner
    assert session.redo() == "Change settings"
    assert session.redo() is None
