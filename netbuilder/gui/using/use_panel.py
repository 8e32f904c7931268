"""A trained network in use: draw, write or open something and read its answer; turn a generator."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QSpinBox, QStackedLayout, QVBoxLayout, QWidget

from netbuilder.errors import NetbuilderError
from netbuilder.gui.look.flow import Flow
from netbuilder.gui.look.widgets import (
    Choice,
    EmptyState,
    button,
    clear,
    column,
    holder,
    label,
    row,
    scroller,
    selectable,
)
from netbuilder.gui.samples import ImageGrid, image_of
from netbuilder.gui.training.preview_views import CertaintyBars, Guess, TextList
from netbuilder.gui.training.previews import PreviewGrid
from netbuilder.gui.using.use_fields import MOST, RowFields, UseField, field_for
from netbuilder.gui.using.use_knobs import Knobs

Done = Callable[[Any], None]
PAUSE_MS = 150
"""So long after the last change it is asked."""
PICTURE = 112


class Uses(Protocol):
    """What the panel needs of `app.session.Session`."""

    def describe_use(self, run: Path, on_done: Done) -> None: ...
    def use(self, run: Path, wish: Mapping[str, Any], on_done: Done) -> None: ...
    def generate(self, run: Path, wish: Mapping[str, Any], on_done: Done) -> None: ...


class UsePanel(QWidget):
    """Uses one run at a time: the one that was trained last, or one that was chosen."""

    wanted = Signal()
    """It is looked at and knows of no run."""

    def __init__(self) -> None:
        super().__init__()
        self._session: Uses | None = None
        self._run: Path | None = None
        self._about: Mapping[str, Any] = {}
        self._fields: dict[str, UseField] = {}
        self._row: RowFields | None = None
        self._asked = 0
        self._waiting = self._again = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._ask)
        self.empty = EmptyState(
            "Nothing trained yet",
            "Train the project, or choose a run in Runs: here you draw, write or open something "
            "and read what the network says.",
        )
        self.title = label("", "muted")
        self.what = Choice()
        self.what.setAccessibleName("What to use")
        self.what.setMinimumContentsLength(10)
        self.what.currentIndexChanged.connect(lambda: self._show_form())
        self.sample = QSpinBox()
        self.sample.setRange(0, MOST)
        self.sample.setAccessibleName("Number of a sample")
        self.sample.valueChanged.connect(lambda: self._ask_sample())
        self.look = button("Look at sample", self._ask_sample)
        self.verdict = label("", "error", wrap=True)
        self.verdict.hide()
        self.answer = QVBoxLayout()
        self._form = QVBoxLayout()
        self._knobs: Knobs | None = None
        self._grid: PreviewGrid | None = None
        self.setAcceptDrops(True)
        self._build()

    def _build(self) -> None:
        flow = Flow()
        flow.addWidget(self.look)
        flow.addWidget(self.sample)
        self._samples = holder(flow)
        form = QWidget()
        form.setLayout(column(margins=(12, 8, 12, 8)))
        layout = form.layout()
        assert isinstance(layout, QVBoxLayout)
        # In a narrow window the run's name is under what is chosen.
        which = Flow()
        which.addWidget(holder(row(label("Use"), self.what)))
        which.addWidget(self.title)
        layout.addWidget(holder(which))
        layout.addLayout(self._form)
        layout.addWidget(self._samples)
        layout.addStretch(1)
        told = QWidget()
        inner = QVBoxLayout(told)
        inner.setContentsMargins(12, 8, 12, 8)
        inner.addWidget(self.verdict)
        inner.addLayout(self.answer)
        inner.addStretch(1)
        both = QHBoxLayout()
        both.setContentsMargins(0, 0, 0, 0)
        both.addWidget(scroller(form), 1)
        both.addWidget(scroller(told), 1)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(holder(both))

    # -- which run ------------------------------------------------------------------------

    def show_run(self, session: Uses, run: Path | None) -> None:
        """Use this run from now on; None for no run."""
        self._session, self._run, self._about = session, run, {}
        self._asked += 1
        self._waiting = self._again = False
        if run is None:
            self._stack.setCurrentIndex(0)
            return
        if self.isVisible():
            self._describe()

    def forget(self) -> None:
        """There may be a newer run: look when somebody does."""
        self._run, self._about = None, {}
        self._asked += 1
        self._stack.setCurrentIndex(0)
        if self.isVisible():
            self.wanted.emit()

    def showEvent(self, event: object) -> None:
        if self._run is None:
            self.wanted.emit()
        elif not self._about:
            self._describe()

    def _describe(self) -> None:
        assert self._session is not None
        assert self._run is not None
        number = self._asked

        def told(about: Any) -> None:
            if number == self._asked:
                self._described(about)

        self._session.describe_use(self._run, told)

    def _described(self, about: Any) -> None:
        assert self._run is not None
        if isinstance(about, NetbuilderError) or not isinstance(about, Mapping):
            self.empty.text.setText(_words(about))
            self._stack.setCurrentIndex(0)
            return
        self._about = about
        self.title.setText(self._run.name)
        self.what.blockSignals(True)
        self.what.clear()
        # What a generator makes is what it is for; asking it for numbers comes after that.
        for each in about.get("generators", ()):
            self.what.addItem(f"Make {each['preview'].replace('_', ' ')}", ("make", each))
        for each in about.get("networks", ()):
            self.what.addItem(f"Ask {each['name']}", ("ask", each))
        self.what.blockSignals(False)
        self._stack.setCurrentIndex(1 if self.what.count() else 0)
        self._show_form()

    # -- files that are dropped on it ---------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if self._taker(event) is not None:
            event.acceptProposedAction()
        else:
            super().dragEnterEvent(event)  # the window may have a use for it

    def dropEvent(self, event: QDropEvent) -> None:
        taker = self._taker(event)
        if taker is not None:
            event.acceptProposedAction()
            taker.show_file(event.mimeData().urls()[0].toLocalFile())

    def _taker(self, event: QDropEvent) -> UseField | None:
        """The field that takes what is dragged here, if it is one file of its kind."""
        urls = event.mimeData().urls()
        if len(urls) != 1 or not urls[0].isLocalFile():
            return None
        name = urls[0].toLocalFile().lower()
        fields = self._fields.values()
        return next((field for field in fields if name.endswith(field.suffixes)), None)

    # -- the form -------------------------------------------------------------------------

    def _chosen(self) -> tuple[str, Mapping[str, Any]]:
        chosen = self.what.currentData()
        return chosen if isinstance(chosen, tuple) else ("", {})

    def _show_form(self) -> None:
        clear(self._form)
        clear(self.answer)
        self._say("")
        self._fields, self._row, self._knobs, self._grid = {}, None, None, None
        self._asked += 1
        self._waiting = self._again = False
        kind, about = self._chosen()
        self._samples.setVisible(kind == "ask" and bool(about.get("sample")))
        if kind == "make":
            self._knobs = Knobs(about)
            self._knobs.changed.connect(self._later)
            self._form.addWidget(self._knobs)
            self._later()
        elif kind == "ask":
            self._show_inputs(about)

    def _show_inputs(self, about: Mapping[str, Any]) -> None:
        inputs = about.get("inputs", ())
        columns = self._about.get("columns") or ()
        if columns and all(each.get("kind") == "row" for each in inputs):
            self._row = RowFields(columns)
            self._row.changed.connect(self._later)
            self._form.addWidget(self._row)
            return
        for each in inputs:
            field = self._fields[each["name"]] = field_for(each)
            field.changed.connect(self._later)
            self._form.addWidget(label(each["name"], "group"))
            self._form.addWidget(field)
        if any(each.get("kind") == "noise" for each in inputs):
            self._later()

    # -- asking ---------------------------------------------------------------------------

    def _later(self) -> None:
        self._timer.start()

    def _ask(self) -> None:
        kind, about = self._chosen()
        if kind == "make" and self._knobs is not None:
            self._send({"step": about["step"], "preview": about["preview"], **self._knobs.wish()})
        elif self._row is not None:
            self._send({"network": about["name"], "row": self._row.value()})
        elif kind == "ask":
            values = {name: field.value() for name, field in self._fields.items()}
            if all(value is not None for value in values.values()):
                self._send({"network": about["name"], "inputs": values})

    def _ask_sample(self) -> None:
        kind, about = self._chosen()
        if kind == "ask":
            self._send({"network": about["name"], "sample": self.sample.value()})

    def _send(self, wish: Mapping[str, Any]) -> None:
        """One question at a time; of what changes meanwhile, the last is asked afterwards."""
        if self._session is None or self._run is None:
            return
        if self._waiting:
            self._again = True
            return
        self._waiting = True
        number = self._asked

        def told(answer: Any) -> None:
            if number != self._asked:
                return
            self._waiting = False
            self._told(answer)
            if self._again:
                self._again = False
                self._ask()

        ask = self._session.generate if self._knobs is not None else self._session.use
        ask(self._run, wish, told)

    # -- the answer -----------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self.verdict.setText(text)
        self.verdict.setVisible(bool(text))

    def _told(self, answer: Any) -> None:
        if isinstance(answer, NetbuilderError) or not isinstance(answer, Mapping):
            self._say(_words(answer))
            return
        self._say("")
        if self._knobs is not None:
            if self._grid is None:
                self._grid = PreviewGrid()
                self.answer.addWidget(self._grid)
            self._grid.show_previews({self._chosen()[1]["preview"]: answer})
            return
        clear(self.answer)
        expected = answer.get("expected") or {}
        for each in answer.get("answers", ()):
            self._add(each, expected.get(each.get("output")))
        for name, heard in (answer.get("heard") or {}).items():
            if name in self._fields:
                self._fields[name].show_heard(heard)
        for name, values in (answer.get("seen") or {}).items():
            title = f"{name}, as the network saw it"
            self._add({"output": title, "kind": "image", "image": values}, None)

    def _add(self, told: Mapping[str, Any], expected: Any) -> None:
        self.answer.addWidget(label(str(told.get("output", "")).replace("_", " "), "group"))
        match told:
            case {"kind": "classes", "guesses": list(guesses)}:
                bars = CertaintyBars()
                right = None if expected is None else str(expected)
                bars.show_guesses(
                    [
                        Guess(
                            str(guess["name"]),
                            float(guess["probability"]),
                            None if right is None else str(guess["name"]) == right,
                        )
                        for guess in guesses
                    ]
                )
                self.answer.addWidget(bars)
                if not guesses:
                    self._say("Its answer is not finite: the training went wrong.")
            case {"kind": "image", "image": values}:
                image, grid = image_of(values), ImageGrid(PICTURE)
                grid.show_images([] if image is None else [(image, "", "")])
                self.answer.addWidget(grid)
            case {"kind": "text", "text": str(text)}:
                texts = TextList()
                texts.show_texts([(text, "")])
                self.answer.addWidget(texts)
            case {"values": list(values)}:
                shown = ", ".join(f"{value:.4g}" for value in values)
                more = ", …" if told.get("count", 0) > len(values) else ""
                self.answer.addWidget(selectable(shown + more, "mono"))
        if expected is not None and told.get("kind") != "image":
            self.answer.addWidget(label(f"In the data: {_short(expected)}", "muted", wrap=True))


def _words(error: Any) -> str:
    if isinstance(error, NetbuilderError):
        return f"{error} {error.hint}".strip()
    return "There is no answer."


def _short(value: Any) -> str:
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 200 else f"{text[:197]}…"
