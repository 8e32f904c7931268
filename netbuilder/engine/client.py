"""The window's end of the worker: starts it, talks to it, outlives it. Torch-free, Qt-free.

Nothing here blocks the caller except `close`. Callbacks come on threads of the client.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from netbuilder.engine import protocol, surroundings
from netbuilder.engine.lines import Lines
from netbuilder.engine.process import Child
from netbuilder.engine.protocol import (
    Message,
    ProtocolError,
    Reply,
    Request,
    RunEvent,
    WorkerDied,
    WorkerError,
    WorkerStarted,
)
from netbuilder.exchange import exits, fresh

TERM_GRACE_S = 1.0
"""From SIGTERM to SIGKILL."""
TOLD_WITHIN_S = 5.0
"""How long a window that leaves waits until a worker that is to go on has heard everything."""
BACK_OFF_S = (0.2, 1.0, 3.0, 10.0)
"""Pauses before the next start when the worker dies again and again; then no more."""
STEADY_S = 30.0
"""A worker that lived this long starts again at once."""
_STDERR_KEPT = 64 * 1024
_log = logging.getLogger(__name__)

OnReply = Callable[[Reply], None]


@dataclass(slots=True)
class _Life:
    """One process from start to end."""

    child: Child
    folder: str = ""
    """Where it is; removed when it has ended, however that was."""
    outbox: queue.SimpleQueue[bytes | None] = field(default_factory=queue.SimpleQueue)
    told: threading.Event = field(default_factory=threading.Event)
    """All that was to be said is said; its stdin is closed."""
    stderr: bytearray = field(default_factory=bytearray)
    began: float = field(default_factory=time.monotonic)
    helpers: list[threading.Thread] = field(default_factory=list)
    forced: bool = False


class WorkerClient:
    """A worker process that is always there: it is started again when it dies.

    `on_message` hears `WorkerStarted`, `WorkerReady`, `RunEvent` and `WorkerDied`.
    """

    def __init__(
        self,
        on_message: Callable[[Message], None],
        *,
        command: Sequence[str] | None = None,
        back_off_s: Sequence[float] = BACK_OFF_S,
    ) -> None:
        self._on_message = on_message
        self._command = list(command or fresh.command("netbuilder", "worker"))
        self._back_off = tuple(back_off_s)
        self._changed = threading.Condition()
        self._life: _Life | None = None
        self._supervisor: threading.Thread | None = None
        self._closing = False
        self._stopping = False
        self._ids = itertools.count(1)
        self._pending: dict[int, tuple[str, OnReply]] = {}
        self._waiting: list[bytes] = []
        self.ignored = 0
        """Lines from the worker that were no message."""

    # -- life ------------------------------------------------------------------------

    def start(self) -> None:
        """Start the worker unless it runs; returns at once."""
        with self._changed:
            if self._supervisor is not None:
                return
            self._closing = False
            self._supervisor = threading.Thread(
                target=self._supervise, name="worker-supervisor", daemon=True
            )
            self._supervisor.start()

    @property
    def alive(self) -> bool:
        """Whether there is a process to talk to now."""
        return self._life is not None

    @property
    def training(self) -> bool:
        """Whether a `train` request is still without its reply."""
        with self._changed:
            return self._is_training()

    def _is_training(self) -> bool:
        return any(method == "train" for method, _ in self._pending.values())

    def close(self, grace_s: float = 8.0) -> None:
        """End the worker; a training gets `grace_s` to write its checkpoint. Blocks until gone."""
        with self._changed:
            self._closing = True
            life, supervisor = self._life, self._supervisor
            training = self._is_training()
            self._changed.notify_all()
        if life is not None:
            if training:
                # Without it the training would go on, as after `leave`.
                life.outbox.put(protocol.encode({"id": 0, "method": "stop", "params": {}}))
            life.outbox.put(None)
            grace_s = grace_s if training else min(grace_s, 2.0)
            self._end(life, grace_s, lambda: self._life is not life)
        if supervisor is not None and supervisor is not threading.current_thread():
            supervisor.join()

    def leave(self, grace_s: float = 0.5) -> None:
        """Let go of the worker: it ends by itself once its stdin is closed.

        A training under way goes on to its end, as a process of its own; what it was asked
        reaches it first. Without one the worker gets `grace_s` to be gone.
        """
        with self._changed:
            training = self._is_training()
            if training and self._supervisor is not None:
                self._changed.wait_for(lambda: self._life is not None, TOLD_WITHIN_S)
            self._closing = True
            life = self._life
            self._changed.notify_all()
        if life is not None:
            life.outbox.put(None)
            life.told.wait(TOLD_WITHIN_S)
            with self._changed:
                self._changed.wait_for(lambda: self._life is not life, 0.0 if training else grace_s)

    def _end(self, life: _Life, grace_s: float, done: Callable[[], bool]) -> None:
        """Wait for `done`, then SIGTERM, then SIGKILL to the whole group."""
        steps = ((grace_s, life.child.terminate), (TERM_GRACE_S, life.child.kill))
        for patience_s, next_step in steps:
            with self._changed:
                if self._changed.wait_for(done, patience_s):
                    return
                life.forced = True
            next_step()

    # -- asking ----------------------------------------------------------------------

    def request(
        self, method: str, params: Mapping[str, Any], on_reply: OnReply = lambda reply: None
    ) -> int:
        """Ask; `on_reply` hears the answer, or a `WorkerError` when the worker dies over it.

        What is asked while the worker starts waits for it.
        """
        id = next(self._ids)
        problem: WorkerError | None = None
        try:
            line = protocol.encode({"id": id, "method": method, "params": dict(params)})
        except (TypeError, ValueError) as error:
            problem = WorkerError(f"The request '{method}' can't be sent: {error}.")
        else:
            if len(line) > protocol.MAX_REQUEST:
                limit = protocol.MAX_REQUEST >> 20
                problem = WorkerError(f"The project is larger than {limit} MB.", "Make it smaller.")
        with self._changed:
            if problem is None and (self._closing or self._supervisor is None):
                problem = WorkerError("The worker is not running.", "Start it again.")
            if problem is None:
                self._pending[id] = (method, on_reply)
                if self._life is not None:
                    self._life.outbox.put(line)
                else:
                    self._waiting.append(line)
        if problem is not None:
            self._call(on_reply, Reply(id, error=problem))
        return id

    def stop_training(self, grace_s: float = 8.0) -> None:
        """Ask the training to stop with a checkpoint; end the process if it does not.

        Returns at once. Within `grace_s` + 1 s either the `train` request has its reply, or
        the whole process group is gone, `WorkerDied` tells so and a new worker starts.
        """
        with self._changed:
            if self._stopping or not self._is_training():
                return
            self._stopping = True
        self.request("stop", {})
        threading.Thread(
            target=self._stop, args=(grace_s,), name="worker-stop", daemon=True
        ).start()

    def _stop(self, grace_s: float) -> None:
        with self._changed:
            # It may be asked before the worker is there; then the stop follows the request.
            self._changed.wait_for(lambda: self._life is not None or not self._is_training())
            life = self._life
        if life is not None:
            self._end(life, grace_s, lambda: self._life is not life or not self._is_training())
        self._stopping = False

    # -- the process -----------------------------------------------------------------

    def _supervise(self) -> None:
        deaths = 0
        while True:
            try:
                life = self._launch()
            except OSError as error:
                died = WorkerDied(f"The worker could not be started: {error}.")
                self._give_up(died)
                self._call(self._on_message, died)
                return
            if life is None:
                self._give_up(WorkerDied("The worker is not running."))
                return
            self._read(life)
            steady = life.forced or time.monotonic() - life.began > STEADY_S
            deaths = 0 if steady else deaths + 1
            pauses = (0.0, *self._back_off)
            pause = pauses[deaths] if deaths < len(pauses) else None
            self._bury(life, pause)
            with self._changed:
                over = pause is None or self._changed.wait_for(lambda: self._closing, pause)
            if over:
                self._give_up(WorkerDied("The worker is not running.", "Start it again."))
                return

    def _give_up(self, why: WorkerDied) -> None:
        """Answer everybody who still waits."""
        with self._changed:
            lost, self._pending = self._pending, {}
            self._waiting.clear()
            self._supervisor = None
            self._changed.notify_all()
        for id, (_, on_reply) in lost.items():
            self._call(on_reply, Reply(id, error=WorkerError(why.message, why.hint)))

    def _launch(self) -> _Life | None:
        with self._changed:
            if self._closing:
                return None
            life = _begun(self._command)
            for line in self._waiting:
                life.outbox.put(line)
            self._waiting.clear()
            self._life = life
            self._changed.notify_all()
        for target in (self._write, self._listen_to_stderr):
            name = f"worker-{target.__name__.strip('_')}"
            helper = threading.Thread(target=target, args=(life,), name=name, daemon=True)
            helper.start()
            life.helpers.append(helper)
        return life

    def _write(self, life: _Life) -> None:
        """Writes on a thread of its own: a worker that does not read must not block a window."""
        while (line := life.outbox.get()) is not None:
            view = memoryview(line)
            try:
                while view:
                    view = view[life.child.stdin.write(view) or 0 :]
            except (OSError, ValueError):
                life.told.set()
                return
        with contextlib.suppress(OSError):
            life.child.stdin.close()
        life.told.set()

    def _listen_to_stderr(self, life: _Life) -> None:
        with contextlib.suppress(OSError, ValueError):
            while chunk := life.child.stderr.read(65536):
                life.stderr += chunk
                del life.stderr[:-_STDERR_KEPT]

    def _read(self, life: _Life) -> None:
        lines, replies = Lines(protocol.MAX_LINE), protocol.Replies()
        with contextlib.suppress(OSError, ValueError):
            while chunk := life.child.stdout.read(65536):
                for line in lines.feed(chunk):
                    try:
                        self._take(protocol.decode(line), replies)
                    except ProtocolError:
                        self.ignored += 1
        self.ignored += lines.dropped

    def _take(self, value: Mapping[str, Any], replies: protocol.Replies) -> None:
        if "event" in value:
            self._call(self._on_message, protocol.event_of(value))
            return
        with self._changed:
            if value.get("id") not in self._pending:
                raise ProtocolError("nobody asked")
        reply = replies.feed(value)
        if reply is None:
            return
        with self._changed:
            _, on_reply = self._pending.pop(reply.id)
            self._changed.notify_all()
        self._call(on_reply, reply)

    def _bury(self, life: _Life, restart_in_s: float | None) -> None:
        """The pipe is closed: make sure that all of it is gone, and tell everybody."""
        code = life.child.wait(TERM_GRACE_S)
        life.child.kill()
        if code is None:
            code = life.child.wait(10.0)
        surroundings.remove(life.folder)
        life.outbox.put(None)
        for helper in life.helpers:
            helper.join(TERM_GRACE_S)
        with self._changed:
            training = self._is_training()
            lost, self._pending = self._pending, {}
            self._life = None
            closing = self._closing
            self._changed.notify_all()
        died = _died(life, code, training, None if closing else restart_in_s)
        for id, (_, on_reply) in lost.items():
            self._call(on_reply, Reply(id, error=WorkerError(died.message, died.hint)))
        if not any(helper.is_alive() for helper in life.helpers):
            # Closing a pipe under a reader would hand its number to the next file opened.
            life.child.close_pipes()
        if not closing:
            self._call(self._on_message, died)

    def _call(self, listener: Callable[[Any], None], value: Any) -> None:
        """A listener's failure is not the client's."""
        try:
            listener(value)
        except Exception:
            _log.exception("a listener failed at %s", type(value).__name__)


def _begun(command: Sequence[str]) -> _Life:
    """A worker in a folder of its own; `OSError` if it can't be started."""
    folder = surroundings.make()
    environment = {**fresh.environment(), **({surroundings.FOLDER: folder} if folder else {})}
    try:
        return _Life(Child(command, environment), folder)
    except OSError:
        surroundings.remove(folder)
        raise


def _died(life: _Life, code: int | None, training: bool, restart_in_s: float | None) -> WorkerDied:
    stderr = bytes(life.stderr).decode("utf-8", "replace")
    if life.forced:
        message = "The training did not stop in time, so its process was ended."
        hint = "The last checkpoint is kept."
    else:
        cause, hint = exits.describe(code if code is not None else 0, stderr)
        message = f"The worker {cause}."
        last = exits.last_line(stderr)
        if last and code:
            message += f" It said last: {last}"
        if training:
            hint = f"{hint} The run keeps its last checkpoint; it can be resumed.".strip()
    return WorkerDied(message, hint, training, code, restart_in_s, stderr)


__all__ = ["Message", "Reply", "Request", "RunEvent", "WorkerClient", "WorkerDied", "WorkerStarted"]
