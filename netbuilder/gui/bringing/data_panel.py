"""What is in the project's data, before any training: samples, distributions, balance, splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QMenu,
    QSplitter,
    QStackedLayout,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from netbuilder.gui.bringing.data_samples import sections, varied
from netbuilder.gui.bringing.data_views import Balance, Distributions, GraphPlot
from netbuilder.gui.look.widgets import (
    EmptyState,
    button,
    clear,
    column,
    label,
    row,
    scroller,
    set_tip,
)

INVITATION = (
    "Drop a file or a folder on the window, or choose a data set in the project's settings at "
    "the right, under Data."
)
UNEVEN = 10
"""So many times as many samples in the largest class as in the smallest are told."""


class DataPanel(QWidget):
    """`sample_wanted`: the panel became visible and has no data to show yet; `allow_wanted(paths)`:
    the person lets these places be read."""

    sample_wanted = Signal()
    allow_wanted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._stale = True
        self.empty = EmptyState("No data yet", INVITATION, "Open data")
        self._menu: Callable[[QWidget], QMenu] | None = None
        self.waiting = EmptyState("Reading the data…", "")
        self._facts_column, facts = _column()
        self._samples_column, samples = _column()
        self._numbers_column, numbers = _column()
        self._graph_column, graph = _column()
        self._varied_column, changed = _column()
        self.pages = QTabWidget()
        self.pages.setDocumentMode(True)
        self.pages.setAccessibleName("Views of the data")
        self.pages.tabBar().setAccessibleName("Views of the data")
        for page, title in (
            (graph, "Graph"),
            (samples, "Samples"),
            (numbers, "Distributions"),
            (changed, "Augmentation"),
        ):
            self.pages.addTab(scroller(page), title)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.setChildrenCollapsible(False)
        split.addWidget(scroller(facts))
        split.addWidget(self.pages)
        split.setSizes([400, 600])
        self._stack = QStackedLayout(self)
        for page in (self.empty, self.waiting, split):
            self._stack.addWidget(page)

    def offer(self, menu: Callable[[QWidget], QMenu]) -> None:
        """The ways to open data of one's own, behind the panel's buttons."""
        self._menu = menu
        self.empty.action.setMenu(menu(self.empty.action))

    def invalidate(self, chosen: bool) -> None:
        """The settings of the data changed; `chosen` tells whether there is a data set."""
        self._stale = chosen
        if not chosen:
            self.empty.say("No data yet", INVITATION)
            self._stack.setCurrentIndex(0)
        elif self.isVisible():
            self._ask()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._ask()

    def _ask(self) -> None:
        self._stale = False
        if self._stack.currentIndex() == 0:
            self._stack.setCurrentIndex(1)
        self.sample_wanted.emit()

    def show_error(self, message: str, hint: str = "") -> None:
        """The data can't be shown."""
        self.empty.say("The data can't be shown", f"{message} {hint}".strip())
        self._stack.setCurrentIndex(0)

    def show_sample(self, sample: Mapping[str, Any]) -> None:
        """Show what `data.overview.overview` told."""
        for part in (
            self._facts_column,
            self._samples_column,
            self._numbers_column,
            self._graph_column,
            self._varied_column,
        ):
            clear(part)
        self._show_facts(sample)
        for title, view in sections(sample):
            _captioned(self._samples_column, title, view)
        graph = sample.get("graph")
        if graph:
            plot = GraphPlot()
            plot.show_graph(graph)
            self._graph_column.addWidget(plot)
        self.pages.setTabVisible(0, bool(graph))
        told = sample.get("distributions") or {}
        for name, columns in told.items():
            view = Distributions()
            view.show_columns(columns)
            if len(told) > 1 and len(columns) > 1:
                _captioned(self._numbers_column, name, view)
            else:
                self._numbers_column.addWidget(view)
        self.pages.setTabVisible(2, bool(told))
        self._show_augmented(sample.get("augmented"))
        for part in (
            self._samples_column,
            self._numbers_column,
            self._graph_column,
            self._varied_column,
        ):
            part.addStretch(1)
        self._stack.setCurrentIndex(2)

    def _show_augmented(self, augmented: Mapping[str, Any] | None) -> None:
        self.pages.setTabVisible(3, bool(augmented))
        if not augmented:
            return
        if augmented["error"]:
            self._varied_column.addWidget(label(str(augmented["error"]), "error", wrap=True))
        for told in augmented["views"]:
            view = varied(told)
            if view is not None:
                title = f"{told['field']}: as it is, and as the training sees it"
                _captioned(self._varied_column, title, view)
        if not augmented["error"] and not augmented["views"]:
            self._varied_column.addWidget(label("These samples stay as they are.", "muted"))

    # -- facts -------------------------------------------------------------------------------

    def _show_facts(self, sample: Mapping[str, Any]) -> None:
        facts = self._facts_column
        facts.addLayout(self._head(sample))
        for problem in sample.get("problems", ()):
            text = f"{problem['message']} {problem['hint']}".strip()
            facts.addWidget(label(text, str(problem.get("severity", "error")), wrap=True))
        places = sample.get("consent") or []
        if places:
            text = "The data lies outside the project's folder. It is read once you allow it:"
            facts.addWidget(label(text, "warning", wrap=True))
            for place in places:
                facts.addWidget(label(str(place), "mono", wrap=True))
            allow = button("Allow", partial(self.allow_wanted.emit, places), "primary")
            facts.addLayout(row(allow, None))
        for note in sample.get("notes") or ():
            facts.addWidget(label(str(note), "muted", wrap=True))
        facts.addLayout(self._fields(sample))
        classes = sample["classes"]
        if classes:
            title = label("Samples of each class", "group")
            facts.addWidget(title)
            balance = Balance()
            balance.show_counts(classes)
            facts.addWidget(balance)
            if sample.get("looked_at", 0) < sample.get("count", 0):
                part = f"{sample['looked_at']:,} of {sample['count']:,}"
                text = f"Classes, samples and distributions are those of {part} samples."
                facts.addWidget(label(text, "small", wrap=True))
            counts = [count for count in classes.values() if count]
            if counts and max(counts) >= UNEVEN * min(counts):
                times = max(counts) // min(counts)
                text = f"The largest class has {times} times as many samples as the smallest."
                facts.addWidget(label(f"{text} See Balance, under Training.", "small", wrap=True))
        facts.addStretch(1)

    def _head(self, sample: Mapping[str, Any]) -> QVBoxLayout:
        first, _, rest = str(sample["help"]).replace("`", "").partition("\n\n")
        own = button("Open data", role="quiet", tip="Data of your own")
        if self._menu is not None:
            own.setMenu(self._menu(own))
        name = label(str(sample["title"]), "title")
        # In a narrow panel words are cut before the panel is.
        name.setMinimumWidth(1)
        title = row(name, own)
        title.setStretch(0, 1)
        head = column(gap=4)
        head.addLayout(title)
        head.addWidget(label(" ".join(first.split()), wrap=True))
        if rest:
            head.addWidget(label(" ".join(rest.split()), "muted", wrap=True))
        return head

    def _fields(self, sample: Mapping[str, Any]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(2)
        grid.addWidget(label("Fields", "group"), 0, 0, 1, 3)
        for at, field in enumerate(sample["fields"], 1):
            lead = ["N"] if field.get("batched", True) else []
            shape = "×".join([*lead, *map(str, field["shape"])]) or "scalar"
            name = label(field["name"], "mono")
            set_tip(name, field["meaning"])
            grid.addWidget(name, at, 0)
            grid.addWidget(label(shape, "mono"), at, 1)
            many = field.get("high")
            ids = f"{field['dtype']}, {many:,} ids" if many else field["dtype"]
            kind = label(ids, "muted")
            for text in (name, kind):
                text.setMinimumWidth(1)
            grid.addWidget(kind, at, 2)
        parts = [f"{count:,} {name}" for name, count in sample["parts"].items() if count]
        if parts:
            at = grid.rowCount()
            grid.addWidget(label("Split", "group"), at, 0, 1, 3)
            grid.addWidget(label("  ·  ".join(parts), "", wrap=True), at + 1, 0, 1, 3)
        grid.setColumnStretch(2, 1)
        return grid


def _captioned(layout: QVBoxLayout, title: str, view: QWidget) -> None:
    if layout.count():
        layout.addSpacing(8)
    layout.addWidget(label(title, "group"))
    layout.addWidget(view)


def _column() -> tuple[QVBoxLayout, QWidget]:
    content = QWidget()
    layout = QVBoxLayout(content)
    layout.setContentsMargins(16, 12, 16, 16)
    layout.setSpacing(8)
    return layout, content
