"""Data of a person comes into the window: dropped on it or chosen, looked at, made a project."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, QRect, Qt, QTimer
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QFileDialog, QMenu, QWidget

from netbuilder.errors import NetbuilderError
from netbuilder.gui.look import theme

if TYPE_CHECKING:
    from netbuilder.gui.bringing.data_dialog import DataDialog
    from netbuilder.gui.bringing.fetch_dialog import FetchDialog
    from netbuilder.gui.main_window import MainWindow

PROJECT, PYTHON = ".netb", ".py"
MODELS = (".onnx", ".pt2")
WEIGHTS = (".safetensors", ".pt", ".pth", ".ckpt")


class _Target(QWidget):
    """Over the whole window while something is dragged there: what a drop would do."""

    def __init__(self, window: QWidget, text: str) -> None:
        super().__init__(window)
        self._text = text
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setGeometry(window.rect())

    def paintEvent(self, event: QPaintEvent) -> None:
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = tokens.surface
        veil = theme.mixed(veil, veil, 1.0)
        veil.setAlphaF(0.82)
        painter.fillRect(self.rect(), veil)
        frame = self.rect().adjusted(24, 24, -24, -24)
        painter.setPen(QPen(tokens.accent, 2, Qt.PenStyle.DashLine))
        painter.drawRoundedRect(frame, 12, 12)
        painter.setPen(tokens.text)
        painter.setFont(theme.font("title", medium=True))
        words = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(QRect(frame), words, self._text)


class BringData(QObject):
    """Takes drops of files and folders (of Python files `OwnCode` does) and asks about them."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._target: _Target | None = None
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    # -- dropping ----------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        match event:
            case QDropEvent() if event.type() == QEvent.Type.Drop:
                return self._dropped(event)
            case QDragEnterEvent() if paths := _paths(event):
                event.acceptProposedAction()
                self._aim(paths)
                return True
            case QDragLeaveEvent():
                self._aim([])
        return super().eventFilter(watched, event)

    def _aim(self, paths: list[Path]) -> None:
        """Show what a drop would do, or no longer."""
        if self._target is not None:
            self._target.hide()
            self._target.deleteLater()
            self._target = None
        if paths:
            name = paths[0].name
            text = f"Drop {name} to use it as data"
            if paths[0].suffix == PROJECT:
                text = f"Open {name}"
            elif paths[0].suffix.lower() in MODELS:
                text = f"Drop {name} to make a project of it"
            elif paths[0].suffix.lower() in WEIGHTS and self._window.has_project():
                text = f"Drop {name} to take its weights"
            self._target = _Target(self._window, text if len(paths) == 1 else "One at a time")
            self._target.show()

    def _dropped(self, event: QDropEvent) -> bool:
        self._aim([])
        paths = _paths(event)
        if not paths:
            return False
        event.acceptProposedAction()
        if len(paths) > 1:
            text = "Drop one file, or the folder that they all are in."
            self._window.status.say(text, "warning")
        else:
            # The program that it was dragged from waits until the drop is done with.
            QTimer.singleShot(0, self, lambda: self.take(paths[0]))
        return True

    def take(self, path: Path) -> None:
        """Open a project, or look at data."""
        if path.suffix == PROJECT and path.is_file():
            self._window.open_path(path)
        elif path.suffix.lower() in MODELS:
            from netbuilder.gui.asking.importing import bring

            bring(self._window, path)
        elif path.suffix.lower() in WEIGHTS and self._window.has_project():
            from netbuilder.gui.asking.taking_weights import show

            show(self._window, path)
        else:
            self.look(path)

    # -- choosing ----------------------------------------------------------------------------

    def choose(self, what: str) -> None:
        """Ask for `source_choice.FOLDER` or `FILE`."""
        from netbuilder.gui.bringing.source_choice import FOLDER

        (self.choose_folder if what == FOLDER else self.choose_file)()

    def choose_folder(self) -> None:
        """Ask for a folder of data."""
        chosen = QFileDialog.getExistingDirectory(
            self._window, "Open a folder of data", str(Path.home())
        )
        if chosen:
            self.look(Path(chosen))

    def choose_file(self) -> None:
        """Ask for a file of data."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, "Open a file of data", str(Path.home())
        )
        if chosen:
            self.look(Path(chosen))

    def fetch(self) -> FetchDialog:
        """Offer data sets from the network; what came is looked at like any folder."""
        from netbuilder.gui.bringing.fetch_dialog import FetchDialog

        window = self._window
        dialog = FetchDialog(window.require_session().fetching, window.settings, window)
        dialog.fetched.connect(self.look)
        dialog.open()
        return dialog

    def menu(self, parent: QWidget) -> QMenu:
        """All of these, as a menu."""
        menu = QMenu(parent)
        menu.addAction("A folder…", self.choose_folder)
        menu.addAction("A file…", self.choose_file)
        menu.addAction("From the network…", self.fetch)
        return menu

    # -- looking -----------------------------------------------------------------------------

    def look(self, path: Path) -> DataDialog:
        """Show what is there, and what it may be trained with."""
        from netbuilder.gui.bringing.data_dialog import DataDialog

        window = self._window
        dialog = DataDialog(window.require_session(), path, window, here=window.has_project())
        dialog.new_wanted.connect(self._new)
        dialog.use_wanted.connect(self._use)
        dialog.open()
        return dialog

    def _new(self, template: str, proposal: Mapping[str, Any]) -> None:
        if self._window.projects.new_with_data(template, proposal):
            self._show_data()

    def _use(self, proposal: Mapping[str, Any]) -> None:
        session = self._window.require_session()
        try:
            session.data.use(proposal)
        except NetbuilderError as error:
            # The networks stay as they are: what does not fit becomes a problem at its node.
            session.data.take(proposal)
            text = f"{error} See Problems for what to change."
            self._window.status.say(text, "warning")
        self._show_data()

    def _show_data(self) -> None:
        if self._window.bench is not None:
            self._window.bench.show_panel("data")


def _paths(event: QDropEvent) -> list[Path]:
    """The files and folders of a drop, unless it is of layers in Python."""
    found = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return [] if any(path.suffix == PYTHON for path in found) else found
