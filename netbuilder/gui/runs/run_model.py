"""The table of runs as a model: columns, order and filter, without a widget or item a cell."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from netbuilder.app import run_ends
from netbuilder.app.run_filter import Filter
from netbuilder.app.run_rows import RunRow, metric_names
from netbuilder.gui.look import icons, theme
from netbuilder.gui.look.widgets import plain_tip
from netbuilder.gui.runs.run_facts import duration, figure
from netbuilder.training.run_settings import Value, differing, setting

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
NAME, PIN, NOTE = "name", "pin", "note"
_COLORS = {"failed": "error", "crashed": "error", "running": "success", "paused": "warning"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a run's value to sort by, and how it is written."""

    key: str
    title: str
    value: Callable[[RunRow], Value]
    text: Callable[[Any], str]
    tip: str = ""
    number: bool = False


def _plain(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return figure(value) if isinstance(value, float) else json.dumps(value)


def _moment(seconds: float) -> str:
    if not seconds:
        return ""
    moment, now = datetime.fromtimestamp(seconds), datetime.now()
    if moment.date() == now.date():
        return f"{moment:%H:%M}"
    return f"{moment:%d %b %H:%M}" if moment.year == now.year else f"{moment:%d %b %Y}"


def _metric(value: float | None) -> str:
    return "" if value is None else figure(value)


def columns_of(rows: Sequence[RunRow]) -> list[Column]:
    """The columns for these runs: of the settings only those that differ between them."""
    monitors = {row.best.get("monitor") for row in rows if row.best} - {None}
    best = f"best {monitors.pop()}" if len(monitors) == 1 else "best"
    found = [
        Column(PIN, "", lambda row: row.pinned, lambda value: "", "Pinned runs stay on top"),
        Column(NAME, "run", lambda row: row.name, str),
        Column("status", "status", lambda row: row.status, str),
        Column("when", "when", lambda row: row.started or None, _moment, "When it started"),
        Column("duration", "duration", lambda row: row.seconds, duration, number=True),
        Column("epoch", "epoch", lambda row: row.epoch, str, "Finished epochs", number=True),
        Column("best", best, lambda row: row.best_value, _metric, "Of the best epoch", number=True),
    ]
    for name in differing(row.settings for row in rows):
        value = _setter(name)
        number = all(_is_number(value(row)) for row in rows)
        found.append(Column(name, name, value, _plain, "A setting that differs", number))
    for name in metric_names(rows):
        found.append(Column(name, name, _getter(name), _metric, "The last value", number=True))
    if any(row.origin for row in rows):
        tip = "The run whose weights it started from"
        found.append(Column("from", "started from", lambda row: row.origin or None, _plain, tip))
    found.append(Column(NOTE, "note", lambda row: row.note or None, _plain, "F2 to write"))
    return found


def _is_number(value: Value) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _getter(name: str) -> Callable[[RunRow], Value]:
    return lambda row: row.metrics.get(name)


def _setter(name: str) -> Callable[[RunRow], Value]:
    return lambda row: setting(row.settings, name)


def sort_key(value: Value) -> tuple[int, float, list[Any]]:
    """Numbers by size before texts by letters, `run-2` before `run-12`."""
    if isinstance(value, int | float) and not math.isnan(value):
        return 0, float(value), []
    return 1, 0.0, _pieces(str(value))


def _pieces(text: str) -> list[Any]:
    """Digits of a text as numbers; every second piece is one, so that any two compare."""
    found: list[Any] = [""]
    for letter in text.lower():
        if letter.isdecimal() == (len(found) % 2 == 0):
            found[-1] += letter
        else:
            found.append(letter)
    return [int(piece) if at % 2 else piece for at, piece in enumerate(found)]


class RunModel(QAbstractTableModel):
    """Rows are the runs that the filter keeps, pinned ones first."""

    ticked_changed = Signal()
    pin_wanted = Signal(object, bool)
    note_wanted = Signal(object, str)

    def __init__(self) -> None:
        super().__init__()
        self.runs: list[RunRow] = []
        self.shown: list[RunRow] = []
        self.columns: list[Column] = columns_of([])
        self.filter = Filter()
        self.order: tuple[str, bool] = ("when", True)
        """The column by which the runs are sorted, and whether downwards."""
        self.ticked: dict[Path, str] = {}
        """Runs whose curves are shown, each with its hue."""

    # -- what is shown -------------------------------------------------------------------

    def show(self, runs: Iterable[RunRow]) -> None:
        """Other runs, or the same ones as they are now."""
        self.runs = list(runs)
        there = {run.path for run in self.runs}
        gone = [path for path in self.ticked if path not in there]
        for path in gone:
            del self.ticked[path]
        self._arrange()
        if gone:
            self.ticked_changed.emit()

    def set_filter(self, text: str) -> list[str]:
        """Show only runs that fit; names in the filter that no run has."""
        self.filter = Filter.parse(text)
        self._arrange()
        return self.filter.unknown(self.runs)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if 0 <= column < len(self.columns):
            self.order = self.columns[column].key, order == Qt.SortOrder.DescendingOrder
            self._arrange()

    def _arrange(self) -> None:
        self.beginResetModel()
        self.shown = [run for run in self.runs if self.filter.keeps(run)]
        self.columns = columns_of(self.shown)
        key, down = self.order
        column = next((each for each in self.columns if each.key == key), self.columns[1])
        self.shown.sort(key=lambda run: sort_key(column.value(run)), reverse=down)
        # What a run has not goes to the end, whichever way the rest is sorted.
        self.shown.sort(key=lambda run: (not run.pinned, column.value(run) is None))
        self.endResetModel()

    def row_of(self, path: Path) -> int | None:
        """The row of a run; None if it is not shown."""
        return next((at for at, run in enumerate(self.shown) if run.path == path), None)

    def column_of(self, key: str) -> int:
        """The number of a column; `ValueError` if it is not there."""
        return [column.key for column in self.columns].index(key)

    def tick(self, path: Path, hue: str) -> None:
        """Show a run's curves in this hue, or no longer with an empty one."""
        if hue:
            self.ticked[path] = hue
        else:
            self.ticked.pop(path, None)
        at = self.row_of(path)
        if at is not None:
            cell = self.index(at, self.column_of(NAME))
            self.dataChanged.emit(cell, cell)
        self.ticked_changed.emit()

    def _free_hue(self) -> str:
        """The hue that the fewest ticked runs have."""
        from netbuilder.gui.runs.run_curves import HUES

        used = list(self.ticked.values())
        return min(HUES, key=used.count)

    # -- the model -----------------------------------------------------------------------

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.shown)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.columns)

    def flags(self, index: Index) -> Qt.ItemFlag:
        found = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        match self.columns[index.column()].key:
            case "name":
                return found | Qt.ItemFlag.ItemIsUserCheckable
            case "note":
                return found | Qt.ItemFlag.ItemIsEditable
        return found

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self.columns):
            return None
        column = self.columns[section]
        match role:
            case Role.DisplayRole:
                return column.title
            case Role.ToolTipRole:
                return plain_tip(column.tip or column.title)
            case Role.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
                return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        run, column = self.shown[index.row()], self.columns[index.column()]
        match role:
            case Role.DisplayRole | Role.EditRole:
                value = column.value(run)
                return column.text(value) if value is not None else ""
            case Role.TextAlignmentRole if column.number:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Role.FontRole if column.number or column.key == "when":
                return theme.mono("small")
            case Role.ForegroundRole:
                return self._color(run, column)
            case Role.CheckStateRole if column.key == NAME:
                return Qt.CheckState.Checked if run.path in self.ticked else Qt.CheckState.Unchecked
            case Role.DecorationRole if column.key == PIN:
                tokens = theme.current()
                color = (
                    tokens.accent if run.pinned else theme.mixed(tokens.muted, tokens.field, 0.6)
                )
                return icons.icon("starred" if run.pinned else "star", color, 14)
            case Role.ToolTipRole:
                return plain_tip(self._tip(run, column))
            case Role.AccessibleTextRole:
                return self._spoken(run, column)
        return None

    def _color(self, run: RunRow, column: Column) -> Any:
        tokens = theme.current()
        if column.key == NAME and run.path in self.ticked:
            return tokens.family_text(self.ticked[run.path])
        if column.key == "status":
            return getattr(tokens, _COLORS[run.status]) if run.status in _COLORS else tokens.muted
        default = column.key not in run.settings and column.tip == "A setting that differs"
        return tokens.muted if default or column.key in ("when", "from") else None

    @staticmethod
    def _tip(run: RunRow, column: Column) -> str:
        if column.key == PIN:
            return "Click to let go" if run.pinned else "Click to keep it on top"
        if column.key == NAME:
            return f"{run.path}\nTick it to see its curves"
        if column.tip == "A setting that differs" and column.key not in run.settings:
            return f"{column.key}: not set, so the default"
        if column.key == "status" and run.status in run_ends.BAD:
            return f"{run.status}: {' '.join(run_ends.why(run.path))}".strip()
        value = column.value(run)
        return f"{column.title}: {value}" if value is not None else ""

    @staticmethod
    def _spoken(run: RunRow, column: Column) -> str:
        if column.key == PIN:
            return "pinned" if run.pinned else "not pinned"
        value = column.value(run)
        return f"{column.title} {column.text(value)}" if value is not None else ""

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        run, column = self.shown[index.row()], self.columns[index.column()]
        if role == Role.CheckStateRole and column.key == NAME:
            on = Qt.CheckState(value) == Qt.CheckState.Checked
            self.tick(run.path, self._free_hue() if on else "")
            return True
        if role == Role.EditRole and column.key == NOTE:
            self.note_wanted.emit(run.path, str(value))
            return True
        return False
