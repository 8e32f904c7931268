"""What a person decided, in a file among their settings that several windows read and write."""

from __future__ import annotations

import contextlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from netbuilder.errors import DocumentError
from netbuilder.storage import atomic, files, strict

MAX_BYTES = 4_000_000


class PersonRecord(ABC):
    """A damaged file counts as an empty one and is put aside; what can't be written is told.

    Neither takes more than what was recorded.
    """

    damaged: ClassVar[str]
    """What is told of a file that can't be read."""
    unwritten: ClassVar[str]
    """What is told, before the reason, where it can't be written."""

    def __init__(self, path: Path, warn: Callable[[str], None]) -> None:
        self.path = path
        self._warn = warn
        self._seen: tuple[int, int, int] | None = None
        self._load()

    @abstractmethod
    def _clear(self) -> None:
        """Nothing is recorded."""

    @abstractmethod
    def _take(self, value: Any) -> None:
        """Take what the file holds; any `ValueError`, `LookupError` or the like says it is bad."""

    @abstractmethod
    def _value(self) -> Mapping[str, Any]:
        """What the file shall hold."""

    def refresh(self) -> None:
        """Read the record again if another window has written it."""
        if self._stamp() != self._seen:
            self._load()

    def _stamp(self) -> tuple[int, int, int] | None:
        """What tells one state of the file from another; None if there is none."""
        try:
            found = os.stat(self.path)
        except (OSError, ValueError):
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _load(self) -> None:
        self._seen = self._stamp()
        self._clear()
        try:
            if os.path.lexists(self.path):
                self._take(strict.parse(files.read(self.path, MAX_BYTES)))
        except (DocumentError, OSError, ValueError, TypeError, LookupError, AttributeError):
            self._clear()
            self._warn(self.damaged)
            with contextlib.suppress(OSError):
                os.replace(self.path, self.path.with_name(f"{self.path.name}.invalid"))
            self._seen = self._stamp()

    def _save(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(self.path, json.dumps(self._value(), indent=1).encode())
            self._seen = self._stamp()
        except (OSError, DocumentError, ValueError) as error:
            self._warn(f"{self.unwritten}, it holds until the end: {error}")


def today() -> str:
    """The date as it is recorded."""
    return datetime.now(UTC).strftime("%Y-%m-%d")
