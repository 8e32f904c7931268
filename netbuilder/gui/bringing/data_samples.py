"""Samples of a data set as widgets: pictures, texts, curves, sounds, rows of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFrame, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from netbuilder.gui.bringing.data_pictures import coloured, unpacked, with_boxes
from netbuilder.gui.bringing.data_views import figure
from netbuilder.gui.look.cells import Curves, Sounds, Variants
from netbuilder.gui.look.widgets import column, label, row, set_tip
from netbuilder.gui.samples import ImageGrid

TEXTS = 8
"""Texts that are shown of a field."""
CURVES = 24
ROWS = 20
ROWS_OF_NUMBERS = ("vector", "number", "id", "class")
"""Kinds of fields that a table shows."""
DATES = "seconds since 1970"
"""So the meaning of a table's column of dates begins."""
Section = tuple[str, QWidget]
"""A line above, and what is below it."""


def sections(sample: Mapping[str, Any]) -> Iterator[Section]:
    """What to show of a sample that `data.overview` told, field by field."""
    shown = sample["shown"]
    fields = [field for field in sample["fields"] if field["name"] in shown]
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for field in fields:
        by_kind.setdefault(field["kind"], []).append(field)
    classes: Sequence[str] = next((shown[f["name"]] for f in by_kind.get("class", ())), [])
    numbers = by_kind.get("number", [])
    boxes = next((f for f in fields if f["name"] == "boxes"), None)
    for field in by_kind.get("image", ()):
        yield field["name"], _images(field, shown, classes, boxes)
    for field in by_kind.get("mask", ()):
        masks = [unpacked(value) for value in shown[field["name"]]]
        yield field["name"], _grid([coloured(mask) for mask in masks if mask is not None], [])
    for field in by_kind.get("sound", ()):
        yield field["name"], _sounds(shown[field["name"]], classes)
    for field in by_kind.get("curve", ()):
        if field is not boxes:
            following = numbers[0] if numbers and len(field["shape"]) == 2 else None
            yield _curves(field, following, shown, classes)
    for field in by_kind.get("text", ()):
        yield field["name"], Texts(shown[field["name"]][:TEXTS], classes)
    table = [field for field in fields if field["kind"] in ROWS_OF_NUMBERS]
    seen = set(by_kind) - set(ROWS_OF_NUMBERS) - {"array"}
    if "vector" in by_kind or (table and not seen):
        yield "Samples as rows", _table(table, shown)


def varied(view: Mapping[str, Any]) -> QWidget | None:
    """A field before and after augmentation, as `data.augment_preview` tells it."""
    before, after = view["before"], view["after"]
    match view["kind"]:
        case "image" | "mask":
            pictures = Variants(len(after))
            paint = coloured if view["kind"] == "mask" else _as_it_is
            lines = []
            for at, value in enumerate(before):
                found = [unpacked(each) for each in (value, *(turn[at] for turn in after))]
                painted = [paint(image) for image in found if image is not None]
                if len(painted) == len(after) + 1:
                    lines.append((painted[0], painted[1:]))
            pictures.show_lines(lines)
            return pictures
        case "curve":
            curves = Curves()
            curves.show_curves(
                [([*lines[:1], *after[0][at][:1]], None, "") for at, lines in enumerate(before)]
            )
            return curves
        case "text":
            texts = [each for at, text in enumerate(before) for each in (text, after[0][at])]
            return Texts(texts[:TEXTS], ["before", "after"] * len(before))
        case "vector" | "number":
            rows = [each for at, row in enumerate(before) for each in (row, after[0][at])]
            names = ["before", "after"] * len(before)
            fields = [{"name": "", "kind": "class"}, {"name": view["field"], "kind": "vector"}]
            return _table(fields, {"": names, view["field"]: rows})
    return None


def _as_it_is(image: QImage) -> QImage:
    return image


def _grid(images: Sequence[QImage], texts: Sequence[str]) -> ImageGrid:
    largest = max((max(image.width(), image.height()) for image in images), default=0)
    grid = ImageGrid(56 if largest <= 16 else 72 if largest <= 40 else 96)
    grid.show_images(
        [(image, texts[i] if i < len(texts) else "", "") for i, image in enumerate(images)]
    )
    return grid


