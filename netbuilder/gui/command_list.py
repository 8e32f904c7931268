"""Ctrl+K: every command by name, found by typing some of its letters."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from netbuilder.gui.commands import Command, Commands
from netbuilder.gui.picker import Offer, Picker, score

MOST_RECENT = 6


class CommandList(Picker):
    """The commands of a window; those that can't be done now come last, with the reason."""

    def __init__(self, commands: Commands, window: QWidget, recent: tuple[str, ...] = ()) -> None:
        """`recent` are ids of commands to begin with."""
        super().__init__(window, "Type a command", "Search commands")
        self._commands = commands
        self._recent = [id for id in recent if id in commands.commands][:MOST_RECENT]
        self.offer(self._offers)
        self.chosen.connect(lambda id: commands.choose(str(id)))

    def _offers(self, query: str) -> list[Offer]:
        return [self._offer(command) for command in self._found(query)]

    def _offer(self, command: Command) -> Offer:
        refusal = "" if command.enabled() else command.obstacle() or "not possible now"
        return Offer(title(command), command.id, self._commands.shown_keys(command.id), refusal)

    def _found(self, query: str) -> list[Command]:
        """Those that can be done first; without a query the recent ones before the rest."""
        ranks: list[tuple[bool, float, Command]] = []
        for command in self._commands:
            value = score(query, title(command))
            if value is not None:
                if not query:
                    recent = command.id in self._recent
                    value = MOST_RECENT - self._recent.index(command.id) if recent else 0
                ranks.append((not command.enabled(), -value, command))
        return [command for *_, command in sorted(ranks, key=lambda rank: rank[:2])]


def title(command: Command) -> str:
    """How a command stands in the list: with its menu before it."""
    return f"{command.menu}: {command.words()}" if command.menu else command.words()
