"""The selected nodes: their parameters as a form, their shapes, and PyTorch's help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtWidgets import (
    QGridLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.errors import ChangeError, Problem
from netbuilder.graph import edits
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Json, Node
from netbuilder.gui import icons, theme
from netbuilder.gui.editors import DocumentUndo
from netbuilder.gui.forms import LABEL_WIDTH, UNSET, Form
from netbuilder.gui.settings_panel import SettingsPanel, field_names
from netbuilder.gui.widgets import clear, column, label, row, rule, scroller, selectable
from netbuilder.layers import catalogue
from netbuilder.layers.base import Layer

_WEIGHTY = frozenset({"linear", "convolution", "normalisation", "recurrent", "attention"})
"""Families whose nodes show their number of parameters even while it is not known."""


def reflowed(text: str) -> str:
    """A docstring for reading: lines of a paragraph joined, marks of code left out."""
    paragraphs = text.replace("`", "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def choices_for(document: Document, layer: type[Layer]) -> dict[str, list[tuple[Json, str]]]:
    """What the project offers for a layer's parameters: its networks, the fields of its data."""
    found: dict[str, list[tuple[Json, str]]] = {}
    if layer.id == "netbuilder.NetworkCall":
        found["network"] = [(graph.name, graph.name) for graph in document.of_kind("network")]
    if layer.id == "netbuilder.DataField":
        found["field"] = [(name, name) for name in field_names(document)]
    return found


