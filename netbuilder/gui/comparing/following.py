"""A comparison that shows the open project: it hears of edits, and leads to places in it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from netbuilder.app import events
from netbuilder.gui.comparing.window import ComparisonWindow

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow


def follow(window: MainWindow, dialog: ComparisonWindow) -> None:
    """Tie a comparison to the session until it closes."""
    session, bench = window.session, window.bench
    if session is None or bench is None:
        return
    dialog.place_wanted.connect(bench.go_to)
    dialog.place_wanted.connect(lambda *_: window.activateWindow())
    unsubscribe = session.subscribe(partial(_hear, dialog))

    def ended() -> None:
        # A session that was closed before has forgotten all listeners.
        with suppress(ValueError):
            unsubscribe()

    dialog.destroyed.connect(ended)


def _hear(dialog: ComparisonWindow, event: events.SessionEvent) -> None:
    match event:
        case events.HistoryMoved():
            dialog.edited()
        case events.ProjectOpened():
            dialog.close()
