"""Training as it happens: start, pause, stop; progress; curves; what the network says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedLayout,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from netbuilder.app.runs import RunView
from netbuilder.errors import Fix
from netbuilder.gui.look.widgets import EmptyState, button, column, label, link, row, set_tip
from netbuilder.gui.runs.curves_page import CurvesPage
from netbuilder.gui.runs.run_facts import Banner, Fact, duration, figure, megabytes, results_of
from netbuilder.gui.runs.run_log import RunLog
from netbuilder.gui.training.class_panel import ClassPanel
from netbuilder.gui.training.previews import PreviewPanel
from netbuilder.training.records.events import Event

if TYPE_CHECKING:
    from netbuilder.gui.plotting.plots import Plots

__all__ = ["TrainingPanel", "duration", "figure"]

INVITATION = (
    "Press Train. Loss and metrics appear here while it learns, for the training and the "
    "validation part, with examples of what the network says."
)
REFRESH_MS = 250
"""How often figures and previews change while a run goes on: reading takes longer, and the
training needs the processor more."""
BESIDE = 700
"""From this width on previews, classes and log stand beside the curves; else all are tabs."""
_STATUS = {
    "starting": "Starting",
    "running": "Training",
    "paused": "Paused",
    "stopping": "Stopping",
    "stopped": "Stopped",
    "finished": "Finished",
    "failed": "Failed",
    "crashed": "Ended unexpectedly",
}


class TrainingPanel(QWidget):
    """Follows one run."""

    train_wanted = Signal()
    pause_wanted = Signal()
    resume_wanted = Signal()
    stop_wanted = Signal()
    export_wanted = Signal()
    place_wanted = Signal(str, str)
    fix_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.run: RunView | None = None
        self._memory: float | None = None
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.setInterval(REFRESH_MS)
        self._due.timeout.connect(self._refresh)
        self._ready = False
        self._obstacle = ""
        self.train = button("Train", self.train_wanted.emit, "big")
        self.train.setObjectName("train")
        self.pause = button("Pause", self._pause)
        self.stop = button("Stop", self.stop_wanted.emit)
        self.status = label("", "heading")
        self.epoch = Fact("epoch")
        self.left = Fact("time left")
        self.speed = Fact("samples/s")
        self.memory = Fact("memory")
        self.rate = Fact("learning rate")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName("Training progress")
        self.banner = Banner()
        self.empty = EmptyState("Not trained yet", INVITATION)
        self.curves = CurvesPage()
        self.previews = PreviewPanel()
        self.classes = ClassPanel()
        self.log = RunLog()
        self._build()
        self._update()

    def _build(self) -> None:
        facts = (self.epoch, self.left, self.speed, self.memory, self.rate)
        self._head: QHBoxLayout = row(
            self.train, self.pause, self.stop, self.status, *facts, None, gap=16
        )
        self._head.setContentsMargins(12, 6, 12, 5)
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.setChildrenCollapsible(False)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.setAccessibleName("Views of the training")
        self.tabs.tabBar().setAccessibleName("Views of the training")
        for page, title in (
            (self.previews, "Previews"),
            (self.classes, "Classes"),
            (self.log, "Log"),
        ):
            self.tabs.addTab(page, title)
        self._split.addWidget(self.curves)
        self._split.addWidget(self.tabs)
        self._split.setStretchFactor(0, 2)
        self._split.setStretchFactor(1, 1)
        body = QWidget()
        self._stack = QStackedLayout(body)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._split)
        self._below = QVBoxLayout()
        self._below.setContentsMargins(12, 0, 12, 6)
        layout = column(gap=0)
        layout.addLayout(self._head)
        layout.addLayout(self._below)
        layout.addWidget(self.bar)
        layout.addWidget(body, 1)
        self.setLayout(layout)
        self._head.addWidget(self.banner, 100)

    def minimumSizeHint(self) -> QSize:
        """Small: in a narrow window `_fit` leaves out what matters least."""
        return QSize(360, 120)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show as much as there is room for, side by side or in tabs."""
        width, run = self.width(), self.run
        ended = run is not None and not run.active
        # Once it is over, how it ended is told in place of the figures.
        told = ended and (width >= 900 or not self.banner.is_long)
        self.banner.fit(width)
        if run is not None:
            elsewhere = run.active and run.pid is not None and width >= 760
            self.status.setText(_STATUS[run.status] + (" in background" if elsewhere else ""))
        moving = run is not None and not told
        self.epoch.setVisible(moving)
        self.left.setVisible(moving and width >= 540 and not ended)
        self.speed.setVisible(moving and width >= 700)
        self.memory.setVisible(moving and width >= 800 and self._memory is not None)
        self.rate.setVisible(moving and width >= 940)
        holder: QHBoxLayout | QVBoxLayout = self._head if told else self._below
        if holder.indexOf(self.banner) < 0:
            for layout in (self._head, self._below):
                layout.removeWidget(self.banner)
            holder.addWidget(self.banner, 100)
        self.status.setVisible(run is not None and not told)
        beside = width >= BESIDE
        if beside != (self._split.indexOf(self.curves) >= 0):
            if beside:
                self._split.insertWidget(0, self.curves)
                self.curves.show()
                self._split.setSizes([66 * width // 100, 34 * width // 100])
            else:
                self.tabs.insertTab(0, self.curves, "Curves")
                self.tabs.setCurrentIndex(0)

    def showEvent(self, event: QShowEvent) -> None:
        """Get ready to draw before the training needs the processor."""
        super().showEvent(event)
        self.curves.ready()

    @property
    def plots(self) -> Plots | None:
        """The plots, once there are any."""
        return self.curves.plots

    # -- showing -----------------------------------------------------------------------

    def set_ready(self, obstacle: str) -> None:
        """What has to be done before a training can start; empty if it can."""
        self._ready = not obstacle
        set_tip(self.train, obstacle)
        self._obstacle = obstacle
        self._invite()
        self._update()

    def _invite(self) -> None:
        run = self.run
        if run is None:
            self.empty.say("Not trained yet", self._obstacle or INVITATION)
        elif run.active:
            self.empty.say("Getting ready", "Curves appear with the first step.")
        else:
            self.empty.say("Nothing to show", "The run ended before its first step.")

    def show_run(self, run: RunView | None) -> None:
        """The run has another status, or is another run."""
        if run is None or self.run is None or run.path != self.run.path:
            self._reset()
        self.run = run
        if run is not None:
            self.log.show_folder(run.path)
        if run is not None and not run.active:
            self._show_end(run)
        else:
            self.banner.hide()
        self._invite()
        self._refresh()

    def add_event(self, run: RunView, event: Event) -> None:
        """Something happened in the run."""
        if self.run is None or run.path != self.run.path:
            self._reset()
        self.run = run
        if event.event in ("started", "metrics", "epoch"):
            self._stack.setCurrentIndex(1)
        self.curves.take(event)
        self.log.add(event)
        if event.event == "started":
            self.log.show_folder(run.path)
        elif event.event == "preview":
            previews = event.values.get("previews")
            self.previews.take(event.epoch, event.step, previews)
            self.classes.take_previews(previews)
        elif event.event == "epoch":
            self.classes.take(event.values.get("tables"))
        memory = event.values.get("memory_mb")
        if isinstance(memory, int | float):
            self._memory = float(memory)
        if not self._due.isActive():
            self._due.start()

    def _refresh(self) -> None:
        """Show the latest of all that came."""
        self._due.stop()
        self.previews.refresh()
        self.classes.refresh()
        self._update()

    def _reset(self) -> None:
        for part in (self.curves, self.previews, self.classes, self.log):
            part.clear()
        self._memory = None
        self.banner.hide()
        self._stack.setCurrentIndex(0)

    def _update(self) -> None:
        run = self.run
        active = run is not None and run.active
        elsewhere = run is not None and run.active and run.pid is not None
        self.train.setEnabled(self._ready and (elsewhere or not active))
        self.train.setText("Train again" if run is not None and not active else "Train")
        self.pause.setVisible(active)
        self.stop.setVisible(active)
        self._fit()
        if run is None:
            self.status.setText("")
            self.bar.setValue(0)
            return
        self.pause.setText("Resume" if run.status == "paused" else "Pause")
        self.pause.setEnabled(run.status in ("running", "paused"))
        self.stop.setEnabled(elsewhere or run.status in ("starting", "running", "paused"))
        self.stop.setText("Force stop" if elsewhere and run.status == "stopping" else "Stop")
        tip = f"Started elsewhere (pid {run.pid}): it goes on without this window"
        set_tip(self.status, tip if elsewhere else "")
        self.epoch.say(f"{run.epoch} / {run.epochs}" if run.epochs else str(run.epoch))
        if run.active:
            self.left.say("–" if run.seconds_left is None else duration(run.seconds_left))
        else:
            self.left.say("0 s" if run.status == "finished" else "–")
        speed = run.samples_per_second
        self.speed.say("–" if speed is None else f"{speed:,.0f}")
        self.rate.say(figure(run.metrics["lr"]) if "lr" in run.metrics else "–")
        if self._memory is not None:
            self.memory.say(megabytes(self._memory))
            cuda = run.device.startswith("cuda")
            words = "The most that was allocated on the device" if cuda else "Of the process"
            set_tip(self.memory, words)
        done = run.step / run.steps if run.steps else 0.0
        self.bar.setValue(round(1000 * min(1.0, done if run.active else float(bool(run.step)))))

    def _show_end(self, run: RunView) -> None:
        fault = run.fault
        time = f"{run.seconds:.1f} s" if run.seconds < 9.95 else duration(run.seconds)
        took = f"{run.epoch} epochs in {time}"
        if run.samples_per_second:
            took += f", {run.samples_per_second:,.0f} samples/s"
        results = results_of(run)
        if run.status in ("finished", "stopped"):
            export = button("Export…", self.export_wanted.emit, "primary")
            resume = [button("Resume", self.resume_wanted.emit)] if run.resumable else []
            parts = [_STATUS[run.status], *results]
            self.banner.say("okbox", parts, took, *resume, export)
            set_tip(self.banner, "\n".join([*parts, took, f"Kept in {run.path}"]))
        else:
            places: list[QWidget] = []
            if fault is not None and fault.node:
                graph, node = fault.graph, fault.node
                places = [link("Show the node", lambda: self.place_wanted.emit(graph, node))]
            again = [button("Resume", self.resume_wanted.emit)] if run.resumable else []
            mend = [self._fix_button(fix) for fix in (fault.fixes if fault is not None else ())]
            text = fault.message if fault is not None else "The training ended unexpectedly."
            hint = fault.hint if fault is not None else ""
            # A button says it already, and both do not fit into a narrow window.
            self.banner.say("errorbox", [text], "" if mend else hint, *places, *again, *mend)
            set_tip(self.banner, hint)

    def _fix_button(self, fix: Fix) -> QPushButton:
        """Changes the project by one click; what was done can be undone, not done twice."""

        def press() -> None:
            made.setEnabled(False)
            self.fix_wanted.emit(fix)

        made = button(fix.title, press, "primary")
        return made

    def _pause(self) -> None:
        if self.run is not None and self.run.status == "paused":
            self.resume_wanted.emit()
        else:
            self.pause_wanted.emit()
