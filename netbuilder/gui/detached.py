"""Trainings that go on without a window: finding them at the start, and coming back to them."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netbuilder.app.running import Found
    from netbuilder.app.runs import RunView
    from netbuilder.gui.main_window import MainWindow

BANNER = "detached"


class Detached:
    """Tells of trainings that other processes are at; a banner leads there."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window

    def look(self) -> None:
        """Look among the person's projects, beside the window: a folder may be on a slow drive."""
        from netbuilder.app import running
        from netbuilder.app.places import home

        recents = self._window.settings.value.recents
        if not recents and not (home("data") / "runs").is_dir():
            return

        def work() -> None:
            found = running.of_person(recents)
            if found:
                # The window may be gone by now.
                with contextlib.suppress(RuntimeError):
                    self._window.posted.emit(lambda: self._tell(found))

        threading.Thread(target=work, name="detached", daemon=True).start()

    def _tell(self, found: Sequence[Found]) -> None:
        session = self._window.session
        first = found[0]
        if session is None or (session.run is not None and session.run.active):
            return
        others = f", and {len(found) - 1} more" if found[1:] else ""
        self._window.banners.say(
            BANNER,
            f"A training goes on in the background: {first.title}, {first.run.name}{others}.",
            (
                ("Show it", lambda: self._show(first)),
                ("Close", lambda: self._window.banners.take(BANNER)),
            ),
        )

    def _show(self, found: Found) -> None:
        window = self._window
        if not window.open_path(found.project or found.run / "project.netb"):
            return
        window.banners.take(BANNER)
        if window.session is not None:
            window.session.follow(found.run)
        if window.bench is not None:
            window.bench.show_panel("training")

    def followed(self, run: RunView | None) -> None:
        """A run is shown: there is nothing more to lead to."""
        if run is not None and run.active:
            self._window.banners.take(BANNER)
