"""Trainings that go on without the window, as a person meets them in it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from netbuilder.app.templates import open_template
from netbuilder.gui.asking.dialogs import Message
from netbuilder.storage import files
from netbuilder.training import control
from tests.app.strangers import Writer, stranger
from tests.gui.window_hand import LEFT, WindowHand, settle, wait_for


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    with stranger() as process:
        yield process


def write(path: Path, pid: int) -> Writer:
    writer = Writer(path, pid)
    files.save(open_template("digits_cnn"), path / "project.netb")
    writer.tell("started", epochs=3, steps=300, device="cpu")
    for step in range(1, 21):
        writer.tell("metrics", step=step, **{"train/loss": 1 / step})
    return writer


@pytest.fixture
def written(tmp_path: Path, other: subprocess.Popen[bytes]) -> Writer:
    return write(tmp_path / "a.runs" / "run-001", other.pid)


@pytest.fixture
def shown(hand: WindowHand, tmp_path: Path, written: Writer) -> WindowHand:
    """A window with a project of which a training goes on."""
    files.save(open_template("digits_cnn"), tmp_path / "a.netb")
    hand.window.open_path(tmp_path / "a.netb")
    wait_for(lambda: hand.session.run is not None and hand.session.run.step == 20)
    hand.report()
    return hand


def press_in_dialog(choice: str) -> list[str]:
    """Once a question is on the screen: press this; what was asked."""
    asked: list[str] = []

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, Message):
            return
        timer.stop()
        asked.append(dialog.title.text())
        button = next(each for each in dialog.choices if each.text() == choice)
        QTest.mouseClick(button, LEFT)

    timer = QTimer(QApplication.instance())
    timer.timeout.connect(answer)
    timer.start(5)
    return asked


def status(hand: WindowHand) -> str:
    return hand.session.run.status if hand.session.run is not None else ""


def actions(hand: WindowHand) -> dict[str, Any]:
    return hand.window.commands.actions


def test_the_window_shows_a_training_that_was_started_elsewhere(
    shown: WindowHand, other: Any
) -> None:
    panel = shown.bench.training
    wait_for(lambda: panel.status.text() == "Training")
    shown.window.resize(1600, 900)
    wait_for(lambda: panel.status.text() == "Training in background")
    assert str(other.pid) in panel.status.toolTip()
    assert panel.plots is not None
    assert "run-001 was started elsewhere" in shown.window.status.notice.text()
    assert actions(shown)["run.pause"].isEnabled()


def test_its_buttons_speak_to_the_folder(shown: WindowHand, written: Writer, other: Any) -> None:
    panel = shown.bench.training
    wait_for(panel.pause.isEnabled)
    panel.pause.click()
    told = written.path / control.FILE
    assert json.loads(told.read_text()) == {"number": 1, "command": "pause"}
    written.tell("paused", step=20)
    wait_for(lambda: panel.pause.text() == "Resume")
    panel.pause.click()
    assert json.loads(told.read_text())["command"] == "resume"
    written.tell("resumed", step=20)
    wait_for(lambda: panel.pause.text() == "Pause")
    panel.stop.click()
    assert json.loads(told.read_text())["command"] == "stop"
    assert panel.stop.text() == "Force stop"
    assert actions(shown)["run.stop"].text() == "Force stop"
    panel.stop.click()
    assert other.wait(30) == -signal.SIGKILL
    wait_for(lambda: status(shown) == "stopped")
    assert panel.banner.isVisibleTo(panel)
    assert actions(shown)["run.stop"].text() == "Stop"


def test_when_its_process_is_gone_resume_is_offered(
    shown: WindowHand, written: Writer, other: Any
) -> None:
    os.kill(other.pid, signal.SIGKILL)
    other.wait()
    wait_for(lambda: status(shown) == "crashed")
    offered = [b for b in shown.bench.training.banner.findChildren(QPushButton) if b.isEnabled()]
    resume = next(button for button in offered if button.text() == "Resume")
    QTest.mouseClick(resume, LEFT)
    settle()
    _, params, _ = shown.client.waiting("train")[0]
    assert params["resume"] is True
    assert params["run"] == str(written.path)


def test_closing_the_window_leaves_it_alone(shown: WindowHand, other: Any, written: Writer) -> None:
    shown.window.close()
    assert not shown.window.isVisible()
    assert other.poll() is None
    assert not (written.path / control.FILE).exists()


@pytest.mark.parametrize("choice", ["Cancel", "Train another"])
def test_another_training_beside_it_is_asked_about(
    shown: WindowHand, tmp_path: Path, choice: str
) -> None:
    asked = press_in_dialog(choice)
    shown.command("run.train")
    assert asked == ["run-001 is being trained already."]
    began = shown.client.waiting("train")
    assert bool(began) == (choice == "Train another")
    if began:
        assert began[0][1]["run"] == str(tmp_path / "a.runs" / "run-002")
        assert status(shown) == "starting"


def test_who_comes_back_to_the_window_sees_what_began_meanwhile(
    hand: WindowHand, tmp_path: Path, other: Any
) -> None:
    files.save(open_template("digits_cnn"), tmp_path / "a.netb")
    hand.window.open_path(tmp_path / "a.netb")
    hand.report()
    assert hand.session.run is None
    write(tmp_path / "a.runs" / "run-001", other.pid)
    QApplication.sendEvent(hand.window, QEvent(QEvent.Type.ActivationChange))
    wait_for(lambda: status(hand) == "running")


@pytest.mark.parametrize("saved", [True, False])
def test_the_start_page_leads_to_what_goes_on(
    hand: WindowHand, tmp_path: Path, home: Path, other: Any, saved: bool
) -> None:
    if saved:
        files.save(open_template("digits_cnn"), tmp_path / "a.netb")
        hand.window.settings.remember(tmp_path / "a.netb")
        write(tmp_path / "a.runs" / "run-001", other.pid)
    else:
        write(home / "data" / "runs" / "digits_cnn" / "run-001", other.pid)
    hand.window.detached.look()
    banners = hand.window.banners
    wait_for(lambda: banners.shown("detached") is not None)
    banner = banners.shown("detached")
    assert banner is not None
    name = "a" if saved else "digits_cnn"
    assert banner.text.text() == f"A training goes on in the background: {name}, run-001."
    QTest.mouseClick(banner.choices[0], LEFT)
    wait_for(lambda: status(hand) == "running")
    assert banners.shown("detached") is None
    assert hand.window.has_project()


def test_nothing_goes_on_and_nothing_is_said(hand: WindowHand, tmp_path: Path) -> None:
    hand.window.settings.remember(tmp_path / "a.netb")
    hand.window.detached.look()
    settle()
    assert hand.window.banners.shown("detached") is None


# -- closing the window with a training of its own -----------------------------------------------


@pytest.fixture
def training(hand: WindowHand) -> WindowHand:
    hand.open()
    hand.command("run.train")
    hand.event(1, "started", epochs=2, steps=4, device="cpu")
    return hand


def close(hand: WindowHand, choice: str) -> list[str]:
    asked = press_in_dialog(choice)
    hand.window.close()
    settle()
    return asked


def test_the_person_stays(training: WindowHand) -> None:
    assert close(training, "Cancel") == ["A training is running."]
    assert training.window.isVisible()
    assert training.client.ended == ""


@pytest.mark.parametrize(
    ("choice", "ended"), [("Keep training in the background", "left"), ("Stop and save", "closed")]
)
def test_the_person_goes(training: WindowHand, choice: str, ended: str) -> None:
    close(training, choice)
    assert not training.window.isVisible()
    assert training.client.ended == ended


def test_enter_keeps_the_training(training: WindowHand) -> None:
    def enter() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, Message):
            timer.stop()
            QTest.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_Return)

    timer = QTimer(QApplication.instance())
    timer.timeout.connect(enter)
    timer.start(5)
    training.window.close()
    assert training.client.ended == "left"


def test_a_window_without_a_training_ends_its_worker(hand: WindowHand) -> None:
    hand.open()
    hand.window.close()
    assert hand.client.ended == "closed"


def test_a_program_that_is_ended_keeps_the_training(training: WindowHand) -> None:
    training.window.end(hurry=True)
    assert training.client.ended == "left"


def test_the_end_of_the_computers_session_asks_nothing(
    training: WindowHand, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    monkeypatch.setattr(type(app), "isSavingSession", lambda self: True)
    training.window.close()
    assert not training.window.isVisible()
    assert training.client.ended == "left"
