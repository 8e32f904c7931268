"""Problems and their fixes: what one would do is shown first, a click does it."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.engine.protocol import Reply, WorkerError
from netbuilder.errors import Fix, Problem
from netbuilder.graph import edits
from netbuilder.gui.inspecting.fix_view import FixButton, FixPreview
from tests.gui.window_hand import LEFT, WindowHand, settle, wait_for

NO_REPORT: dict[str, Any] = {"problems": [], "graphs": {}, "uses": {}}


def with_problem(hand: WindowHand, count: int = 1) -> list[Problem]:
    """The template with problems at its first convolution, each with a fix."""
    hand.open()
    graph = hand.session.graph
    node = graph.named("conv1")
    assert node is not None
    found = []
    for number in range(count):
        here = {"graph": graph.id, "node": node.id, "name": "out_channels"}
        fix = Fix(f"Set it to {32 + number}", "set_parameter", {**here, "value": 32 + number})
        found.append(
            Problem(
                "error",
                f"shape.{number}",
                f"Mistake <b>{number}</b>.",
                "Mend it.",
                graph.id,
                node.id,
                fixes=(fix,),
            )
        )
    edits.set_node(hand.session.history, graph, node.id, mute="muted")
    hand.report({"problems": [problem.to_json() for problem in found]})
    hand.bench.show_panel("problems")
    settle()
    return found


def buttons(hand: WindowHand) -> list[FixButton]:
    return [b for b in hand.bench.problems.findChildren(FixButton) if b.isVisible()]


def rest_on(button: FixButton) -> None:
    """The mouse comes to the button from outside."""
    QTest.mouseMove(button.window(), QPoint(2, 2))
    QTest.mouseMove(button, button.rect().center())
    settle()


def preview(hand: WindowHand) -> FixPreview:
    found = hand.bench.findChild(FixPreview)
    assert isinstance(found, FixPreview)
    return found


def test_a_fix_tells_what_it_would_do_before_the_click(hand: WindowHand) -> None:
    with_problem(hand)
    (button,) = buttons(hand)
    before = hand.session.history.state
    rest_on(button)
    assert preview(hand).isVisible()
    assert "Working out" in preview(hand).verdict.text()
    wait_for(lambda: hand.client.waiting("analyse"))
    project = hand.client.answer("analyse", result=NO_REPORT)["project"]
    settle()
    assert hand.session.history.state == before, "nothing has happened yet"
    nodes = [node for graph in project["graphs"] for node in graph["nodes"]]
    assert any(node["params"].get("out_channels") == 32 for node in nodes)
    assert preview(hand).verdict.text() == "No problems are left then."
    assert "conv1" in preview(hand).lines.text()
    assert preview(hand).lines.textFormat() is Qt.TextFormat.PlainText
    QTest.mouseClick(button, LEFT)
    settle()
    assert not preview(hand).isVisible()
    node = hand.session.graph.named("conv1")
    assert node is not None
    assert node.params["out_channels"] == 32
    assert hand.session.history.undo_title == "Set it to 32"


def test_leaving_the_button_takes_the_preview_away(hand: WindowHand) -> None:
    with_problem(hand)
    (button,) = buttons(hand)
    rest_on(button)
    wait_for(lambda: hand.client.waiting("analyse"))
    QTest.mouseMove(hand.window, QPoint(2, 2))
    settle()
    assert not preview(hand).isVisible()
    hand.client.answer("analyse", result=NO_REPORT)
    settle()
    assert not preview(hand).isVisible(), "an answer that comes late shows nothing"


def test_a_report_that_comes_meanwhile_takes_the_preview_away(hand: WindowHand) -> None:
    (problem,) = with_problem(hand)
    (button,) = buttons(hand)
    rest_on(button)
    wait_for(lambda: hand.client.waiting("analyse"))
    mine = hand.client.waiting("analyse")[-1]
    hand.client.asked.remove(mine)
    edits.set_project(hand.session.history, title="other")
    other = problem.to_json() | {"message": "Another one.", "fixes": []}
    hand.report({"problems": [other]})
    assert not preview(hand).isVisible()
    mine[2](Reply(1, NO_REPORT))
    settle()
    assert not preview(hand).isVisible()


def test_a_preview_comes_by_the_tab_key_too(hand: WindowHand) -> None:
    with_problem(hand)
    hand.bench.problems.view.setFocus()
    for _ in range(4):
        focus = QApplication.focusWidget()
        assert focus is not None
        if isinstance(focus, FixButton):
            break
        QTest.keyClick(focus, Qt.Key.Key_Tab)
    assert isinstance(QApplication.focusWidget(), FixButton)
    assert preview(hand).isVisible()
    wait_for(lambda: hand.client.waiting("analyse"))
    hand.client.answer("analyse", error=WorkerError("The worker is away."))
    settle()
    assert preview(hand).verdict.text() == "The worker is away."
    QTest.keyClick(buttons(hand)[0], Qt.Key.Key_Space)
    settle()
    node = hand.session.graph.named("conv1")
    assert node is not None
    assert node.params["out_channels"] == 32


def test_the_selected_nodes_problems_stand_in_the_inspector(hand: WindowHand) -> None:
    with_problem(hand, 8)
    node = hand.select("conv1")
    cards = hand.bench.inspector.page
    assert cards is not None
    presses = cards.cards.findChildren(FixButton)
    assert len(presses) == 6
    rest_on(presses[1])
    assert preview(hand).isVisible()
    QTest.mouseClick(presses[1], LEFT)
    settle()
    assert hand.session.graph.nodes[node].params["out_channels"] == 33


def test_thousands_of_problems_have_buttons_where_one_looks(hand: WindowHand) -> None:
    with_problem(hand, 3000)
    view = hand.bench.problems.view
    made = hand.bench.problems.findChildren(FixButton)
    assert 0 < len(made) < 60
    view.scrollToBottom()
    wait_for(lambda: any(b.text() == "Set it to 3031" for b in buttons(hand)))
    assert len(hand.bench.problems.findChildren(FixButton)) < 120


def test_a_problem_inside_a_block_is_reached_by_a_click(hand: WindowHand) -> None:
    hand.open()
    shown = hand.session.graph.id
    block = edits.add_graph(hand.session.history, "block", "stage", {})
    inside = edits.add_node(hand.session.history, block, "torch.nn.ReLU", name="act")
    hand.session.show(shown)
    problem = Problem("error", "port.unwired", "Not connected.", "", block.id, inside.id)
    hand.report({"problems": [problem.to_json()]})
    hand.bench.show_panel("problems")
    settle()
    view = hand.bench.problems.view
    index = hand.bench.problems.model.index(0)
    assert index.data(Qt.ItemDataRole.AccessibleTextRole).endswith("(stage › act)")
    QTest.mouseClick(view.viewport(), LEFT, pos=view.visualRect(index).center())
    settle()
    assert hand.session.graph.id == block.id
    assert hand.bench.canvas.selection() == [inside.id]
    hand.session.show(shown)
    settle()
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Return)
    settle()
    assert hand.session.graph.id == block.id


def test_the_chosen_problem_stays_chosen_while_its_numbers_change(hand: WindowHand) -> None:
    found = with_problem(hand, 5)
    view, model = hand.bench.problems.view, hand.bench.problems.model
    view.setCurrentIndex(model.index(3))
    edits.set_project(hand.session.history, title="other")
    rest = [problem.to_json() | {"message": "Another."} for problem in found[2:]]
    hand.report({"problems": rest})
    settle()
    assert view.currentIndex().row() == 1
