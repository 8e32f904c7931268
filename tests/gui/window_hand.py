"""A hand for tests of the whole window, and a worker that answers when the test says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from PySide6.QtCore import QCoreApplication, QDeadlineTimer, QEvent, QEventLoop, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit, QPushButton, QWidget

from netbuilder.app.session import Session
from netbuilder.engine.protocol import Message, Reply, RunEvent, WorkerReady, WorkerStarted
from netbuilder.gui.asking.dialogs import Message as Dialog
from netbuilder.gui.main_window import MainWindow
from netbuilder.gui.workbench import Workbench

W = TypeVar("W", bound=QWidget)
LEFT = Qt.MouseButton.LeftButton
OnReply = Callable[[Reply], None]


class StandIn:
    """A worker client that records what is asked and answers by hand."""

    def __init__(self, on_message: Callable[[Message], None]) -> None:
        self.say = on_message
        self.asked: list[tuple[str, Mapping[str, Any], OnReply]] = []
        self.stopped = 0
        self.ended = ""
        """How: `closed` (a training is stopped) or `left` (it goes on)."""

    @property
    def closed(self) -> bool:
        return bool(self.ended)

    def start(self) -> None:
        self.say(WorkerStarted(1, "0"))
        self.say(WorkerReady("2.13.0"))

    def close(self) -> None:
        self.ended = "closed"

    def leave(self) -> None:
        self.ended = "left"

    def stop_training(self) -> None:
        self.stopped += 1

    def request(
        self, method: str, params: Mapping[str, Any], on_reply: OnReply = lambda reply: None
    ) -> int:
        self.asked.append((method, params, on_reply))
        return len(self.asked)

    def waiting(self, method: str) -> list[tuple[str, Mapping[str, Any], OnReply]]:
        """The requests of this kind that have no answer yet."""
        return [entry for entry in self.asked if entry[0] == method]

    def answer(self, method: str, **reply: Any) -> Mapping[str, Any]:
        """Answer the oldest request of this kind; its params."""
        entry = self.waiting(method)[0]
        self.asked.remove(entry)
        entry[2](Reply(1, **reply))
        return entry[1]


def wait_for(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Let the window work until something is so; an assertion after `seconds`."""
    limit = QDeadlineTimer(round(1000 * seconds))
    while not condition():
        assert not limit.hasExpired()
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)


def settle() -> None:
    """Handle all events, deletions included."""
    for _ in range(3):
        QApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


class WindowHand:
    """Drives a main window."""

    def __init__(self) -> None:
        self.clients: list[StandIn] = []
        self.window = MainWindow(client_factory=self._client)
        self.window.resize(1280, 800)
        self.window.show()
        # A real screen gives the focus after a moment.
        QTest.qWaitForWindowActive(self.window)
        self.window.prepare()
        settle()

    def _client(self, on_message: Callable[[Message], None]) -> StandIn:
        self.clients.append(StandIn(on_message))
        return self.clients[-1]

    @property
    def client(self) -> StandIn:
        return self.clients[-1]

    @property
    def session(self) -> Session:
        assert self.window.session is not None
        return self.window.session

    @property
    def bench(self) -> Workbench:
        assert self.window.bench is not None
        return self.window.bench

    def open(self, template: str = "digits_cnn") -> None:
        """Open a template and answer with a report that knows its problems only."""
        self.window.open_template(template)
        settle()
        self.report()

    def report(self, result: Mapping[str, Any] | None = None) -> None:
        """Answer all analyses that are asked for."""
        answer = {"problems": [], "graphs": {}, "uses": {}, **(result or {})}
        while self.client.waiting("analyse"):
            self.client.answer("analyse", result=answer)
            settle()

    def event(self, seq: int, event: str, epoch: int = 0, step: int = 0, **values: Any) -> None:
        """Something that the run under way tells."""
        assert self.session.run is not None
        data = {
            "seq": seq,
            "time": float(seq),
            "event": event,
            "epoch": epoch,
            "step": step,
            "values": values,
        }
        self.client.say(RunEvent(str(self.session.run.path), data))
        settle()

    # -- what the hand does ----------------------------------------------------------------

    def find(self, kind: type[W], name: str) -> W:
        found = self.window.findChild(kind, name)
        assert isinstance(found, kind), f"there is no {kind.__name__} {name!r}"
        return found

    def select(self, name: str) -> str:
        """Select the node with this name; its id."""
        node = self.session.graph.named(name)
        assert node is not None
        self.bench.canvas.select([node.id])
        settle()
        return node.id

    def field(self, name: str) -> QLineEdit:
        """The line to type in, of a field of the inspector."""
        editor = self.bench.inspector.findChild(QWidget, f"field.{name}")
        assert editor is not None
        line = editor if isinstance(editor, QLineEdit) else editor.findChild(QLineEdit)
        assert isinstance(line, QLineEdit)
        return line

    def type(self, line: QLineEdit, text: str) -> None:
        """Replace the text of a field by typing."""
        line.setFocus()
        line.selectAll()
        if text:
            QTest.keyClicks(line, text)
        else:
            QTest.keyClick(line, Qt.Key.Key_Delete)
        settle()

    def press(self, button: QPushButton) -> None:
        QTest.mouseClick(button, LEFT)
        settle()

    def command(self, id: str) -> None:
        self.window.commands.run(id)
        settle()

    def key(self, key: Qt.Key, modifiers: Qt.KeyboardModifier) -> None:
        QTest.keyClick(self.window, key, modifiers)
        settle()

    def drag(self, source: QWidget, start: QPoint, target: QWidget, end: QPoint) -> None:
        """A mouse drag from one widget to another, in steps."""
        goal = source.mapFromGlobal(target.mapToGlobal(end))
        QTest.mousePress(source, LEFT, pos=start)
        for share in (0.1, 0.4, 0.7, 1.0):
            QTest.mouseMove(source, start + (goal - start) * share)
        settle()
        QTest.mouseRelease(source, LEFT, pos=goal)
        settle()

    def dialog(self) -> Dialog | None:
        """The message that is on the screen."""
        settle()
        active = QApplication.activeModalWidget()
        return active if isinstance(active, Dialog) else None

    def close(self) -> None:
        self.window.end()
        self.window.close()
        self.window.deleteLater()
        # pytest keeps the hand until after the check for leaks.
        del self.window
        self.clients.clear()
        settle()
