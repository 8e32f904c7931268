"""What happened in a run, line by line: start, warnings, checkpoints, pauses, the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QBrush, QDesktopServices
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import EmptyState, button, column, label, row
from netbuilder.training.records.events import Event

MAX_LINES = 2000
TONE = Qt.ItemDataRole.UserRole


def words_of(event: Event) -> tuple[str, str] | None:
    """An event in words and its tone (`""`, `warning`, `error`, `ok`); None for what is no news."""
    values = event.values
    match event.event:
        case "started":
            origin = values.get("resumed_from")
            threads = values.get("threads")
            device = str(values.get("device", ""))
            on = f" on {device.upper() if device == 'cpu' else device}" if device else ""
            on += f", {threads} threads" if isinstance(threads, int) and device == "cpu" else ""
            if isinstance(origin, int):
                return f"Went on from step {origin:,}{on}", ""
            return f"Started{on}: {_count(values, 'samples')} samples, {_size(values)}", ""
        case "epoch" if values.get("best") is True:
            return f"Best epoch so far: {event.epoch}", "ok"
        case "checkpoint":
            kind = "best weights" if values.get("kind") == "best" else "checkpoint"
            return f"Kept {kind} in {values.get('path', '')}", ""
        case "paused":
            return "Paused", ""
        case "resumed":
            return "Went on", ""
        case "warning":
            return str(values.get("message", "")), "warning"
        case "finished":
            return _end(values)
    return None


def _count(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return f"{value:,}" if isinstance(value, int) else "?"


def _size(values: Mapping[str, Any]) -> str:
    return f"{_count(values, 'parameters')} parameters"


def _end(values: Mapping[str, Any]) -> tuple[str, str]:
    error, status = values.get("error"), values.get("status")
    if isinstance(error, Mapping):
        return f"{error.get('message', 'Failed')} {error.get('hint', '')}".strip(), "error"
    reasons = {
        "epochs": "all epochs are done",
        "steps": "the limit of steps is reached",
        "patience": "it got no better for as long as the patience lasts",
    }
    reason = reasons.get(str(values.get("reason")), "")
    words = "Stopped" if status == "stopped" else "Finished"
    return (f"{words}: {reason}" if reason else words), "ok"


class RunLog(QWidget):
    """The lines of one run, the newest at the end, and the way to its folder."""

    def __init__(self) -> None:
        super().__init__()
        self._path: Path | None = None
        self._last = 0
        self._best: QTreeWidgetItem | None = None
        self.lines = QTreeWidget()
        self.lines.setObjectName("runLog")
        self.lines.setHeaderLabels(["Time", "Epoch", "What happened"])
        self.lines.setRootIsDecorated(False)
        self.lines.setUniformRowHeights(True)
        self.lines.setAccessibleName("What happened in the run")
        self.lines.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.lines.setTextElideMode(Qt.TextElideMode.ElideRight)
        header = self.lines.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self.folder = button("Open folder", self._open_folder)
        self.folder.setAccessibleName("Open the folder of the run")
        self.place = label("", "small")
        self.empty = EmptyState(
            "Nothing happened yet", "Warnings, checkpoints and how a run ended are listed here."
        )
        layout = column(self.empty, gap=0)
        layout.addWidget(self.lines, 1)
        layout.addLayout(row(self.place, None, self.folder, margins=(12, 4, 12, 6)))
        self.setLayout(layout)
        self.clear()
        theme.notifier.changed.connect(self._dress)

    def clear(self) -> None:
        """Forget the run."""
        self.lines.clear()
        self._last, self._best, self._path = 0, None, None
        self.place.setText("")
        for part, shown in ((self.empty, True), (self.lines, False), (self.folder, False)):
            part.setVisible(shown)

    def show_folder(self, path: Path) -> None:
        """The run lies here."""
        self._path = path
        self.place.setText(path.name)
        self.place.setToolTip(str(path))
        self.folder.setVisible(path.is_dir())

    def add(self, event: Event) -> None:
        """Note an event, unless it is no news or noted already."""
        told = words_of(event)
        if told is None or event.seq <= self._last:
            return
        self._last = event.seq
        text, tone = told
        moment = time.strftime("%H:%M:%S", time.localtime(event.time))
        if event.event == "epoch" and self._best is not None:
            # Early epochs are all the best so far: one line is enough, and it moves on.
            self.lines.takeTopLevelItem(self.lines.indexOfTopLevelItem(self._best))
        item = QTreeWidgetItem([moment, str(event.epoch), text])
        item.setData(2, TONE, tone)
        item.setToolTip(2, text)
        self._color(item)
        if event.event == "epoch":
            self._best = item
        at_end = self.lines.verticalScrollBar().value() >= self.lines.verticalScrollBar().maximum()
        self.lines.addTopLevelItem(item)
        while self.lines.topLevelItemCount() > MAX_LINES:
            gone = self.lines.takeTopLevelItem(0)
            if gone is self._best:
                self._best = None
        if at_end:
            self.lines.scrollToBottom()
        self.empty.hide()
        self.lines.show()

    def _color(self, item: QTreeWidgetItem) -> None:
        tokens = theme.current()
        tones = {"warning": tokens.warning, "error": tokens.error, "ok": tokens.success}
        item.setForeground(2, QBrush(tones.get(item.data(2, TONE), tokens.text)))
        for column_number in (0, 1):
            item.setForeground(column_number, QBrush(tokens.muted))

    def _dress(self) -> None:
        for at in range(self.lines.topLevelItemCount()):
            item = self.lines.topLevelItem(at)
            if item is not None:
                self._color(item)

    def _open_folder(self) -> None:
        if self._path is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._path)))
