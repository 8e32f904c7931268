"""Where netbuilder keeps what belongs to a person, and a first look at it.

Cheap to import: the window asks here before its first paint.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

Theme = Literal["system", "light", "dark"]
SETTINGS = "settings.json"
_LOOK_BYTES = 1_000_000


def home(kind: Literal["config", "data", "state"]) -> Path:
    """The folder for settings, for runs of unsaved projects, or for what must outlive a crash.

    The environment variable NETBUILDER_HOME puts all under one folder.
    """
    override = os.environ.get("NETBUILDER_HOME")
    if override:
        return Path(override) / kind
    import platformdirs

    if kind == "config":
        return platformdirs.user_config_path("netbuilder", appauthor=False)
    if kind == "state":
        return platformdirs.user_state_path("netbuilder", appauthor=False)
    return platformdirs.user_data_path("netbuilder", appauthor=False)


@dataclass(frozen=True, slots=True)
class Look:
    """How the window looked the last time."""

    theme: Theme = "system"
    geometry: str = ""


def last_look() -> Look:
    """Read from the settings without validating them; the defaults where that fails.

    `SettingsStore` reads them properly later, and says what is wrong with them.
    """
    path = home("config") / SETTINGS
    try:
        if not path.is_file():
            return Look()  # a pipe would be waited for
        with open(path, "rb") as file:
            value = json.loads(file.read(_LOOK_BYTES))
        theme, geometry = value.get("theme"), value.get("geometry")
    except (OSError, ValueError, AttributeError, RecursionError):
        return Look()
    known = theme if theme in ("system", "light", "dark") else "system"
    plain = isinstance(geometry, str) and geometry.isascii()
    return Look(cast(Theme, known), geometry if plain else "")