class NodePage(QWidget):
    """One node, or several of the same layer. Rebuilt for other nodes, else updated in place."""

    def __init__(self, history: History, graph: Graph, nodes: Sequence[str], kind: type[Layer]):
        super().__init__()
        self.history, self.graph, self.ids, self.kind = history, graph, tuple(nodes), kind
        self.choices = choices_for(history.document, kind)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 16)
        layout.setSpacing(8)
        layout.addLayout(self._head())
        self.name: QLineEdit | None = None
        if len(self.ids) == 1:
            layout.addLayout(self._name_line())
            self.name_error = label("", "error", wrap=True)
            self.name_error.hide()
            layout.addWidget(self.name_error)
        self.form = Form(kind, titles=str, choices=self.choices)
        self.form.edited.connect(self._edited)
        self.form.finished.connect(history.seal)
        layout.addWidget(self.form)
        self.note: QPlainTextEdit | None = None
        if len(self.ids) == 1:
            layout.addLayout(self._note_line())
            layout.addSpacing(4)
            layout.addWidget(rule())
            self.facts = QGridLayout()
            self.facts.setHorizontalSpacing(8)
            self.facts.setVerticalSpacing(4)
            self.facts.setColumnMinimumWidth(0, LABEL_WIDTH)
            self.facts.setColumnStretch(1, 1)
            self._fact_labels: list[tuple[QLabel, QLabel]] = []
            layout.addLayout(self.facts)
        layout.addWidget(rule())
        layout.addWidget(label(f"About {kind.title}", "group"))
        layout.addWidget(selectable(reflowed(kind.help()), "muted"))
        layout.addStretch(1)

    def _head(self) -> QVBoxLayout:
        mark = label()
        color = theme.current().family(self.kind.family.value)
        mark.setPixmap(icons.pixmap(self.kind.family.value, color, 20, self.devicePixelRatioF()))
        title = self.kind.title if len(self.ids) == 1 else f"{len(self.ids)} × {self.kind.title}"
        line = row(mark, label(title, "title"), None)
        head = column(gap=2)
        head.addLayout(line)
        head.addWidget(selectable(self.kind.id, "small"))
        return head

    def _line(self, title: str, widget: QWidget) -> QVBoxLayout:
        name = label(title, "field")
        name.setFixedWidth(LABEL_WIDTH)
        holder = column()
        holder.addLayout(row(name, widget))
        return holder

    def _name_line(self) -> QVBoxLayout:
        self.name = QLineEdit()
        self.name.setObjectName("node.name")
        self.name.setAccessibleName("Name of the node")
        self.name.installEventFilter(DocumentUndo(self.name))
        self.name.editingFinished.connect(self._rename)
        return self._line("name", self.name)

    def _note_line(self) -> QVBoxLayout:
        self.note = QPlainTextEdit()
        self.note.setObjectName("node.note")
        self.note.setAccessibleName("Note")
        self.note.setPlaceholderText("A note for people")
        self.note.setFixedHeight(48)
        self.note.setTabChangesFocus(True)
        self.note.installEventFilter(DocumentUndo(self.note))
        self.note.textChanged.connect(self._annotate)
        return self._line("note", self.note)

    # -- showing -----------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what the document says of the nodes."""
        nodes = [self.graph.nodes[id] for id in self.ids]
        first = nodes[0]
        if self.name is not None and self.name.text() != first.name:
            typing = self.name.hasFocus() and self.name.isModified()
            if not typing:
                self.name.setText(first.name)
                self._refuse_name("")
        if self.note is not None and self.note.toPlainText() != first.note:
            self.note.setPlainText(first.note)
        mixed = [
            name
            for name in self.kind.model_fields
            if any(_value(node, name) != _value(first, name) for node in nodes)
        ]
        self.form.set_values(first.params, mixed)

    def show_report(self, report: NodeReport | None, problems: Sequence[Problem]) -> None:
        """Show shapes and inferred sizes; `problems` are those of the node."""
        report = report or NodeReport()
        self.form.set_inferred(report.inferred)
        errors: dict[str, str] = {}
        for problem in problems:
            for name in self.kind.model_fields:
                if problem.code.startswith("parameter") and f"'{name}'" in problem.message:
                    errors[name] = problem.message
        self.form.set_errors(errors)
        if len(self.ids) == 1:
            self._show_facts(report)

    def _show_facts(self, report: NodeReport) -> None:
        node = self.graph.nodes[self.ids[0]]
        ports = catalogue.ports_of(self.history.document, self.graph, node)
        lines: list[tuple[str, str]] = []
        for port in ports.inputs:
            if not (port.optional and port.name not in report.inputs):
                lines.append((f"{port.name} in", _tensor(report.inputs.get(port.name))))
        lines += [(f"{p.name} out", _tensor(report.outputs.get(p.name))) for p in ports.outputs]
        if report.parameters or self.kind.family in _WEIGHTY:
            lines.append(("parameters", f"{report.parameters:,}"))
        while len(self._fact_labels) < len(lines):
            pair = label("", "field"), selectable("", "shape")
            at = len(self._fact_labels)
            self.facts.addWidget(pair[0], at, 0)
            self.facts.addWidget(pair[1], at, 1)
            self._fact_labels.append(pair)
        for at, (name, value) in enumerate(self._fact_labels):
            shown = at < len(lines)
            for widget, text in zip((name, value), lines[at] if shown else ("", ""), strict=True):
                if widget.text() != text:
                    widget.setText(text)
                widget.setVisible(shown)

    # -- editing -----------------------------------------------------------------------

    def _edited(self, name: str, value: Any) -> None:
        value = None if value is UNSET else value
        edits.set_parameters(self.history, self.graph, self.ids, {name: value})

    def _rename(self) -> None:
        assert self.name is not None
        node = self.ids[0]
        wanted = self.name.text().strip()
        if node not in self.graph.nodes or wanted == self.graph.nodes[node].name:
            self._refuse_name("")
            return
        try:
            edits.rename(self.history, self.graph, node, wanted)
            self._refuse_name("")
            self.history.seal()
        except ChangeError as error:
            self._refuse_name(str(error))

    def _refuse_name(self, reason: str) -> None:
        assert self.name is not None
        self.name.setModified(bool(reason))
        self.name_error.setText(reason)
        self.name_error.setVisible(bool(reason))

    def _annotate(self) -> None:
        assert self.note is not None
        node = self.graph.nodes.get(self.ids[0])
        if node is not None and node.note != self.note.toPlainText():
            edits.set_node(self.history, self.graph, node.id, note=self.note.toPlainText())


def _value(node: Node, name: str) -> Any:
    value = node.params.get(name)
    return type(value), value


