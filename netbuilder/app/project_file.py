"""A project's file: who may write it, and whether it is still what we know.

Two windows never write one file, and what somebody else wrote is never overwritten without
a word. Everything here may run on a thread, one call at a time.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Literal

from netbuilder.errors import DocumentError
from netbuilder.graph.document import Document
from netbuilder.storage import atomic, files, format, reading, strict, weights
from netbuilder.storage.journal import digest
from netbuilder.storage.locks import FileLock

ReadOnly = Literal["", "in use", "newer"]
"""Why a file is not to be written: another window has it, or a newer netbuilder wrote it."""
DiskState = Literal["same", "changed", "gone"]


class ChangedOnDisk(DocumentError):
    """Somebody else wrote the file since we read or wrote it."""


class ReadOnlyFile(DocumentError):
    """The project may be saved elsewhere only."""


class ProjectFile:
    """The file of an open project; one without a path belongs to an untitled project."""

    def __init__(
        self, path: Path | None = None, base: str = "", *, locks: Path | None = None
    ) -> None:
        """`base` is the digest of what we know to be in the file, empty for nothing.

        `locks` is the folder where windows on this computer tell each other what they have
        open; without one nobody is told.
        """
        self.path = Path(path).absolute() if path is not None else None
        self.base = base
        self.read_only: ReadOnly = ""
        self._locks = locks
        self._lock: FileLock | None = None
        self._look: tuple[tuple[int, ...], DiskState] | None = None

    @staticmethod
    def load(path: Path, locks: Path | None = None) -> tuple[Document, ProjectFile]:
        """The project in a file and the file; `DocumentError` says why it can't be read."""
        data = files.read(path)
        value = strict.parse(data)
        document = reading.from_json(value, newer=True)
        document.beside.folder = Path(path).absolute().parent
        file = ProjectFile(path, digest(data), locks=locks)
        if reading.is_newer(value):
            file.read_only = "newer"
        return document, file

    def claim(self) -> bool:
        """Try to get the file for this window; whether it has it now. Untitled is always ours."""
        if self.path is None:
            return True
        if self._lock is None:
            self._lock = self._lock_of(self.path)
        free = self._lock is not None
        if self.read_only != "newer":
            self.read_only = "" if free or self._locks is None else "in use"
        return free

    def _lock_of(self, path: Path) -> FileLock | None:
        """The lock for a path, taken; None if another window has it."""
        if self._locks is None:
            return None
        name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:32]
        lock = FileLock(self._locks / f"{name}.lock")
        try:
            self._locks.mkdir(parents=True, exist_ok=True)
            return lock if lock.acquire() else None
        except OSError:
            # A full disk must not keep anybody from working.
            return lock

    def release(self) -> None:
        """The project is closed: others may have its file."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def look(self) -> DiskState:
        """Whether the file is still what we read or wrote last, whatever its date says."""
        if self.path is None:
            return "same"
        try:
            status = os.stat(self.path)
        except OSError:
            return "gone"
        seen = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        if self._look is None or self._look[0] != seen:
            self._look = seen, self._compare()
        return self._look[1]

    def _compare(self) -> DiskState:
        assert self.path is not None
        try:
            return "same" if digest(files.read(self.path)) == self.base else "changed"
        except DocumentError:
            return "changed" if self.path.exists() else "gone"

    def accept(self) -> None:
        """What is on disk now is known, and not wanted: the next save may replace it."""
        assert self.path is not None
        self._look = None
        self.base = digest(files.read(self.path))

    def save(self, document: Document, target: Path | None = None, *, force: bool = False) -> None:
        """Write the project here, or to `target`, which is its file from then on.

        `ChangedOnDisk` if others wrote it, `ReadOnlyFile` if it is not ours to write; `force`
        overrules both, but not another window that has the file. Any `DocumentError` leaves
        the file as it was.
        """
        path = Path(target).absolute() if target is not None else self.path
        if path is None:
            raise DocumentError("The project has no file yet.", "Choose where to save it.")
        data = format.dumps(document).encode()
        weights.carry(document, path, replace=False)
        if self.path is not None and os.path.realpath(path) == os.path.realpath(self.path):
            self._check(force)
            atomic.write(path, data)
        else:
            self._move_to(path, data)
        document.beside.folder = path.parent
        self.path, self.base, self._look = path, digest(data), None
        self.read_only = ""

    def _check(self, force: bool) -> None:
        assert self.path is not None
        name = self.path.name
        if self.read_only == "newer" and not force:
            raise ReadOnlyFile(
                f"A newer netbuilder wrote '{name}'.",
                "Saving it with this one could lose what only the newer one knows. "
                "Save a copy under another name.",
            )
        if not self.claim() and self.read_only == "in use":
            raise ReadOnlyFile(
                f"'{name}' is open in another window of netbuilder.",
                "Save a copy under another name, or close it there first.",
            )
        self._look = None
        if not force and self.look() == "changed":
            raise ChangedOnDisk(
                f"'{name}' was changed by another program since it was opened.",
                "Choose which of the two to keep.",
            )

    def _move_to(self, path: Path, data: bytes) -> None:
        lock = self._lock_of(path)
        if lock is None and self._locks is not None:
            raise ReadOnlyFile(
                f"'{path.name}' is open in another window of netbuilder.",
                "Choose another name, or close it there first.",
            )
        try:
            atomic.write(path, data)
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        self.release()
        self._lock = lock
