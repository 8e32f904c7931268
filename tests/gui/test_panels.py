"""Problems, code, data, training, runs: what they show, and where a click leads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint
from PySide6.QtGui import QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QToolButton

from netbuilder.compiler.report import GraphReport, Report
from netbuilder.errors import Fix, Problem, RunError
from netbuilder.graph import edits
from netbuilder.gui.code_panel import CodePanel, CodeView
from netbuilder.gui.look.widgets import EmptyState
from netbuilder.gui.samples import image_of
from netbuilder.gui.training.training_panel import duration, figure
from tests.gui.window_hand import LEFT, WindowHand, settle, wait_for

# -- problems --------------------------------------------------------------------------------


def _problem(hand: WindowHand, name: str, **more: Any) -> Problem:
    node = hand.session.graph.named(name)
    assert node is not None
    return Problem(
        "error",
        "shape.mismatch",
        f"Linear expects 77 features at '{name}'.",
        "Leave in_features empty.",
        hand.session.graph.id,
        node.id,
        **more,
    )


def _show(hand: WindowHand, *problems: Problem) -> None:
    """Edit something and answer with these problems."""
    node = hand.session.document.of_kind("network")[0].named("norm1")
    assert node is not None
    edits.set_parameters(hand.session.history, hand.session.graph, [node.id], {"momentum": 0.2})
    settle()
    hand.report({"problems": [problem.to_json() for problem in problems], "graphs": {}})


def test_a_click_on_a_problem_goes_to_its_node_in_another_graph(hand: WindowHand) -> None:
    hand.open()
    problem = _problem(hand, "conv2")
    _show(hand, problem)
    network = hand.session.graph.id
    hand.session.show(hand.session.document.of_kind("step")[0].id)
    hand.bench.show_panel("problems")
    settle()
    view = hand.bench.problems.view
    place = view.visualRect(hand.bench.problems.model.index(0)).topLeft() + QPoint(60, 10)
    QTest.mouseClick(view.viewport(), LEFT, pos=place)
    settle()
    assert hand.session.graph.id == network
    assert hand.bench.canvas.selection() == [problem.node]


def test_a_fix_is_one_click_and_one_step(hand: WindowHand) -> None:
    hand.open()
    node = hand.select("conv1")
    fix = Fix(
        "Use 5 channels",
        "set_parameter",
        {"graph": hand.session.graph.id, "node": node, "name": "out_channels", "value": 5},
    )
    _show(hand, _problem(hand, "conv1", fixes=(fix,)))
    hand.bench.show_panel("problems")
    settle()
    button = next(
        found
        for found in hand.bench.problems.findChildren(QToolButton)
        if found.text() == "Use 5 channels"
    )
    QTest.mouseClick(button, LEFT)
    settle()
    assert hand.session.graph.nodes[node].params["out_channels"] == 5
    assert hand.session.history.undo_title == "Use 5 channels"


def test_a_fix_that_no_longer_fits_says_so(hand: WindowHand) -> None:
    hand.open()
    hand.bench.problems.fix_wanted.emit(Fix("Mend", "set_parameter", {"graph": "gone"}))
    settle()
    assert "no longer fits" in hand.window.status.notice.text()


def test_counts_are_in_the_tab_and_the_status_bar(hand: WindowHand) -> None:
    hand.open()
    assert hand.window.status.problems.text() == "no problems"
    assert hand.window.runner.can_train()
    _show(hand, _problem(hand, "conv1"), _problem(hand, "conv2"))
    assert hand.window.status.problems.text() == "2 errors"
    assert hand.bench.panels.tabText(0) == "Problems  2"
    assert not hand.window.runner.can_train()
    mild = replace(_problem(hand, "conv1"), severity="info")
    warning = replace(_problem(hand, "conv2"), severity="warning")
    hand.window.status.show_problems([mild, warning])
    assert hand.window.status.problems.text() == "1 warning  1 hint"


def test_of_a_project_that_nobody_looked_at_nothing_is_said(hand: WindowHand) -> None:
    hand.open()
    problems = hand.bench.problems
    assert problems.empty.title.text() == "No problems"
    _show(hand, _problem(hand, "conv1"), _problem(hand, "conv2"))
    hand.session.history.undo()  # nothing to be asked about
    assert hand.bench.panels.tabText(0) == "Problems  2"
    hand.window.open_template("digits_mlp")
    settle()
    assert hand.bench.panels.tabText(0) == "Problems"
    assert problems.empty.title.text() == "Not checked yet"
    hand.report()
    assert problems.empty.title.text() == "No problems"


# -- code --------------------------------------------------------------------------------------

LINES = st.lists(st.sampled_from(["a", "b", "    x = 1", "", "# c"]), max_size=8).map("\n".join)


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(LINES, min_size=1, max_size=5))
def test_the_code_shown_is_the_code(qapp: QApplication, texts: list[str]) -> None:
    view = CodeView()
    for text in texts:
        view.show_source(text)
        assert view.toPlainText() == text
    view.deleteLater()


def test_an_edit_far_below_does_not_move_the_view(qapp: QApplication) -> None:
    view = CodeView()
    view.resize(300, 200)
    view.show()
    text = "\n".join(f"line {n}" for n in range(300))
    view.show_source(text)
    view.verticalScrollBar().setValue(50)
    view.show_source(text.replace("line 200", "line two hundred"))
    assert view.verticalScrollBar().value() == 50
    view.close()
    view.deleteLater()


def test_code_comes_when_it_is_looked_at(hand: WindowHand) -> None:
    hand.open()
    graph, code = hand.session.graph, hand.bench.code

    def answer(text: str) -> bool:
        """Whether the code was asked for."""
        ((_, params, _),) = hand.client.waiting("analyse")
        report = GraphReport(code=text if params["source"] else "")
        whole = Report(graphs={graph.id: report}, source=params["source"])
        hand.client.answer("analyse", result=whole.to_json())
        settle()
        return bool(params["source"])

    def edit(channels: int) -> None:
        conv = graph.named("conv1")
        assert conv is not None
        values = {"out_channels": channels}
        edits.set_parameters(hand.session.history, graph, [conv.id], values)
        settle()

    edit(5)
    assert not answer("one")
    hand.command("view.code")
    settle()
    assert answer("two")
    assert code.view.toPlainText() == "two"
    edit(6)
    # What is shown stays until the new code is there.
    assert code.view.toPlainText() == "two"
    assert answer("three")
    assert code.view.toPlainText() == "three"
    hand.command("view.problems")
    settle()
    edit(7)
    assert not answer("four")
    hand.command("view.code")
    settle()
    assert answer("five")
    assert code.view.toPlainText() == "five"


def test_nodes_and_lines_mark_each_other(qapp: QApplication) -> None:
    panel = CodePanel()
    chosen: list[tuple[str, str]] = []
    panel.node_chosen.connect(lambda graph, node: chosen.append((graph, node)))
    panel.resize(400, 300)
    panel.show()
    panel.show_code(
        "main",
        "import torch\nself.a = 1\nself.b = 2\nreturn self.a",
        {2: ("g", "A"), 4: ("g", "A")},
    )
    panel.mark_nodes(["A"])
    marked = [mark.cursor.blockNumber() + 1 for mark in panel.view.extraSelections()]
    assert marked == [2, 4]
    cursor = QTextCursor(panel.view.document().findBlockByNumber(1))
    place = panel.view.cursorRect(cursor).center()
    QTest.mouseClick(panel.view.viewport(), LEFT, pos=place + QPoint(8, 0))
    assert chosen == [("g", "A")]
    QTest.mouseClick(panel.copy, LEFT)
    assert QApplication.clipboard().text().startswith("import torch")
    panel.close()
    panel.deleteLater()


# -- data --------------------------------------------------------------------------------------


def test_pictures_are_stretched_only_if_they_must_be() -> None:
    image = image_of([[[0.0, 0.5], [1.0, 0.25]]])
    assert image is not None
    assert [image.pixelColor(x, 0).red() for x in (0, 1)] == [0, 127]
    wide = image_of([[-10.0, 10.0]])
    assert wide is not None
    assert [wide.pixelColor(x, 0).red() for x in (0, 1)] == [0, 255]
    assert image_of([1.0, 2.0]) is None


def test_data_that_cannot_be_read_says_why(hand: WindowHand) -> None:
    hand.open()
    hand.bench.show_panel("data")
    settle()
    hand.client.answer("sample", error=RunError("The file is gone.", "Choose other data."))
    settle()
    assert "The file is gone. Choose other data." in hand.bench.data.empty.text.text()


# -- training ----------------------------------------------------------------------------------


def _start(hand: WindowHand) -> None:
    hand.open()
    hand.command("run.train")
    hand.event(1, "started", epochs=2, steps=46, device="cpu")


def test_a_training_from_start_to_end(hand: WindowHand) -> None:
    _start(hand)
    panel = hand.bench.training
    assert hand.window.runner.status() == "running"
    assert hand.window.status.device.text() == "CPU"
    assert not panel.train.isEnabled()
    assert panel.stop.isEnabled()
    hand.event(2, "metrics", 0, 10, **{"train/loss": 1.5, "lr": 0.01, "samples_per_second": 2500.0})
    hand.event(3, "epoch", 1, 23, **{"train/loss": 1.0, "val/loss": 0.9, "val/accuracy": 0.75})
    assert panel.plots is not None
    assert set(panel.plots.plots) == {"loss", "accuracy", "lr"}
    loss = panel.plots.plots["loss"].curves
    assert not loss["train"].dashed
    assert loss["val"].dashed
    assert loss["train"].hue == loss["val"].hue
    assert loss["train"].series.count == 1
    wait_for(lambda: panel.epoch.value.text() == "1 / 2")
    assert panel.speed.value.text() == "2,500"
    hand.event(4, "finished", 2, 46, status="finished", metrics={"val/loss": 0.4})
    assert panel.banner.isVisible()
    assert "loss 0.4" in panel.banner.text.text()
    assert panel.train.isEnabled()
    hand.client.answer("train", result={"status": "finished"})
    settle()
    panel.hide()


def test_pause_and_stop_reach_the_worker(hand: WindowHand) -> None:
    _start(hand)
    panel = hand.bench.training
    hand.press(panel.pause)
    assert hand.client.waiting("pause")
    hand.event(2, "paused")
    assert panel.pause.text() == "Resume"
    hand.press(panel.pause)
    assert hand.client.waiting("resume")
    hand.event(3, "resumed")
    hand.press(panel.stop)
    assert hand.client.stopped == 1
    hand.event(4, "finished", status="stopped")


def test_a_failed_run_leads_to_its_node(hand: WindowHand) -> None:
    _start(hand)
    node = hand.session.graph.named("conv2")
    assert node is not None
    fault = {"message": "Boom at conv2.", "hint": "Mend it.", "graph": hand.session.graph.id}
    hand.event(2, "finished", status="failed", error={**fault, "node": node.id})
    banner = hand.bench.training.banner
    assert banner.text.text() == "Boom at conv2."
    assert banner.hint.text() == "Mend it."
    link = banner.findChild(QToolButton)
    assert isinstance(link, QToolButton)
    QTest.mouseClick(link, LEFT)
    settle()
    assert hand.bench.canvas.selection() == [node.id]


def test_a_run_that_ended_before_its_first_step_says_so(hand: WindowHand) -> None:
    hand.open()
    panel = hand.bench.training
    assert panel.empty.title.text() == "Not trained yet"
    hand.command("run.train")
    assert panel.empty.title.text() == "Getting ready"
    hand.event(1, "finished", status="failed", error={"message": "No room.", "hint": "Less."})
    settle()
    assert panel.banner.text.text() == "No room."
    assert panel.empty.isVisible()
    assert panel.empty.title.text() == "Nothing to show"


def test_a_verdict_shows_whole_figures_only(hand: WindowHand) -> None:
    _start(hand)
    metrics = {f"val/step_{at}/loss": 0.25 for at in range(9)}
    hand.event(2, "finished", 2, 46, status="finished", metrics=metrics)
    banner = hand.bench.training.banner
    shown = set()
    for width in (1900, 1500, 1200, 1000):
        hand.window.resize(width, 840)
        settle()
        text = banner.text
        assert text.fontMetrics().horizontalAdvance(text.text()) <= text.width()
        first, *figures = [part.strip() for part in text.text().split("·")]
        assert first == "Finished"
        assert figures == [f"step_{at} loss 0.25" for at in range(len(figures))]
        shown.add(len(figures))
    assert len(shown) > 1
    assert "step_8 loss 0.25" in banner.toolTip()


@pytest.mark.parametrize("width", [180, 270, 900])
def test_an_empty_panel_wraps_its_words(width: int) -> None:
    empty = EmptyState("Nothing here", "It says what will be here, and what to do first. " * 3)
    empty.resize(width, 300)
    empty.show()
    settle()
    text = empty.text
    left = text.mapTo(empty, text.rect().topLeft()).x()
    assert left >= 0
    assert left + text.width() <= width
    assert text.height() >= text.heightForWidth(text.width())
    assert text.width() == min(440, width - 48)
    empty.close()


def test_tabs_of_a_narrow_window_are_words_alone(hand: WindowHand) -> None:
    hand.open()
    tabs = hand.bench.panels
    bar = tabs.tabBar()
    for width, icons in ((1400, True), (1000, False), (1400, True)):
        hand.window.resize(width, 700)
        settle()
        assert [tabs.tabIcon(at).isNull() for at in range(tabs.count())] == [
            not icons
        ] * tabs.count()
        assert bar.tabRect(tabs.count() - 1).right() <= tabs.width()


def test_a_loss_that_is_no_number_does_not_stop_the_plots(hand: WindowHand) -> None:
    _start(hand)
    hand.event(2, "metrics", 0, 1, **{"train/loss": None})
    hand.event(3, "metrics", 0, 2, **{"train/loss": 2.0})
    plots = hand.bench.training.plots
    assert plots is not None
    plots.set_log(True)
    plots.set_smoothing(0.9)
    hand.bench.training.grab()
    assert plots.plots["loss"].curves["train"].series.last_y == 2.0
    hand.event(4, "finished", status="stopped")


def test_previews_tell_right_from_wrong(hand: WindowHand) -> None:
    _start(hand)
    picture = [[[0.0] * 4] * 4]
    shown = {
        "kind": "class",
        "predicted": [1, 0],
        "confidence": [0.9, 0.6],
        "target": [1, 1],
        "classes": ["no", "yes"],
        "input": {"kind": "image", "field": "image", "samples": [picture, picture]},
    }
    hand.event(2, "preview", 1, 23, previews={"predictions": shown, "broken": 3})

    def captions() -> list[str]:
        return [found.text() for found in hand.bench.training.previews.findChildren(QLabel)]

    wait_for(lambda: "predictions: 1 of 2 right" in captions())
    hand.bench.training.previews.grab()
    hand.event(3, "finished", status="stopped")


def test_a_narrow_window_keeps_all_panels_inside(hand: WindowHand) -> None:
    hand.window.resize(900, 600)
    _start(hand)
    for panel in ("problems", "code", "data", "training", "runs"):
        hand.bench.show_panel(panel)
        settle()
        right = hand.bench.docks["panels"].geometry().right()
        assert right < hand.bench.docks["inspector"].geometry().left(), panel
    hand.event(2, "finished", status="stopped")


def test_durations_and_figures() -> None:
    assert [duration(s) for s in (0.4, 59.6, 61, 7260)] == [
        "0 s",
        "1 min 0 s",
        "1 min 1 s",
        "2 h 1 min",
    ]
    assert [figure(v) for v in (None, 0.0, 0.98765, 1e-7)] == [
        "not a number",
        "0",
        "0.9877",
        "1.00e-07",
    ]
