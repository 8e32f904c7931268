"""Figures of a run in the head of the Training panel, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from netbuilder.app.runs import RunView
from netbuilder.gui.look.widgets import column, label, row, set_role


def duration(seconds: float) -> str:
    """A time as people say it: `42 s`, `3 min 5 s`, `2 h 10 min`."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def figure(value: float | None) -> str:
    """A metric's value: four digits that matter."""
    if value is None:
        return "not a number"
    if value == 0 or 1e-3 <= abs(value) < 1e5:
        return f"{value:.4g}"
    return f"{value:.2e}"


def results_of(run: RunView) -> list[str]:
    """What a run came to, in words: the best of what was monitored, then the last values."""
    monitor, value = run.best.get("monitor"), run.best.get("value")
    results = []
    if isinstance(monitor, str) and isinstance(value, int | float):
        results.append(f"best {_short(monitor)} {figure(value)} in epoch {run.best.get('epoch')}")
    results += [
        f"{_short(key)} {figure(last)}"
        for key, last in run.metrics.items()
        # That the last epoch was the best is the rule: no figure stands there twice.
        if key.startswith("val/") and not (key == monitor and last == value)
    ]
    return results


def _short(key: str) -> str:
    return key.removeprefix("val/").replace("/", " ")


def megabytes(value: float) -> str:
    """An amount of memory given in MB: `812 MB`, `1.4 GB`."""
    return f"{value:,.0f} MB" if value < 1000 else f"{value / 1024:.1f} GB"


class Fact(QWidget):
    """A figure with its name above."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.value = label("–", "figure")
        self.value.setAccessibleName(name)
        self.setLayout(column(label(name, "small"), self.value, gap=0))

    def say(self, text: str) -> None:
        """Show another value."""
        if text != self.value.text():
            self.value.setText(text)


class Banner(QFrame):
    """How a run ended: what to do next, or what went wrong and where."""

    def __init__(self) -> None:
        super().__init__()
        self.text = label("", "heading")
        # It is cut to the room there is: it must not ask for more.
        self.text.setMinimumWidth(60)
        self.hint = label("", "muted", wrap=True)
        self._row = row(self.text, gap=16, margins=(12, 4, 6, 4))
        self._row.addWidget(self.hint, 1)
        self._buttons: list[QWidget] = []
        self._parts: tuple[str, ...] = ()
        self.setLayout(self._row)
        self.hide()

    @property
    def is_long(self) -> bool:
        """Whether it has too much to say for a place beside other things."""
        return bool(self.property("role") == "errorbox")

    def fit(self, width: int) -> None:
        """Leave out what matters least where the panel is narrow."""
        self.hint.setVisible(bool(self.hint.text()) and (self.is_long or width >= 900))
        for action in self._buttons:
            action.setVisible(self.is_long or width >= 600)
        self._shorten()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._shorten()

    def _shorten(self) -> None:
        """A verdict with as many of its figures as there is room for, never with half of one."""
        if self.is_long:
            return
        edges = self._row.contentsMargins()
        room = self.width() - edges.left() - edges.right() - 2
        room -= sum(
            widget.sizeHint().width() + self._row.spacing()
            for widget in (self.hint, *self._buttons)
            if not widget.isHidden()
        )
        letters = self.text.fontMetrics()
        for count in range(len(self._parts), 0, -1):
            for between in ("  ·  ", " · "):
                text = between.join(self._parts[:count])
                if count == 1 or letters.horizontalAdvance(text) <= room:
                    self.text.setText(text)
                    return

    def say(self, role: str, parts: Sequence[str], hint: str, *actions: QWidget) -> None:
        """Show it; `role` is `okbox` or `errorbox`. What matters most stands first."""
        self._parts = tuple(parts)
        text = "  ·  ".join(parts)
        for old in self._buttons:
            self._row.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._buttons = list(actions)
        for action in actions:
            action.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
            self._row.addWidget(action, 0, Qt.AlignmentFlag.AlignVCenter)
        set_role(self, role)
        # A short verdict stands beside its hint; a long one takes the line for itself.
        long = role == "errorbox" and len(text) > 60
        self.text.setWordWrap(long)
        self.hint.setWordWrap(role == "errorbox")
        self._row.setStretch(0, 2 if long else 0)
        self.text.setText(text)
        self.hint.setText(hint)
        self.hint.setVisible(bool(hint))
        self._shorten()
        self.show()
