"""Plugins at the start of the window: one that broke the last start is left out of this one."""

from __future__ import annotations

import contextlib
import json
import os
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from netbuilder.app.places import home
from netbuilder.engine import plugins as engine
from netbuilder.errors import DocumentError
from netbuilder.storage import atomic, files

MARK = "plugins.json"
MAX_BYTES = 100_000


class Attempts:
    """Remembers which plugin is being imported, so that one that takes us down is known."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path or home("state") / MARK
        self._broken = self._read()

    def _read(self) -> list[str]:
        """The plugins that broke a start; the one that was being imported is one of them."""
        value: Any = None
        with contextlib.suppress(DocumentError, ValueError, RecursionError):
            value = json.loads(files.read(self.path, MAX_BYTES)) if self.path.exists() else None
        if not isinstance(value, dict):
            return []
        listed = value.get("broken", [])
        broken = [str(each) for each in listed] if isinstance(listed, list) else []
        during = value.get("importing", "")
        return list(dict.fromkeys([*broken, *([str(during)] if during else [])]))

    def _write(self, importing: str) -> None:
        value = {"importing": importing, "broken": self._broken}
        with contextlib.suppress(OSError, DocumentError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(self.path, json.dumps(value).encode())

    def probe(self, entry: EntryPoint) -> str:
        """What is wrong with a plugin; once it is imported here, its name is written down."""
        name = _name(entry)
        if name in self._broken:
            return "netbuilder ended while it was being loaded. Update it, or remove it."
        said = engine.trial(entry)
        if not said:
            self._write(name)
        return said

    def done(self) -> None:
        """All plugins are loaded, and we are still here."""
        if self._broken:
            self._write("")
        else:
            with contextlib.suppress(OSError):
                os.unlink(self.path)


def _name(entry: EntryPoint) -> str:
    """A plugin with its version: a newer one gets a new chance."""
    dist = entry.dist
    return f"{entry.value} {dist.name} {dist.version}" if dist is not None else entry.value


def load() -> None:
    """Load all plugins, for a window. Takes seconds where there are any: not on its thread."""
    attempts = Attempts()
    engine.load(attempts.probe)
    attempts.done()
