"""Training on another computer: a worker at the other end of a command line, as `ssh host ...`.

Torch-free, Qt-free. The project goes there with the request; the run's folder comes back and is
the same here and there in the end. A training does not depend on the connection: when that
breaks, it goes on there, and is followed again as soon as there is a new one.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import shlex
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netbuilder.engine import protocol
from netbuilder.engine.client import OnReply, WorkerClient
from netbuilder.engine.mirroring import Mirror
from netbuilder.engine.protocol import (
    Message,
    Reply,
    RunEvent,
    WorkerDied,
    WorkerError,
    WorkerStarted,
)
from netbuilder.errors import NetbuilderError, RunError
from netbuilder.storage import atomic
from netbuilder.training.records.folder import RunFolder, read_events
from netbuilder.training.records.lock import Lock

WHERE = "remote.json"
"""In the local folder of a run: who trains it and what its folder is called there."""
FOLDER = "netbuilder-runs"
"""Where runs go there, seen from where the worker is started; with ssh that is the home folder."""
UPDATE_EVERY_S = 1.0
ANSWER_WITHIN_S = 120.0
BACK_OFF_S = (0.5, 2.0, 5.0, 15.0, *([60.0] * 600))
"""Pauses between attempts to connect again: ten hours."""
ATTEMPTS = 3
"""How often a command is tried that has never answered."""
_LIVE = frozenset({"new", "running", "paused"})
_STEERING = frozenset({"pause", "resume", "stop"})

Factory = Callable[[Callable[[Message], None]], Any]


class RemoteClient:
    """A `WorkerClient` whose trainings are done elsewhere; all other work stays here."""

    def __init__(
        self,
        on_message: Callable[[Message], None],
        *,
        command: str | Callable[[], str],
        here: Factory = WorkerClient,
        update_every_s: float = UPDATE_EVERY_S,
    ) -> None:
        """`command` is, or gives, a command line whose stdin and stdout are the protocol.

        While it is empty, what is new is trained here.
        """
        self._on_message = on_message
        self._here = here(on_message)
        self._command = command
        self._every_s = update_every_s
        self._lock = threading.Lock()
        self._following: Following | None = None

    def start(self) -> None:
        """Start the worker here; the other one is called when there is something to train."""
        self._here.start()

    def close(self) -> None:
        """End both; a training there stops with a checkpoint, as one here would."""
        following = self._current()
        if following is not None:
            following.steer("stop")
            following.join(10.0)
            following.leave()
        self._here.close()

    def leave(self) -> None:
        """Let go of both; a training goes on."""
        following = self._current()
        if following is not None:
            following.leave()
        self._here.leave()

    def request(
        self, method: str, params: Mapping[str, Any], on_reply: OnReply = lambda reply: None
    ) -> int:
        """Ask the worker that does this kind of work."""
        following = self._current()
        if method == "train":
            command = self._command_for(params)
            if command is not None:
                return self._train(command, params, on_reply)
        if method in _STEERING and following is not None:
            following.steer(method)
            on_reply(Reply(0, {"running": True}))
            return 0
        return int(self._here.request(method, params, on_reply))

    def stop_training(self) -> None:
        """Ask the training to stop with a checkpoint, as soon as there is a connection."""
        following = self._current()
        if following is not None:
            following.steer("stop")
        else:
            self._here.stop_training()

    def _current(self) -> Following | None:
        with self._lock:
            following = self._following
        return following if following is not None and following.active else None

    def _command_for(self, params: Mapping[str, Any]) -> str | None:
        """The command of who is to train this; None if it is trained here."""
        command = self._command if isinstance(self._command, str) else self._command()
        if params.get("resume"):
            noted = RunFolder(str(params.get("run", ""))).read_json(WHERE)
            if "run" not in noted:
                return command if isinstance(self._command, str) else None
            return command or str(noted.get("command", ""))
        return command or (command if isinstance(self._command, str) else None)

    def _train(self, command: str, params: Mapping[str, Any], on_reply: OnReply) -> int:
        if self._current() is not None:
            error = RunError("A training is running already.", "Stop it first.")
            on_reply(Reply(0, error=error))
            return 0
        try:
            following = Following(
                command, params, self._on_message, on_reply, update_every_s=self._every_s
            )
        except NetbuilderError as error:
            on_reply(Reply(0, error=error))
            return 0
        with self._lock:
            self._following = following
        following.start()
        return 0


class Following:
    """One training there, and the copy of its folder here, from its start to its end."""

    def __init__(
        self,
        command: str,
        params: Mapping[str, Any],
        on_message: Callable[[Message], None],
        on_reply: OnReply,
        *,
        update_every_s: float = UPDATE_EVERY_S,
    ) -> None:
        """`params` as of a `train` request; `RunError` if the folder here does not suit."""
        self.local = Path(str(params.get("run", ""))).absolute()
        self._on_message, self._on_reply = on_message, on_reply
        self._every_s = update_every_s
        if params.get("from"):
            raise RunError(
                "A training on another computer can't start from a run that is here.",
                "Train it there from its own weights, or train here.",
            )
        self._resume = bool(params.get("resume", False))
        self.remote = _place(self.local, command, resume=self._resume)
        self._params = {k: v for k, v in params.items() if k != "folder"} | {"run": self.remote}
        self._client = WorkerClient(self._hear, command=_words(command), back_off_s=BACK_OFF_S)
        self._mirror = Mirror(self.local, self.remote, self._ask)
        self._changed = threading.Condition()
        self._answer: Reply | None = None
        self._lost = False
        self._asked = False
        self._orders: list[str] = []
        self._given_up = False
        self._greeted = False
        self._unanswered = 0
        self._refusal = ""
        self._leaving = False
        self.active = True
        self._offset = 0
        self._told = 0
        self._thread = threading.Thread(target=self._run, name="remote-run", daemon=True)
        self._file_lock = Lock(self.local / "lock")
        self._file_lock.acquire()

    def start(self) -> None:
        """Connect and begin; returns at once."""
        self._client.start()
        self._thread.start()

    def join(self, patience_s: float) -> bool:
        """Wait for the end; whether it came."""
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def steer(self, command: str) -> None:
        """Pause, resume or stop it, now or when there is a connection again."""
        with self._changed:
            self._orders.append(command)
            self._changed.notify_all()

    def leave(self) -> None:
        """Follow no longer; the training goes on."""
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
        self._client.leave()
        if threading.current_thread() is not self._thread:
            self._thread.join(5.0)

    # -- on the thread ---------------------------------------------------------------------

    def _run(self) -> None:
        try:
            reply = self._follow()
        except OSError as error:
            fault = f"The copy of the run can't be written: {error.strerror or error}."
            reply = Reply(0, error=RunError(fault, "It goes on there; resume to follow it again."))
        except Exception as error:  # the window must hear of the end, whatever it was
            reply = Reply(0, error=WorkerError(f"The run can't be followed: {error}."))
        self.active = False
        self._file_lock.release()
        if not self._leaving:
            self._client.leave()
        self._on_reply(reply)

    def _follow(self) -> Reply:
        self._begin()
        while True:
            try:
                status = self._mirror.update()
                self._obey()
            except RunError:
                status = "absent"
            except NetbuilderError:
                status = "unknown"
            self._tell_events()
            with self._changed:
                answer, lost = self._answer, self._lost
            if lost and status != "unknown":
                # The connection broke under it. If it never came there, it is asked again.
                self._lost = self._asked = False
                if status == "absent":
                    self._ask_to_train()
            if answer is not None and status != "unknown":
                return self._ended(answer)
            if not self._asked and status not in (*_LIVE, "absent", "unknown"):
                return self._ended(None)
            with self._changed:
                if self._refusal:
                    break
                if self._leaving or self._given_up:
                    return Reply(0, error=WorkerError("The connection is lost.", _HINT))
                self._changed.wait(self._every_s)
        if not RunFolder(self.local).exists():
            _clear(self.local)
        return Reply(0, error=WorkerError(self._refusal, _TRY))

    def _begin(self) -> None:
        """Ask for the training, unless it goes on there already."""
        if self._resume:
            with contextlib.suppress(NetbuilderError):
                status = self._ask("files", {"run": self.remote}).get("status")
                if status in ("running", "paused"):
                    return
        self._ask_to_train()

    def _ask_to_train(self) -> None:
        self._asked = True
        self._client.request("train", self._params, self._take_answer)

    def _take_answer(self, reply: Reply) -> None:
        # What a client answers for a worker that is gone comes when it has none.
        lost = reply.error is not None and not self._client.alive
        with self._changed:
            self._answer, self._lost = (None, True) if lost else (reply, False)
            self._changed.notify_all()

    def _obey(self) -> None:
        while True:
            with self._changed:
                if not self._orders:
                    return
                command = self._orders[0]
            self._ask("command", {"run": self.remote, "command": command})
            with self._changed:
                self._orders.pop(0)

    def _ended(self, answer: Reply | None) -> Reply:
        """All of it is here; what the window is told at the end."""
        if (self.local / "project.netb").exists():
            # Its last words were written after the listing that says so began.
            with contextlib.suppress(NetbuilderError):
                self._mirror.update()
                self._mirror.tidy()
            self._tell_events()
        if answer is not None and answer.error is not None:
            if not RunFolder(self.local).exists():
                _clear(self.local)
            return answer
        result = dict(answer.result) if answer and isinstance(answer.result, Mapping) else {}
        status = RunFolder(self.local).read_json("status.json")
        if not result:
            if status.get("status") in _LIVE:
                return Reply(0, error=WorkerError("The worker there ended.", _RESUME))
            keys = ("status", "reason", "seconds", "samples_per_second", "metrics", "best", "error")
            result = {key: status.get(key) for key in keys} | {
                "epochs": status.get("epoch", 0),
                "steps": status.get("step", 0),
                "warnings": [],
            }
        return Reply(0, {**result, "run": str(self.local)})

    # -- hearing ---------------------------------------------------------------------------

    def _hear(self, message: Message) -> None:
        match message:
            case RunEvent(data=data):
                self._tell(data)
            case WorkerStarted():
                self._greeted = True
            case WorkerDied() if not self._greeted:
                # No connection that broke: there never was one.
                self._unanswered += 1
                if self._unanswered >= ATTEMPTS or message.restart_in_s is None:
                    with self._changed:
                        told = message.message
                        self._refusal = f"The command of the worker gives no answer. {told}"
                        self._changed.notify_all()
            case WorkerDied(restart_in_s=None):
                with self._changed:
                    self._given_up = True
                    self._changed.notify_all()

    def _tell_events(self) -> None:
        """What the copy has and nobody has told: after a broken connection, and at the end."""
        events, self._offset = read_events(self.local, self._offset)
        for event in events:
            self._tell(event.to_json())

    def _tell(self, data: Mapping[str, Any]) -> None:
        number = data.get("seq")
        with self._changed:
            if not isinstance(number, int) or number <= self._told:
                return
            self._told = number
        self._on_message(RunEvent(str(self.local), data))

    def _ask(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        done = threading.Event()
        box: list[Reply] = []

        def take(reply: Reply) -> None:
            box.append(reply)
            done.set()

        self._client.request(method, params, take)
        end = time.monotonic() + ANSWER_WITHIN_S
        while not done.wait(0.1):
            if self._refusal or time.monotonic() > end:
                raise WorkerError("The other computer does not answer.", "It is asked again.")
        reply = box[0]
        if reply.error is not None:
            raise reply.error
        if not isinstance(reply.result, Mapping):
            raise protocol.WorkerError(f"The answer to '{method}' can't be read.")
        return reply.result


_HINT = "The training goes on there. Resume the run to follow it again."
_TRY = "Try it in a terminal: it must start a netbuilder worker, and ask for no password."
_RESUME = "Resume it: it goes on from its last checkpoint."


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise RunError(f"The command of the worker can't be read: {error}.") from None
    if not words:
        raise RunError(
            "The command of the worker is empty.", "Write it like: ssh host netbuilder worker"
        )
    return words


def _place(local: Path, command: str, *, resume: bool) -> str:
    """What the run's folder is called there; noted in the folder here."""
    noted = RunFolder(local).read_json(WHERE).get("run")
    if isinstance(noted, str):
        if resume:
            return noted
        raise RunError(f"'{local}' holds a run already.", "Resume it, or choose another folder.")
    if resume:
        raise RunError(
            f"The run in '{local}' was not trained on another computer.",
            "Resume it here, without --worker.",
        )
    if local.exists() and any(local.iterdir()):
        raise RunError(f"'{local}' is not empty.", "Choose a folder that is new or empty.")
    clean = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{local.parent.stem}-{local.name}").strip("-.")
    name = f"{FOLDER}/{clean[-80:] or 'run'}-{secrets.token_hex(4)}"
    try:
        local.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"version": 1, "command": command, "run": name})
        atomic.write(local / WHERE, text.encode())
    except OSError as error:
        message = f"The run folder '{local}' can't be made: {error.strerror}."
        raise RunError(message, "Choose another folder.") from error
    return name


def _clear(local: Path) -> None:
    """Remove a folder in which no run came to be."""
    for name in (WHERE, "lock"):
        (local / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        local.rmdir()
