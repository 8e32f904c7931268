"""Commands as data: menus, toolbar, shortcuts and the command list all come from these."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar, QToolBar, QWidget

from netbuilder.gui.canvas import keys
from netbuilder.gui.look import icons, theme
from netbuilder.gui.look.widgets import plain_tip

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView


def _always() -> bool:
    return True


def _nothing() -> str:
    return ""


def shown(chord: str) -> str:
    """A chord like "Ctrl+Del" in the words of this system."""
    return QKeySequence(chord).toString(QKeySequence.SequenceFormat.NativeText)


@dataclass(frozen=True, slots=True)
class Command:
    """Something a person can do.

    `title` may be a function where it tells of the present state ("Undo Add conv").
    `menu` is the menu it stands in; a new `section` draws a line above. `icon` is a file of
    `resources/icons`, `text_in_bar` shows the title beside it in the toolbar.
    """

    id: str
    title: str | Callable[[], str]
    run: Callable[[], object]
    shortcuts: tuple[str, ...] = ()
    menu: str = ""
    section: int = 0
    icon: str = ""
    enabled: Callable[[], bool] = _always
    checked: Callable[[], bool] | None = None
    bar: bool = False
    text_in_bar: bool = False
    primary: bool = False
    on_canvas: bool = False
    """Its keys count only while the canvas has the focus: elsewhere they are text."""
    obstacle: Callable[[], str] = _nothing
    """While it can't be done: what has to be done before, in words for a person."""

    def words(self) -> str:
        """The title at present."""
        return self.title if isinstance(self.title, str) else self.title()


class Commands(QObject):
    """The commands of a window and the actions that stand for them in its menus."""

    chosen = Signal(str)
    """A command was chosen by name, from a list."""

    def __init__(self, window: QWidget, commands: Iterable[Command]) -> None:
        super().__init__(window)
        self._window = window
        self.commands: dict[str, Command] = {}
        self.actions: dict[str, QAction] = {}
        self._chosen: Mapping[str, tuple[str, ...]] = {}
        self._canvas: CanvasView | None = None
        for command in commands:
            if command.id in self.commands:
                raise ValueError(f"two commands are called {command.id}")
            self.commands[command.id] = command
            self.actions[command.id] = self._action(command)

    def _action(self, command: Command) -> QAction:
        action = QAction(self._window)
        action.setObjectName(command.id)
        action.setShortcuts([QKeySequence(keys) for keys in command.shortcuts])
        action.setCheckable(command.checked is not None)
        action.triggered.connect(lambda: self.run(command.id))
        if command.on_canvas:
            # Menus show these keys; the canvas itself hears them, see `give_keys`.
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        else:
            self._window.addAction(action)
        return action

    # -- keys ------------------------------------------------------------------------------

    def keys(self, id: str) -> tuple[str, ...]:
        """The chords of a command at present, those that are shown first."""
        return self._chosen.get(id, self.commands[id].shortcuts)

    def shown_keys(self, id: str) -> str:
        """The first chord of a command as people read it; empty if it has none."""
        chords = self.keys(id)
        return shown(chords[0]) if chords else ""

    def set_keys(self, chosen: Mapping[str, tuple[str, ...]]) -> None:
        """Take other keys than the usual for some commands, by their ids."""
        self._chosen = chosen
        for id, action in self.actions.items():
            wanted = [QKeySequence(chord) for chord in self.keys(id)]
            if action.shortcuts() != wanted:
                action.setShortcuts(wanted)
        if self._canvas is not None:
            self.give_keys(self._canvas)
        self.refresh()

    def give_keys(self, canvas: CanvasView) -> None:
        """Let the canvas take the keys of the commands that are its own."""
        self._canvas = canvas
        canvas.keymap = {
            keys.code(chord): partial(self.run, id)
            for id, command in self.commands.items()
            if command.on_canvas
            for chord in self.keys(id)
        }

    # -- doing and showing -----------------------------------------------------------------

    def run(self, id: str) -> None:
        """Do it, if it can be done now."""
        command = self.commands[id]
        if command.enabled():
            command.run()
        self.refresh()

    def choose(self, id: str) -> None:
        """Do what a person chose by name: it comes first the next time."""
        self.chosen.emit(id)
        self.run(id)

    def refresh(self) -> None:
        """Bring titles, marks and what is possible up to date."""
        for id, command in self.commands.items():
            action = self.actions[id]
            words = command.words()
            action.setText(words.replace("&", "&&"))
            chord, possible = self.shown_keys(id), command.enabled()
            obstacle = "" if possible else command.obstacle()
            tip = f"{words}  ({chord})" if chord else words
            action.setToolTip(plain_tip(f"{tip}\n{obstacle}" if obstacle else tip))
            action.setEnabled(possible)
            if command.checked is not None:
                action.setChecked(command.checked())

    def dress(self) -> None:
        """Tint the icons of the toolbar for the theme in use; menus show none."""
        tokens = theme.current()
        for id, command in self.commands.items():
            if command.icon and command.bar:
                color = tokens.on_accent if command.primary else tokens.text
                self.actions[id].setIcon(icons.icon(command.icon, color, 18))

    def fill_menus(self, bar: QMenuBar, order: Iterable[str]) -> None:
        """The menus of the window."""
        for title in order:
            # Alt and the first letter open it: no two menus begin alike.
            menu = QMenu(f"&{title}", bar)
            section = None
            own = [command for command in self.commands.values() if command.menu == title]
            for command in sorted(own, key=lambda command: command.section):
                if section is not None and command.section != section:
                    menu.addSeparator()
                section = command.section
                action = self.actions[command.id]
                action.setIconVisibleInMenu(False)
                menu.addAction(action)
            menu.aboutToShow.connect(self.refresh)
            bar.addMenu(menu)

    def fill_bar(self, bar: QToolBar, groups: Iterable[Iterable[str]]) -> None:
        """The toolbar: groups of commands with a line between them, the last at the right."""
        bar.setIconSize(QSize(18, 18))
        for number, group in enumerate(groups):
            if number:
                bar.addSeparator()
            for id in group:
                action, command = self.actions[id], self.commands[id]
                bar.addAction(action)
                widget = bar.widgetForAction(action)
                if command.primary:
                    widget.setProperty("role", "primary")
                if command.text_in_bar:
                    widget.setProperty(
                        "toolButtonStyle", Qt.ToolButtonStyle.ToolButtonTextBesideIcon
                    )

    def __iter__(self) -> Iterator[Command]:
        return iter(self.commands.values())
