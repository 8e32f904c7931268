"""Unsaved work is kept within a second, offered at the next start, and lost only on purpose."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFrame, QLabel, QPushButton

from netbuilder.graph import edits
from netbuilder.gui.starting.recovery_list import when
from netbuilder.storage import format
from netbuilder.storage.journal import Entry, Journal
from tests.gui.test_main_window import EVIL, auto_texts, press_in_dialog
from tests.gui.window_hand import LEFT, WindowHand, settle, wait_for


def edit(hand: WindowHand, note: str) -> None:
    node = hand.session.graph.named("conv1")
    assert node is not None
    edits.set_node(hand.session.history, hand.session.graph, node.id, note=note)


def written(hand: WindowHand) -> int:
    return hand.window.projects.recovery.keeper.written


def notes(text: bytes) -> str:
    node = format.loads(text).of_kind("network")[0].named("conv1")
    return node.note if node is not None else ""


def kept(home: Path) -> list[tuple[Entry, bytes]]:
    journal = Journal(home / "state" / "recovery")
    found = []
    for entry in journal.entries():
        slot = journal.claim(entry.id)
        assert slot is not None
        found.append(slot.read())
        slot.release()
    return found


def buttons(hand: WindowHand, name: str) -> dict[str, QPushButton]:
    """The buttons of a banner or of a line of the list."""
    frame = hand.find(QFrame, name)
    return {button.text(): button for button in frame.findChildren(QPushButton)}


def row(hand: WindowHand, number: int = 0) -> str:
    frames = hand.window.start.recovery.findChildren(QFrame)
    names = [frame.objectName() for frame in frames if frame.objectName().startswith("recovery.")]
    return names[number]


# -- keeping -------------------------------------------------------------------------------------


def test_an_edit_is_kept_by_itself(hand: WindowHand, home: Path) -> None:
    hand.open()
    edit(hand, "first")
    wait_for(lambda: written(hand) == 1, 5)
    edit(hand, "second")
    wait_for(lambda: written(hand) == 2, 5)
    hand.window.end()
    ((entry, text),) = kept(home)
    assert entry.title == "Digits CNN"
    assert entry.path is None
    assert notes(text) == "second"


def test_edits_in_a_row_do_not_put_it_off(hand: WindowHand) -> None:
    hand.open()
    for number in range(100_000):
        edit(hand, str(number))
        settle()
        if written(hand):
            break
    assert written(hand)


def test_what_is_saved_is_not_kept(hand: WindowHand, home: Path, tmp_path: Path) -> None:
    hand.open()
    edit(hand, "x")
    wait_for(lambda: written(hand), 5)
    assert hand.window.projects.save_to(tmp_path / "a.netb")
    hand.window.end()
    assert kept(home) == []


def test_what_is_undone_is_not_kept(hand: WindowHand, home: Path) -> None:
    hand.open()
    edit(hand, "x")
    wait_for(lambda: written(hand), 5)
    hand.command("edit.undo")
    hand.window.end()
    assert kept(home) == []


def test_who_does_not_save_is_not_asked_again(hand: WindowHand, home: Path) -> None:
    hand.open()
    edit(hand, "x")
    wait_for(lambda: written(hand), 5)
    press_in_dialog("Don't save")
    hand.window.close()
    assert kept(home) == []


def test_another_project_ends_what_was_kept_of_the_last(hand: WindowHand, home: Path) -> None:
    hand.open()
    edit(hand, "x")
    wait_for(lambda: written(hand), 5)
    press_in_dialog("Don't save")
    hand.open("digits_mlp")
    hand.window.end()
    assert kept(home) == []


def test_a_place_that_cannot_be_written_costs_a_warning(hand: WindowHand, home: Path) -> None:
    hand.open()
    (home / "state").mkdir(parents=True)
    (home / "state" / "recovery").write_text("in the way")
    edit(hand, "x")
    wait_for(lambda: "kept for recovery" in hand.window.status.notice.text(), 5)
    assert hand.session.dirty


# -- bringing back -------------------------------------------------------------------------------


def left(hand: WindowHand, note: str = "mine") -> None:
    """Work that a window left when it had to go."""
    hand.open()
    edit(hand, note)
    hand.window.end()


def test_the_start_page_offers_it_and_one_press_brings_it_back(hand: WindowHand) -> None:
    left(hand)
    later = WindowHand()
    try:
        page = later.window.start.recovery
        assert page.isVisible()
        texts = [label.text() for label in page.findChildren(QLabel)]
        assert "Digits CNN" in texts
        assert any("today at" in text and "never saved" in text for text in texts)
        QTest.mouseClick(buttons(later, row(later))["Recover"], LEFT)
        settle()
        assert later.window.has_project()
        node = later.session.graph.named("conv1")
        assert node is not None
        assert node.note == "mine"
        assert later.session.dirty
        assert "Recovered" in later.window.banners.shown("recovered").text.text()  # type: ignore[union-attr]
        assert not page.isVisible()
    finally:
        later.close()


def test_it_can_be_recovered_by_keys(hand: WindowHand) -> None:
    left(hand)
    later = WindowHand()
    try:
        button = buttons(later, row(later))["Recover"]
        button.setFocus()
        assert button.accessibleName() == "Recover Digits CNN"
        QTest.keyClick(button, Qt.Key.Key_Space)
        settle()
        assert later.window.has_project()
    finally:
        later.close()


def test_recover_and_quit_without_saving_loses_nothing(hand: WindowHand, home: Path) -> None:
    left(hand, "mine")
    for note in ("more", "even more"):
        later = WindowHand()
        try:
            QTest.mouseClick(buttons(later, row(later))["Recover"], LEFT)
            settle()
            edit(later, note)
            wait_for(lambda later=later: written(later), 5)  # type: ignore[misc]
            said = press_in_dialog("Don't save")
            later.window.close()
            assert "stays on the start page" in said[1]
        finally:
            later.close()
        ((_, text),) = kept(home)
        assert notes(text) == note


def test_recover_and_save_ends_it(hand: WindowHand, home: Path, tmp_path: Path) -> None:
    left(hand)
    later = WindowHand()
    try:
        QTest.mouseClick(buttons(later, row(later))["Recover"], LEFT)
        settle()
        assert later.window.projects.save_to(tmp_path / "a.netb")
        assert later.window.banners.shown("recovered") is None
        assert notes((tmp_path / "a.netb").read_bytes()) == "mine"
    finally:
        later.close()
    assert kept(home) == []


def test_later_keeps_it_for_another_time(hand: WindowHand, home: Path) -> None:
    left(hand)
    for _ in range(2):
        later = WindowHand()
        assert later.window.start.recovery.isVisible()
        later.open("digits_mlp")
        later.close()
    assert len(kept(home)) == 1


def test_discard_asks_first(hand: WindowHand, home: Path) -> None:
    left(hand)
    later = WindowHand()
    try:
        press_in_dialog("Keep it")
        QTest.mouseClick(buttons(later, row(later))["Discard…"], LEFT)
        settle()
        assert len(kept(home)) == 1
        press_in_dialog("Discard")
        QTest.mouseClick(buttons(later, row(later))["Discard…"], LEFT)
        settle()
        assert kept(home) == []
        assert not later.window.start.recovery.isVisible()
    finally:
        later.close()


def test_unsaved_work_on_a_file_is_offered_when_it_opens(
    hand: WindowHand, home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.netb"
    hand.open()
    hand.window.projects.save_to(path)
    edit(hand, "unsaved")
    hand.window.end()
    later = WindowHand()
    try:
        assert later.window.open_path(path)
        QTest.mouseClick(buttons(later, "banner.recover")["Recover"], LEFT)
        settle()
        assert later.session.path == path
        node = later.session.graph.named("conv1")
        assert node is not None
        assert node.note == "unsaved"
        assert notes(path.read_bytes()) == ""
        later.command("file.save")
        assert notes(path.read_bytes()) == "unsaved"
        assert not later.session.dirty
    finally:
        later.close()
    assert kept(home) == []


def test_recovered_work_does_not_overwrite_what_came_after(
    hand: WindowHand, tmp_path: Path
) -> None:
    path = tmp_path / "a.netb"
    hand.open()
    hand.window.projects.save_to(path)
    edit(hand, "unsaved")
    hand.window.end()
    path.write_bytes(path.read_bytes().replace(b"Digits CNN", b"Digits DNN"))
    theirs = path.read_bytes()
    later = WindowHand()
    try:
        QTest.mouseClick(buttons(later, row(later))["Recover"], LEFT)
        settle()
        assert "changes of your own" in later.window.banners.shown("changed").text.text()  # type: ignore[union-attr]
        said = press_in_dialog("Cancel")
        later.command("file.save")
        assert said[0] == "The file was changed by another program"
        assert path.read_bytes() == theirs
        assert later.session.dirty
    finally:
        later.close()


def test_a_file_that_cannot_be_read_offers_the_work_on_it(hand: WindowHand, tmp_path: Path) -> None:
    path = tmp_path / "a.netb"
    hand.open()
    hand.window.projects.save_to(path)
    edit(hand, "unsaved")
    hand.window.end()
    path.write_bytes(path.read_bytes()[:200])
    later = WindowHand()
    try:
        said = press_in_dialog("Recover")
        later.window.open_path(path)
        settle()
        assert "byte" in said[1]
        assert later.session.dirty
        assert later.session.path == path
    finally:
        later.close()


def test_damaged_entries_are_put_aside_and_the_window_starts(hand: WindowHand, home: Path) -> None:
    left(hand)
    folder = home / "state" / "recovery"
    (folder / "0123456789abcdef.recovery").write_bytes(b"\xff garbage")
    (file,) = [path for path in folder.glob("*.recovery") if path.stem != "0123456789abcdef"]
    later = WindowHand()
    try:
        assert (folder / "0123456789abcdef.recovery.invalid").exists()
        file.write_bytes(file.read_bytes()[:-10])
        said = press_in_dialog("OK")
        QTest.mouseClick(buttons(later, row(later))["Recover"], LEFT)
        settle()
        assert "can't be recovered" in said[0]
        assert not later.window.has_project()
        assert not later.window.start.recovery.isVisible()
    finally:
        later.close()


def test_recovering_asks_about_the_project_that_is_open(hand: WindowHand) -> None:
    left(hand)
    later = WindowHand()
    try:
        later.open()
        edit(later, "other")
        later.command("file.start")
        said = press_in_dialog("Cancel")
        QTest.mouseClick(buttons(later, row(later))["Recover"], LEFT)
        settle()
        assert said[0] == "Save the changes to Digits CNN?"
        node = later.session.graph.named("conv1")
        assert node is not None
        assert node.note == "other"
        assert later.window.start.recovery.isVisible()
    finally:
        later.close()


def test_two_windows_cannot_recover_the_same_work(hand: WindowHand) -> None:
    left(hand)
    first, second = WindowHand(), WindowHand()
    try:
        assert second.window.start.recovery.isVisible()
        QTest.mouseClick(buttons(first, row(first))["Recover"], LEFT)
        settle()
        said = press_in_dialog("OK")
        QTest.mouseClick(buttons(second, row(second))["Recover"], LEFT)
        settle()
        assert "Another window" in said[1]
        assert not second.window.has_project()
        assert not second.window.start.recovery.isVisible()
    finally:
        first.close()
        second.close()


def test_the_start_page_shows_what_was_left_meanwhile(hand: WindowHand) -> None:
    other = WindowHand()
    assert not hand.window.start.recovery.isVisible()
    hand.open("digits_mlp")
    left(other)
    other.close()
    hand.command("file.start")
    assert hand.window.start.recovery.isVisible()


def test_names_from_outside_are_never_markup(hand: WindowHand, home: Path) -> None:
    journal = Journal(home / "state" / "recovery")
    slot = journal.begin()
    evil = Path("/p") / "<img src=x>" / '<b onclick="x">&b.netb'
    slot.write(b"x", title=EVIL, path=evil, base="", time=5.0)
    slot.release()
    hand.window.projects.prepare()
    hand.window.banners.say("evil", EVIL, ((EVIL, lambda: None),))
    settle()
    assert hand.window.start.recovery.isVisible()
    assert auto_texts(hand.window.start.recovery) == []
    assert auto_texts(hand.window.banners) == []
    texts = [label.text() for label in hand.window.start.recovery.findChildren(QLabel)]
    assert EVIL in texts
    assert any("<img src=x>" in text for text in texts)


def test_moments_are_told_for_people() -> None:
    assert when(1_000_000.0, 1_000_060.0).startswith("today at ")
    assert "1970" in when(1_000_000.0, 1e9)
    assert [when(odd) for odd in (0.0, -5.0, 1e300, float("nan"))] == [""] * 4
