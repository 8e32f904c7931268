"""Training as it happens: start, pause, stop; progress; curves; what the network says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QProgressBar,
    QSlider,
    QSplitter,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from netbuilder.app.runs import RunView
from netbuilder.gui.previews import PreviewGrid
from netbuilder.gui.widgets import (
    EmptyState,
    Switch,
    button,
    column,
    holder,
    label,
    link,
    row,
    scroller,
    set_role,
    set_tip,
)
from netbuilder.training.events import Event

if TYPE_CHECKING:
    from netbuilder.gui.plots import Plots

INVITATION = (
    "Press Train. Loss and metrics appear here while it learns, for the training and the "
    "validation part, with examples of what the network says."
)
REFRESH_MS = 250
"""How often figures and previews change while a run goes on: reading takes longer, and the
training needs the processor more."""
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


def duration(seconds: float) -> str:
    """A time as people say it: `42 s`, `3 min 5 s`, `2 h 10 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def figure(value: float | None) -> str:
    """A metric's value: four digits that matter."""
    if value is None:
        return "not a number"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.4g}"
    return f"{value:.2e}"


class Fact(QWidget):
    """A figure with its name above."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.value = label("–", "figure")
        self.setLayout(column(label(name, "small"), self.value, gap=0))

    def say(self, text: str) -> None:
        """Show another value."""
        if text != self.value.text():
            self.value.setText(text)


class Banner(QFrame):
    """How a run ended: what to do next, or what went wrong and where."""

    def __init__(self) -> None:
        super().__init__()
        self.text = label("", "heading")
        self.hint = label("", "muted", wrap=True)
        self._row = row(self.text, gap=16, margins=(12, 5, 8, 5))
        self._row.addWidget(self.hint, 1)
        self._buttons: list[QWidget] = []
        self.setLayout(self._row)
        self.hide()

    def say(self, role: str, text: str, hint: str, *actions: QWidget) -> None:
        """Show it; `role` is `okbox` or `errorbox`."""
        for old in self._buttons:
            self._row.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._buttons = list(actions)
        for action in actions:
            self._row.addWidget(action, 0, Qt.AlignmentFlag.AlignVCenter)
        set_role(self, role)
        # A short verdict stands beside its hint; a long one takes the line for itself.
        long = len(text) > 60
        self.text.setWordWrap(long)
        self._row.setStretch(0, 2 if long else 0)
        self.text.setText(text)
        self.hint.setText(hint)
        self.show()


class TrainingPanel(QWidget):
    """Follows one run. The plots are made when they are first needed."""

    train_wanted = Signal()
    pause_wanted = Signal()
    resume_wanted = Signal()
    stop_wanted = Signal()
    export_wanted = Signal()
    place_wanted = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        self.run: RunView | None = None
        self._latest: Any = None
        self._due = QTimer(self)
        self._due.setSingleShot(True)
        self._due.setInterval(REFRESH_MS)
        self._due.timeout.connect(self._refresh)
        self.plots: Plots | None = None
        self._ready = False
        self.train = button("Train", self.train_wanted.emit, "big")
        self.train.setObjectName("train")
        self.pause = button("Pause", self._pause)
        self.stop = button("Stop", self.stop_wanted.emit)
        self.status = label("", "heading")
        self.epoch = Fact("epoch")
        self.left = Fact("time left")
        self.speed = Fact("samples/s")
        self.rate = Fact("learning rate")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setAccessibleName("Training progress")
        self.log_scale = Switch("Log scale")
        self.smooth_name = label("Smoothing", "small")
        self.smooth = QSlider(Qt.Orientation.Horizontal)
        self.smooth.setRange(0, 98)
        self.smooth.setFixedWidth(96)
        self.smooth.setAccessibleName("Smoothing of the curves")
        set_tip(self.smooth, "How much the past counts in the curves")
        self.banner = Banner()
        self.empty = EmptyState("Not trained yet", INVITATION)
        self.previews = PreviewGrid()
        self.curves = QVBoxLayout()
        self.curves.setContentsMargins(0, 0, 0, 0)
        self._build()
        self._update()

    def _build(self) -> None:
        head = row(
            self.train,
            self.pause,
            self.stop,
            16,
            self.status,
            16,
            self.epoch,
            16,
            self.left,
            16,
            self.speed,
            16,
            self.rate,
            None,
            self.log_scale,
            8,
            self.smooth_name,
            self.smooth,
            margins=(12, 8, 12, 6),
        )
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.addWidget(holder(self.curves))
        self._split.addWidget(scroller(self.previews))
        self._split.setSizes([640, 320])
        self._split.setStretchFactor(0, 1)
        self._split.setStretchFactor(1, 0)
        self._split.setCollapsible(0, False)
        body = QWidget()
        self._stack = QStackedLayout(body)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self._split)
        banner = holder(column(self.banner, margins=(12, 4, 12, 4)))
        banner.setVisible(False)
        self._banner_holder = banner
        layout = column(gap=0)
        layout.addLayout(head)
        for part in (self.bar, banner):
            layout.addWidget(part)
        layout.addWidget(body, 1)
        self.setLayout(layout)
        self.log_scale.toggled.connect(lambda on: self._plots().set_log(on))
        self.smooth.valueChanged.connect(lambda value: self._plots().set_smoothing(value / 100))

    def minimumSizeHint(self) -> QSize:
        """Small: in a narrow window `_fit` leaves out what matters least."""
        return QSize(360, 120)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """Show as much of the head as there is room for."""
        width, shown = self.width(), self.run is not None
        self.rate.setVisible(shown and width >= 960)
        self.left.setVisible(shown and width >= 560)
        self.speed.setVisible(shown and width >= 640)
        self.log_scale.setVisible(width >= 740)
        for part in (self.smooth_name, self.smooth):
            part.setVisible(width >= 880)

    def showEvent(self, event: QShowEvent) -> None:
        """Get ready to draw before the training needs the processor."""
        super().showEvent(event)
        self._plots()

    def _plots(self) -> Plots:
        if self.plots is None:
            # pyqtgraph takes half a second to import: not before the panel is looked at.
            from netbuilder.gui.plots import Plots

            self.plots = Plots()
            self.curves.addWidget(self.plots)
        return self.plots

    # -- showing -----------------------------------------------------------------------

    def set_ready(self, obstacle: str) -> None:
        """What has to be done before a training can start; empty if it can."""
        self._ready = not obstacle
        set_tip(self.train, obstacle)
        self.empty.say("Not trained yet", obstacle or INVITATION)
        self._update()

    def show_run(self, run: RunView | None) -> None:
        """The run has another status, or is another run."""
        if run is None or self.run is None or run.path != self.run.path:
            self._reset()
        self.run = run
        self._refresh()
        if run is not None and not run.active:
            self._show_end(run)
        else:
            self._banner_holder.hide()

    def add_event(self, run: RunView, event: Event) -> None:
        """Something happened in the run."""
        if self.run is None or run.path != self.run.path:
            self._reset()
        self.run = run
        match event.event:
            case "started":
                self._stack.setCurrentIndex(1)
            case "metrics" | "epoch":
                self._add_points(event)
            case "preview":
                self._latest = event.values.get("previews")
        if not self._due.isActive():
            self._due.start()

    def _refresh(self) -> None:
        """Show the latest of all that came."""
        self._due.stop()
        if self._latest is not None:
            self.previews.show_previews(self._latest)
            self._latest = None
        self._update()

    def _add_points(self, event: Event) -> None:
        self._stack.setCurrentIndex(1)
        plots = self._plots()
        for key, value in event.values.items():
            known = isinstance(value, int | float) and not isinstance(value, bool)
            # Loss comes every few steps; what the epoch event repeats of it is an average.
            doubled = event.event == "metrics" and key != "train/loss"
            doubled |= event.event == "epoch" and key == "train/loss"
            if "/" in key and known and not doubled:
                plots.add(key, event.step, float(value))

    def _reset(self) -> None:
        if self.plots is not None:
            self.plots.clear()
        self.previews.clear()
        self._latest = None
        self._banner_holder.hide()
        self._stack.setCurrentIndex(0)

    def _update(self) -> None:
        run = self.run
        active = run is not None and run.active
        self.train.setEnabled(self._ready and not active)
        self.train.setText("Train again" if run is not None and not active else "Train")
        self.pause.setVisible(active)
        self.stop.setVisible(active)
        self.epoch.setVisible(run is not None)
        self._fit()
        if run is None:
            self.status.setText("")
            self.bar.setValue(0)
            return
        self.pause.setText("Resume" if run.status == "paused" else "Pause")
        self.pause.setEnabled(run.status in ("running", "paused"))
        self.stop.setEnabled(run.status in ("starting", "running", "paused"))
        self.status.setText(_STATUS[run.status])
        self.epoch.say(f"{run.epoch} / {run.epochs}" if run.epochs else str(run.epoch))
        if run.active:
            self.left.say("–" if run.seconds_left is None else duration(run.seconds_left))
        else:
            self.left.say("0 s" if run.status == "finished" else "–")
        speed = run.samples_per_second
        self.speed.say("–" if speed is None else f"{speed:,.0f}")
        self.rate.say(figure(run.metrics["lr"]) if "lr" in run.metrics else "–")
        done = run.step / run.steps if run.steps else 0.0
        self.bar.setValue(round(1000 * min(1.0, done if run.active else float(bool(run.step)))))

    def _show_end(self, run: RunView) -> None:
        fault = run.fault
        time = f"{run.seconds:.1f} s" if run.seconds < 9.95 else duration(run.seconds)
        took = f"{run.epoch} epochs in {time}"
        results = [
            f"{key.removeprefix('val/')} {figure(value)}"
            for key, value in run.metrics.items()
            if key.startswith("val/")
        ]
        if run.status in ("finished", "stopped"):
            export = button("Export…", self.export_wanted.emit, "primary")
            text = "  ·  ".join([_STATUS[run.status], *results])
            resume = [button("Resume", self.resume_wanted.emit)] if run.resumable else []
            self.banner.say("okbox", text, took, *resume, export)
            set_tip(self.banner, f"Kept in {run.path}")
        else:
            places: list[QWidget] = []
            if fault is not None and fault.node:
                graph, node = fault.graph, fault.node
                places = [link("Show the node", lambda: self.place_wanted.emit(graph, node))]
            again = [button("Resume", self.resume_wanted.emit)] if run.resumable else []
            text = fault.message if fault is not None else "The training ended unexpectedly."
            hint = fault.hint if fault is not None else ""
            self.banner.say("errorbox", text, hint, *places, *again)
        self._banner_holder.show()

    def _pause(self) -> None:
        if self.run is not None and self.run.status == "paused":
            self.resume_wanted.emit()
        else:
            self.pause_wanted.emit()
