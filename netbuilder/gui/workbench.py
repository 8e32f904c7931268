"""Where one works: palette, canvas, inspector, and the panels below. Follows one session."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QMainWindow

from netbuilder.app.events import (
    GraphShown,
    HistoryMoved,
    ProjectOpened,
    ReportArrived,
    RunChanged,
    RunEvent,
    SessionEvent,
    TrailMoved,
)
from netbuilder.app.session import Session
from netbuilder.compiler.own_files import TRUST
from netbuilder.compiler.report import Report
from netbuilder.errors import Fix, NetbuilderError, Problem
from netbuilder.gui.breadcrumb import Breadcrumb
from netbuilder.gui.bringing.data_following import DataFollowing
from netbuilder.gui.bringing.data_panel import DataPanel
from netbuilder.gui.canvas.view import CanvasView
from netbuilder.gui.code_panel import CodePanel
from netbuilder.gui.docks import Docks
from netbuilder.gui.find import FindPanel
from netbuilder.gui.first_look import FirstLook
from netbuilder.gui.graph_tabs import GraphTabs
from netbuilder.gui.inspecting.fix_view import FixTrials
from netbuilder.gui.inspecting.inspector import Inspector
from netbuilder.gui.inspecting.layer_help import LayerHelp
from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import column, holder
from netbuilder.gui.outlining.outline_panel import OutlinePanel
from netbuilder.gui.palette import Palette
from netbuilder.gui.panel_tabs import PanelTabs
from netbuilder.gui.problems import ProblemsPanel
from netbuilder.gui.runs.runs_panel import RunsPanel
from netbuilder.gui.training.training_panel import TrainingPanel
from netbuilder.gui.using.use_panel import UsePanel

if TYPE_CHECKING:
    from netbuilder.gui.training.instruments import Instruments

_TABS = (
    ("problems", "Problems", "problem"),
    ("code", "Code", "code"),
    ("data", "Data", "data"),
    ("training", "Training", "training"),
    ("runs", "Runs", "runs"),
    ("use", "Use", "done"),
)


class Workbench(QMainWindow):
    """The panels of an open project; a main window inside the main window, for its docks."""

    message = Signal(str, str)
    zoom_changed = Signal(float)
    selection_changed = Signal()
    problems_changed = Signal()
    export_wanted = Signal()
    train_wanted = Signal()
    resume_wanted = Signal(object)
    trust_wanted = Signal()
    run_project_wanted = Signal(object)
    run_difference_wanted = Signal(object)
    run_report_wanted = Signal(object)
    run_smaller_wanted = Signal(object)
    run_start_wanted = Signal(object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setWindowFlags(Qt.WindowType.Widget)
        self.session = session
        self.canvas = CanvasView()
        # What is dropped on the canvas is for the window.
        self.canvas.setAcceptDrops(False)
        self.canvas.viewport().setAcceptDrops(False)
        self.tabs = GraphTabs()
        self.finder = FindPanel(self.canvas, session, self.go_to)
        self.crumbs = Breadcrumb()
        self.palette_panel = Palette(self.canvas)
        self.outline = OutlinePanel(session, self.canvas)
        self.inspector = Inspector()
        self.problems = ProblemsPanel()
        self._fix_trials = FixTrials(session, self)
        self.code = CodePanel()
        self.data = DataPanel()
        self.training = TrainingPanel()
        self.runs = RunsPanel()
        self.use = UsePanel()
        self._data = DataFollowing(self.data, session)
        self._instruments: Instruments | None = None
        self.panels = PanelTabs([name for _, _, name in _TABS])
        self.setCentralWidget(holder(column(self.tabs, self.crumbs, self.canvas, gap=0)))
        self.docks = Docks(
            self,
            {
                "palette": self.palette_panel,
                "outline": self.outline,
                "inspector": self.inspector,
                "panels": self.panels,
            },
        )
        for id, title, _ in _TABS:
            self.panels.addTab(getattr(self, id), title)
        self.palette_panel.setMinimumWidth(208)
        self.inspector.setMinimumWidth(304)
        self.panels.setMinimumHeight(120)
        self._first_look = FirstLook(self.canvas)
        self._connect()
        self._dress()
        theme.notifier.changed.connect(self._dress)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.docks.place()
        QTimer.singleShot(0, self, self._look)

    def _dress(self) -> None:
        self.panels.dress()

    def _connect(self) -> None:
        session, canvas = self.session, self.canvas
        canvas.selection_changed.connect(self._selected)
        canvas.open_requested.connect(self._open_node)
        canvas.leave_requested.connect(self.leave)
        self.crumbs.left.connect(self.leave)
        self.inspector.settings.use_wanted.connect(self.go_to)
        self.crumbs.use_chosen.connect(session.show_use)
        canvas.message.connect(lambda text: self.message.emit(text, "warning"))
        canvas.zoom_changed.connect(self.zoom_changed)
        self.tabs.chosen.connect(session.show)
        self.tabs.refused.connect(lambda text: self.message.emit(text, "warning"))
        self.problems.chosen.connect(self._go_to_problem)
        self.problems.fix_wanted.connect(self._fix)
        self.problems.fix_tried.connect(self._fix_trials.begin)
        self.inspector.fix_wanted.connect(self._fix)
        self.inspector.fix_tried.connect(self._fix_trials.begin)
        self.inspector.open_wanted.connect(self._open_node)
        self.inspector.node_wanted.connect(lambda node: self.go_to(session.graph.id, node))
        self.inspector.help_wanted.connect(self._layer_help)
        self.inspector.costs_wanted.connect(lambda: session.costs(self.inspector.show_costs))
        self.inspector.values = session.values_here
        canvas.canvas.values = session.values_here
        self.code.node_chosen.connect(self.go_to)
        self.code.looked_at.connect(session.want_source)
        self.training.train_wanted.connect(self.train_wanted)
        self.training.pause_wanted.connect(session.pause)
        self.training.resume_wanted.connect(self._resume)
        self.training.stop_wanted.connect(session.stop)
        self.training.export_wanted.connect(self.export_wanted)
        self.training.place_wanted.connect(self.go_to)
        self.training.fix_wanted.connect(self._fix)
        self.runs.refresh_wanted.connect(lambda: self.runs.load(session.runs_folder()))
        self.runs.project_wanted.connect(self.run_project_wanted)
        self.runs.difference_wanted.connect(self.run_difference_wanted)
        self.runs.report_wanted.connect(self.run_report_wanted)
        self.runs.smaller_wanted.connect(self.run_smaller_wanted)
        self.runs.start_wanted.connect(self.run_start_wanted)
        self.runs.use_wanted.connect(self.use_run)
        self.use.wanted.connect(lambda: self.use.show_run(session, session.trained_run()))
        self.runs.refused.connect(lambda text: self.message.emit(text, "warning"))
        self.runs.resume_wanted.connect(self.resume_wanted)

    @property
    def instruments(self) -> Instruments:
        """What shows figures of a training on the canvas; made when it is first wanted."""
        if self._instruments is None:
            from netbuilder.gui.training.instruments import Instruments

            made = self._instruments = Instruments(self.canvas.canvas)
            made.show_run(self.session.run)
            self.inspector.look = made.node
            made.looked.connect(self.inspector.refresh_report)
            self.canvas.graph_edited.connect(made.apply)
        return self._instruments

    @property
    def lens(self) -> str:
        """What the colours of nodes tell."""
        return "family" if self._instruments is None else self._instruments.lens.value

    def has_instruments(self) -> bool:
        """Whether any figure is shown on the canvas."""
        return self._instruments is not None and self._instruments.wanted

    # -- following the session -----------------------------------------------------------

    def hear(self, event: SessionEvent) -> None:
        """Bring the panels up to date with what happened."""
        match event:
            case ProjectOpened():
                self._project_opened()
            case GraphShown():
                self._graph_shown()
            case TrailMoved():
                self._trail_moved()
            case HistoryMoved():
                self._history_moved()
            case ReportArrived(report=report):
                self._report_arrived(report)
            case RunChanged(run=run):
                if self._instruments is not None:
                    self._instruments.show_run(run)
                self.training.show_run(run)
                if run is None or not run.active:
                    self.use.forget()
                self.canvas.canvas.set_running(run is not None and run.active)
                if self.runs.isVisible():
                    self.runs.load(self.session.runs_folder())
            case RunEvent(run=run, event=what):
                self.training.add_event(run, what)
                if what.event == "epoch" and self.runs.isVisible():
                    self.runs.follow(self.session.runs_folder())

    def show_all(self) -> None:
        """Show what the session holds now."""
        self._project_opened()
        self._graph_shown()
        if self.session.report is not None:
            self._report_arrived(self.session.report)

    def _project_opened(self) -> None:
        self.canvas.set_report(None)
        self.code.show_code("", "", {})
        self._show_problems(None)
        self._first_look.forget()
        self._data.opened()
        self.use.forget()
        self.training.show_run(self.session.run)
        self.training.set_ready(self.session.obstacle())

    def _graph_shown(self) -> None:
        session = self.session
        self.canvas.set_graph(session.document, session.history, session.graph)
        QTimer.singleShot(0, self, self._look)
        self.inspector.show_graph(session.history, session.graph)
        self.palette_panel.refresh()
        self.tabs.show_graphs(session.history, session.graph.id)
        self._trail_moved()
        if self._instruments is not None:
            self._instruments.apply()

    def _trail_moved(self) -> None:
        """Shapes and code are those of the use of a block that one came through."""
        session = self.session
        self.crumbs.show_place(session.document, session.graph, session.trail)
        report = session.report_here()
        if report is not self.canvas.canvas.report:
            self.canvas.set_report(report)
            self.inspector.show_report(report or Report())
        self._show_code()

    def _look(self) -> None:
        self._first_look.take(self.session.graph)

    def _history_moved(self) -> None:
        session = self.session
        self.crumbs.show_place(session.document, session.graph, session.trail)
        self.inspector.refresh()
        self.tabs.show_graphs(self.session.history, self.session.graph.id)
        self._data.edited()

    def _report_arrived(self, report: Report) -> None:
        here = self.session.report_here() or report
        self.canvas.set_report(here)
        self.inspector.show_report(here)
        self._show_problems(report.problems)
        self._show_code()
        self.training.set_ready(self.session.obstacle())
        self.problems_changed.emit()

    def _show_problems(self, problems: Sequence[Problem] | None) -> None:
        """On their page and its tab; None while nobody has looked at the project."""
        self.problems.show_problems(problems, self.session.document)
        self.panels.setTabText(0, f"Problems  {len(problems)}" if problems else "Problems")
        self.panels.fit()

    def _show_code(self) -> None:
        session = self.session
        if session.report is not None and not session.report.source:
            self.code.await_code(session.graph.name)
            return
        found = session.graph_report()
        self.code.show_code(session.graph.name, found.code, found.lines)

    # -- what the panels ask for -----------------------------------------------------------

    def _selected(self, ids: list[str]) -> None:
        self.inspector.show_selection(ids)
        self.code.mark_nodes(ids)
        self.selection_changed.emit()

    def _open_node(self, node: str) -> None:
        """A double click: into the block or network that a node stands for, else its name."""
        if not self.open_inside(node):
            self.canvas.rename()

    def open_inside(self, node: str) -> bool:
        """Show the block or network that a node stands for; False if it stands for none."""
        if self.session.enter(node):
            return True
        params = self.session.graph.nodes[node].params
        network = self.session.document.network(str(params.get("network", "")))
        if network is not None:
            self.session.show(network.id)
        return network is not None

    def leave(self, levels: int = 1) -> None:
        """Out of the shown block, to the node that stands for it."""
        node = self.session.leave(levels)
        if node:
            self.canvas.select([node])
            self.canvas.show_selected()

    def go_to(self, graph: str, node: str = "") -> None:
        """Show a graph and a node in it."""
        if graph != self.session.graph.id:
            self.session.show(graph)
        shown = self.session.graph
        if node in shown.nodes or node in shown.frames:
            # Where it looks is decided: no first look afterwards.
            self._first_look.decided(shown)
            self.canvas.select([node])
            self.canvas.center_on(node)

    def _fix(self, fix: Fix) -> None:
        if fix.operation == TRUST:
            self.trust_wanted.emit()
        else:
            self.session.apply_fix(fix)

    def _go_to_problem(self, problem: Problem) -> None:
        if problem.path:
            self.session.show_use(problem.path)
        if problem.graph:
            self.go_to(problem.graph, problem.node)
        elif problem.code.startswith("data"):
            self.canvas.select([])

    def _layer_help(self, layer: str) -> None:
        def done(answer: dict[str, object] | NetbuilderError) -> None:
            told = str(answer) if isinstance(answer, NetbuilderError) else LayerHelp.of(answer)
            self.inspector.show_help(layer, told)

        self.session.layer_help(layer, done)

    def _resume(self) -> None:
        run = self.session.run
        if run is None or run.active:
            self.session.resume()
        else:
            self.resume_wanted.emit(run.path)

    def use_run(self, run: Path) -> None:
        """Ask the networks of this run."""
        self.use.show_run(self.session, run)
        self.show_panel("use")

    def show_panel(self, name: str) -> None:
        """Bring one of the panels below to the front."""
        self.docks["panels"].show()
        self.panels.setCurrentWidget(getattr(self, name))

    def export_folder(self) -> Path:
        """Where an export goes unless the person says otherwise."""
        path = self.session.path
        return path.parent if path is not None else Path.home()
