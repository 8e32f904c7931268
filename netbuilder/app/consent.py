"""Which files and folders outside of projects this person lets be read as data.

Given by choosing or dropping them, or by `--allow` on the command line; kept among this person's
settings and never in a project, which may come from anybody. A damaged record allows nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netbuilder.app.person_record import PersonRecord, today
from netbuilder.app.places import home
from netbuilder.data import settings as data_settings
from netbuilder.data.places import Places, wanting
from netbuilder.data.sources import Source
from netbuilder.errors import NetbuilderError

CONSENT = "data.json"
MOST = 5000
"""Places that are remembered: the oldest are forgotten."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """A file or folder that may be read, with all that is in it."""

    path: str
    date: str


class ConsentStore(PersonRecord):
    """What this person allowed. A failure to read or write it takes nothing but consent away."""

    damaged = "The record of data that may be read was damaged: you will be asked again."
    unwritten = "What may be read could not be recorded"

    def __init__(
        self, path: Path | None = None, warn: Callable[[str], None] = lambda text: None
    ) -> None:
        """`warn` hears in one sentence when the record can't be read or written."""
        self.records: tuple[Allowed, ...] = ()
        super().__init__(path or home("config") / CONSENT, warn)

    @property
    def paths(self) -> tuple[str, ...]:
        """The places that may be read."""
        return tuple(record.path for record in self.records)

    def allow(self, places: Iterable[Path]) -> None:
        """From now on these may be read, with all that is in them."""
        self.refresh()
        # As it is called and where it really is: a project may name it either way.
        new = [path(place) for place in places for path in (os.path.abspath, os.path.realpath)]
        date = today()
        kept = self.records
        for path in new:
            if not any(Path(path).is_relative_to(record.path) for record in kept):
                kept = (*kept, Allowed(path, date))
        if kept != self.records:
            self.records = kept[-MOST:]
            self._save()

    def forget(self, records: Collection[Allowed] | None = None) -> None:
        """These may be read no longer; without them, nothing may."""
        self.refresh()
        gone = set(self.records if records is None else records)
        self.records = tuple(record for record in self.records if record not in gone)
        self._save()

    def _clear(self) -> None:
        self.records = ()

    def _take(self, value: Any) -> None:
        self.records = tuple(_record(entry) for entry in value["allowed"])

    def _value(self) -> Mapping[str, Any]:
        return {"allowed": [{"path": r.path, "date": r.date} for r in self.records]}


def _record(entry: Any) -> Allowed:
    path = entry["path"]
    if not isinstance(path, str) or not os.path.isabs(path):
        raise ValueError("no path")
    return Allowed(path, str(entry["date"]))


def source_of(data: Mapping[str, Any]) -> Source | None:
    """The source of a project's data settings; None if there is none or they are wrong."""
    try:
        chosen = data_settings.read(data)
        return data_settings.source_of(chosen) if chosen.source else None
    except NetbuilderError:
        return None


def wanted(data: Mapping[str, Any], here: Places) -> list[Path]:
    """What a project's data names that may not be read yet; nothing is opened for it."""
    source = source_of(data)
    try:
        return [] if source is None else wanting(source, here, here)
    except NetbuilderError:
        return []  # it can't be read at all: the training says why


def remember(store: ConsentStore, data: Mapping[str, Any], here: Places) -> None:
    """The project is trained: what it reads inside its own folder may be read for its runs, too.

    Their folders are elsewhere.
    """
    source = source_of(data)
    if source is None or here.folder is None:
        return
    with contextlib.suppress(NetbuilderError):
        inside = wanting(source, Places(), here)
        store.allow(place for place in inside if Places(here.folder).allows(place))
