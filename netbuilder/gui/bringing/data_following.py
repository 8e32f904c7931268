"""The Data panel and the project's data: samples are asked for, and void once other data is set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netbuilder.app.session import Session
from netbuilder.errors import NetbuilderError
from netbuilder.gui.bringing.data_panel import DataPanel


class DataFollowing:
    """Brings the panel what it shows."""

    def __init__(self, panel: DataPanel, session: Session) -> None:
        self._panel = panel
        self._session = session
        self._settings: object = None
        panel.sample_wanted.connect(self.sample)
        panel.allow_wanted.connect(self._allow)

    def opened(self) -> None:
        """Another project is open."""
        self._settings = None
        self.edited()

    def edited(self) -> None:
        """The project may have other data now."""
        settings = self._session.document.project.data
        if settings != self._settings:
            self._settings = settings
            self._panel.invalidate(bool(settings.get("source")))

    def sample(self) -> None:
        """Show some samples, or why there are none."""
        asked = self._settings

        def done(answer: Mapping[str, Any] | NetbuilderError) -> None:
            if asked != self._settings:
                return
            if isinstance(answer, NetbuilderError):
                self._panel.show_error(str(answer), answer.hint)
            else:
                self._panel.show_sample(answer)

        self._session.sample_data(done)

    def _allow(self, places: Sequence[str]) -> None:
        self._session.data.allow(map(Path, places))
        self.sample()
