"""The window as a whole: opening, saving, leaving, its commands, and what it survives."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLabel, QLineEdit, QWidget

from netbuilder.engine.protocol import WorkerDied, WorkerError
from netbuilder.graph import edits
from netbuilder.gui import actions
from netbuilder.gui.asking.dialogs import Message
from netbuilder.gui.catcher import ErrorCatcher
from netbuilder.gui.command_list import CommandList
from netbuilder.gui.look import theme
from netbuilder.gui.picker import score
from netbuilder.gui.starting.template_cards import Card
from netbuilder.storage import files
from tests.gui.conftest import Stray
from tests.gui.window_hand import LEFT, WindowHand, settle, wait_for

CTRL = Qt.KeyboardModifier.ControlModifier
EVIL = '<img src="/etc/passwd"><b>&bold</b>'


def press_in_dialog(choice: str) -> list[str]:
    """Once a message opens, press this button; what the message said."""
    said: list[str] = []
    waiting = QTimer(QApplication.instance())

    def press() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, Message):
            waiting.stop()
            waiting.deleteLater()
            said.extend((dialog.title.text(), dialog.text.text()))
            buttons = {button.text().replace("&&", "&"): button for button in dialog.choices}
            QTest.mouseClick(buttons[choice], LEFT)

    waiting.timeout.connect(press)
    waiting.start(5)
    return said


def edit(hand: WindowHand) -> None:
    node = hand.session.graph.named("conv1")
    assert node is not None
    edits.set_node(hand.session.history, hand.session.graph, node.id, note="seen")
    settle()


# -- opening and saving ------------------------------------------------------------------------


def test_a_template_is_one_press_away_and_train_follows(hand: WindowHand) -> None:
    wait_for(lambda: not hand.window.start.gallery.busy, 60)
    card = hand.find(Card, "template.digits_cnn")
    QTest.mouseClick(card, LEFT)
    settle()
    hand.report()
    assert hand.window.has_project()
    assert {node.name for node in hand.session.graph.nodes.values()} >= {"conv1", "pool"}
    assert hand.window.commands.actions["run.train"].isEnabled()
    assert hand.window.bar.isVisible()


def test_saving_cleans_the_title_and_is_remembered(hand: WindowHand, tmp_path: Path) -> None:
    hand.open()
    edit(hand)
    assert hand.window.isWindowModified()
    path = tmp_path / "mine.netb"
    assert hand.window.projects.save_to(path)
    assert not hand.window.isWindowModified()
    assert hand.window.windowTitle().startswith("mine.netb")
    assert hand.window.settings.value.recents == (str(path),)
    assert files.load(path) == hand.session.document


def test_a_file_that_cannot_be_read_leaves_all_as_it_was(hand: WindowHand, tmp_path: Path) -> None:
    hand.open()
    before = hand.session.document
    for name, contents in (("torn.netb", b'{"netbuilder": 1, "ti'), ("cat.netb", b"\x89PNG\r\n")):
        path = tmp_path / name
        path.write_bytes(contents)
        said = press_in_dialog("OK")
        assert not hand.window.open_path(path)
        assert said[0] == f"'{name}' can't be opened"
        assert len(said[1]) > 10
    assert hand.session.document is before
    assert str(tmp_path / "torn.netb") not in hand.window.settings.value.recents


def test_a_save_that_fails_keeps_the_project_dirty(hand: WindowHand, tmp_path: Path) -> None:
    hand.open()
    edit(hand)
    said = press_in_dialog("Not now")
    assert not hand.window.projects.save_to(tmp_path / "no" / "folder" / "x.netb")
    assert said[0] == "The project was not saved"
    assert hand.session.dirty


# -- leaving -------------------------------------------------------------------------------------


def test_unsaved_changes_are_asked_about(hand: WindowHand) -> None:
    hand.open()
    edit(hand)
    said = press_in_dialog("Cancel")
    hand.window.close()
    assert "Save the changes to Digits CNN?" in said
    assert hand.window.isVisible()
    press_in_dialog("Don't save")
    hand.window.close()
    assert not hand.window.isVisible()
    assert hand.client.closed


def test_opening_another_asks_too_and_saves(hand: WindowHand, tmp_path: Path) -> None:
    hand.open()
    hand.window.projects.save_to(tmp_path / "a.netb")
    edit(hand)
    press_in_dialog("Save")
    hand.window.open_template("digits_mlp")
    settle()
    assert hand.session.document.project.title == "Digits MLP"
    saved = files.load(tmp_path / "a.netb").of_kind("network")[0].named("conv1")
    assert saved is not None
    assert saved.note == "seen"


def test_a_running_training_is_asked_about(hand: WindowHand) -> None:
    hand.open()
    hand.command("run.train")
    hand.event(1, "started", epochs=2, steps=4, device="cpu")
    said = press_in_dialog("Cancel")
    hand.window.close()
    assert "A training is running." in said
    assert hand.window.isVisible()
    assert not hand.client.closed
    press_in_dialog("Stop and save")
    hand.window.close()
    assert hand.client.closed


def test_layout_and_theme_are_remembered(hand: WindowHand) -> None:
    hand.open()
    hand.window.toggle_dock("palette")
    hand.command("view.theme")
    assert theme.current().name == "light"
    hand.window.close()
    again = WindowHand()
    again.open()
    try:
        assert again.window.settings.value.theme == "light"
        assert not again.window.dock_shown("palette")
        assert again.window.dock_shown("inspector")
    finally:
        again.close()
        theme.apply_theme(QApplication.instance(), "dark")  # type: ignore[arg-type]


# -- commands ------------------------------------------------------------------------------------


def test_no_two_commands_share_a_key_and_all_stand_in_a_menu(hand: WindowHand) -> None:
    keys = [key for command in hand.window.commands for key in command.shortcuts]
    assert len(keys) == len(set(keys))
    assert {command.menu for command in hand.window.commands} == {
        *actions.MENUS,
        "",
    }
    in_menus = {
        action.objectName()
        for menu in hand.window.menuBar().actions()
        for action in menu.menu().actions()  # type: ignore[attr-defined]
    }
    listed = {command.id for command in hand.window.commands if command.menu}
    assert listed == in_menus - {""}
    unlisted = {command.id for command in hand.window.commands} - listed
    assert all(id.startswith("canvas.") for id in unlisted), "only steps by key stand in no menu"


def test_undo_tells_what_it_takes_back(hand: WindowHand) -> None:
    hand.open()
    action = hand.window.commands.actions["edit.undo"]
    assert not action.isEnabled()
    edit(hand)
    assert action.isEnabled()
    assert action.text() == "Undo Change conv1"
    hand.command("edit.undo")
    assert hand.window.commands.actions["edit.redo"].text() == "Redo Change conv1"


def test_the_command_list_finds_and_runs(hand: WindowHand) -> None:
    hand.open()
    hand.command("view.commands")
    popup = hand.window.findChild(CommandList)
    assert isinstance(popup, CommandList)
    assert popup.model.rowCount() > 20
    QTest.keyClicks(popup.search, "runs")
    settle()
    QTest.keyClick(popup.search, Qt.Key.Key_Return)
    settle()
    assert hand.bench.panels.currentWidget() is hand.bench.runs


def test_scores_prefer_beginnings_of_words() -> None:
    assert score("xyz", "Train") is None
    first, second = score("st", "Start page"), score("st", "First")
    assert first is not None
    assert second is not None
    assert first > second


def test_a_key_in_a_field_is_text(hand: WindowHand) -> None:
    hand.open()
    hand.select("conv1")
    line = hand.find(QLineEdit, "node.name")
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, "fL")
    QTest.keyClick(line, Qt.Key.Key_Delete)
    assert line.text() == "fL"
    assert "conv1" in {node.name for node in hand.session.graph.nodes.values()}


def test_graphs_are_tabs(hand: WindowHand) -> None:
    hand.open()
    names = [hand.bench.tabs.bar.tabText(at) for at in range(hand.bench.tabs.bar.count())]
    assert names == ["main", "train"]
    place = hand.bench.tabs.bar.tabRect(1).center()
    QTest.mouseClick(hand.bench.tabs.bar, LEFT, pos=place)
    settle()
    assert hand.session.graph.kind == "step"
    hand.command("edit.network")
    assert hand.session.graph.name == "network"
    hand.command("edit.undo")
    assert hand.bench.tabs.bar.count() == 2


# -- what it survives ------------------------------------------------------------------------------


def test_a_killed_worker_in_mid_training_harms_nothing(hand: WindowHand) -> None:
    hand.open()
    edit(hand)
    before = hand.session.document.copy()
    hand.command("run.train")
    hand.event(1, "started", epochs=2, steps=4, device="cpu")
    hint = "The run keeps its last checkpoint."
    lost = WorkerError("The worker was killed.", hint)
    reply = hand.client.waiting("train")[0]
    hand.client.asked.remove(reply)
    from netbuilder.engine.protocol import Reply

    reply[2](Reply(1, error=lost))
    hand.client.say(WorkerDied("The worker was killed.", hint, training=True, restart_in_s=0.0))
    settle()
    assert hand.window.runner.status() == "crashed"
    assert hand.bench.training.banner.isVisible()
    assert "killed" in hand.bench.training.banner.text.text()
    assert "killed" in hand.window.status.notice.text()
    assert hand.session.document == before
    assert hand.session.dirty
    hand.client.start()
    settle()
    hand.report()
    assert hand.window.runner.can_train()


def test_an_error_nobody_caught_is_shown_and_the_window_lives(
    hand: WindowHand, stray: Stray
) -> None:
    catcher = ErrorCatcher(lambda: hand.window)
    said = press_in_dialog("OK")
    error = ValueError("out of <b>nowhere</b>")
    catcher(type(error), error, None)
    settle()
    assert any("out of <b>nowhere</b>" in text for text in said)
    assert stray.logs
    stray.logs.clear()
    assert hand.window.isVisible()


def test_one_message_for_many_errors(hand: WindowHand, stray: Stray) -> None:
    catcher = ErrorCatcher(lambda: hand.window)
    said = press_in_dialog("OK")
    for number in range(5):
        catcher(ValueError, ValueError(str(number)), None)
    settle()
    assert len(said) == 2
    stray.logs.clear()


def auto_texts(root: QWidget) -> list[str]:
    """Labels that would show markup, and tooltips that Qt would take for HTML."""
    found = []
    for widget in [root, *root.findChildren(QWidget)]:
        if isinstance(widget, QLabel) and widget.textFormat() != Qt.TextFormat.PlainText:
            found.append(f"{type(widget).__name__} {widget.objectName()} {widget.text()!r}")
        if "<img" in widget.toolTip():
            found.append(f"tooltip of {type(widget).__name__} {widget.objectName()}")
    return found


def test_texts_of_a_file_are_never_markup(hand: WindowHand) -> None:
    hand.open()
    session = hand.session
    hand.command("run.train")
    edits.set_project(session.history, "Change", title=EVIL, description=EVIL)
    node = session.graph.named("conv1")
    assert node is not None
    edits.set_node(session.history, session.graph, node.id, note=EVIL)
    hand.select("conv1")
    hand.report(
        {
            "problems": [
                {
                    "severity": "error",
                    "code": "x",
                    "message": EVIL,
                    "hint": EVIL,
                    "graph": session.graph.id,
                    "node": node.id,
                    "port": "",
                    "fixes": [{"title": EVIL, "operation": "x", "arguments": {}}],
                }
            ],
            "graphs": {},
        }
    )
    hand.event(1, "started", epochs=1, steps=1, device=EVIL)
    fault = {"message": EVIL, "hint": EVIL, "graph": "", "node": ""}
    hand.event(2, "finished", 0, 1, status="failed", error=fault)
    for panel in ("problems", "code", "data", "training", "runs"):
        hand.bench.show_panel(panel)
        settle()
    hand.command("run.export")
    hand.command("help.keys")
    settle()
    assert auto_texts(hand.window) == []
    for combo in hand.window.findChildren(QComboBox):
        assert "<img" not in combo.toolTip()


def test_the_scan_for_markup_bites(qapp: QApplication) -> None:
    root = QWidget()
    bad = QLabel(EVIL, root)
    bad.setToolTip(EVIL)
    assert len(auto_texts(root)) == 2
    root.deleteLater()


@pytest.mark.parametrize("id", ["help.keys", "help.about"])
def test_help_opens(hand: WindowHand, id: str) -> None:
    if id == "help.about":
        said = press_in_dialog("OK")
        hand.command(id)
        assert said[0] == "netbuilder"
    else:
        hand.command(id)
        dialogs = [w for w in QApplication.topLevelWidgets() if w.windowTitle().startswith("Keys")]
        assert len(dialogs) == 1
        dialogs[0].close()
