"""What a file or folder of a person may be trained on: what is in it, and which network to use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QDialog, QFrame, QSplitter, QStackedLayout, QVBoxLayout, QWidget

from netbuilder.app import templates
from netbuilder.app.templates import TemplateInfo
from netbuilder.errors import NetbuilderError
from netbuilder.gui.bringing.data_samples import sections
from netbuilder.gui.bringing.data_views import Balance
from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import (
    EmptyState,
    button,
    clear,
    column,
    holder,
    label,
    row,
    scroller,
    set_tip,
)
from netbuilder.gui.starting.template_cards import count
from netbuilder.gui.starting.thumbnails import GraphPicture
from netbuilder.layers.catalogue import layers

Answer = dict[str, Any] | NetbuilderError
TASKS = {
    "classification": "tell the classes",
    "regression": "tell the numbers",
    "reconstruction": "make each sample again from a few numbers",
    "language": "foretell the text",
    "segmentation": "tell the class of each pixel",
    "forecast": "foretell what comes next",
    "node": "tell the classes of nodes",
}
"""What a network would learn, by the task of a proposal."""


class Proposes(Protocol):
    """What the dialog needs of `app.session.Session`."""

    def propose_data(self, path: Path, then: Callable[[Answer], None]) -> None: ...

    def sample_data(
        self, on_done: Callable[[Answer], None], data: Mapping[str, Any] | None = None
    ) -> None: ...


class TemplateRow(QFrame):
    """A template that fits: its graph and its size. `picked(row)`; `stepped(row, by)`;
    `wanted(row)`: twice, it is to be taken at once."""

    picked = Signal(object)
    stepped = Signal(object, int)
    wanted = Signal(object)

    def __init__(self, info: TemplateInfo) -> None:
        super().__init__()
        self.info = info
        self.setObjectName(f"fitting.{info.id}")
        self.setProperty("role", "card")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(info.title)
        self.setAccessibleDescription(info.description)
        set_tip(self, info.description)
        self.picture = GraphPicture(64)
        self.picture.setFixedWidth(152)
        title = label(info.title, "heading")
        family = label(info.family, "small")
        size = label(f"{count(info.parameters)} parameters", "small")
        for text in (title, family, size):
            # A long one is cut before it widens the row.
            text.setMinimumWidth(1)
        texts = column(None, title, family, size, None, gap=1)
        line = row(self.picture, holder(texts), gap=12, margins=(1, 1, 12, 1))
        line.setStretch(1, 1)
        self.setLayout(line)

    def choose(self, chosen: bool) -> None:
        """Whether this is the one to take."""
        self.setProperty("chosen", chosen)
        self.style().unpolish(self)
        self.style().polish(self)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.picked.emit(self)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.wanted.emit(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        if event.key() in steps:
            self.stepped.emit(self, steps[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_Space:
            self.picked.emit(self)
        else:
            super().keyPressEvent(event)


class DataDialog(QDialog):
    """`new_wanted(template, proposal)`: begin a project with this data, from a template or from
    nothing; `use_wanted(proposal)`: take the data into the present project."""

    new_wanted = Signal(str, object)
    use_wanted = Signal(object)

    def __init__(
        self, session: Proposes, path: Path, parent: QWidget | None = None, *, here: bool = False
    ) -> None:
        """`here`: whether there is a project that could take the data."""
        super().__init__(parent)
        self.setWindowTitle(f"Data: {path.name}")
        self.setObjectName("dataDialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self.resize(860, 560)
        self._session, self.path = session, path
        self._closed = False
        self.proposal: dict[str, Any] | None = None
        self.rows: list[TemplateRow] = []
        self.chosen: TemplateRow | None = None
        self._unpainted: list[TemplateRow] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._paint_next)
        self.waiting = EmptyState("Looking at the data…", str(path))
        self._facts, facts = _page()
        self._choices, choices = _page()
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(scroller(facts))
        split.addWidget(scroller(choices))
        split.setSizes([430, 430])
        self._pages = QStackedLayout()
        self._pages.addWidget(self.waiting)
        self._pages.addWidget(split)
        self.cancel = button("Cancel", self.close)
        self.use = button("Use in this project", self._use)
        set_tip(self.use, "The project takes this data; its networks are fitted where they can be")
        self.use.setVisible(here)
        self.new = button("New project", self._new, "primary")
        for each in (self.use, self.new):
            each.setEnabled(False)
        self.new.setDefault(True)
        layout = column(gap=0)
        layout.addLayout(self._pages, 1)
        foot = row(None, self.cancel, self.use, self.new)
        foot.setContentsMargins(16, 8, 16, 16)
        layout.addLayout(foot)
        self.setLayout(layout)
        session.propose_data(path, self._arrived)

    def done(self, result: int) -> None:
        self._closed = True
        self._timer.stop()
        super().done(result)

    # -- the proposal ------------------------------------------------------------------------

    def _arrived(self, answer: Answer) -> None:
        if self._closed:
            return
        if isinstance(answer, NetbuilderError):
            self.waiting.say("This can't be used as data", f"{answer}\n\n{answer.hint}".strip())
            self.cancel.setText("Close")
            return
        self.proposal = answer
        self._show_facts(answer)
        self._show_choices(answer)
        broken = any(p.get("severity") == "error" for p in answer.get("problems", ()))
        self.new.setEnabled(not broken)
        self.use.setEnabled(not broken)
        self._pages.setCurrentIndex(1)
        (self.chosen or self.new).setFocus()
        if not broken:
            data = {"source": answer["source"], "params": answer["params"]}
            self._session.sample_data(self._sampled, data)

    def _show_facts(self, proposal: Mapping[str, Any]) -> None:
        facts = self._facts
        place = label(str(self.path), "small", wrap=True)
        facts.addLayout(column(label(str(proposal["title"]), "title"), place, gap=2))
        fields = [
            f"{field['name']} {'×'.join(map(str, field['shape'])) or field['dtype']}"
            for field in proposal["fields"]
        ]
        classes = [len(field["classes"]) for field in proposal["fields"] if _is_label(field)]
        told = [f"{proposal['count']:,} samples", *(f"{many:,} classes" for many in classes)]
        facts.addWidget(label("  ·  ".join(told), "heading"))
        facts.addWidget(label(", ".join(fields), "mono", wrap=True))
        for problem in proposal.get("problems", ()):
            text = f"{problem['message']} {problem['hint']}".strip()
            facts.addWidget(label(text, str(problem["severity"]), wrap=True))
        for note in proposal.get("notes", ()):
            facts.addWidget(label(str(note), "muted", wrap=True))
        self._samples = QVBoxLayout()
        self._samples.setSpacing(8)
        self._samples.addWidget(label("Reading samples…", "muted"))
        facts.addLayout(self._samples)
        facts.addStretch(1)

    def _sampled(self, answer: Answer) -> None:
        if self._closed:
            return
        clear(self._samples)
        if isinstance(answer, NetbuilderError):
            self._samples.addWidget(label(f"{answer} {answer.hint}".strip(), "warning", wrap=True))
            return
        for title, view in sections(answer):
            self._samples.addWidget(label(title, "group"))
            self._samples.addWidget(view)
        if answer["classes"]:
            balance = Balance()
            balance.show_counts(answer["classes"])
            self._samples.addWidget(label("Samples of each class", "group"))
            self._samples.addWidget(balance)

    def _show_choices(self, proposal: Mapping[str, Any]) -> None:
        known = {info.id: info for info in templates.templates()}
        fitting = [known[id] for id in proposal.get("templates", ()) if id in known]
        task = TASKS.get(str(proposal.get("task")), "")
        choices = self._choices
        if not fitting:
            text = "No template fits this data: a new project begins with the data alone."
            choices.addWidget(label(text, "muted", wrap=True))
        else:
            choices.addWidget(label(f"A network to {task}" if task else "A network", "group"))
        for info in fitting:
            line = TemplateRow(info)
            line.picked.connect(self._pick)
            line.stepped.connect(self._step)
            line.wanted.connect(self._take)
            choices.addWidget(line)
            self.rows.append(line)
        choices.addStretch(1)
        self._unpainted = list(self.rows)
        if self.rows:
            self._pick(self.rows[0])
            self._timer.start(0)

    def _paint_next(self) -> None:
        """One picture at a time, so that the dialog answers meanwhile."""
        if self._unpainted:
            line = self._unpainted.pop(0)
            families = {id: layer.family.value for id, layer in layers().items()}
            # What can't be read has no picture, and says so when it is opened.
            with suppress(NetbuilderError):
                line.picture.show_document(templates.open_template(line.info.id), families)
            self._timer.start(0)

    # -- choosing ------------------------------------------------------------------------------

    def _pick(self, chosen: TemplateRow) -> None:
        self.chosen = chosen
        for each in self.rows:
            each.choose(each is chosen)
        chosen.setFocus()

    def _step(self, line: TemplateRow, by: int) -> None:
        at = self.rows.index(line) + by
        if 0 <= at < len(self.rows):
            self._pick(self.rows[at])

    def _take(self, line: TemplateRow) -> None:
        self._pick(line)
        self._new()

    def _new(self) -> None:
        if self.proposal is not None and self.new.isEnabled():
            template = self.chosen.info.id if self.chosen is not None else ""
            self.new_wanted.emit(template, self.proposal)
            self.close()

    def _use(self) -> None:
        if self.proposal is not None:
            self.use_wanted.emit(self.proposal)
            self.close()


def _is_label(field: Mapping[str, Any]) -> bool:
    return bool(field["classes"]) and not field["shape"]


def _page() -> tuple[QVBoxLayout, QWidget]:
    content = QWidget()
    layout = QVBoxLayout(content)
    layout.setContentsMargins(20, 20, 20, 12)
    layout.setSpacing(8)
    return layout, content
