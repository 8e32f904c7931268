"""Fixes as buttons, and what one would do while the mouse or the focus rests on it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent, QFocusEvent, QHideEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from netbuilder.app.session import Session
from netbuilder.app.trying import Trial
from netbuilder.compiler.own_files import TRUST
from netbuilder.errors import Fix, NetbuilderError, Problem
from netbuilder.gui.look import icons, theme
from netbuilder.gui.look.widgets import clear, column, label, row, selectable, set_role

REST_MS = 120
"""A mouse that only passes by tries nothing."""
FRAME = 22
"""What a fix's button is wider than its title."""
MAX_CARDS = 6
MARKS = {"error": "problem", "warning": "warning", "info": "info"}


def mark_of(problem: Problem) -> tuple[str, str]:
    """The icon of a problem and the token of its colour."""
    return MARKS[problem.severity], {"info": "muted"}.get(problem.severity, problem.severity)


class FixButton(QToolButton):
    """Mends a problem. `tried` asks for a preview, `left` takes it away."""

    wanted = Signal(object)
    tried = Signal(object, object)
    """The fix, and this button."""
    left = Signal()

    def __init__(self, fix: Fix) -> None:
        super().__init__()
        self.fix = fix
        self._fit(10_000)
        self.setProperty("role", "fix")
        self.setAccessibleName(fix.title)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._clicked)

    def _fit(self, width: int) -> None:
        """Show as much of the title as there is room for."""
        room = max(24, width - FRAME)
        shown = self.fontMetrics().elidedText(self.fix.title, Qt.TextElideMode.ElideRight, room)
        self.setText(shown.replace("&", "&&"))

    def sizeHint(self) -> QSize:
        wide = self.fontMetrics().horizontalAdvance(self.fix.title) + FRAME + 4
        return QSize(wide, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(64, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit(event.size().width())

    def _clicked(self) -> None:
        self.left.emit()
        self.wanted.emit(self.fix)

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self.tried.emit(self.fix, self)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if not self.hasFocus():
            self.left.emit()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() in (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason):
            self.tried.emit(self.fix, self)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.left.emit()


class FixPreview(QFrame):
    """Says over the window what a fix would do. It takes no focus and no clicks."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.setObjectName("fix.preview")
        self.setProperty("role", "popover")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.title = label("", "heading")
        self.lines = label("", "mono")
        self.verdict = label("", "muted", wrap=True)
        box = column(self.title, self.lines, self.verdict, gap=4, margins=(12, 8, 12, 8))
        self.setLayout(box)
        self.setMaximumWidth(460)
        self.button: FixButton | None = None
        self.hide()

    def begin(self, fix: Fix, button: FixButton) -> None:
        """A preview is on its way."""
        if self.button is not None and self.button is not button:
            self.end()
        self.button = button
        button.left.connect(self.end)
        self._show(fix.title, "", "Working out what it would do…", "muted")

    def show_trial(self, fix: Fix, trial: Trial | str) -> None:
        """What the fix would do, or why nobody knows."""
        if self.button is None or self.button.fix is not fix:
            return
        if isinstance(trial, str):
            self._show(fix.title, "", trial, "error")
        else:
            role = "ok" if trial.good else "warning"
            self._show(fix.title, "\n".join(trial.lines), trial.verdict, role)

    def _show(self, title: str, lines: str, verdict: str, role: str) -> None:
        assert self.button is not None
        for part, text in ((self.title, title), (self.lines, lines), (self.verdict, verdict)):
            part.setText(text)
            part.setVisible(bool(text))
        set_role(self.verdict, role)
        self.adjustSize()
        window = self._window
        self.move(self._place(self.button, window))
        self.show()
        self.raise_()

    def _place(self, button: FixButton, window: QWidget) -> QPoint:
        """Left of a card, so that its words stay to be read; else above or below the button."""
        corner = button.mapTo(window, QPoint(button.width(), 0))
        card = button.parentWidget()
        left = card.mapTo(window, QPoint(0, 0)).x() - self.width() - 12 if card else 0
        if isinstance(card, QFrame) and left >= 8:
            low = window.height() - self.height() - 8
            return QPoint(left, max(8, min(corner.y(), low)))
        x = min(max(8, corner.x() - self.width()), window.width() - self.width() - 8)
        above = corner.y() - self.height() - 4
        return QPoint(x, above if above >= 8 else corner.y() + button.height() + 4)

    def end(self) -> None:
        """Take it away."""
        if self.button is not None:
            self.button.left.disconnect(self.end)
            self.button = None
        self.hide()


class FixTrials(QObject):
    """Asks the session what the fix under the mouse would do, and shows the answer."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session = session
        self._window = window
        self._preview: FixPreview | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._ask)

    def begin(self, fix: Fix, button: FixButton) -> None:
        """The mouse came to a fix's button: once it rests there the fix is tried."""
        if fix.operation == TRUST:
            return  # no edit: there is nothing to show
        if self._preview is None:
            self._preview = FixPreview(self._window)
        self._preview.begin(fix, button)
        self._rest.start()

    def _ask(self) -> None:
        preview = self._preview
        if preview is None or preview.button is None:
            return
        fix = preview.button.fix

        def done(trial: Trial | NetbuilderError) -> None:
            preview.show_trial(fix, trial if isinstance(trial, Trial) else str(trial))

        self._session.try_fix(fix, done)


class ProblemCards(QWidget):
    """The problems of what is selected, with their fixes below."""

    fix_wanted = Signal(object)
    fix_tried = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("node.problems")
        self._shown: tuple[Problem, ...] = ()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self.hide()

    def show_problems(self, problems: Sequence[Problem]) -> None:
        """Show these; nothing happens if they are the ones shown."""
        if tuple(problems) == self._shown:
            return
        self._shown = tuple(problems)
        clear(self._column)
        for problem in problems[:MAX_CARDS]:
            self._column.addWidget(self._card(problem))
        if len(problems) > MAX_CARDS:
            text = f"{len(problems) - MAX_CARDS} more stand under Problems."
            self._column.addWidget(label(text, "muted", wrap=True))
        self.setVisible(bool(problems))

    def _card(self, problem: Problem) -> QWidget:
        card = QFrame()
        card.setProperty("role", "box")
        name, token = mark_of(problem)
        mark = label()
        mark.setPixmap(
            icons.pixmap(name, getattr(theme.current(), token), 16, self.devicePixelRatioF())
        )
        mark.setAlignment(Qt.AlignmentFlag.AlignTop)
        words = column(selectable(problem.message), gap=4)
        if problem.hint:
            words.addWidget(selectable(problem.hint, "muted"))
        for fix in problem.fixes:
            press = FixButton(fix)
            press.wanted.connect(self.fix_wanted)
            press.tried.connect(self.fix_tried)
            words.addWidget(press, 0, Qt.AlignmentFlag.AlignLeft)
        line = row(mark, margins=(8, 8, 8, 8))
        line.addLayout(words, 1)
        card.setLayout(line)
        return card