def _images(
    field: Mapping[str, Any],
    shown: Mapping[str, Sequence[Any]],
    classes: Sequence[str],
    boxes: Mapping[str, Any] | None,
) -> ImageGrid:
    images = []
    for number, value in enumerate(shown[field["name"]]):
        image = unpacked(value)
        if image is not None and boxes is not None:
            image = with_boxes(image, shown[boxes["name"]][number], field)
        if image is not None:
            images.append(image)
    return _grid(images, classes)


def _sounds(values: Sequence[Any], classes: Sequence[str]) -> Sounds:
    view = Sounds()
    view.show_sounds(
        [
            (
                [x or 0.0 for x in value["low"]],
                [x or 0.0 for x in value["high"]],
                unpacked(value["spectrum"]),
                classes[at] if at < len(classes) else "",
            )
            for at, value in enumerate(values[:CURVES])
        ]
    )
    return view


def _curves(
    field: Mapping[str, Any],
    following: Mapping[str, Any] | None,
    shown: Mapping[str, Sequence[Any]],
    classes: Sequence[str],
) -> Section:
    values = shown[field["name"]][:CURVES]
    next_values = shown[following["name"]] if following is not None else [None] * len(values)
    view = Curves()
    view.show_curves(
        [
            (lines, next_values[at], classes[at] if at < len(classes) else "")
            for at, lines in enumerate(values)
        ]
    )
    if following is None:
        return field["name"], view
    return f"{field['name']}, and {following['name']} as a dot", view


class Texts(QFrame):
    """Texts below one another, each with its class before it, letter by letter as they are."""

    def __init__(self, texts: Sequence[str], classes: Sequence[str]) -> None:
        super().__init__()
        layout = column(gap=8)
        for number, text in enumerate(texts):
            words = label(text, "mono", wrap=True)
            words.setAlignment(Qt.AlignmentFlag.AlignTop)
            if number < len(classes):
                name = label(classes[number], "small")
                name.setFixedWidth(96)
                name.setAlignment(Qt.AlignmentFlag.AlignTop)
                set_tip(name, classes[number])
                line = row(name, words, gap=8)
                line.setStretch(1, 1)
                layout.addLayout(line)
            else:
                layout.addWidget(words)
        self.setLayout(layout)


def _table(fields: Sequence[Mapping[str, Any]], shown: Mapping[str, Sequence[Any]]) -> QTableWidget:
    """One row a sample; one column an element of each field."""
    columns: list[tuple[str, list[Any]]] = []
    # What is told of a sample stands before the many numbers that it is told by.
    for field in sorted(fields, key=lambda field: field["kind"] == "vector"):
        values = shown[field["name"]]
        names = field.get("columns") or []
        width = len(values[0]) if values and isinstance(values[0], list) else 0
        if not width:
            dated = str(field.get("meaning", "")).startswith(DATES)
            columns.append((field["name"], [_date(each) if dated else each for each in values]))
        for at in range(width):
            plain = f"{field['name']}[{at}]" if width > 1 else field["name"]
            title = names[at] if at < len(names) else plain
            columns.append((title, [value[at] for value in values]))
    count = min(ROWS, len(columns[0][1])) if columns else 0
    table = QTableWidget(count, len(columns))
    table.setFrameShape(QFrame.Shape.NoFrame)
    table.setHorizontalHeaderLabels([title for title, _ in columns])
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
    table.setAccessibleName("Samples as rows")
    for at, (_, values) in enumerate(columns):
        for line in range(count):
            table.setItem(line, at, _cell(values[line]))
    header = table.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    row_height = table.fontMetrics().height() + 8
    table.verticalHeader().setDefaultSectionSize(row_height)
    # As high as its rows: the page scrolls, not a table within it.
    table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    beside = table.horizontalScrollBar().sizeHint().height()
    table.setFixedHeight(count * row_height + header.sizeHint().height() + beside + 4)
    table.setMinimumWidth(200)
    return table


def _date(seconds: Any) -> Any:
    """Seconds since 1970 as a date, with its time where it has one; other values as they are."""
    try:
        found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except (TypeError, OverflowError, ValueError):
        return seconds
    return found.strftime("%Y-%m-%d %H:%M:%S").removesuffix(":00").removesuffix(" 00:00")


def _cell(value: Any) -> QTableWidgetItem:
    text = "missing" if value is None else figure(value) if isinstance(value, float) else str(value)
    item = QTableWidgetItem(text)
    side = Qt.AlignmentFlag.AlignLeft if isinstance(value, str) else Qt.AlignmentFlag.AlignRight
    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
    return item
