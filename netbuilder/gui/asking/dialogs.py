"""Questions and messages. All texts are plain; nothing here is Qt's own grey message box."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from PySide6.QtWidgets import QDialog, QFileDialog, QPlainTextEdit, QWidget

from netbuilder.errors import NetbuilderError
from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import button, column, row, selectable

PROJECTS = "netbuilder projects (*.netb)"


class Message(QDialog):
    """A title, a text, perhaps details, and buttons; `result()` is the button's index, -1 Escape.

    The last choice is the one that Enter takes.
    """

    def __init__(
        self,
        parent: QWidget | None,
        title: str,
        text: str,
        choices: Sequence[str] = ("OK",),
        details: str = "",
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("netbuilder")
        self.setObjectName("message")
        self.setStyleSheet(style.sheet())
        self.setMinimumWidth(420)
        self.title = selectable(title, "title")
        self.text = selectable(text)
        layout = column(self.title, self.text, gap=8, margins=(24, 24, 24, 16))
        if details:
            box = QPlainTextEdit(details)
            box.setReadOnly(True)
            box.setMinimumSize(560, 180)
            layout.addWidget(box)
        self.choices = [button(choice, partial(self.done, i)) for i, choice in enumerate(choices)]
        self.choices[-1].setProperty("role", "primary")
        self.choices[-1].setDefault(True)
        layout.addSpacing(16)
        layout.addLayout(row(None, *self.choices))
        self.setLayout(layout)
        # A button that has the keys is the one that Enter takes, whichever is the default.
        self.choices[-1].setFocus()

    def reject(self) -> None:
        self.done(-1)

    def ask(self) -> int:
        """Show it and wait: the index of the choice, -1 for none."""
        try:
            return self.exec()
        finally:
            self.deleteLater()


def tell(parent: QWidget | None, title: str, text: str) -> None:
    """A message that waits for OK."""
    Message(parent, title, text).ask()


def tell_error(parent: QWidget | None, title: str, error: Exception) -> None:
    """What went wrong and what to do."""
    tell(parent, title, _words(error))


def _words(error: Exception) -> str:
    hint = error.hint if isinstance(error, NetbuilderError) else ""
    text = str(error) if isinstance(error, NetbuilderError | OSError) else repr(error)
    return f"{text}\n\n{hint}" if hint else text


def ask_save(parent: QWidget, title: str, *, kept: bool = False) -> bool | None:
    """Whether to save a changed project before it closes; None to go back.

    `kept` tells that it can be recovered all the same.
    """
    question = Message(
        parent,
        f"Save the changes to {title}?",
        "Without saving, what was recovered stays on the start page."
        if kept
        else "Without saving they are lost.",
        ("Cancel", "Don't save", "Save"),
    )
    return {1: False, 2: True}.get(question.ask())


def ask_save_elsewhere(parent: QWidget, title: str, error: Exception) -> bool:
    """After a save that failed: whether to choose another place."""
    return Message(parent, title, _words(error), ("Not now", "Save as…")).ask() == 1


def ask_changed(parent: QWidget, error: Exception) -> Literal["mine", "reload", "elsewhere"] | None:
    """Which of two versions to keep when a file was changed by others; None for neither."""
    choices = ("Cancel", "Reload theirs", "Keep mine", "Save mine elsewhere…")
    question = Message(parent, "The file was changed by another program", _words(error), choices)
    answers: tuple[Literal["mine", "reload", "elsewhere"] | None, ...]
    answers = (None, "reload", "mine", "elsewhere")
    return answers[max(question.ask(), 0)]


def ask_save_copy(
    parent: QWidget, error: Exception, *, overwrite: bool
) -> Literal["copy", "overwrite"] | None:
    """What to do about a file that should not be written; `overwrite` offers to do it."""
    force = ("Overwrite all the same",) if overwrite else ()
    choices = ("Cancel", *force, "Save a copy…")
    answer = Message(parent, "The project was not saved", _words(error), choices).ask()
    if answer < 1:
        return None
    return "copy" if choices[answer] == "Save a copy…" else "overwrite"


def ask_recover_instead(parent: QWidget, title: str, error: Exception) -> bool:
    """After a file that can't be read: whether to open the unsaved work on it."""
    text = f"{_words(error)}\n\nThere is unsaved work on this project that can be recovered."
    return Message(parent, title, text, ("Close", "Recover")).ask() == 1


