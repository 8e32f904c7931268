"""A project's own layers in the window: adding a file, asking for trust, saying what is missing."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QDragEnterEvent, QDropEvent

from netbuilder.errors import NetbuilderError

if TYPE_CHECKING:
    from netbuilder.app.events import SessionEvent
    from netbuilder.gui.main_window import MainWindow
    from netbuilder.storage.code_files import Found

BANNER = "code"
_GONE = ("missing", "refused")


class OwnCode(QObject):
    """Works on the window's session; asks nothing before something is to run."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._dismissed: tuple[str, ...] = ()
        window.setAcceptDrops(True)
        window.installEventFilter(self)

    # -- adding ----------------------------------------------------------------------------

    def choose(self) -> None:
        """Ask for a Python file and add its layers."""
        from netbuilder.gui.asking.dialogs import ask_code

        folder = self._saved()
        if folder is not None:
            path = ask_code(self._window, folder)
            if path is not None:
                self.add(path)

    def _saved(self) -> Path | None:
        """The project's folder; saves the project first where it has none."""
        session = self._window.require_session()
        if session.path is None:
            self._window.status.say("Save the project first: its own layers are files beside it.")
            if not self._window.projects.save():
                return None
        return session.path.parent if session.path is not None else None

    def add(self, path: Path) -> bool:
        """Add the layers of a file; a message says why that can't be."""
        from netbuilder.gui.asking.dialogs import tell_error

        window = self._window
        if not window.has_project() or self._saved() is None:
            return False
        try:
            name, reading = window.require_session().code.add(path)
        except NetbuilderError as error:
            tell_error(window, "The layers can't be added", error)
            return False
        window.require_bench().palette_panel.refresh()
        count = len(reading.classes)
        text = f"{name}: {count} layer{'s' if count != 1 else ''} in the palette"
        if reading.refused:
            left_out = "; ".join(f"{k} {reason}" for k, reason in reading.refused.items())
            window.status.say(f"{text}. Left out: {left_out}.", "warning")
        else:
            window.status.say(f"{text}, under Of this project.")
        return True

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Python files dropped on the window; a look at the files when one comes back to it."""
        match event:
            case QDropEvent() if event.type() == QEvent.Type.Drop:
                for path in _python_files(event):
                    self.add(path)
                return bool(_python_files(event))
            case QDragEnterEvent() if self._window.has_project() and _python_files(event):
                event.acceptProposedAction()
                return True
        if event.type() == QEvent.Type.WindowActivate and self._window.session is not None:
            self._window.session.look_at_code()
        return super().eventFilter(watched, event)

    # -- trust -----------------------------------------------------------------------------

    def may_run(self) -> bool:
        """Whether the project's code may run, asking for each file that is not trusted."""
        session = self._window.session
        if session is None:
            return False
        for found in session.code.restricted():
            if not self.ask(found):
                text = f"{found.file.path} stays restricted, so nothing was run."
                self._window.status.say(text, "warning")
                return False
        return True

    def ask(self, found: Found) -> bool:
        """Ask about one file; whether it is trusted now."""
        from netbuilder.gui.asking.dialogs import tell_error
        from netbuilder.gui.asking.trust_dialog import TrustDialog

        session = self._window.require_session()
        folder = session.code.folder
        where = str(folder.joinpath(*found.file.path.split("/"))) if folder else found.file.path
        whole = session.code.may_trust_folder(found)
        answer = TrustDialog(found, where, folder=whole, parent=self._window).ask()
        if not answer:
            return False
        try:
            session.trust_code(found, folder=answer == "folder")
        except NetbuilderError as error:
            tell_error(self._window, f"{found.file.path} can't be used", error)
            return False
        self.tell()
        return True

    def show_trusted(self) -> None:
        """List what is trusted, to be forgotten."""
        from netbuilder.gui.asking.forget_dialog import ForgetDialog

        session = self._window.require_session()
        dialog = ForgetDialog(session.code.store, self._window)
        dialog.forgotten.connect(self._forgotten)
        dialog.open()

    def _forgotten(self) -> None:
        self._window.require_session().look_at_code()
        self._dismissed = ()
        self.tell()

    # -- plugins ---------------------------------------------------------------------------

    def load_plugins(self) -> None:
        """Look for layers of installed packages, on a thread: each takes a moment to be tried."""

        def work() -> None:
            from netbuilder.app import plugins

            with contextlib.suppress(RuntimeError):  # the window is gone
                plugins.load()
                self._window.posted.emit(self._plugins_loaded)

        threading.Thread(target=work, name="plugins", daemon=True).start()

    def _plugins_loaded(self) -> None:
        from netbuilder.layers import plugins

        window = self._window
        broken = [plugin.package or plugin.name for plugin in plugins.plugins() if plugin.fault]
        if plugins.layers() and window.bench is not None:
            window.bench.palette_panel.refresh()
            window.bench.show_all()
        if broken:
            names = ", ".join(broken)
            text = f"The layers of {names} are left out: see Help, Layers of installed packages."
            window.status.say(text, "warning")

    def show_plugins(self) -> None:
        """List what packages offer, and why some is left out."""
        from netbuilder.engine.plugins import safe_mode
        from netbuilder.gui.asking.plugins_dialog import PluginsDialog
        from netbuilder.layers import plugins

        PluginsDialog(plugins.plugins(), safe=safe_mode(), parent=self._window).open()

    # -- telling ---------------------------------------------------------------------------

    def hear(self, event: SessionEvent) -> None:
        """What the session tells."""
        from netbuilder.app import events

        match event:
            case events.ProjectOpened():
                self._dismissed = ()
                self.tell()
            case events.ReportArrived() | events.ProjectSaved():
                self.tell()

    def tell(self) -> None:
        """Say in a banner which files may not run, or are not there."""
        window, session = self._window, self._window.session
        standing = session.code.standing() if session is not None else []
        gone = [each.file.path for each in standing if each.state in _GONE]
        closed = [each.file.path for each in standing if each.state in ("restricted", "changed")]
        shown = window.banners.shown(BANNER)
        if not (gone or closed) or self._dismissed == tuple(gone + closed):
            window.banners.take(BANNER)
            return
        text, severity = _words(gone, closed)
        if shown is not None and shown.text.text() == text:
            return
        later = ("Later", lambda: self._dismiss(tuple(gone + closed)))
        trust = (("Read and trust…", self._review),) if closed else ()
        window.banners.say(BANNER, text, (*trust, later), severity)

    def _dismiss(self, paths: tuple[str, ...]) -> None:
        self._dismissed = paths
        self._window.banners.take(BANNER)

    def _review(self) -> None:
        session = self._window.session
        if session is None:
            return
        for found in session.code.standing():
            if found.state in ("restricted", "changed") and not self.ask(found):
                return


def _words(gone: list[str], closed: list[str]) -> tuple[str, str]:
    if gone:
        are = "is" if len(gone) == 1 else "are"
        return (
            f"{', '.join(gone)} {are} not beside the project. The layers stay drawn; put the "
            f"file{'s' if len(gone) > 1 else ''} back to train.",
            "warning",
        )
    one = len(closed) == 1
    return (
        f"Restricted: {', '.join(closed)} {'holds' if one else 'hold'} code that nobody has "
        "trusted yet. Drawing and saving work; its layers are not run.",
        "info",
    )


def _python_files(event: QDropEvent) -> list[Path]:
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
    return [path for path in paths if path.suffix == ".py"]
