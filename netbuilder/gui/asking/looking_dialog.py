"""Measurements before a training: the rate, the batch, ways to compute, weights of classes.

Each asks the worker, shows what it found, and writes it into the project if that is wanted: one
step that can be undone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QLineEdit, QProgressBar, QWidget

from netbuilder.errors import NetbuilderError
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.graph.model import Json, freeze
from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import (
    Choice,
    button,
    column,
    holder,
    label,
    row,
    scroller,
    set_role,
)
from netbuilder.gui.plotting.rate_curve import RateCurve

Answer = dict[str, Any] | NetbuilderError


class Looks(Protocol):
    """What the dialogs need of `app.session.Session`."""

    @property
    def document(self) -> Document: ...
    @property
    def history(self) -> History: ...
    def look(
        self, what: str, params: Mapping[str, Any], on_done: Callable[[Answer], None]
    ) -> None: ...
    def stop_looking(self) -> None: ...


class LookingDialog(QDialog):
    """What all of them have: a title, a way to begin and to stop, and a way to take the result."""

    method = ""
    title = ""
    about = ""

    def __init__(self, session: Looks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.title)
        self.setObjectName(f"look.{self.method}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self.setMinimumWidth(560)
        self.session = session
        self._asked = 0
        self._waiting = False
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.verdict = label("", wrap=True)
        self.verdict.setObjectName("look.verdict")
        self.again = button("Measure", self.begin)
        self.again.setObjectName("look.again")
        self.close_button = button("Close", self._leave)
        self.close_button.setObjectName("look.close")
        self.apply = button("Apply", self._take, "primary")
        self.apply.setObjectName("look.apply")
        self.apply.setEnabled(False)
        layout = column(label(self.title, "title"), gap=8, margins=(24, 24, 24, 16))
        layout.addWidget(label(self.about, "muted", wrap=True))
        layout.addSpacing(4)
        layout.addLayout(self.content())
        layout.addWidget(self.progress)
        layout.addWidget(self.verdict)
        layout.addSpacing(8)
        layout.addLayout(row(self.again, None, self.close_button, self.apply))
        self.setLayout(layout)
        self._rest()

    def open_and_begin(self) -> None:
        """Show it, and measure at once."""
        self.open()
        self.begin()

    # -- what each is about ----------------------------------------------------------------

    def content(self) -> Any:
        """The layout in the middle."""
        raise NotImplementedError

    def params(self) -> dict[str, Any]:
        """What goes along with the request."""
        return {}

    def show_answer(self, answer: Mapping[str, Any]) -> str:
        """Show what was found; the verdict in a sentence, empty if there is nothing to apply."""
        raise NotImplementedError

    def write(self) -> None:
        """Write the result into the project."""
        raise NotImplementedError

    # -- asking ------------------------------------------------------------------------------

    def begin(self) -> None:
        """Ask the worker."""
        self._asked += 1
        number = self._asked
        self._waiting = True
        self.apply.setEnabled(False)
        self._say("", "")
        self.progress.show()
        self.again.setEnabled(False)
        self.close_button.setText("Stop")
        self.session.look(self.method, self.params(), lambda answer: self._done(number, answer))

    def _rest(self) -> None:
        self._waiting = False
        self.progress.hide()
        self.again.setEnabled(True)
        self.close_button.setEnabled(True)
        self.close_button.setText("Close")

    def _done(self, number: int, answer: Answer) -> None:
        if number != self._asked:
            return
        self._rest()
        self.again.setText("Measure again")
        if isinstance(answer, NetbuilderError):
            self._say("error", f"{answer} {answer.hint}".strip())
            return
        verdict = self.show_answer(answer)
        self.apply.setEnabled(bool(verdict))
        self._say("", verdict or "There is nothing to apply.")

    def _say(self, role: str, text: str) -> None:
        set_role(self.verdict, role)
        self.verdict.setText(text)
        self.verdict.setVisible(bool(text))

    def _take(self) -> None:
        self.write()
        self.close()

    def _leave(self) -> None:
        """Stop what is under way, and show what it has found; else close."""
        if self._waiting:
            self.close_button.setEnabled(False)
            self.session.stop_looking()
        else:
            self.close()

    def done(self, result: int) -> None:
        self._gone()
        super().done(result)

    def closeEvent(self, event: Any) -> None:
        self._gone()
        super().closeEvent(event)

    def _gone(self) -> None:
        if self._waiting:
            self._waiting = False
            self.session.stop_looking()
        # Whatever is answered now finds nobody.
        self._asked += 1

    def set_training(self, words: str, **values: Json) -> None:
        """Set training settings as one step to undo."""
        history = self.session.history
        training = {**self.session.document.project.training, **values}
        with history.step(words):
            edits.set_project(history, words, training=training)
        history.seal()


class RateDialog(LookingDialog):
    """The learning-rate finder."""

    method = "find_lr"
    title = "Find a learning rate"
    about = (
        "Trains a copy with a rate that grows from batch to batch. Where the loss falls most "
        "steeply is a good rate to start with; click on the curve to take another."
    )

    def content(self) -> Any:
        self.step = Choice()
        self.step.setAccessibleName("Training step")
        for graph in self.session.document.of_kind("step"):
            self.step.addItem(graph.name, graph.id)
        self.curve = RateCurve()
        self.curve.chosen.connect(self._choose)
        self.rate = QLineEdit()
        self.rate.setObjectName("look.rate")
        self.rate.setAccessibleName("Learning rate to take")
        self.rate.setFixedWidth(120)
        self.rate.textEdited.connect(lambda text: self._typed())
        layout = column(gap=8)
        if self.step.count() > 1:
            layout.addLayout(row(label("Training step", "field"), self.step, None))
        layout.addWidget(self.curve)
        layout.addLayout(row(label("Learning rate to take", "field"), self.rate, None))
        return layout

    def params(self) -> dict[str, Any]:
        return {"step": self.step.currentText() or None}

    def show_answer(self, answer: Mapping[str, Any]) -> str:
        self.curve.show_sweep(answer["rates"], answer["losses"], answer["smoothed"])
        found = answer["suggestion"]
        self._choose(found)
        if found is None:
            return ""
        graph = self.session.document.graphs.get(self.step.currentData())
        known = graph.info.settings.get("optimizer", {}) if graph is not None else {}
        now = known.get("lr") if isinstance(known, Mapping) else None
        before = f"; it is {now:g} now" if isinstance(now, int | float) else ""
        return f"Suggested: {found:g}{before}."

    def _choose(self, rate: float | None) -> None:
        self.rate.setText("" if rate is None else f"{rate:g}")
        self._typed()

    def _typed(self) -> None:
        rate = self._rate()
        self.curve.mark(rate)
        self.apply.setEnabled(rate is not None and not self._waiting)

    def _rate(self) -> float | None:
        try:
            rate = float(self.rate.text())
        except ValueError:
            return None
        return rate if 0.0 < rate < 1e6 else None

    def write(self) -> None:
        rate = self._rate()
        graph = self.session.document.graphs.get(self.step.currentData())
        if rate is None or graph is None:
            return
        history = self.session.history
        known = graph.info.settings.get("optimizer", {"kind": "AdamW"})
        optimizer = {**(known if isinstance(known, Mapping) else {}), "lr": rate}
        with history.step("Set learning rate"):
            settings = {**graph.info.settings, "optimizer": freeze(optimizer)}
            edits.set_graph(history, graph, settings=settings)
        history.seal()


class TableDialog(LookingDialog):
    """One whose result is a table."""

    heads: tuple[str, ...] = ()

    def content(self) -> Any:
        self.grid = QGridLayout()
        self.grid.setHorizontalSpacing(24)
        self.grid.setVerticalSpacing(4)
        self.grid.setColumnStretch(len(self.heads), 1)
        self.area = scroller(holder(self.grid))
        self.area.setMinimumHeight(200)
        layout = column(gap=8)
        layout.addWidget(self.area)
        return layout

    def show_table(self, rows: Sequence[Sequence[str]], marked: int | None = None) -> None:
        """Show these texts under the heads; the marked line stands out."""
        while self.grid.count():
            item = self.grid.takeAt(0)
            widget = item.widget() if item is not None else None
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        for place, head in enumerate(self.heads):
            self.grid.addWidget(label(head, "small"), 0, place)
        for at, texts in enumerate(rows, 1):
            for place, text in enumerate(texts):
                cell = label(text, "heading" if at - 1 == marked else "")
                if text[:1].isdigit() or text == "–":
                    cell.setAlignment(Qt.AlignmentFlag.AlignRight)
                self.grid.addWidget(cell, at, place)
        self.grid.setRowStretch(len(rows) + 1, 1)


def _megabytes(value: int | None) -> str:
    return "–" if value is None else f"{value / 2**20:,.1f}"


def _whole(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}"


class BatchDialog(TableDialog):
    """The batch-size finder."""

    method = "find_batch"
    title = "Find a batch size"
    about = (
        "Trains a copy with batches of twice the size each time, until memory or data end. "
        "The forecast of memory stands beside what was measured."
    )
    heads = ("Batch", "Forecast MB", "Measured MB", "Samples/s", "")

    def show_answer(self, answer: Mapping[str, Any]) -> str:
        table = answer["table"]
        rows = [
            (
                str(line["batch_size"]),
                _megabytes(line["forecast"]),
                _megabytes(line["measured"]),
                _whole(line["samples_per_second"]),
                line["failed"],
            )
            for line in table
        ]
        self._size = int(answer["suggestion"])
        sizes = [line["batch_size"] for line in table]
        self.show_table(rows, sizes.index(self._size))
        return f"Up to {answer['largest']:,} samples fit; {self._size:,} are nearly as fast as any."

    def write(self) -> None:
        self.set_training("Set batch size", batch_size=self._size)


class TuneDialog(TableDialog):
    """Threads, layout and compile, measured."""

    method = "tune"
    title = "Measure ways to compute"
    about = (
        "Trains copies for moments with other threads, with images laid out by pixel, and with "
        "torch.compile. The last bits of a training's numbers depend on these."
    )
    heads = ("Threads", "Channels last", "Compile", "Samples/s", "Ratio", "")

    def show_answer(self, answer: Mapping[str, Any]) -> str:
        rows = [
            (
                str(line["threads"]),
                _yes(line["channels_last"]),
                _yes(line["compile"]),
                _whole(line["samples_per_second"]),
                "–" if line["ratio"] is None else f"{line['ratio']:.2f}",
                line["failed"],
            )
            for line in answer["table"]
        ]
        self._best = dict(answer["best"])
        ways = [{name: line[name] for name in self._best} for line in answer["table"]]
        self.show_table(rows, ways.index(self._best) if self._best in ways else None)
        if self._best == dict(answer["before"]):
            return "The present settings are the fastest; Apply keeps them from now on."
        return "The line that stands out is the fastest."

    def write(self) -> None:
        self.set_training("Set ways to compute", **self._best)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


class WeighDialog(TableDialog):
    """Weights of classes by how rare they are."""

    method = "weigh_classes"
    title = "Weigh classes by how rare they are"
    about = (
        "Weights in the loss by which all classes count alike: samples over classes times "
        "samples of the class. To draw them equally often instead, set Balance."
    )
    heads = ("Class", "Samples", "Weight", "")

    def show_answer(self, answer: Mapping[str, Any]) -> str:
        self._answer = answer
        rows = [
            (name, f"{count:,}", f"{weight:.3g}", "")
            for name, count, weight in zip(
                answer["classes"], answer["counts"], answer["weights"], strict=True
            )
        ]
        self.show_table(rows)
        names = ", ".join(entry["name"] for entry in answer["losses"])
        return f"Goes into the weight of {names}."

    def write(self) -> None:
        history, document = self.session.history, self.session.document
        with history.step("Weigh classes"):
            for entry in self._answer["losses"]:
                graph = document.graphs.get(entry["graph"])
                if graph is not None and entry["node"] in graph.nodes:
                    weights = tuple(self._answer["weights"])
                    edits.set_parameters(history, graph, [entry["node"]], {"weight": weights})
        history.seal()


DIALOGS: Mapping[str, type[LookingDialog]] = {
    kind.method: kind for kind in (RateDialog, BatchDialog, TuneDialog, WeighDialog)
}
