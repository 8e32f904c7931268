"""The selected nodes: their parameters as a form, their shapes, and PyTorch's help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from netbuilder.app.costing import Costs
from netbuilder.app.looks import NodeLook
from netbuilder.compiler.report import GraphReport, Report
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.graph.model import Json
from netbuilder.gui.inspecting.layer_help import LayerHelp
from netbuilder.gui.inspecting.node_page import NodePage
from netbuilder.gui.look import theme
from netbuilder.gui.look.widgets import clear, column, label, scroller
from netbuilder.gui.outlining.node_outline import NodeOutline, outline
from netbuilder.gui.training.settings_panel import SettingsPanel
from netbuilder.layers import catalogue

COSTS_MS = 400
"""Costs are worked out when nobody has typed for so long."""


def _nothing_seen(node: str) -> NodeLook | None:
    return None


class Inspector(QWidget):
    """Shows the selected nodes; with none, the settings of the project and the step."""

    open_wanted = Signal(str)
    """Into what the node with this id calls."""
    node_wanted = Signal(str)
    fix_wanted = Signal(object)
    fix_tried = Signal(object, object)
    """A fix and its button, over which a preview is wanted."""
    costs_wanted = Signal()
    """What the nodes of the shown network cost; `show_costs` takes it."""
    help_wanted = Signal(str)
    """PyTorch's documentation of the layer with this id; `show_help` takes it."""

    def __init__(self) -> None:
        super().__init__()
        self.values: Callable[[], Mapping[str, Json]] = dict
        """Values of the shown block's parameters, for the use that one looks at."""
        self.look: Callable[[str], NodeLook | None] = _nothing_seen
        """What a training shows of a node."""
        self._costs = Costs({}, {})
        self._ask_costs = QTimer(self)
        self._ask_costs.setSingleShot(True)
        self._ask_costs.setInterval(COSTS_MS)
        self._ask_costs.timeout.connect(self.costs_wanted)
        self._help: dict[str, LayerHelp] = {}
        self._help_open = False
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
        theme.notifier.changed.connect(self._redress)

    def sizeHint(self) -> QSize:
        return QSize(328, 600)

    def show_graph(self, history: History, graph: Graph | None) -> None:
        """Another project, or another graph of it."""
        self._history, self._graph = history, graph
        self._ids, self._costs = (), Costs({}, {})
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
        if self.page is not None:
            self._ask_costs.start()

    def show_costs(self, costs: Costs) -> None:
        """Multiply-accumulates and memory by node id."""
        self._costs = costs
        self._fill_report()

    def refresh_report(self) -> None:
        """Figures that are told of the shown node have changed."""
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
        made_of = outline(history.document, graph, self._ids, self.values())
        if made_of is None:
            self._drop_page()
            self._show_unknown(graph)
            return
        page = self.page
        if page is None or (page.history, page.graph, page.ids, page.outline) != (
            history,
            graph,
            self._ids,
            made_of,
        ):
            self._drop_page()
            page = self._new_page(history, graph, made_of)
        page.refresh()
        self._fill_report()
        self._pages.setCurrentIndex(2)

    def _new_page(self, history: History, graph: Graph, made_of: NodeOutline) -> NodePage:
        page = self.page = NodePage(history, graph, self._ids, made_of, help_open=self._help_open)
        page.open_wanted.connect(self.open_wanted)
        page.node_wanted.connect(self.node_wanted)
        page.fix_wanted.connect(self.fix_wanted)
        page.fix_tried.connect(self.fix_tried)
        page.help_folded.connect(self._help_folded)
        self._pages.addWidget(scroller(page))
        self._ask_costs.start()
        kind = made_of.kind
        if kind is not None and kind.id.startswith("torch."):
            known = self._help.get(kind.id)
            if known is not None:
                page.show_help(known)
            else:
                self.help_wanted.emit(kind.id)
        return page

    def _help_folded(self, open_: bool) -> None:
        self._help_open = open_

    def show_help(self, layer: str, help: LayerHelp | str) -> None:
        """PyTorch's documentation of a layer came, or why it did not."""
        if isinstance(help, LayerHelp):
            self._help[layer] = help
        kind = self.page.outline.kind if self.page is not None else None
        if self.page is not None and kind is not None and kind.id == layer:
            self.page.show_help(help)

    def _redress(self) -> None:
        """Pictures on the page have the colours of the theme that it was made in."""
        if self.page is not None:
            self._drop_page()
            self._show()

    def _drop_page(self) -> None:
        if self.page is not None:
            area = self._pages.widget(2)
            if area is not None:
                self._pages.removeWidget(area)
                area.hide()
                area.deleteLater()
            self.page = None

    def _show_unknown(self, graph: Graph) -> None:
        clear(self._several)
        layers = Counter(graph.nodes[id].layer for id in self._ids)
        count = sum(layers.values())
        title = f"{count} nodes" if count > 1 else graph.nodes[self._ids[0]].name
        self._several.addWidget(label(title, "title"))
        for id, number in layers.items():
            kind = catalogue.find(id)
            known = kind.title if kind is not None else f"{id} (not known here)"
            self._several.addWidget(label(f"{number} × {known}", "muted"))
        text = (
            "This layer is not part of this version of netbuilder. The node is kept as it is."
            if count == 1
            else "Some of these layers are not part of this version of netbuilder."
        )
        self._several.addWidget(label(text, "muted", wrap=True))
        self._several.addStretch(1)
        self._pages.setCurrentIndex(1)

    def _fill_report(self) -> None:
        page = self.page
        if page is None or any(id not in page.graph.nodes for id in page.ids):
            return
        graph = self._report.graphs.get(page.graph.id, GraphReport())
        problems = [problem for problem in self._report.problems if problem.node in page.ids]
        page.show_report(graph.nodes, problems, self._costs, self.look(page.ids[0]))
