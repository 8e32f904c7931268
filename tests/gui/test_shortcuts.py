"""Keys of commands: shown, changed by pressing them, told when two want the same, remembered."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.app.settings import SettingsStore
from netbuilder.gui.asking.shortcuts_dialog import ShortcutsDialog
from netbuilder.gui.command_list import CommandList
from netbuilder.gui.shortcuts import sound
from tests.gui.window_hand import WindowHand, settle

CTRL = Qt.KeyboardModifier.ControlModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
NONE = Qt.KeyboardModifier.NoModifier


def dialog_of(hand: WindowHand) -> ShortcutsDialog:
    hand.command("help.shortcuts")
    found = hand.window.findChild(ShortcutsDialog)
    assert isinstance(found, ShortcutsDialog)
    return found


def press(key: Qt.Key, modifiers: Qt.KeyboardModifier = NONE) -> None:
    """A key where the focus is."""
    focused = QApplication.focusWidget()
    assert focused is not None
    QTest.keyClick(focused, key, modifiers)
    settle()


def record(
    dialog: ShortcutsDialog, title: str, key: Qt.Key, modifiers: Qt.KeyboardModifier
) -> None:
    """Find a command by typing, ask for other keys, press them."""
    dialog.search.clear()
    dialog.search.setFocus()
    QTest.keyClicks(dialog.search, title)
    press(Qt.Key.Key_Return)
    press(key, modifiers)


def test_a_command_takes_other_keys_and_keeps_them(hand: WindowHand) -> None:
    hand.open()
    dialog = dialog_of(hand)
    record(dialog, "Edit: Duplicate", Qt.Key.Key_J, CTRL)
    assert hand.window.commands.keys("edit.duplicate") == ("Ctrl+J",)
    dialog.close()
    settle()

    # The canvas hears the new keys and not the old ones; the menu shows them.
    hand.select("conv1")
    canvas, graph = hand.bench.canvas, hand.session.graph
    before = len(graph.nodes)
    QTest.keyClick(canvas, Qt.Key.Key_D, CTRL)
    assert len(graph.nodes) == before
    QTest.keyClick(canvas, Qt.Key.Key_J, CTRL)
    assert len(graph.nodes) == before + 1
    action = hand.window.commands.actions["edit.duplicate"]
    assert action.shortcut().toString() == "Ctrl+J"
    assert "Ctrl+J" in action.toolTip()

    # Another start remembers.
    assert SettingsStore().value.shortcuts == {"edit.duplicate": ("Ctrl+J",)}
    again = WindowHand()
    assert again.window.commands.keys("edit.duplicate") == ("Ctrl+J",)
    again.close()


def test_keys_that_are_taken_are_told_and_can_be_left(hand: WindowHand) -> None:
    dialog = dialog_of(hand)
    record(dialog, "Edit: Duplicate", Qt.Key.Key_S, CTRL)
    assert dialog.words.text() == "Ctrl+S is the key of 'File: Save'."
    assert dialog.take.hasFocus()
    press(Qt.Key.Key_Escape)
    assert dialog.isVisible()
    assert hand.window.commands.keys("edit.duplicate") == ("Ctrl+D",)
    assert hand.window.commands.keys("file.save") == ("Ctrl+S",)

    record(dialog, "Edit: Duplicate", Qt.Key.Key_S, CTRL)
    press(Qt.Key.Key_Space)
    assert hand.window.commands.keys("edit.duplicate") == ("Ctrl+S",)
    assert hand.window.commands.keys("file.save") == ()
    press(Qt.Key.Key_Escape)
    assert hand.window.findChild(ShortcutsDialog) is None


def test_usual_keys_come_back_for_one_and_for_all(hand: WindowHand) -> None:
    dialog = dialog_of(hand)
    record(dialog, "Edit: Duplicate", Qt.Key.Key_S, CTRL)
    press(Qt.Key.Key_Space)
    record(dialog, "Tidy", Qt.Key.Key_T, CTRL | SHIFT)
    dialog.search.clear()
    QTest.keyClicks(dialog.search, "File: Save")
    assert dialog.chosen() == "file.save"
    hand.press(dialog.reset)
    assert hand.window.commands.keys("file.save") == ("Ctrl+S",)
    assert hand.window.commands.keys("edit.duplicate") == ()
    hand.press(dialog.reset_all)
    assert hand.window.commands.keys("edit.duplicate") == ("Ctrl+D",)
    assert SettingsStore().value.shortcuts == {}
    dialog.close()
    settle()


@pytest.mark.parametrize(
    ("title", "key", "words"),
    [
        ("File: Save", Qt.Key.Key_X, "X alone is for typing."),
        ("Edit: Duplicate", Qt.Key.Key_Return, "Return belongs to what has the focus."),
        ("File: Save", Qt.Key.Key_Tab, "Tab alone is for typing."),
    ],
)
def test_keys_that_would_break_typing_are_refused(
    hand: WindowHand, title: str, key: Qt.Key, words: str
) -> None:
    dialog = dialog_of(hand)
    record(dialog, title, key, NONE)
    assert dialog.words.text().startswith(words)
    assert dialog.catcher.hasFocus()
    press(Qt.Key.Key_Escape)
    assert dialog.catcher.isHidden()
    dialog.close()
    settle()


def test_a_letter_alone_is_fine_on_the_canvas(hand: WindowHand) -> None:
    dialog = dialog_of(hand)
    record(dialog, "Edit: Duplicate", Qt.Key.Key_X, NONE)
    assert hand.window.commands.keys("edit.duplicate") == ("X",)
    dialog.close()
    settle()


def test_a_hand_edited_file_gives_sound_keys(hand: WindowHand) -> None:
    commands = hand.window.commands
    chosen = {
        "no.such": ("Ctrl+J",),
        "edit.copy": ("ctrl+j", "", "nonsense words", "Ctrl+A, Ctrl+B"),
        "edit.cut": ("Ctrl+J", "Ctrl+S"),
        "file.open": ("Q",),
    }
    assert sound(chosen, commands) == {
        "edit.copy": ("Ctrl+J",),
        "edit.cut": ("Ctrl+S",),
        "file.save": (),
    }


def command_list(hand: WindowHand) -> CommandList:
    hand.command("view.commands")
    popup = hand.window.findChild(CommandList)
    assert isinstance(popup, CommandList)
    return popup


def test_what_was_chosen_by_name_comes_first_next_time(hand: WindowHand) -> None:
    hand.open()
    popup = command_list(hand)
    QTest.keyClicks(popup.search, "put panels")
    press(Qt.Key.Key_Return)
    popup = command_list(hand)
    assert popup.model.item(0).text() == "View: Put panels back in place"
    assert popup.rows.currentIndex().row() == 0
    popup.close()
    settle()
    assert SettingsStore().value.recent_commands == ("view.reset",)


def test_what_can_not_be_done_is_listed_last_with_its_reason(hand: WindowHand) -> None:
    hand.open()
    hand.report({"problems": [], "graphs": {}})
    popup = command_list(hand)
    QTest.keyClicks(popup.search, "cut")
    texts = [popup.model.item(row).text() for row in range(popup.model.rowCount())]
    assert any(text == "Edit: Cut – not possible now" for text in texts)
    assert popup.rows.currentIndex().flags() & Qt.ItemFlag.ItemIsEnabled
    popup.close()
    settle()
    hand.window.show_start()
    popup = command_list(hand)
    QTest.keyClicks(popup.search, "train")
    texts = [popup.model.item(row).text() for row in range(popup.model.rowCount())]
    assert "Run: Train – Open a project first." in texts
    item = popup.model.item(texts.index("Run: Train – Open a project first."))
    assert not item.flags() & Qt.ItemFlag.ItemIsEnabled
    popup.close()
    settle()


def test_the_beginning_of_a_word_comes_before_initials(hand: WindowHand) -> None:
    hand.open()
    popup = command_list(hand)
    for typed, first in (("tr", "Run: Train"), ("tra", "Run: Train"), ("undo", "Edit: Undo")):
        popup.search.clear()
        QTest.keyClicks(popup.search, typed)
        assert popup.texts()[0].startswith(first), typed
    popup.close()
    settle()
