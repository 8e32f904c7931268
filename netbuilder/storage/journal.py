"""The recovery journal: unsaved work, kept in a folder of its own until it is safe.

Each document that is being edited has an entry: the project's text below one line that says
what it is. An entry is always whole (see `atomic`), belongs to the process that holds its
lock, and outlives it: what nobody holds was left by a process that ended early. Which of two
entries is newer is told by a counted number, never by a clock.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netbuilder.errors import DocumentError
from netbuilder.storage import atomic, files, strict
from netbuilder.storage.locks import FileLock

SUFFIX = ".recovery"
MAX_HEAD = 64_000
_NAME = re.compile(r"([0-9a-f]{16})\.recovery\Z")


@dataclass(frozen=True, slots=True)
class Entry:
    """Work that can be recovered.

    `path` is the project's file, None if it never had one; `base` the digest of that file
    when the work began (see `digest`). `time` is in seconds since 1970 by the clock of the
    computer, only to be shown. `opening` tells that netbuilder ended while it opened this.
    """

    id: str
    seq: int
    title: str
    path: Path | None
    base: str
    time: float
    opening: bool = False


class Journal:
    """The entries in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self) -> Slot:
        """A new entry for a document of this process; nothing is written yet.

        `OSError` if the folder can't be used.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        while True:
            slot = Slot(self, secrets.token_hex(8))
            if not slot.file.exists() and slot.lock.acquire():
                return slot

    def entries(self, path: Path | None = None) -> list[Entry]:
        """What processes left that have ended, the newest first; with `path` of this file only.

        A damaged entry is set aside as `.invalid`: it sinks no other.
        """
        found = []
        for id in self._ids():
            if path is not None and not self._is_of(id, path):
                continue
            lock = FileLock(self.folder / f"{id}.lock")
            with contextlib.suppress(OSError):
                if lock.acquire():
                    try:
                        entry = self._look(id)
                    finally:
                        lock.release()
                    if entry is not None:
                        found.append(entry)
        return sorted(found, key=lambda entry: (-entry.seq, entry.id))

    def claim(self, id: str) -> Slot | None:
        """The entry for this process to go on with; None if another one was faster."""
        slot = Slot(self, id)
        try:
            return slot if slot.lock.acquire() else None
        except OSError:
            return None

    def next_seq(self) -> int:
        """A number higher than that of every entry in the folder."""
        highest = 0
        for id in self._ids():
            with contextlib.suppress(OSError, DocumentError):
                highest = max(highest, _head(self.folder / f"{id}{SUFFIX}").seq)
        return highest + 1

    def _ids(self) -> list[str]:
        try:
            names = os.listdir(self.folder)
        except OSError:
            return []
        return sorted(match[1] for name in names if (match := _NAME.match(name)))

    def _is_of(self, id: str, path: Path) -> bool:
        """Whether an entry is of this file, by its first line: the rest may be long."""
        try:
            return _head(self.folder / f"{id}{SUFFIX}").path == os.fspath(path)
        except (OSError, DocumentError):
            return False

    def _look(self, id: str) -> Entry | None:
        file = self.folder / f"{id}{SUFFIX}"
        try:
            head, _ = _parts(files.read(file, strict.MAX_BYTES + MAX_HEAD))
            return head.entry(id, _mark(file).exists())
        except DocumentError:
            if not file.exists():
                return None  # its process ended well in this very moment
            _set_aside(file)
            return None


class Slot:
    """One entry while a process holds it. Its methods are for one thread at a time."""

    def __init__(self, journal: Journal, id: str) -> None:
        self.id = id
        self.file = journal.folder / f"{id}{SUFFIX}"
        self.lock = FileLock(journal.folder / f"{id}.lock")
        self._journal = journal
        self._seq = 0

    def write(
        self, text: bytes, *, title: str, path: Path | None, base: str, time: float = 0.0
    ) -> None:
        """Put the document's present text in place of the last; `DocumentError` keeps the last."""
        self._seq = max(self._seq + 1, self._journal.next_seq())
        head = {
            "netbuilder_recovery": 1,
            "seq": self._seq,
            "title": title[:500],
            "path": os.fspath(path) if path is not None else None,
            "base": base,
            "time": time,
            "size": len(text),
            "sha256": digest(text),
        }
        line = json.dumps(head, ensure_ascii=True).encode()
        atomic.write(self.file, line + b"\n" + text)

    def read(self) -> tuple[Entry, bytes]:
        """What the entry holds; `DocumentError` if it is damaged, and it is set aside then."""
        try:
            head, text = _parts(files.read(self.file, strict.MAX_BYTES + MAX_HEAD))
        except DocumentError:
            _set_aside(self.file)
            raise
        return head.entry(self.id, False), text

    def mark_opening(self, opening: bool) -> None:
        """Remember that this is being opened, in case that it ends the program."""
        with contextlib.suppress(OSError):
            if opening:
                _mark(self.file).touch()
            else:
                _mark(self.file).unlink(missing_ok=True)

    def release(self) -> None:
        """Leave the entry to whoever asks for it next."""
        self.mark_opening(False)
        self.lock.release()

    def discard(self) -> None:
        """The work is safe elsewhere, or not wanted: remove the entry."""
        with contextlib.suppress(OSError):
            self.file.unlink(missing_ok=True)
        self.release()


def digest(data: bytes) -> str:
    """Names the contents of a file: equal digests, equal contents."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True, slots=True)
class _Head:
    seq: int
    title: str
    path: str | None
    base: str
    time: float
    size: int
    sha256: str

    def entry(self, id: str, opening: bool) -> Entry:
        path = Path(self.path) if self.path else None
        return Entry(id, self.seq, self.title, path, self.base, self.time, opening)


def _parts(data: bytes) -> tuple[_Head, bytes]:
    line, found, text = data.partition(b"\n")
    if not found or len(line) > MAX_HEAD:
        raise DocumentError("The recovery entry has no beginning.")
    head = _parse(line)
    if head.size != len(text) or head.sha256 != digest(text):
        raise DocumentError("The recovery entry is damaged.")
    return head, text


def _head(file: Path) -> _Head:
    with open(file, "rb") as opened:
        return _parse(opened.readline(MAX_HEAD))


def _parse(line: bytes) -> _Head:
    value = strict.parse(line)
    if not isinstance(value, dict) or value.get("netbuilder_recovery") != 1:
        raise DocumentError("This is no recovery entry.")

    def get(key: str, kind: type | tuple[type, ...]) -> Any:
        item = value.get(key)
        if not isinstance(item, kind) or isinstance(item, bool):
            raise DocumentError(f"The recovery entry has no {key}.")
        return item

    return _Head(
        seq=get("seq", int),
        title=get("title", str),
        path=get("path", (str, type(None))),
        base=get("base", str),
        time=float(get("time", (int, float))),
        size=get("size", int),
        sha256=get("sha256", str),
    )


def _mark(file: Path) -> Path:
    return file.with_suffix(".opening")


def _set_aside(file: Path) -> None:
    with contextlib.suppress(OSError):
        os.replace(file, file.with_name(file.name + ".invalid"))
