"""Reads folders of runs for the panel; a large one on a thread, while the window goes on."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal

from netbuilder.app import run_table
from netbuilder.app.run_rows import RunRow

AT_ONCE = 200
"""A folder with more entries is read on a thread."""
STATUS_EVERY_S = 2.0


class RunReading(QObject):
    """`arrived`: the rows of the folder that was asked for last."""

    arrived = Signal(object)
    _read = Signal(object, object)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.folder = Path()
        self._reading = False
        self._again = False
        self._loaded = 0.0
        self._read.connect(self._arrived, Qt.ConnectionType.QueuedConnection)

    @property
    def rested(self) -> bool:
        """Whether a run's status may have been written since the last reading."""
        return time.monotonic() - self._loaded >= STATUS_EVERY_S

    def load(self, folder: Path) -> None:
        """Read the runs in a folder."""
        self._loaded = time.monotonic()
        self.folder = folder
        try:
            many = len(os.listdir(folder)) > AT_ONCE
        except OSError:
            many = False
        if not many:
            self.arrived.emit(run_table.rows(folder))
        elif self._reading:
            self._again = True
        else:
            self._reading = True
            threading.Thread(target=self._read_all, args=(folder,), daemon=True).start()

    def _read_all(self, folder: Path) -> None:
        found = run_table.rows(folder)
        try:
            self._read.emit(folder, found)
        except RuntimeError:
            return  # the window was closed meanwhile

    def _arrived(self, folder: Path, runs: list[RunRow]) -> None:
        self._reading = False
        again, self._again = self._again, False
        if folder == self.folder:
            self.arrived.emit(runs)
        if again or folder != self.folder:
            self.load(self.folder)
