"""PySide 6.12.0 on Python 3.11 loses a reference to None at every void call (PYSIDE-3474).

That ends the process within seconds. The version is pinned; this notices if it is let go.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QPointF, QTimer
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QApplication, QGraphicsRectItem, QGraphicsScene


def test_references_to_none_do_not_fall(qapp: QApplication) -> None:
    scene = QGraphicsScene()
    item = QGraphicsRectItem()
    scene.addItem(item)
    timer, stack = QTimer(), QUndoStack()
    before = sys.getrefcount(None)
    for number in range(500):
        item.setPos(QPointF(number, 0))
        item.setData(0, number)
        item.update()
        stack.undo()
        timer.stop()
    assert sys.getrefcount(None) - before > -20
