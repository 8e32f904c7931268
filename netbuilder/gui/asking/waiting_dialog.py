"""A dialog that lets the worker write a file: how far it is, then what came of it."""

from __future__ import annotations

from typing import Any, Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QBoxLayout,
    QDialog,
    QFrame,
    QGridLayout,
    QLayout,
    QProgressBar,
    QWidget,
)

from netbuilder.engine.protocol import ExportProgress
from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import button, column, label, row, selectable, set_role

_WIDTH = 472


class CallsOff(Protocol):
    """What the dialog itself needs of `app.session.Session`."""

    def expect(self, work: str, wanted: bool) -> None: ...
    def cancel_export(self) -> None: ...


class WaitingDialog(QDialog):
    """Not modal: a training may go on behind it. Leaving it calls off what is under way.

    `work`, an "import" or "export", is made ready for while it is open.
    """

    def __init__(self, calls: CallsOff, work: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(work.title())
        self.setObjectName(f"{work}Dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self._calls, self._work = calls, work
        self._closed = False
        self.doing = label("", "muted", wrap=True)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.box = QFrame()
        self.verdict = label("", "heading", wrap=True)
        self.details = selectable("", "muted")
        self.box.setLayout(column(self.verdict, self.details, gap=4, margins=(12, 8, 12, 8)))
        for part in (self.doing, self.progress, self.box):
            part.hide()
        self.close_button = button("Close", self._leave)
        calls.expect(work, True)

    def _page(self, title: str, about: str, grid: QGridLayout) -> QBoxLayout:
        """Title, what it is about, the choices, and what is under way; in this order."""
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(8)
        grid.setColumnStretch(1, 1)
        page = column(label(title, "title"), gap=8)
        page.addStrut(_WIDTH)
        page.addWidget(label(about, "muted", wrap=True))
        page.addSpacing(8)
        page.addLayout(grid)
        page.addSpacing(8)
        for part in (self.doing, self.progress, self.box):
            page.addWidget(part)
        return page

    def _lay_out(self, page: QLayout, *buttons: QWidget | None) -> None:
        """The page above a line of buttons; None is the room between them."""
        whole = column(gap=8, margins=(24, 24, 24, 16))
        whole.addLayout(page, 1)
        whole.addSpacing(8)
        whole.addLayout(row(*buttons))
        self.setLayout(whole)

    def _fit(self) -> None:
        """As large as what is in it; `adjustSize` would stop at two thirds of the screen."""
        self.resize(self.sizeHint())

    # -- under way ---------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether the worker was asked and has not answered."""
        return not self.progress.isHidden()

    def _begin(self, text: str) -> None:
        self.box.hide()
        self.progress.setRange(0, 0)
        self.progress.show()
        self.doing.setText(text)
        self.doing.show()
        self.close_button.setText("Cancel")
        self._fit()

    def _tell(self, progress: ExportProgress) -> None:
        if self._closed or not self.busy:
            return
        count = f" ({progress.done + 1} of {progress.total})" if progress.total else ""
        self.doing.setText(f"{progress.what}{count}")
        self.progress.setRange(0, progress.total)
        self.progress.setValue(progress.done)

    def _end(self) -> None:
        self.progress.hide()
        self.doing.hide()
        self.close_button.setText("Close")
        self.close_button.setEnabled(True)

    def _say(self, role: str, verdict: str, details: str) -> None:
        set_role(self.box, role)
        self.verdict.setText(verdict)
        self.details.setText(details)
        self.details.setVisible(bool(details))
        self.box.show()
        self._fit()

    # -- leaving -----------------------------------------------------------------------------

    def _call_off(self) -> None:
        self._calls.cancel_export()

    def _leave(self) -> None:
        """Call off what is under way; else close."""
        if self.busy:
            self.close_button.setEnabled(False)
            self._call_off()
        else:
            self.close()

    def _gone(self) -> None:
        """It is closed for good: nobody would see how it ends."""
        if self.busy:
            self._call_off()

    def _close_once(self) -> None:
        if not self._closed:
            self._gone()
            self._calls.expect(self._work, False)
        self._closed = True

    def done(self, result: int) -> None:
        self._close_once()
        super().done(result)

    def closeEvent(self, event: Any) -> None:
        self._close_once()
        super().closeEvent(event)
