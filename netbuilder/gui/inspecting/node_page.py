"""The inspector's page for one node, or for several at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from netbuilder.app.costing import Costs
from netbuilder.app.looks import NodeLook
from netbuilder.compiler.report import NodeReport
from netbuilder.errors import ChangeError, Problem
from netbuilder.graph import edits
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Json, Node
from netbuilder.gui.inspecting.editors import DocumentUndo
from netbuilder.gui.inspecting.fields import common
from netbuilder.gui.inspecting.fix_view import ProblemCards
from netbuilder.gui.inspecting.forms import LABEL_WIDTH, UNSET, Form
from netbuilder.gui.inspecting.layer_help import HelpSection, LayerHelp
from netbuilder.gui.inspecting.node_facts import Facts, cost_text, facts, look_lines, memory_text
from netbuilder.gui.inspecting.node_weights import WeightsLine
from netbuilder.gui.look import icons, theme
from netbuilder.gui.look.widgets import column, label, link, row, rule, selectable
from netbuilder.gui.outlining.node_outline import WEIGHTY, NodeOutline
from netbuilder.layers import catalogue
from netbuilder.layers.base import Role

_MUTES = {
    "muted": "Muted: it counts as if it were not there.",
    "bypassed": "Bypassed: what comes in first goes on as it is.",
}


class NodePage(QWidget):
    """Some nodes. Rebuilt when their outline differs, else updated in place."""

    open_wanted = Signal(str)
    """Into what a node calls (its id)."""
    node_wanted = Signal(str)
    fix_wanted = Signal(object)
    fix_tried = Signal(object, object)
    help_folded = Signal(bool)

    def __init__(
        self,
        history: History,
        graph: Graph,
        nodes: Sequence[str],
        outline: NodeOutline,
        *,
        help_open: bool = False,
    ) -> None:
        super().__init__()
        self.history, self.graph, self.ids, self.outline = history, graph, tuple(nodes), outline
        self.single = self.ids[0] if len(self.ids) == 1 else ""
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(16, 12, 16, 16)
        self._column.setSpacing(8)
        self._add_head()
        self._add_mute()
        self.name: QLineEdit | None = None
        self.note: QPlainTextEdit | None = None
        self.weights: WeightsLine | None = None
        self.facts: Facts | None = None
        self.help: HelpSection | None = None
        if self.single:
            self._add_name()
        self.cards = ProblemCards()
        self.cards.fix_wanted.connect(self.fix_wanted)
        self.cards.fix_tried.connect(self.fix_tried)
        self._column.addWidget(self.cards)
        self._add_forms()
        if self.single:
            self._add_note()
            self._column.addSpacing(4)
            self._column.addWidget(rule())
            self.facts = Facts()
            self._column.addWidget(self.facts)
        if outline.kind is not None:
            self._column.addWidget(rule())
            self.help = HelpSection(outline.kind, open_=help_open)
            self.help.unfolded.connect(self.help_folded)
            self._column.addWidget(self.help)
        self._column.addStretch(1)

    # -- parts -------------------------------------------------------------------------

    def _add_head(self) -> None:
        kind, count = self.outline.kind, len(self.ids)
        if kind is None:
            self._column.addLayout(row(label(f"{count} nodes", "title"), None))
            pairs = zip(self.outline.kinds, self.outline.counts, strict=True)
            parts = ", ".join(f"{number} × {each.title}" for each, number in pairs)
            self._column.addWidget(label(parts, "small", wrap=True))
            return
        mark = label()
        color = theme.current().family(kind.family.value)
        mark.setPixmap(icons.pixmap(kind.family.value, color, 20, self.devicePixelRatioF()))
        title = kind.title if count == 1 else f"{count} × {kind.title}"
        head = column(gap=2)
        head.addLayout(row(mark, label(title, "title"), None))
        head.addWidget(selectable(kind.id, "small"))
        self._column.addLayout(head)

    def _add_mute(self) -> None:
        self.mute = label("", "warning", wrap=True)
        self.switch_on = link("Switch on", self._switch_on)
        self.switch_on.setObjectName("node.switch_on")
        line = row(self.mute, self.switch_on)
        line.setStretch(0, 1)
        self._column.addLayout(line)

    def _add_line(self, title: str, widget: QWidget) -> None:
        name = label(title, "field")
        name.setFixedWidth(LABEL_WIDTH)
        line = row(name, widget)
        line.setStretch(1, 1)
        self._column.addLayout(line)

    def _add_name(self) -> None:
        self.name = QLineEdit()
        self.name.setObjectName("node.name")
        self.name.setAccessibleName("Name of the node")
        self.name.installEventFilter(DocumentUndo(self.name))
        self.name.editingFinished.connect(self._rename)
        self._add_line("name", self.name)
        self.name_error = label("", "error", wrap=True)
        self.name_error.hide()
        self._column.addWidget(self.name_error)

    def _add_forms(self) -> None:
        outline = self.outline
        fields = outline.kind if outline.kind is not None else common(outline.kinds)
        self.form = Form(fields, titles=str, choices=outline.choices, scope=outline.scope)
        self.form.check_with(outline.kinds)
        self.form.edited.connect(self._edited)
        self.form.finished.connect(self.history.seal)
        self._column.addWidget(self.form)
        if outline.kind is None:
            some = self.form.rows
            text = "" if some else "These layers have no parameter in common."
            self._add_text(text)
        self.values: Form | None = None
        if outline.declared:
            self._column.addWidget(label("Parameters of the block", "group"))
            self.values = Form(outline.declared, titles=str, scope=outline.inner_scope)
            self.values.edited.connect(self._value_edited)
            self.values.finished.connect(self.history.seal)
            self._column.addWidget(self.values)
        self._add_open()
        if outline.shareable:
            self.weights = WeightsLine(self.history, self.graph, self.single)
            self.weights.owner_wanted.connect(self.node_wanted)
            self._column.addWidget(self.weights)

    def _add_text(self, text: str) -> None:
        if text:
            self._column.addWidget(label(text, "muted", wrap=True))

    def _add_open(self) -> None:
        kind = self.outline.kind
        if kind is None or not self.single or kind.role not in (Role.BLOCK, Role.CALL):
            return
        what = "block" if kind.role is Role.BLOCK else "network"
        self.open = link(f"Open the {what}", lambda: self.open_wanted.emit(self.single))
        self.open.setObjectName("node.open")
        self._column.addLayout(row(self.open, None))

    def _add_note(self) -> None:
        self.note = QPlainTextEdit()
        self.note.setObjectName("node.note")
        self.note.setAccessibleName("Note")
        self.note.setPlaceholderText("A note for people")
        self.note.setFixedHeight(48)
        self.note.setTabChangesFocus(True)
        self.note.installEventFilter(DocumentUndo(self.note))
        self.note.textChanged.connect(self._annotate)
        self._add_line("note", self.note)

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
        self._show_mute(nodes)
        self._show_weights()
        params = [catalogue.owner_of(self.graph, node).params for node in nodes]
        self.form.set_values(params[0], _mixed(params))
        if self.values is not None:
            values = [_table(each) for each in params]
            self.values.set_values(values[0], _mixed(values))

    def _show_mute(self, nodes: Sequence[Node]) -> None:
        mutes = {node.mute for node in nodes}
        text = "" if mutes == {""} else "Some of these are muted or bypassed."
        if len(mutes) == 1:
            text = _MUTES.get(nodes[0].mute, "")
        self.mute.setText(text)
        self.mute.setVisible(bool(text))
        self.switch_on.setVisible(bool(text))

    def _show_weights(self) -> None:
        node = self.graph.nodes.get(self.single)
        own = node is None or catalogue.owner_of(self.graph, node) is node
        for form in (self.form, self.values):
            if form is not None:
                form.setEnabled(own)
        if self.weights is not None:
            self.weights.refresh()

    def show_report(
        self,
        reports: Mapping[str, NodeReport],
        problems: Sequence[Problem],
        costs: Costs,
        look: NodeLook | None = None,
    ) -> None:
        """Show shapes, inferred sizes, costs and problems; `problems` are those of the nodes.

        `look` is what a training shows of the node.
        """
        report = reports.get(self.single, NodeReport())
        self.form.set_inferred(report.inferred)
        errors, rest = self._at_fields(problems)
        self.form.set_errors(errors)
        self.cards.show_problems(rest)
        if self.facts is not None:
            node = self.graph.nodes[self.single]
            ports = catalogue.ports_of(self.history.document, self.graph, node)
            weighty = any(kind.family.value in WEIGHTY for kind in self.outline.kinds)
            macs = costs.get(self.single, 0)
            cost = cost_text(macs, sum(costs.values())) if macs else ""
            kept = memory_text(costs.kept.get(self.single, 0))
            lines = facts(ports, report, weighty=weighty, cost=cost, kept=kept)
            self.facts.show_lines([*lines, *look_lines(look)])

    def _at_fields(self, problems: Sequence[Problem]) -> tuple[dict[str, str], list[Problem]]:
        """Problems that name a field go there, the others (and those with fixes) to the cards."""
        errors: dict[str, str] = {}
        rest: list[Problem] = []
        for problem in problems:
            quoted = [name for name in self.form.rows if f"'{name}'" in problem.message]
            if problem.code.startswith("parameter") and quoted:
                errors[quoted[0]] = problem.message
            if problem.fixes or not (problem.code.startswith("parameter") and quoted):
                rest.append(problem)
        return errors, rest

    def show_help(self, help: LayerHelp | str) -> None:
        """PyTorch's help, or why there is none."""
        if self.help is not None:
            self.help.show_help(help)
        if isinstance(help, LayerHelp):
            self.form.explain(help.parameters)

    # -- editing -----------------------------------------------------------------------

    def _edited(self, name: str, value: Any) -> None:
        value = None if value is UNSET else value
        edits.set_parameters(self.history, self.graph, self.ids, {name: value})

    def _value_edited(self, name: str, value: Any) -> None:
        """A block's declared parameter: one entry of `values`."""
        with self.history.step(f"Set {name}", merge=("values", self.ids, name)):
            for id in self.ids:
                values = dict(_table(self.graph.nodes[id].params))
                values.pop(name, None)
                if value is not UNSET:
                    values[name] = value
                named = {"values": values or None}
                edits.set_parameters(self.history, self.graph, [id], named)

    def _switch_on(self) -> None:
        edits.set_mute(self.history, self.graph, self.ids, "")

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


def _table(params: Mapping[str, Json]) -> Mapping[str, Json]:
    values = params.get("values")
    return values if isinstance(values, Mapping) else {}


def _mixed(tables: Sequence[Mapping[str, Json]]) -> list[str]:
    """The names at which the tables differ."""
    first = tables[0]
    names = {name for table in tables for name in table}
    return [n for n in names if any(_typed(table, n) != _typed(first, n) for table in tables)]


def _typed(table: Mapping[str, Json], name: str) -> tuple[type, Json]:
    return type(table.get(name)), table.get(name)
