"""What a window remembers of its person: how it puts that into place, and keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray

if TYPE_CHECKING:
    from netbuilder.app.settings import SettingsStore
    from netbuilder.gui.main_window import MainWindow
    from netbuilder.gui.shortcuts import Shortcuts
    from netbuilder.gui.workbench import Workbench

MOST_RECENT = 20
"""Commands that are remembered because they were chosen by name."""


class Habits:
    """Reads the settings when they are first needed: the first paint does without."""

    def __init__(self, window: MainWindow, settings: SettingsStore | None = None) -> None:
        self._window = window
        self._settings = settings
        self._shortcuts: Shortcuts | None = None

    @property
    def settings(self) -> SettingsStore:
        """The remembered values."""
        if self._settings is None:
            from netbuilder.app.settings import SettingsStore

            status = self._window.status
            self._settings = SettingsStore(warn=lambda text: status.say(text, "warning"))
        return self._settings

    @property
    def shortcuts(self) -> Shortcuts:
        """The keys that this person chose."""
        if self._shortcuts is None:
            from netbuilder.gui.shortcuts import Shortcuts

            self._shortcuts = Shortcuts(self._window.commands, self.settings)
        return self._shortcuts

    def remember_command(self, id: str) -> None:
        """A command was chosen by name."""
        rest = [other for other in self.settings.value.recent_commands if other != id]
        self.settings.update(recent_commands=(id, *rest)[:MOST_RECENT])

    def furnish(self, bench: Workbench) -> None:
        """Give a new workbench what was remembered."""
        value = self.settings.value
        bench.canvas.used.update(value.used_layers)
        bench.canvas.snapping = value.snapping
        bench.canvas.minimap.set_wanted(value.minimap)
        bench.palette_panel.show_favourites(value.favourites)
        bench.palette_panel.favourites_changed.connect(
            lambda favourites: self.settings.update(favourites=favourites)
        )
        if value.window_state:
            bench.docks.restore(QByteArray.fromBase64(value.window_state.encode()))

    def keep(self, bench: Workbench) -> None:
        """Remember how the window is left."""
        from netbuilder.app.usage import kept

        state = bytes(bench.saveState().toBase64().data()).decode()
        place = bytes(self._window.saveGeometry().toBase64().data()).decode()
        used = kept(bench.canvas.used)
        self.settings.update(window_state=state, geometry=place, used_layers=used)
