"""A worker that says what the test tells it to, and a window's thread made of a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netbuilder.app.events import SessionEvent
from netbuilder.app.session import Session
from netbuilder.compiler.report import Report
from netbuilder.engine.protocol import (
    Message,
    Reply,
    RunEvent,
    WorkerDied,
    WorkerError,
    WorkerReady,
    WorkerStarted,
)


class FakeClient:
    """Like `engine.client.WorkerClient`, by hand."""

    def __init__(self, on_message: Callable[[Message], None]) -> None:
        self.say = on_message
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.waiting: list[tuple[str, Callable[[Reply], None]]] = []
        self.log: list[str] = []

    def start(self) -> None:
        self.log.append("start")

    def close(self) -> None:
        self.log.append("close")

    def leave(self) -> None:
        self.log.append("leave")

    def stop_training(self) -> None:
        self.log.append("stop_training")

    def request(
        self,
        method: str,
        params: Mapping[str, Any],
        on_reply: Callable[[Reply], None] = lambda reply: None,
    ) -> int:
        self.asked.append((method, params))
        self.waiting.append((method, on_reply))
        return len(self.asked)

    def reply(self, method: str, result: Any = None, error: Any = None) -> None:
        """Answer the oldest waiting request of this method."""
        at = [name for name, _ in self.waiting].index(method)
        _, on_reply = self.waiting.pop(at)
        on_reply(Reply(0, result, error))

    def die(self, *, training: bool = False, restart_in_s: float | None = 0.0) -> None:
        """Like the real client: first the replies, then the message."""
        waiting, self.waiting = self.waiting, []
        for _, on_reply in waiting:
            on_reply(Reply(0, error=WorkerError("The worker was killed.")))
        self.say(WorkerDied("The worker was killed.", "A hint.", training, -9, restart_in_s))

    def count(self, method: str) -> int:
        """How many requests of this method are waiting."""
        return sum(name == method for name, _ in self.waiting)


class Desk:
    """A session with a fake worker; `pump` runs what was posted to the window's thread."""

    def __init__(self) -> None:
        self.posted: list[Callable[[], None]] = []
        self.clients: list[FakeClient] = []
        self.events: list[SessionEvent] = []
        self.session = Session(self.posted.append, self._make)
        self.session.subscribe(self.events.append)

    def _make(self, on_message: Callable[[Message], None]) -> FakeClient:
        self.clients.append(FakeClient(on_message))
        return self.clients[-1]

    @property
    def client(self) -> FakeClient:
        return self.clients[-1]

    def pump(self) -> None:
        while self.posted:
            self.posted.pop(0)()

    def start(self) -> None:
        """The worker is there and ready."""
        self.session.start_worker()
        self.client.say(WorkerStarted(1, "0"))
        self.client.say(WorkerReady("2.13"))
        self.pump()

    def answer(self) -> None:
        """The worker answers the analysis under way."""
        self.client.reply("analyse", Report().to_json())
        self.pump()

    def train(self, path: Path) -> None:
        """A training that is under way."""
        self.session.train(path)
        self.pump()
        self.tell(path, 1, "started", epochs=3, steps=30, device="cpu")

    def tell(
        self, path: Path, seq: int, kind: str, epoch: Any = 0, step: Any = 0, **values: Any
    ) -> None:
        """An event of a run."""
        data = {"seq": seq, "time": 0.0, "event": kind, "epoch": epoch, "step": step}
        self.client.say(RunEvent(str(path), {**data, "values": values}))
        self.pump()

    def heard(self, kind: type) -> list[Any]:
        """The events of this type so far."""
        return [event for event in self.events if isinstance(event, kind)]
