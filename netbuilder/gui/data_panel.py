"""What is in the project's data, before any training: pictures, curves, tables, balance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHeaderView,
    QSplitter,
    QStackedLayout,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from netbuilder.gui.samples import Bars, CurveGrid, ImageGrid, image_of
from netbuilder.gui.widgets import EmptyState, clear, column, label, scroller, set_tip

TEXTS = 8
"""Texts that are shown of a field."""
SHOWN = 48
"""Samples that the panel asks for."""


def kind_of(field: Mapping[str, Any]) -> str:
    """How a field is shown: `image`, `class`, `text`, `curve`, `number` or `vector`."""
    shape = tuple(field["shape"])
    if len(shape) in (2, 3) and shape[0] in (1, 3) and min(shape[-2:]) > 1:
        return "image"
    if not shape and field.get("classes"):
        return "class"
    if len(shape) == 1 and field.get("classes"):
        return "text"
    if len(shape) == 2 and shape[1] == 1:
        return "curve"
    if not shape or shape == (1,):
        return "number"
    return "vector"


class DataPanel(QWidget):
    """`sample_wanted`: the panel became visible and has no data to show yet."""

    sample_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._stale = True
        self.empty = EmptyState(
            "No data yet",
            "Choose a data set in the project settings: click an empty spot of the canvas and "
            "look at the right, under Data.",
        )
        self._facts_column, facts = _column()
        self._samples_column, samples = _column()
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(scroller(facts))
        split.addWidget(scroller(samples))
        split.setSizes([420, 580])
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self.empty)
        self._stack.addWidget(split)

    def invalidate(self, chosen: bool) -> None:
        """The settings of the data changed; `chosen` tells whether there is a data set."""
        self._stale = chosen
        if not chosen:
            self._stack.setCurrentIndex(0)
        elif self.isVisible():
            self._ask()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._stale:
            self._ask()

    def _ask(self) -> None:
        self._stale = False
        self.sample_wanted.emit()

    def show_error(self, message: str, hint: str = "") -> None:
        """The data can't be shown."""
        self.empty.say("The data can't be shown", f"{message} {hint}".strip())
        self._stack.setCurrentIndex(0)

    def show_sample(self, sample: Mapping[str, Any]) -> None:
        """Show what `data.loading.sample` answered."""
        facts, samples = self._facts_column, self._samples_column
        clear(facts)
        clear(samples)
        facts.addLayout(self._head(sample))
        for problem in sample.get("problems", ()):
            text = f"{problem['message']} {problem['hint']}".strip()
            facts.addWidget(label(text, "error", wrap=True))
        facts.addLayout(self._facts(sample))
        if sample["classes"]:
            facts.addWidget(label("Samples of each class", "group"))
            bars = Bars()
            bars.show_counts(sample["classes"])
            facts.addWidget(bars)
        fields = {field["name"]: field for field in sample["fields"]}
        self._show_samples(fields, sample["samples"])
        facts.addStretch(1)
        samples.addStretch(1)
        self._stack.setCurrentIndex(1)

    def _head(self, sample: Mapping[str, Any]) -> QVBoxLayout:
        first, _, rest = str(sample["help"]).partition("\n\n")
        return column(
            label(str(sample["title"]), "title"),
            label(" ".join(first.split()), wrap=True),
            label(" ".join(rest.split()), "muted", wrap=True),
            gap=4,
        )

    def _facts(self, sample: Mapping[str, Any]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(2)
        grid.addWidget(label("Fields", "group"), 0, 0, 1, 3)
        for at, field in enumerate(sample["fields"], 1):
            shape = "×".join(["N", *map(str, field["shape"])])
            name = label(field["name"], "mono")
            set_tip(name, field["meaning"])
            grid.addWidget(name, at, 0)
            grid.addWidget(label(shape, "mono"), at, 1)
            grid.addWidget(label(field["dtype"], "muted"), at, 2)
        parts = [f"{count:,} {name}" for name, count in sample["parts"].items() if count]
        at = grid.rowCount()
        grid.addWidget(label("Split", "group"), at, 0, 1, 3)
        grid.addWidget(label("  ·  ".join(parts), ""), at + 1, 0, 1, 3)
        grid.setColumnStretch(2, 1)
        return grid

    def _show_samples(
        self, fields: Mapping[str, Mapping[str, Any]], samples: Mapping[str, Any]
    ) -> None:
        kinds = {name: kind_of(field) for name, field in fields.items() if name in samples}
        images = [name for name, kind in kinds.items() if kind == "image"]
        curves = [name for name, kind in kinds.items() if kind == "curve"]
        classes = next((name for name, kind in kinds.items() if kind == "class"), None)
        numbers = [name for name, kind in kinds.items() if kind == "number"]
        written = [name for name, kind in kinds.items() if kind == "text"]
        for name in images:
            self._caption(name)
            texts = self._class_texts(fields, samples, classes)
            grid = ImageGrid()
            pictures = [image_of(values) for values in samples[name]]
            grid.show_images(
                [
                    (image, texts[i] if texts else "", "")
                    for i, image in enumerate(pictures)
                    if image is not None
                ]
            )
            self._samples_column.addWidget(grid)
        for name in curves:
            following = numbers[0] if numbers else None
            self._caption(f"{name}, and {following} as a dot" if following else name)
            next_values = samples[following] if following else [None] * len(samples[name])
            plots = CurveGrid()
            flat = [v[0] if isinstance(v, list) else v for v in next_values]
            plots.show_curves(list(zip(samples[name], flat, strict=True))[:24])
            self._samples_column.addWidget(plots)
        for name in written:
            self._caption(name)
            for row in samples[name][:TEXTS]:
                self._samples_column.addWidget(_written(row, fields[name]["classes"]))
        if not images and not curves and not written and samples:
            self._caption("First samples")
            self._samples_column.addWidget(_table(samples))

    def _caption(self, text: str) -> None:
        if self._samples_column.count():
            self._samples_column.addSpacing(8)
        self._samples_column.addWidget(label(text, "group"))

    @staticmethod
    def _class_texts(
        fields: Mapping[str, Mapping[str, Any]], samples: Mapping[str, Any], name: str | None
    ) -> list[str]:
        if name is None:
            return []
        names = fields[name]["classes"]
        return [names[v] if 0 <= v < len(names) else str(v) for v in samples[name]]


def _column() -> tuple[QVBoxLayout, QWidget]:
    content = QWidget()
    layout = QVBoxLayout(content)
    layout.setContentsMargins(16, 12, 16, 16)
    layout.setSpacing(8)
    return layout, content


def _written(ids: Sequence[int], letters: Sequence[str]) -> QWidget:
    """A sample of text; only its letters, whatever they would mean to a label."""
    between = "" if all(len(letter) < 2 for letter in letters) else " "
    text = between.join(letters[i] if 0 <= i < len(letters) else str(i) for i in ids)
    return label(text, "mono", wrap=True)


def _table(samples: Mapping[str, Any]) -> QTableWidget:
    """Numbers as rows: one column an element of each field, the first 16 elements."""
    columns: list[tuple[str, list[Any]]] = []
    for name, values in samples.items():
        width = len(values[0]) if values and isinstance(values[0], list) else 0
        if not width:
            columns.append((name, list(values)))
        for at in range(min(width, 16)):
            title = f"{name}[{at}]" if width > 1 else name
            columns.append((title, [value[at] for value in values]))
    count = min(20, len(columns[0][1])) if columns else 0
    table = QTableWidget(count, len(columns))
    table.setFrameShape(QFrame.Shape.NoFrame)
    table.setHorizontalHeaderLabels([title for title, _ in columns])
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
    for at, (_, values) in enumerate(columns):
        for line in range(count):
            value = values[line]
            shown = f"{value:.4g}" if isinstance(value, float) else str(value)
            item = QTableWidgetItem(shown)
            item.setTextAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            table.setItem(line, at, item)
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    row_height = table.fontMetrics().height() + 8
    table.verticalHeader().setDefaultSectionSize(row_height)
    table.setMinimumSize(QSize(200, (count + 1) * row_height + 16))
    return table
