"""What can be taken out of a plot: its picture, and its values as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from netbuilder.gui.plotting.series import Series


def csv_of(curves: Mapping[str, Series], epoch_steps: int) -> str:
    """`step,epoch,seconds` and a column for each curve, a line for each step of any.

    Values have all their digits; a field is empty where a curve has no point or no number.
    """
    rows: dict[float, list[str]] = {}
    times: dict[float, float] = {}
    for number, series in enumerate(curves.values()):
        steps, seconds = series.steps.all.tolist(), series.seconds.all.tolist()
        for step, second, value in zip(steps, seconds, series.values().tolist(), strict=True):
            row = rows.setdefault(step, [""] * len(curves))
            row[number] = "" if math.isnan(value) else repr(value)
            times[step] = second
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "epoch", "seconds", *curves])
    for step in sorted(rows):
        place = [f"{step:g}", f"{step / epoch_steps:.6g}", f"{times[step]:.3f}"]
        writer.writerow([*place, *rows[step]])
    return text.getvalue()


def plot_menu(plot: QWidget, data: Callable[[], str], fit: Callable[[], None]) -> QMenu:
    """The context menu of a plot; it deletes itself."""
    menu = QMenu(plot)
    menu.setObjectName("plotMenu")
    clipboard = QGuiApplication.clipboard()
    menu.addAction("Copy picture", lambda: clipboard.setPixmap(plot.grab()))
    menu.addAction("Copy data as CSV", lambda: clipboard.setText(data()))
    menu.addSeparator()
    menu.addAction("Fit", fit)
    menu.aboutToHide.connect(menu.deleteLater)
    return menu
