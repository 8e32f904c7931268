"""What belongs to the project and to its training steps, as forms: data, training, optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from netbuilder.app import series
from netbuilder.data.settings import DataSettings, field_types, read, source_of
from netbuilder.data.sources import class_fields, source_classes
from netbuilder.errors import NetbuilderError
from netbuilder.graph import edits
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Json, freeze
from netbuilder.gui.bringing.augment_form import AugmentForm
from netbuilder.gui.bringing.source_choice import SourceChoice
from netbuilder.gui.inspecting.block_settings import BlockSettings
from netbuilder.gui.inspecting.editors import DocumentUndo
from netbuilder.gui.inspecting.forms import LABEL_WIDTH, UNSET, Form
from netbuilder.gui.look.widgets import Switch, clear, label, row, rule, set_tip
from netbuilder.gui.training.step_settings import StepForm
from netbuilder.training.settings import TrainingSettings


def with_value(values: Mapping[str, Json], name: str, value: Any) -> dict[str, Json]:
    """The settings with one replaced, or left out for `UNSET`."""
    changed = {**values, name: value}
    if value is UNSET:
        del changed[name]
    return changed


def field_names(document: Document, *, floating: bool = False) -> list[str]:
    """The names of the fields of the project's data, or of those that hold numbers with a
    fraction; none if the settings of the data are wrong."""
    try:
        found = field_types(document.project.data)
    except NetbuilderError:
        return []
    return [name for name, tensor in found.items() if tensor.floating or not floating]


def class_names(document: Document) -> list[str]:
    """The names of the fields of the project's data that hold one class a sample."""
    try:
        chosen = read(document.project.data)
        fields = source_of(chosen).fields() if chosen.source else ()
    except NetbuilderError:
        return []
    return [field.name for field in class_fields(fields)]


