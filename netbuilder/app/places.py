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


def home(kind: Literal["config", "data"]) -> Path:
    """The folder for settings or for runs of unsaved projects.

    The environment variable NETBUILDER_HOME puts both under one folder.
    """
    override = os.environ.get("NETBUILDER_HOME")
    if override:
        return Path(override) / kind
    import platformdirs

    if kind == "config":
        return platformdirs.user_config_path("netbuilder", appauthor=False)
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
    try:
        with open(home("config") / SETTINGS, "rb") as file:
            value = json.loads(file.read(_LOOK_BYTES))
        theme, geometry = value.get("theme"), value.get("geometry")
    except (OSError, ValueError, AttributeError, RecursionError):
        return Look()
    known = theme if theme in ("system", "light", "dark") else "system"
    return Look(cast(Theme, known), geometry if isinstance(geometry, str) else "")