def ask_discard(parent: QWidget, title: str) -> bool:
    """Whether to throw unsaved work away for good."""
    question = Message(
        parent,
        f"Discard the unsaved work on {title}?",
        "This can't be undone.",
        ("Discard", "Keep it"),
    )
    return question.ask() == 0


def ask_revert(parent: QWidget) -> bool:
    """Whether to give up all edits since the last save."""
    question = Message(
        parent,
        "Go back to the saved version?",
        "What was changed since is lost.",
        ("Go back", "Keep my changes"),
    )
    return question.ask() == 0


def ask_forget(parent: QWidget, title: str, error: Exception) -> bool:
    """After a recent project that is gone: whether to take it off the list."""
    return Message(parent, title, _words(error), ("Take it off the list", "Keep it")).ask() == 0


def ask_open_again(parent: QWidget, name: str) -> bool:
    """Whether to open what netbuilder was opening when it ended early."""
    question = Message(
        parent,
        f"Open {name} again?",
        "netbuilder ended unexpectedly while it was opening this project the last time.",
        ("Open it again", "Start without it"),
    )
    return question.ask() == 0


def ask_leave_training(parent: QWidget) -> Literal["keep", "stop"] | None:
    """What becomes of a running training when the window closes; None to stay."""
    question = Message(
        parent,
        "A training is running.",
        "It can go on without this window; the next window shows it again. If it is stopped, what "
        "it has learned so far is kept in its run, and it can be resumed from there.",
        ("Cancel", "Stop and save", "Keep training in the background"),
    )
    answers: tuple[Literal["keep", "stop"] | None, ...] = (None, "stop", "keep")
    return answers[max(question.ask(), 0)]


def ask_train_beside(parent: QWidget, name: str) -> bool:
    """Whether to begin a training while another process is at one of the same project."""
    question = Message(
        parent,
        f"{name} is being trained already.",
        "It was started elsewhere and goes on. A second training beside it makes both slower.",
        ("Cancel", "Train another"),
    )
    return question.ask() == 1


def ask_read(parent: QWidget, places: Sequence[Path]) -> bool:
    """Whether a project may read data outside its own folder."""
    listed = "\n".join(str(place) for place in places)
    question = Message(
        parent,
        "Read data outside the project's folder?",
        f"The project names this place:\n\n{listed}\n\nOnce you allow it, projects may read it "
        "now and later, with all that is in it.",
        ("Allow", "Don't read it"),
    )
    return question.ask() == 0


def show_report(parent: QWidget, report: Path) -> None:
    """What Python was doing when the program crashed."""
    try:
        details = report.read_text(encoding="utf-8", errors="replace")[-20_000:]
    except OSError as error:
        details = str(error)
    text = f"This is what it was doing. The report is in {report}."
    Message(parent, "netbuilder ended unexpectedly", text, details=details).ask()


def ask_open(parent: QWidget, folder: Path) -> Path | None:
    """A project to open."""
    path, _ = QFileDialog.getOpenFileName(parent, "Open a project", str(folder), PROJECTS)
    return Path(path) if path else None


def ask_code(parent: QWidget, folder: Path) -> Path | None:
    """A Python file with layers."""
    title = "Add layers from a Python file"
    path, _ = QFileDialog.getOpenFileName(parent, title, str(folder), "Python files (*.py)")
    return Path(path) if path else None


def ask_save_path(parent: QWidget, suggestion: Path) -> Path | None:
    """Where to save a project."""
    path, _ = QFileDialog.getSaveFileName(parent, "Save the project", str(suggestion), PROJECTS)
    if not path:
        return None
    result = Path(path)
    return result if result.suffix else result.with_suffix(".netb")
