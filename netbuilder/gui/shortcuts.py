"""Which keys a person chose for the commands, without a window.

Every chord belongs to one command at most, wherever its keys count: a chord that does one thing
on the canvas and another beside it would be a riddle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeySequence

if TYPE_CHECKING:
    from netbuilder.app.settings import SettingsStore
    from netbuilder.gui.commands import Command, Commands

Chosen = Mapping[str, tuple[str, ...]]

_FIXED = frozenset(
    {Qt.Key.Key_Escape, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Backtab}
)
"""Alone, these belong to whatever has the focus."""
_FREE = range(Qt.Key.Key_F1.value, Qt.Key.Key_F35.value + 1)


def chord_of(combination: QKeyCombination) -> str:
    """A pressed chord as it is kept: "Ctrl+Shift+V"; empty for a modifier alone."""
    if combination.key() in (
        Qt.Key.Key_Control,
        Qt.Key.Key_Shift,
        Qt.Key.Key_Alt,
        Qt.Key.Key_Meta,
        Qt.Key.Key_AltGr,
        Qt.Key.Key_CapsLock,
        Qt.Key.Key_NumLock,
        Qt.Key.Key_unknown,
    ):
        return ""
    return QKeySequence(combination).toString(QKeySequence.SequenceFormat.PortableText)


def _read(chord: str) -> str:
    """A chord in its usual spelling; empty for one that names no key."""
    sequence = QKeySequence(chord)
    if sequence.count() != 1:
        return ""
    combination: QKeyCombination = sequence[0]  # type: ignore[index]
    return "" if combination.key() == Qt.Key.Key_unknown else chord_of(combination)


def refusal(chord: str, command: Command) -> str:
    """Why a command can't have a chord, in words for a person; empty if it can."""
    combination: QKeyCombination = QKeySequence(chord)[0]  # type: ignore[index]
    key, modifiers = combination.key(), combination.keyboardModifiers()
    bare = not modifiers & ~(Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier)
    if bare and key in _FIXED:
        return f"{chord} belongs to what has the focus. Press it with Ctrl or Alt."
    if bare and not command.on_canvas and key.value not in _FREE:
        return f"{chord} alone is for typing. Press it with Ctrl or Alt."
    return ""


def sound(chosen: Mapping[str, Sequence[str]], commands: Commands) -> dict[str, tuple[str, ...]]:
    """The part of remembered keys that means something: known commands, readable chords.

    A chord that two commands claim is the first one's; a chosen one is nobody else's.
    """
    taken: set[str] = set()
    result: dict[str, tuple[str, ...]] = {}
    for id, chords in chosen.items():
        if id in commands.commands:
            read = dict.fromkeys(filter(None, map(_read, chords)))
            kept = [c for c in read if c not in taken and not refusal(c, commands.commands[id])]
            taken.update(kept)
            if kept or not chords:
                result[id] = tuple(kept)
    for id, command in commands.commands.items():
        if id not in result and any(_read(chord) in taken for chord in command.shortcuts):
            result[id] = tuple(c for c in command.shortcuts if _read(c) not in taken)
    return result


class Shortcuts:
    """The keys of a window's commands, changed and remembered."""

    def __init__(self, commands: Commands, settings: SettingsStore) -> None:
        self.commands = commands
        self._settings = settings

    def apply(self) -> None:
        """Give the commands the keys that are remembered."""
        self.commands.set_keys(sound(self._settings.value.shortcuts, self.commands))

    def owner(self, chord: str) -> Command | None:
        """The command that has this chord now."""
        wanted = _read(chord)
        for command in self.commands:
            if any(_read(own) == wanted for own in self.commands.keys(command.id)):
                return command
        return None

    def changed(self, id: str) -> bool:
        """Whether a command has other keys than the usual."""
        return self.commands.keys(id) != self.commands.commands[id].shortcuts

    def give(self, id: str, chord: str) -> None:
        """The chord is this command's from now on, in place of what it had, and no other's."""
        owner = self.owner(chord)
        changes: dict[str, tuple[str, ...]] = {id: (chord,)}
        if owner is not None and owner.id != id:
            rest = [own for own in self.commands.keys(owner.id) if _read(own) != _read(chord)]
            changes[owner.id] = tuple(rest)
        self._keep(changes)

    def clear(self, id: str) -> None:
        """The command has no keys any more."""
        self._keep({id: ()})

    def reset(self, id: str) -> None:
        """The command's usual keys; other commands that were given them lose them."""
        usual = self.commands.commands[id].shortcuts
        changes: dict[str, tuple[str, ...]] = {id: usual}
        for chord in usual:
            owner = self.owner(chord)
            if owner is not None and owner.id != id:
                own = changes.get(owner.id, self.commands.keys(owner.id))
                changes[owner.id] = tuple(c for c in own if _read(c) != _read(chord))
        self._keep(changes)

    def reset_all(self) -> None:
        """The usual keys of all commands."""
        self._settings.update(shortcuts={})
        self.commands.set_keys({})

    def _keep(self, changes: Mapping[str, tuple[str, ...]]) -> None:
        now = {command.id: self.commands.keys(command.id) for command in self.commands} | dict(
            changes
        )
        usual = {command.id: command.shortcuts for command in self.commands}
        chosen = {id: keys for id, keys in now.items() if keys != usual[id]}
        self._settings.update(shortcuts=chosen)
        self.commands.set_keys(chosen)
