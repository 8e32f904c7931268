"""Where trainings are done: here, or by a worker at the end of a command line."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QLineEdit, QWidget

from netbuilder.app.settings import SettingsStore
from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import button, column, label, row, selectable

TEXT = (
    "A command that reaches a netbuilder worker on another computer. New runs are trained there, "
    "and their folders come back here. ssh must need no password; data must be there already. "
    "Empty: everything is trained here."
)
EXAMPLE = "ssh host netbuilder worker"


class WorkerDialog(QDialog):
    """One line, kept with this person's settings; it counts for the next training."""

    def __init__(self, settings: SettingsStore, parent: QWidget | None) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setWindowTitle("netbuilder")
        self.setObjectName("where")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self.setMinimumWidth(520)
        self.line = QLineEdit(settings.value.worker)
        self.line.setPlaceholderText(EXAMPLE)
        self.line.setAccessibleName("Command of the worker")
        self.line.setMaxLength(2000)
        cancel = button("Cancel", self.reject)
        self.keep = button("Keep", self.accept)
        self.keep.setProperty("role", "primary")
        self.keep.setDefault(True)
        layout = column(
            label("Where to train", "title"),
            selectable(TEXT),
            self.line,
            gap=8,
            margins=(24, 24, 24, 16),
        )
        layout.addSpacing(16)
        layout.addLayout(row(None, cancel, self.keep))
        self.setLayout(layout)

    def accept(self) -> None:
        self._settings.update(worker=self.line.text().strip())
        super().accept()
