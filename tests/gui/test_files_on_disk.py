"""Other windows, other programs, newer versions, full disks: nothing is overwritten unasked."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections import Counter
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QFrame, QPushButton, QToolButton

from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.model import ProjectInfo
from netbuilder.gui.comparing.window import ComparisonWindow
from netbuilder.storage import files
from tests.gui.test_main_window import press_in_dialog
from tests.gui.window_hand import LEFT, WindowHand, settle, wait_for
from tests.storage.faults import Faults, error_at

THEIRS = Document(ProjectInfo(title="theirs"))


@pytest.fixture
def path(hand: WindowHand, tmp_path: Path) -> Path:
    """The file of the project that is open."""
    hand.open()
    assert hand.window.projects.save_to(tmp_path / "a.netb")
    return tmp_path / "a.netb"


def edit(hand: WindowHand, note: str = "mine") -> None:
    node = hand.session.graph.named("conv1")
    assert node is not None
    edits.set_node(hand.session.history, hand.session.graph, node.id, note=note)
    settle()


def note(hand: WindowHand) -> str:
    node = hand.session.graph.named("conv1")
    return node.note if node is not None else "no such node"


def saved_note(path: Path) -> str:
    node = files.load(path).of_kind("network")[0].named("conv1")
    return node.note if node is not None else "no such node"


def banner(hand: WindowHand, key: str) -> str:
    found = hand.window.banners.shown(key)
    return found.text.text() if found is not None else ""


def press(hand: WindowHand, key: str, choice: str) -> None:
    frame = hand.find(QFrame, f"banner.{key}")
    buttons = {button.text(): button for button in frame.findChildren(QPushButton)}
    QTest.mouseClick(buttons[choice], LEFT)
    settle()


def choose(monkeypatch: pytest.MonkeyPatch, path: Path) -> list[str]:
    """Who is asked for a file says this one; what was suggested."""
    suggested: list[str] = []

    def asked(parent: object, title: str, suggestion: str, kinds: str) -> tuple[str, str]:
        suggested.append(suggestion)
        return str(path), kinds

    monkeypatch.setattr(QFileDialog, "getSaveFileName", asked)
    return suggested


# -- other programs ------------------------------------------------------------------------------


def test_a_change_by_others_is_offered(hand: WindowHand, path: Path) -> None:
    files.save(THEIRS, path)
    os.utime(path, (5.0, 5.0))
    wait_for(lambda: "was changed by another program." in banner(hand, "changed"), 5)
    press(hand, "changed", "Reload")
    assert hand.session.document.project.title == "theirs"
    assert not hand.session.dirty
    assert banner(hand, "changed") == ""


def test_coming_back_to_the_window_looks(hand: WindowHand, path: Path) -> None:
    hand.window.projects.guard._watch._watcher.removePaths([str(path), str(path.parent)])
    files.save(THEIRS, path)
    settle()
    assert banner(hand, "changed") == ""
    app = QGuiApplication.instance()
    assert isinstance(app, QGuiApplication)
    app.applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
    assert banner(hand, "changed")


def test_with_changes_of_ones_own_there_are_three_ways(
    hand: WindowHand, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(hand)
    files.save(THEIRS, path)
    wait_for(lambda: "changes of your own" in banner(hand, "changed"), 5)
    press(hand, "changed", "Compare")
    dialog = hand.find(ComparisonWindow, "comparison")
    assert any(row.what == "graph" for row in dialog.rows)
    dialog.close()
    choose(monkeypatch, path.with_name("mine.netb"))
    press(hand, "changed", "Save mine elsewhere…")
    assert saved_note(path.with_name("mine.netb")) == "mine"
    assert files.load(path) == THEIRS
    assert hand.session.path == path.with_name("mine.netb")
    assert banner(hand, "changed") == ""


def test_keeping_mine_replaces_theirs_at_the_next_save(hand: WindowHand, path: Path) -> None:
    files.save(THEIRS, path)
    wait_for(lambda: banner(hand, "changed"), 5)
    press(hand, "changed", "Keep mine")
    assert hand.session.dirty
    assert files.load(path) == THEIRS
    hand.command("file.save")
    assert saved_note(path) == ""
    assert not hand.session.dirty


@pytest.mark.parametrize("choice", ["Cancel", "Reload theirs", "Keep mine", "Save mine elsewhere…"])
def test_a_save_over_what_others_wrote_asks(
    hand: WindowHand, path: Path, choice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand.window.projects.guard.end()
    edit(hand)
    files.save(THEIRS, path)
    choose(monkeypatch, path.with_name("mine.netb"))
    said = press_in_dialog(choice)
    hand.command("file.save")
    assert said[0] == "The file was changed by another program"
    assert (files.load(path) == THEIRS) == (choice != "Keep mine")
    assert hand.session.dirty == (choice == "Cancel")
    assert path.with_name("mine.netb").exists() == (choice == "Save mine elsewhere…")
    assert (note(hand) == "mine") == (choice != "Reload theirs")


def test_a_file_torn_by_another_program_is_not_taken(hand: WindowHand, path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])
    wait_for(lambda: banner(hand, "changed"), 5)
    before = hand.session.document
    press_in_dialog("OK")
    press(hand, "changed", "Reload")
    assert hand.session.document is before


def test_what_becomes_as_it_was_is_no_change(hand: WindowHand, path: Path) -> None:
    data = path.read_bytes()
    files.save(THEIRS, path)
    wait_for(lambda: banner(hand, "changed"), 5)
    path.write_bytes(data)
    wait_for(lambda: not banner(hand, "changed"), 5)


def test_a_file_that_is_gone_is_told_and_saved_again(hand: WindowHand, path: Path) -> None:
    path.unlink()
    wait_for(lambda: "not there any more" in banner(hand, "changed"), 5)
    press(hand, "changed", "Save it again")
    assert saved_note(path) == ""
    assert banner(hand, "changed") == ""


# -- other windows -------------------------------------------------------------------------------


def test_a_second_window_saves_copies_only(
    hand: WindowHand, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = WindowHand()
    try:
        assert second.window.open_path(path)
        assert "another window" in banner(second, "readonly")
        edit(second, "theirs")
        press_in_dialog("Cancel")
        second.command("file.save")
        assert saved_note(path) == ""
        suggested = choose(monkeypatch, path.with_name("copy.netb"))
        press_in_dialog("Save a copy…")
        second.command("file.save")
        assert suggested == [str(path.with_name("a-copy.netb"))]
        assert saved_note(path.with_name("copy.netb")) == "theirs"
        assert banner(second, "readonly") == ""
        assert not second.session.dirty
    finally:
        second.close()


def test_a_file_that_gets_free_is_ours(hand: WindowHand, path: Path) -> None:
    second = WindowHand()
    try:
        second.window.open_path(path)
        press(second, "readonly", "Try again")
        assert banner(second, "readonly")
        edit(hand, "first")
        hand.command("file.save")
        hand.window.end()
        press(second, "readonly", "Try again")
        assert banner(second, "readonly") == ""
        press(second, "changed", "Reload")
        assert note(second) == "first"
        edit(second, "second")
        second.command("file.save")
        assert saved_note(path) == "second"
    finally:
        second.close()


# -- newer versions ------------------------------------------------------------------------------


@pytest.fixture
def newer(path: Path) -> Path:
    value = json.loads(path.read_text())
    value |= {"netbuilder": 2, "quantum": [1]}
    there = path.with_name("newer.netb")
    there.write_text(json.dumps(value))
    return there


def test_a_newer_project_opens_to_be_copied(
    hand: WindowHand, newer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = newer.read_bytes()
    assert hand.window.open_path(newer)
    assert "newer netbuilder" in banner(hand, "readonly")
    edit(hand)
    choose(monkeypatch, newer.with_name("copy.netb"))
    press(hand, "readonly", "Save a copy…")
    assert newer.read_bytes() == data
    assert json.loads(newer.with_name("copy.netb").read_text())["quantum"] == [1]
    assert banner(hand, "readonly") == ""


def test_a_newer_project_is_overwritten_only_when_confirmed(hand: WindowHand, newer: Path) -> None:
    data = newer.read_bytes()
    hand.window.open_path(newer)
    edit(hand)
    press_in_dialog("Cancel")
    hand.command("file.save")
    assert newer.read_bytes() == data
    press_in_dialog("Overwrite all the same")
    hand.command("file.save")
    assert json.loads(newer.read_text())["netbuilder"] == 1
    assert saved_note(newer) == "mine"


# -- disks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "words"), [(28, "disk is full"), (30, "may not be written")])
def test_a_failed_save_offers_another_place(
    hand: WindowHand, path: Path, code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit(hand)
    wait_for(lambda: hand.window.projects.recovery.keeper.written, 5)
    hand.window.projects.recovery.keeper.flush()
    choose(monkeypatch, path.with_name("elsewhere.netb"))
    data = path.read_bytes()
    said = press_in_dialog("Not now")
    with Faults(error_at(2, code)) as faults:
        hand.command("file.save")
    assert len(faults.calls) >= 2
    assert words in said[1]
    assert hand.session.dirty
    assert path.read_bytes() == data
    real = hand.session.file.save

    def fails_here(document: Document, target: Path | None = None, *, force: bool = False) -> None:
        if target == path:
            with Faults(error_at(2, code)):
                real(document, target, force=force)
        real(document, target, force=force)

    monkeypatch.setattr(hand.session.file, "save", fails_here)
    press_in_dialog("Save as…")
    hand.command("file.save")
    assert saved_note(path.with_name("elsewhere.netb")) == "mine"
    assert not hand.session.dirty


def test_a_folder_that_is_gone_keeps_the_project(
    hand: WindowHand, path: Path, tmp_path: Path
) -> None:
    hand.window.projects.save_to(tmp_path / "folder.netb")
    folder = tmp_path / "folder"
    folder.mkdir()
    hand.window.projects.save_to(folder / "b.netb")
    shutil.rmtree(folder)
    edit(hand)
    said = press_in_dialog("Not now")
    hand.command("file.save")
    assert "is not there" in said[1]
    assert hand.session.dirty
    wait_for(lambda: hand.window.projects.recovery.keeper.written, 5)


# -- the saved version, and files that are gone ----------------------------------------------------


def test_going_back_to_the_saved_version_asks(hand: WindowHand, path: Path) -> None:
    revert = hand.window.commands.actions["file.revert"]
    assert not revert.isEnabled()
    edit(hand)
    assert revert.isEnabled()
    press_in_dialog("Keep my changes")
    hand.command("file.revert")
    assert note(hand) == "mine"
    press_in_dialog("Go back")
    hand.command("file.revert")
    assert note(hand) == ""
    assert not hand.session.dirty
    assert hand.session.path == path


@pytest.mark.parametrize(("choice", "left"), [("Keep it", 1), ("Take it off the list", 0)])
def test_a_recent_project_that_is_gone_can_be_taken_off_the_list(
    hand: WindowHand, path: Path, choice: str, left: int
) -> None:
    hand.command("file.start")
    path.unlink()
    link = next(
        button
        for button in hand.window.start.findChildren(QToolButton)
        if button.text() == path.stem
    )
    said = press_in_dialog(choice)
    QTest.mouseClick(link, LEFT)
    settle()
    assert "There is no file" in said[1]
    assert len(hand.window.settings.value.recents) == left


# -- undo across saving, keeping and going back ----------------------------------------------------


def fail_halfway(hand: WindowHand) -> None:
    with hand.session.history.step("Half"):
        edits.set_project(hand.session.history, "Change", title="half")
        raise ZeroDivisionError


@pytest.mark.parametrize("seed", range(3))
def test_the_dirty_mark_is_exact_whatever_happens(hand: WindowHand, path: Path, seed: int) -> None:
    rng = random.Random(seed)
    done = Counter[str]()
    for turn in range(60):
        kind = rng.choice(("edit", "edit", "undo", "redo", "save", "keep", "revert", "fail"))
        done[kind] += 1
        match kind:
            case "edit":
                edit(hand, f"{turn}")
            case "undo" | "redo":
                hand.command(f"edit.{kind}")
            case "save":
                hand.command("file.save")
            case "keep":
                hand.window.projects.recovery.keep_now()
                hand.window.projects.recovery.keeper.flush()
            case "revert" if hand.window.projects.can_revert():
                press_in_dialog("Go back")
                hand.command("file.revert")
            case "fail":
                before = hand.session.document.copy()
                with pytest.raises(ZeroDivisionError):
                    fail_halfway(hand)
                assert hand.session.document == before
        settle()
        if not hand.session.dirty:
            assert hand.session.document == files.load(path)
        assert hand.window.isWindowModified() == hand.session.dirty
        kept = hand.window.projects.recovery.keeper
        kept.flush()
        assert hand.session.dirty or kept._slot is None
    assert all(done[kind] for kind in ("edit", "undo", "redo", "save", "keep", "revert", "fail"))
