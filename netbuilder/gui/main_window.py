"""The main window: start page or workbench, menus, toolbar, status, and what they do.

Light at first: the workbench and all that it needs are imported and built after the first
paint, or when a project is opened.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QPaintEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QToolBar

from netbuilder.gui import actions
from netbuilder.gui.banner import BannerArea
from netbuilder.gui.bringing.bringing_data import BringData
from netbuilder.gui.commands import Commands
from netbuilder.gui.detached import Detached
from netbuilder.gui.habits import Habits
from netbuilder.gui.inspecting.own_code import OwnCode
from netbuilder.gui.look import style, theme
from netbuilder.gui.look.widgets import column, holder
from netbuilder.gui.runner import Runner
from netbuilder.gui.runs.run_deeds import RunDeeds
from netbuilder.gui.starting.projects import Projects
from netbuilder.gui.starting.start_page import StartPage
from netbuilder.gui.status import StatusBar

if TYPE_CHECKING:
    from netbuilder.app.events import SessionEvent
    from netbuilder.app.link import Client
    from netbuilder.app.session import Session
    from netbuilder.app.settings import SettingsStore
    from netbuilder.engine.protocol import Message
    from netbuilder.gui.focus import FocusRing
    from netbuilder.gui.workbench import Workbench


WARM_UP_MS = 300
"""From the first paint to the building of the workbench, unless it is needed before."""


class MainWindow(QMainWindow):
    """One window, one session."""

    painted = Signal()
    """The window is on the screen for the first time."""
    posted = Signal(object)

    def __init__(
        self,
        settings: SettingsStore | None = None,
        client_factory: Callable[[Callable[[Message], None]], Client] | None = None,
    ) -> None:
        super().__init__()
        self.habits = Habits(self, settings)
        self.runner = Runner(self)
        self.run_deeds = RunDeeds(self)
        self.detached = Detached(self)
        self._client_factory = client_factory
        self._painted = False
        self.session: Session | None = None
        self.bench: Workbench | None = None
        self.focus: FocusRing | None = None
        self._warm_up = QTimer(self)
        self._warm_up.setSingleShot(True)
        self._warm_up.timeout.connect(self._warm)
        self.setWindowTitle("netbuilder")
        self.setMinimumSize(880, 560)
        self.resize(1440, 900)
        self.setStyleSheet(style.sheet())
        self.start = StartPage()
        self.pages = QStackedWidget()
        self.pages.addWidget(self.start)
        self.banners = BannerArea()
        self.setCentralWidget(holder(column(self.banners, self.pages, gap=0)))
        self.status = StatusBar()
        self.setStatusBar(self.status)
        self.status.restart_wanted.connect(self.runner.restart_worker)
        self.projects = Projects(self, self)
        self.own_code = OwnCode(self)
        self.bring_data = BringData(self)
        self.commands = Commands(self, actions.commands(self))
        self.commands.chosen.connect(self.habits.remember_command)
        self.status.problems_wanted.connect(partial(self.commands.run, "view.problems"))
        self.projects.compare_wanted.connect(partial(self.commands.run, "file.compare_saved"))
        self.commands.fill_menus(self.menuBar(), actions.MENUS)
        self.bar = QToolBar("Toolbar")
        self.bar.setObjectName("toolbar")
        self.bar.setMovable(False)
        self.bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.commands.fill_bar(self.bar, actions.BAR)
        self.addToolBar(self.bar)
        self.bar.hide()
        self.start.template_chosen.connect(self.projects.open_template)
        self.start.project_chosen.connect(self.projects.open_path)
        self.start.new_wanted.connect(self.projects.new)
        self.start.kind_wanted.connect(self.projects.new_kind)
        self.start.open_wanted.connect(self.projects.open)
        self.start.data.setMenu(self.bring_data.menu(self.start.data))
        self.start.gallery.failed.connect(partial(self.status.say, severity="error"))
        self.posted.connect(self._do_posted, Qt.ConnectionType.QueuedConnection)
        theme.notifier.changed.connect(self._dress)
        self.commands.refresh()

    # -- beginning -----------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            # The children paint after this; the timer runs once all of it is on the screen.
            QTimer.singleShot(0, self, self.painted.emit)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self.isActiveWindow():
            self.runner.look_for_run()

    @property
    def settings(self) -> SettingsStore:
        """What is remembered of this person, read when it is first needed."""
        return self.habits.settings

    def prepare(self) -> None:
        """After the first paint: templates, recents, the session and its worker."""
        self.start.show_recents(self.settings.value.recents)
        self.start.gallery.load()
        self.habits.shortcuts.apply()
        self.require_session().start_worker()
        self.projects.prepare()
        self.detached.look()
        # The workbench takes a moment to build: better now than at the first click.
        self._warm_up.start(WARM_UP_MS)

    def require_session(self) -> Session:
        """The session, made when it is first needed."""
        if self.session is None:
            from netbuilder.app.places import home
            from netbuilder.app.session import Session
            from netbuilder.engine.remote import RemoteClient

            locks = home("state") / "locks"
            factory = self._client_factory or partial(
                RemoteClient, command=lambda: self.settings.value.worker
            )
            self.session = Session(self.posted.emit, factory, locks)
            self.session.subscribe(self._hear)
        return self.session

    def require_bench(self) -> Workbench:
        """The workbench, made when it is first needed."""
        if self.bench is None:
            from netbuilder.gui.context_menu import ContextMenu
            from netbuilder.gui.focus import FocusRing
            from netbuilder.gui.workbench import Workbench

            bench = self.bench = Workbench(self.require_session())
            bench.message.connect(self.status.say)
            bench.zoom_changed.connect(self.status.show_zoom)
            bench.selection_changed.connect(self.commands.refresh)
            bench.problems_changed.connect(self._report_shown)
            bench.train_wanted.connect(self.runner.train)
            bench.resume_wanted.connect(self.runner.resume)
            bench.export_wanted.connect(self.runner.export)
            bench.run_project_wanted.connect(self.run_deeds.open)
            bench.run_difference_wanted.connect(self.run_deeds.compare)
            bench.run_report_wanted.connect(self.run_deeds.report)
            bench.run_smaller_wanted.connect(self.run_deeds.make_smaller)
            bench.run_start_wanted.connect(self.run_deeds.start_from)
            bench.trust_wanted.connect(self.own_code.may_run)
            bench.data.offer(self.bring_data.menu)
            bench.inspector.settings.own_data_wanted.connect(self.bring_data.choose)
            self.commands.dress()
            self.commands.give_keys(bench.canvas)
            ContextMenu(bench.canvas, self.commands)
            self.pages.addWidget(bench)
            self.focus = FocusRing(bench)
            self.habits.furnish(bench)
        return self.bench

    def _warm(self) -> None:
        """Build and import at leisure what the first click would otherwise wait for."""
        if self.bench is None:
            self.require_bench()
            self._warm_up.start(WARM_UP_MS)
        else:
            import netbuilder.gui.plotting.plots  # noqa: F401

    def _do_posted(self, action: Callable[[], None]) -> None:
        action()

    # -- following the session -----------------------------------------------------------

    def _hear(self, event: SessionEvent) -> None:
        from netbuilder.app import events

        if self.bench is not None:
            self.bench.hear(event)
        self.projects.hear(event)
        self.own_code.hear(event)
        match event:
            case events.ProjectOpened():
                self.status.show_problems(None)
                QTimer.singleShot(0, self, self._look_for_merge)
            case events.ProjectSaved(path=path):
                self.settings.remember(path)
                self.status.say(f"Saved {path.name}")
            case events.WorkerChanged(state=state, text=text, device=device):
                self.runner.worker = state
                self.status.show_worker(state, text)
                if device:
                    self.status.show_device(device)
                if state == "ready" and self.bench is not None:
                    self.bench.palette_panel.refresh()
            case events.RunChanged(run=run):
                self.detached.followed(run)
                if run is not None and run.device:
                    self.status.show_run_device(run.device)
                if self.session is not None and self.session.folds.text:
                    self.status.say(self.session.folds.text)
            case events.Notice(severity=severity, text=text, hint=hint):
                self.status.say(f"{text} {hint}".strip(), severity)
        if not isinstance(event, events.RunEvent):
            self._refresh()

    def _look_for_merge(self) -> None:
        self.banners.take("merge")
        if self.session is not None and self.session.path is not None:
            from netbuilder.gui.comparing import merging

            merging.look(self)

    def _refresh(self) -> None:
        self.commands.refresh()
        self.status.show_next(self.runner.next_step())
        self.status.zoom.setVisible(self.has_project())
        session = self.session
        if session is None or not self.has_project():
            self.setWindowTitle("netbuilder")
            self.status.show_problems(None)
            return
        name = session.path.name if session.path else session.document.project.title
        self.setWindowTitle(f"{name}[*] — netbuilder")
        self.setWindowModified(session.dirty)

    def _report_shown(self) -> None:
        report = self.session.report if self.session and self.has_project() else None
        self.status.show_problems(report.problems if report else None)

    # -- what commands ask ---------------------------------------------------------------

    def has_project(self) -> bool:
        """Whether a project is shown."""
        return self.bench is not None and self.pages.currentWidget() is self.bench

    def has_selection(self) -> bool:
        """Whether anything on the canvas is selected."""
        bench = self.bench
        return bench is not None and self.has_project() and bool(bench.canvas.canvas.selection)

    def dock_shown(self, name: str) -> bool:
        """Whether a dock is there."""
        return self.bench is not None and not self.bench.docks[name].isHidden()

    # -- projects --------------------------------------------------------------------------

    def open_path(self, path: Path) -> bool:
        """Open a project; a message says why it can't be."""
        return self.projects.open_path(path)

    def open_template(self, id: str) -> None:
        """A new project from a template."""
        self.projects.open_template(id)

    def show_project(self) -> None:
        """Show the workbench with the project of the session."""
        built = self.bench is not None
        bench = self.require_bench()
        if not built:
            bench.show_all()
        self.pages.setCurrentWidget(bench)
        self.bar.show()
        bench.canvas.setFocus()
        self.runner.look_for_run()
        self._refresh()

    def show_start(self) -> None:
        """Back to the start page; the project stays open."""
        self.start.show_recents(self.settings.value.recents)
        self.projects.prepare()
        self.pages.setCurrentWidget(self.start)
        self.bar.hide()
        self._refresh()

    # -- looks -----------------------------------------------------------------------------

    def toggle_dock(self, name: str) -> None:
        """Show or hide a dock."""
        if self.bench is not None:
            dock = self.bench.docks[name]
            dock.setVisible(dock.isHidden())

    def _dress(self) -> None:
        self.setStyleSheet(style.sheet())
        if self.bench is not None:
            self.commands.dress()

    # -- the end ---------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """Ask about a running training and unsaved changes, then end the worker."""
        from netbuilder.gui.asking.dialogs import ask_leave_training

        event.accept()
        app = QGuiApplication.instance()
        if isinstance(app, QGuiApplication) and app.isSavingSession():
            self.end(hurry=True)  # the computer's session ends: nobody is there to be asked
            return
        running = self.session is not None and self.session.training_here
        choice = ask_leave_training(self) if running else "keep"
        if choice is None or not self.projects.may_leave():
            event.ignore()
            return
        self.end(keep=False, stop=choice == "stop")

    def end(self, *, keep: bool = True, hurry: bool = False, stop: bool = False) -> None:
        """Remember the window's place and end the worker, without a question.

        With `keep`, unsaved work can be recovered at the next start. A training goes on without
        us, unless it is to `stop` with a checkpoint. In a `hurry` we wait for nothing.
        """
        self._warm_up.stop()
        if self.bench is not None:
            self.habits.keep(self.bench)
        self.hide()
        if self.session is not None:
            self.projects.end(keep=keep, timeout_s=1.0 if hurry else 10.0)
            self.session.close(wait=stop or not (hurry or self.session.training_here))
            self.session = None
