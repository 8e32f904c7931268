"""The canvas's own keys. A window may offer the same as commands; those come first then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QKeyCombination, Qt
from PySide6.QtGui import QKeyEvent

from netbuilder.graph.edits import GRID

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView

_K = Qt.Key
_CTRL, _SHIFT, _ALT = Qt.Modifier.CTRL, Qt.Modifier.SHIFT, Qt.Modifier.ALT
FAST = 4 * GRID

Action = Callable[["CanvasView"], object]
_Chord = Qt.Key | QKeyCombination

_TABLE: Mapping[_Chord, Action] = {
    _K.Key_Escape: lambda view: view.select(()),
    _K.Key_Tab: lambda view: view.start_add(),
    _K.Key_F: lambda view: view.frame_selection(),
    _K.Key_Home: lambda view: view.frame_all(),
    _K.Key_L: lambda view: view.tidy(),
    _K.Key_F2: lambda view: view.rename(),
    _K.Key_Delete: lambda view: view.delete(),
    _K.Key_Backspace: lambda view: view.delete(),
    _CTRL | _K.Key_Delete: lambda view: view.delete(reconnect=True),
    _CTRL | _K.Key_A: lambda view: view.select_all(),
    _CTRL | _K.Key_C: lambda view: view.copy(),
    _CTRL | _K.Key_X: lambda view: view.cut(),
    _CTRL | _K.Key_V: lambda view: view.paste(),
    _CTRL | _SHIFT | _K.Key_V: lambda view: view.paste(keep_inputs=True),
    _CTRL | _K.Key_D: lambda view: view.duplicate(),
    _CTRL | _K.Key_Z: lambda view: view.edit(view.past.undo),
    _CTRL | _K.Key_Y: lambda view: view.edit(view.past.redo),
    _CTRL | _SHIFT | _K.Key_Z: lambda view: view.edit(view.past.redo),
    _ALT | _K.Key_Up: lambda view: view.walk("back", "before"),
    _ALT | _K.Key_Down: lambda view: view.walk("on", "after"),
    _ALT | _K.Key_Left: lambda view: view.walk("before", "back"),
    _ALT | _K.Key_Right: lambda view: view.walk("after", "on"),
    _K.Key_Left: lambda view: view.nudge(-GRID, 0),
    _K.Key_Right: lambda view: view.nudge(GRID, 0),
    _K.Key_Up: lambda view: view.nudge(0, -GRID),
    _K.Key_Down: lambda view: view.nudge(0, GRID),
    _SHIFT | _K.Key_Left: lambda view: view.nudge(-FAST, 0),
    _SHIFT | _K.Key_Right: lambda view: view.nudge(FAST, 0),
    _SHIFT | _K.Key_Up: lambda view: view.nudge(0, -FAST),
    _SHIFT | _K.Key_Down: lambda view: view.nudge(0, FAST),
}


def _code(chord: _Chord) -> int:
    return chord.toCombined() if isinstance(chord, QKeyCombination) else int(chord.value)


_ACTIONS = {_code(chord): action for chord, action in _TABLE.items()}


def press(view: CanvasView, event: QKeyEvent) -> bool:
    """Do what a key stands for; False if it stands for nothing here."""
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    combination = QKeyCombination(modifiers, Qt.Key(event.key()))
    action = _ACTIONS.get(combination.toCombined())
    if action is None:
        return False
    action(view)
    return True
