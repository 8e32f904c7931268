"""What netbuilder remembers of a person between starts.

Settings are a convenience: a damaged file gives the defaults (and stays beside them as
`.invalid`), a full disk loses a setting, and neither stops anything.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from netbuilder.app.places import SETTINGS
from netbuilder.app.places import home as home
from netbuilder.errors import DocumentError
from netbuilder.storage import atomic, files, strict

MAX_RECENTS = 12
MAX_SETTINGS_BYTES = 1_000_000

Text = Annotated[str, Field(max_length=20_000)]
Base64 = Annotated[str, Field(max_length=20_000, pattern=r"^[A-Za-z0-9+/=]*\z")]


class UserSettings(BaseModel):
    """The remembered values; every field has a default."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    theme: Literal["system", "light", "dark"] = "system"
    recents: tuple[Text, ...] = ()
    """Paths of projects, the latest first."""
    geometry: Base64 = ""
    """The window's place, as the window writes it (base64)."""
    minimap: bool = True
    """Whether a large graph is shown in the corner of the canvas."""
    snapping: bool = True
    """Whether what is dragged comes to stand in line with other nodes."""
    window_state: Base64 = ""
    """The arrangement of panels, as the window writes it (base64)."""
    used_layers: Annotated[dict[Text, Annotated[int, Field(ge=0)]], Field(max_length=500)] = {}
    """How often each layer was added by hand: what is used often is offered first."""
    favourites: Annotated[tuple[Text, ...], Field(max_length=200)] = ()
    """What was starred in the palette: ids of layers, those of blocks with their names."""
    shortcuts: Annotated[dict[Text, tuple[Text, ...]], Field(max_length=1000)] = Field(
        default_factory=dict
    )
    """Keys that this person chose, by the id of the command: those that differ from the usual."""
    worker: Text = ""
    """Command line of the worker that trains ("ssh host netbuilder worker"); empty: it is here."""
    offline: bool = False
    """Whether nothing is fetched from the network, also when it is asked for."""
    recent_commands: Annotated[tuple[Text, ...], Field(max_length=100)] = ()
    """Ids of commands that were chosen from the command list, the latest first."""


class SettingsStore:
    """The settings of this person, kept in a file."""

    def __init__(
        self, path: Path | None = None, warn: Callable[[str], None] = lambda text: None
    ) -> None:
        """`warn` hears in one sentence when the file can't be read or written."""
        self.path = path or home("config") / SETTINGS
        self._warn = warn
        self.value = self._load()

    def update(self, **changes: object) -> UserSettings:
        """Change fields, keep the file up to date, and give the new settings.

        Raises pydantic's `ValidationError` for a value that is no setting.
        """
        self.value = UserSettings.model_validate({**self.value.model_dump(), **changes})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(self.path, self.value.model_dump_json(indent=2).encode())
        except (OSError, DocumentError) as error:
            self._warn(f"Settings could not be saved: {error}")
        return self.value

    def remember(self, project: Path) -> None:
        """Put a project on top of the recent ones; a name that is no text can't be kept."""
        text = str(project.absolute())
        with contextlib.suppress(UnicodeEncodeError):
            text.encode()
            self._put_first(text)

    def _put_first(self, text: str) -> None:
        if self.value.recents[:1] == (text,):
            return  # each save comes here: no file is written for nothing
        rest = [path for path in self.value.recents if path != text]
        self.update(recents=(text, *rest)[:MAX_RECENTS])

    def forget(self, project: str) -> None:
        """Take a project off the recent ones."""
        self.update(recents=tuple(path for path in self.value.recents if path != project))

    def _load(self) -> UserSettings:
        if not self.path.exists():
            return UserSettings()
        try:
            value = strict.parse(files.read(self.path, MAX_SETTINGS_BYTES))
            return UserSettings.model_validate_json(json.dumps(value))
        except (DocumentError, ValidationError, ValueError):
            self._warn("The settings were damaged; netbuilder starts with the defaults.")
            with contextlib.suppress(OSError):
                os.replace(self.path, self.path.with_name(self.path.name + ".invalid"))
            return UserSettings()