class SettingsPanel(QWidget):
    """The settings of the project, and of the shown graph if that is a training step or block."""

    refused = Signal(str)
    own_data_wanted = Signal(str)
    """A folder or a file of the person's own is wanted: `source_choice.FOLDER` or `FILE`."""
    use_wanted = Signal(str, str)
    """The graph and node of a use of the shown block."""

    def __init__(self) -> None:
        super().__init__()
        self._document: Document | None = None
        self._history: History | None = None
        self._graph: Graph | None = None
        self._shape: Any = None
        self._forms: dict[str, Form] = {}
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 12, 16, 16)
        self._column.setSpacing(8)

    def show_project(self, history: History, graph: Graph | None) -> None:
        """Show the document's settings; what is there already is updated in place."""
        document = history.document
        self._document, self._history, self._graph = document, history, graph
        step = graph if graph is not None and graph.kind == "step" else None
        block = graph if graph is not None and graph.kind == "block" else None
        networks = tuple(network.name for network in document.of_kind("network"))
        shape = (
            id(history),
            step.id if step else None,
            block.id if block else None,
            document.project.data.get("source"),
            networks if step else None,
            tuple(field_names(document)),
        )
        if shape != self._shape:
            self._shape = shape
            held = self._held()
            self._build(step, block, networks)
            self._hold(held)
        self._fill()

    def _build(self, step: Graph | None, block: Graph | None, networks: tuple[str, ...]) -> None:
        clear(self._column)
        self._forms = {}
        self.augment: AugmentForm | None = None
        self.block: BlockSettings | None = None
        self.step: StepForm | None = None
        if block is not None:
            self.block = BlockSettings()
            self.block.use_wanted.connect(self.use_wanted)
            self._column.addWidget(self.block)
            self._column.addSpacing(8)
            self._column.addWidget(rule())
        if step is not None:
            self._section(f"Training step: {step.name}")
            self.step = StepForm(networks)
            self.step.edited.connect(self._set_step)
            self.step.finished.connect(self._seal)
            self._column.addWidget(self.step)
            self._column.addSpacing(8)
            self._column.addWidget(rule())
        self._section("Project")
        self._add_title()
        self._section("Data")
        self._add_data()
        self._section("Training")
        assert self._document is not None
        classes: list[tuple[Json, str]] = [(None, "as they come")]
        classes += [(name, name) for name in class_names(self._document)]
        form = Form(TrainingSettings, choices={"balance": classes})
        self._add("training", form, self._set_training)
        self._column.addStretch(1)

    def _held(self) -> str:
        """The name of the field that has the keys; empty if none here has."""
        focused = QApplication.focusWidget()
        return focused.objectName() if focused is not None and self.isAncestorOf(focused) else ""

    def _hold(self, name: str) -> None:
        """A choice that brings other fields must not take the keys from who works by them."""
        again = self.findChildren(QWidget, name)[-1:] if name else ()
        for field in again:
            field.setFocus()

    def _section(self, title: str) -> None:
        if self._column.count():
            self._column.addSpacing(8)
        self._column.addWidget(label(title, "heading"))

    def _add(self, name: str, form: Form, edited: Any) -> None:
        self._forms[name] = form
        form.edited.connect(edited)
        form.finished.connect(self._seal)
        self._column.addWidget(form)

    def _add_title(self) -> None:
        self.title = QLineEdit()
        self.title.setObjectName("project.title")
        self.title.setAccessibleName("Project title")
        self.title.setMaxLength(200)
        self.title.installEventFilter(DocumentUndo(self.title))
        self.title.textEdited.connect(lambda text: self._set_project(title=text))
        self.title.editingFinished.connect(self._seal)
        self._line("Title", self.title)
        self.about = QPlainTextEdit()
        self.about.setObjectName("project.description")
        self.about.setAccessibleName("Description")
        self.about.setPlaceholderText("What this project is for")
        self.about.setFixedHeight(76)
        self.about.setTabChangesFocus(True)
        self.about.installEventFilter(DocumentUndo(self.about))
        self.about.textChanged.connect(self._describe)
        self._column.addWidget(self.about)

    def _line(self, title: str, widget: QWidget) -> None:
        name = label(title, "field")
        name.setFixedWidth(LABEL_WIDTH)
        self._column.addLayout(row(name, widget))

    def _add_data(self) -> None:
        assert self._document is not None
        chosen = self._document.project.data.get("source")
        self.source = SourceChoice(chosen)
        self.source.own_wanted.connect(self.own_data_wanted)
        self.source.setObjectName("data.source")
        self.source.setAccessibleName("Data set")
        self.source.activated.connect(self._set_source)
        self._line("Data set", self.source)
        source = source_classes().get(str(chosen))
        if source is not None and source.model_fields:
            self._add("source", Form(source), self._set_source_parameter)
        if chosen is not None:
            fields = [(name, name) for name in field_names(self._document, floating=True)]
            names = field_names(self._document)
            keys: list[tuple[Json, str]] = [("", "none"), *((name, name) for name in names)]
            known = self._document.project.data
            unset = () if series.switched_on(known) else ("windows",)
            skip = ("source", "params", "augment", *unset)
            form = Form(DataSettings, skip=skip, choices={"normalise": fields, "key": keys})
            self._add_windows()
            self._add("data", form, self._set_data)
            self.augment = AugmentForm(field_names(self._document))
            self.augment.edited.connect(partial(self._set_data, "augment"))
            self.augment.finished.connect(self._seal)
            self._column.addWidget(self.augment)

    def _add_windows(self) -> None:
        """Windows have fields of their own once they are switched on."""
        assert self._document is not None
        data = self._document.project.data
        if not series.switched_on(data) and not series.possible(data):
            return
        self.windows = Switch("")
        self.windows.setObjectName("data.windows")
        self.windows.setAccessibleName("Windows of a series")
        set_tip(
            self.windows, "Rows that follow each other become one sample, to forecast what comes"
        )
        self.windows.setChecked(series.switched_on(data))
        self.windows.clicked.connect(self._set_windows)
        self._line("Windows", self.windows)

    # -- showing -----------------------------------------------------------------------

    def _fill(self) -> None:
        assert self._document is not None
        if self.block is not None and self._history is not None and self._graph is not None:
            self.block.show_block(self._history, self._graph)
        project = self._document.project
        if self.title.text() != project.title:
            self.title.setText(project.title)
            if not self.title.hasFocus():
                # A long title is read from its beginning.
                self.title.setCursorPosition(0)
        if self.about.toPlainText() != project.description:
            self.about.setPlainText(project.description)
        self.source.setCurrentIndex(self.source.findData(project.data.get("source")))
        params = project.data.get("params", {})
        values: dict[str, Mapping[str, Json]] = {
            "data": project.data,
            "training": project.training,
            "source": params if isinstance(params, Mapping) else {},
        }
        for name, form in self._forms.items():
            form.set_values(values[name])
        if self.augment is not None:
            entries = project.data.get("augment", ())
            known = entries if isinstance(entries, list | tuple) else ()
            self.augment.set_values([each for each in known if isinstance(each, Mapping)])
        if self.step is not None and self._graph is not None:
            self.step.show_step(self._document, self._graph.info.settings)

    # -- editing -----------------------------------------------------------------------

    def _set_project(self, **fields: Any) -> None:
        if self._history is not None:
            edits.set_project(self._history, "Change settings", **fields)

    def _describe(self) -> None:
        assert self._document is not None
        text = self.about.toPlainText()
        if text != self._document.project.description:
            self._set_project(description=text)

    def _set_source(self) -> None:
        assert self._document is not None
        chosen = self.source.currentData()
        if chosen == self._document.project.data.get("source"):
            return
        kept = {
            name: value
            for name, value in self._document.project.data.items()
            if name not in ("source", "params", "normalise")
        }
        self._set_project(data={**kept, "source": chosen} if chosen else kept)
        self._seal()

    def _set_data(self, name: str, value: Any) -> None:
        assert self._document is not None
        self._set_project(data=with_value(self._document.project.data, name, value))

    def _set_windows(self, on: bool) -> None:
        assert self._document is not None
        self._set_project(data=series.switched(self._document.project.data, on))
        self._seal()

    def _set_source_parameter(self, name: str, value: Any) -> None:
        assert self._document is not None
        data = self._document.project.data
        params = with_value(freeze(data.get("params", {})), name, value)
        self._set_project(data=with_value(data, "params", params if params else UNSET))

    def _set_training(self, name: str, value: Any) -> None:
        assert self._document is not None
        training = with_value(self._document.project.training, name, value)
        self._set_project(training=training)

    def _set_step(self, name: str, value: Any) -> None:
        if self._history is not None and self._graph is not None:
            settings = with_value(self._graph.info.settings, name, value)
            edits.set_graph(self._history, self._graph, settings=settings)

    def _seal(self) -> None:
        if self._history is not None:
            self._history.seal()
