"""Unsaved work of the open project, kept in the journal on a thread of its own.

The window hands over a copy of the document and goes on; writing it as text and putting it
on the disk happen elsewhere. What can't be kept costs a warning, never the work itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from netbuilder.errors import DocumentError
from netbuilder.graph.document import Document
from netbuilder.graph.quiet import quiet
from netbuilder.storage import format
from netbuilder.storage.journal import Journal, Slot


class Keeper:
    """Keeps one document at a time. Its methods return at once and never raise."""

    def __init__(
        self,
        journal: Journal,
        warn: Callable[[str], None] = lambda text: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`warn` hears once when work can't be kept, on any thread, until it can again."""
        self.journal = journal
        self._warn = warn
        self._clock = clock
        self._slot: Slot | None = None
        self._jobs: list[Callable[[], None]] = []
        self._keep: Callable[[], None] | None = None
        """The last job, if it is one that a newer copy makes needless."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._failed = False
        self.written = 0
        """How many times the document was put on the disk."""

    def keep(self, document: Document, path: Path | None, base: str) -> None:
        """Keep this copy, of which nobody changes anything any more, in place of the last."""

        def job() -> None:
            self._write(document, path, base)

        with self._changed:
            if self._jobs and self._jobs[-1] is self._keep:
                self._jobs.pop()
            self._keep = job
        self._put(job)

    def drop(self) -> None:
        """The work is safe in a file, or not wanted."""
        self._put(self._drop)

    def leave(self) -> None:
        """Another document comes; what was kept of this one stays to be recovered."""
        self._put(self._leave)

    def go_on(self, slot: Slot) -> None:
        """Keep the document in this entry, from which it was recovered."""
        self._put(self._leave)
        self._put(lambda: setattr(self, "_slot", slot))

    def flush(self, timeout_s: float = 10.0) -> bool:
        """Wait until all is on the disk; False if that took too long."""
        with self._changed:
            done = self._changed.wait_for(lambda: self._thread is None, timeout_s)
        return done

    def close(self, timeout_s: float = 10.0) -> None:
        """Leave what is kept, and end the thread."""
        self._put(self._leave)
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)

    def _put(self, job: Callable[[], None]) -> None:
        with self._changed:
            self._jobs.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
                self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._jobs:
                    self._thread = None
                    self._changed.notify_all()
                    return
                job = self._jobs.pop(0)
            job()

    def _write(self, document: Document, path: Path | None, base: str) -> None:
        title = path.name if path is not None else document.project.title
        try:
            with quiet():
                text = format.dumps(document).encode()
            if self._slot is None:
                self._slot = self.journal.begin()
            self._slot.write(text, title=title, path=path, base=base, time=self._clock())
        except (DocumentError, OSError) as error:
            if not self._failed:
                self._failed = True
                self._warn(f"Unsaved work can't be kept for recovery: {error}")
        else:
            self._failed = False
            self.written += 1

    def _drop(self) -> None:
        if self._slot is not None:
            self._slot.discard()
            self._slot = None

    def _leave(self) -> None:
        if self._slot is not None:
            self._slot.release()
            self._slot = None
