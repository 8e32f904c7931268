"""What all parts of a session share: the project, the worker beside it, and who listens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netbuilder.app.data_files import DataFiles
from netbuilder.app.events import Notice, SessionEvent
from netbuilder.app.following import Following
from netbuilder.app.link import WorkerLink
from netbuilder.app.project_file import ProjectFile
from netbuilder.engine.protocol import Reply
from netbuilder.errors import NetbuilderError
from netbuilder.graph.document import Document
from netbuilder.storage import format


class SessionBase:
    """One open project and its worker; `Session` makes them."""

    document: Document
    file: ProjectFile
    data: DataFiles
    _worker: WorkerLink
    _following: Following
    _listeners: list[Callable[[SessionEvent], None]]

    @property
    def path(self) -> Path | None:
        """The project's file, None for one that has none yet."""
        return self.file.path

    def subscribe(self, listener: Callable[[SessionEvent], None]) -> Callable[[], None]:
        """Tell `listener` what happens from now on; the result unsubscribes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _emit(self, event: SessionEvent) -> None:
        for listener in tuple(self._listeners):
            listener(event)

    def _project_json(self) -> Mapping[str, Any]:
        return format.to_json(self.document)

    def _failed(self, error: NetbuilderError) -> None:
        self._emit(Notice("error", str(error), error.hint))

    def _notice_error(self, reply: Reply) -> None:
        if reply.error is not None:
            self._failed(reply.error)
