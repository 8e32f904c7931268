"""Work that takes a moment, done on a thread while the window goes on painting."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QEventLoop, QObject, Qt, Signal

from netbuilder.graph.quiet import quiet

T = TypeVar("T")


class _Bell(QObject):
    rung = Signal()


def in_background(job: Callable[[], T], /) -> T:
    """What `job` gives or raises, done on another thread.

    Meanwhile the window paints and hears its worker; keys and clicks wait, so that nothing
    changes under the feet of who called.
    """
    bell, loop = _Bell(), QEventLoop()
    bell.rung.connect(loop.quit, Qt.ConnectionType.QueuedConnection)
    results: list[T] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            with quiet():
                results.append(job())
        except BaseException as error:
            failures.append(error)
        bell.rung.emit()

    thread = threading.Thread(target=work, name="background", daemon=True)
    thread.start()
    loop.exec(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)
    # The end of the whole program also ends the loop: the work is finished all the same.
    thread.join()
    if failures:
        raise failures[0]
    return results[0]