def _tensor(tensor: TensorReport | None) -> str:
    if tensor is None:
        return "–"
    return tensor.text if tensor.dtype == "float32" else f"{tensor.text}  {tensor.dtype}"


class Inspector(QWidget):
    """Shows the selected nodes; with none, the settings of the project and the step."""

    def __init__(self) -> None:
        super().__init__()
        self._history: History | None = None
        self._graph: Graph | None = None
        self._ids: tuple[str, ...] = ()
        self._report = Report()
        self.page: NodePage | None = None
        self.settings = SettingsPanel()
        self._several = QVBoxLayout()
        self._several.setContentsMargins(16, 12, 16, 16)
        several = QWidget()
        several.setLayout(self._several)
        self._pages = QStackedWidget()
        self._pages.addWidget(scroller(self.settings))
        self._pages.addWidget(scroller(several))
        self.setLayout(column(self._pages))

    def sizeHint(self) -> QSize:
        return QSize(328, 600)

    def show_graph(self, history: History, graph: Graph | None) -> None:
        """Another project, or another graph of it."""
        self._history, self._graph = history, graph
        self._ids = ()
        self._show()

    def show_selection(self, ids: Sequence[str]) -> None:
        """Other nodes are selected (frames and wires among the ids are left aside)."""
        nodes = self._graph.nodes if self._graph is not None else {}
        self._ids = tuple(id for id in ids if id in nodes)
        self._show()

    def show_report(self, report: Report) -> None:
        """The compiler's answer came: shapes and inferred sizes change in place."""
        self._report = report
        self._fill_report()

    def refresh(self) -> None:
        """The document changed."""
        if self._graph is not None:
            self._ids = tuple(id for id in self._ids if id in self._graph.nodes)
        self._show()

    def _show(self) -> None:
        history, graph = self._history, self._graph
        if history is None:
            return
        if graph is None or not self._ids:
            self._drop_page()
            self.settings.show_project(history, graph)
            self._pages.setCurrentIndex(0)
            return
        layers = Counter(graph.nodes[id].layer for id in self._ids)
        kind = catalogue.find(next(iter(layers)))
        if len(layers) > 1 or kind is None:
            self._drop_page()
            self._show_several(layers, graph)
            return
        page = self.page
        if (
            page is None
            or (page.history, page.graph, page.ids, page.kind) != (history, graph, self._ids, kind)
            or page.choices != choices_for(history.document, kind)
        ):
            self._drop_page()
            page = self.page = NodePage(history, graph, self._ids, kind)
            self._pages.addWidget(scroller(page))
        page.refresh()
        self._fill_report()
        self._pages.setCurrentIndex(2)

    def _drop_page(self) -> None:
        if self.page is not None:
            area = self._pages.widget(2)
            if area is not None:
                self._pages.removeWidget(area)
                area.hide()
                area.deleteLater()
            self.page = None

    def _show_several(self, layers: Mapping[str, int], graph: Graph) -> None:
        clear(self._several)
        count = sum(layers.values())
        title = f"{count} nodes" if count > 1 else graph.nodes[self._ids[0]].name
        self._several.addWidget(label(title, "title"))
        for id, number in layers.items():
            kind = catalogue.find(id)
            known = kind.title if kind is not None else f"{id} (not known here)"
            self._several.addWidget(label(f"{number} × {known}", "muted"))
        unknown = [id for id in layers if catalogue.find(id) is None]
        text = (
            "This layer is not part of this version of netbuilder. The node is kept as it is."
            if unknown
            else "Select nodes of one layer to change their parameters together."
        )
        self._several.addWidget(label(text, "muted", wrap=True))
        self._several.addStretch(1)
        self._pages.setCurrentIndex(1)

    def _fill_report(self) -> None:
        page = self.page
        if page is None or any(id not in page.graph.nodes for id in page.ids):
            return
        graph = self._report.graphs.get(page.graph.id, GraphReport())
        node = page.ids[0]
        problems = [problem for problem in self._report.problems if problem.node == node]
        page.show_report(graph.nodes.get(node) if len(page.ids) == 1 else None, problems)
