"""Keys of the canvas: which deed a key stands for.

A window sets the view's `keymap` to the keys that its person chose; until then it is `usual`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence

from netbuilder.gui.canvas.row import CanvasCommand
from netbuilder.gui.canvas.rows import ROWS, UNDO

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView

Keymap = Mapping[int, Callable[[], object]]


def code(keys: str) -> int:
    """The number of a chord like "Ctrl+Shift+V"; 0 for one that is not understood."""
    sequence = QKeySequence(keys)
    if not sequence.count():
        return 0
    chord: QKeyCombination = sequence[0]  # type: ignore[index]
    return chord.toCombined()


def usual(view: CanvasView) -> Keymap:
    """The keys that the rows are born with."""

    def deed(row: CanvasCommand) -> Callable[[], object]:
        return lambda: row.run(view) if row.possible(view) else None

    return {code(keys): deed(row) for row in (*ROWS, *UNDO) for keys in row.keys}


def press(view: CanvasView, event: QKeyEvent) -> bool:
    """Do what a key stands for; False if it stands for nothing here."""
    if event.key() == Qt.Key.Key_Escape and not event.modifiers():
        if view.canvas.selection:
            view.select(())
        else:
            view.leave_requested.emit()
        return True
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    deed = view.keymap.get(QKeyCombination(modifiers, Qt.Key(event.key())).toCombined())
    if deed is None:
        return False
    deed()
    return True
