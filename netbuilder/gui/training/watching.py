"""Notices when the open project's file changes on the disk."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication

SETTLE_MS = 150
"""Programs write in several steps: look when they are done."""


class FileWatch(QObject):
    """`suspected`: the file may have changed; also whenever the person comes back to us."""

    suspected = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._path: Path | None = None
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._stir)
        self._watcher.directoryChanged.connect(self._stir)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self._look)
        app = QGuiApplication.instance()
        assert isinstance(app, QGuiApplication)
        app.applicationStateChanged.connect(self._state_changed)

    def watch(self, path: Path | None) -> None:
        """Watch this file and no other."""
        self._timer.stop()
        self._path = path
        old = [*self._watcher.files(), *self._watcher.directories()]
        if old:
            self._watcher.removePaths(old)
        self._add()

    def _add(self) -> None:
        """The folder too: a file that is replaced by a rename is watched no more."""
        if self._path is not None:
            for path in (self._path, self._path.parent):
                if path.exists():
                    self._watcher.addPath(str(path))

    def _stir(self) -> None:
        if self._path is not None:
            self._timer.start()

    def _look(self) -> None:
        self._add()
        self.suspected.emit()

    def _state_changed(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive and self._path is not None:
            self.suspected.emit()
