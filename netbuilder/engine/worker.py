"""The process that does the work: answers JSON lines on stdin with JSON lines on stdout.

The main thread reads requests and answers at once what needs no work (`pause`, `stop`,
`cancel`, `status`); analyses, other jobs, downloads and training each have a thread. Torch is
imported after the greeting. When stdin ends, the window is gone: the process ends with the
training under way, at once if there is none.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import psutil

from netbuilder.engine import jobs, plugins, protocol, surroundings, transfer
from netbuilder.engine.detaching import Log, private_pipes
from netbuilder.engine.downloading import Downloads
from netbuilder.engine.lines import Lines
from netbuilder.engine.outlet import Outlet
from netbuilder.engine.protocol import ProtocolError, Reply, Request, WorkerError
from netbuilder.engine.surroundings import Surroundings
from netbuilder.errors import RunError
from netbuilder.training.control import Control

GRACE_S = 8.0
"""What a training gets to write its checkpoint when the process is to end."""


class Worker:
    """Requests in, replies and events out."""

    def __init__(self, outlet: Outlet, around: Surroundings) -> None:
        self._outlet = outlet
        self._around = around
        self._training = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._control: Control | None = None
        self._run = ""
        self._warm = False
        self._exports: set[threading.Event] = set()
        """Set to call off the exports that are asked for."""
        self.ignored = 0
        """Lines that were no request."""
        names = ("analyse", "jobs", "files", "downloads")
        self._queues = {name: self._thread(name) for name in names}
        self._downloads = Downloads(outlet.event)

    def _thread(self, name: str) -> queue.SimpleQueue[Callable[[], None]]:
        waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

        def work() -> None:
            while True:
                waiting.get()()

        threading.Thread(target=work, name=name, daemon=True).start()
        return waiting

    # -- requests --------------------------------------------------------------------

    def take(self, line: bytes) -> None:
        """Handle one line; what is no request is counted."""
        try:
            request = protocol.request_of(protocol.decode(line))
        except ProtocolError:
            self.ignored += 1
            return
        match request.method:
            case "status":
                self._answer(request, self._status)
            case "pause" | "resume" | "stop":
                self._answer(request, lambda params: self._steer(request.method))
            case "train":
                self._begin_training(request, self._train)
            case method if method in jobs.TRIALS:
                self._begin_training(request, jobs.TRIALS[method])
            case "cancel":
                self._answer(request, self._cancel)
            case "cancel_download":
                self._answer(request, self._downloads.cancel)
            case "download":
                self._later("downloads", request, self._downloads.job())
            case "export":
                self._later("jobs", request, self._exchange(jobs.export))
            case "import":
                self._later("jobs", request, self._exchange(jobs.bring_in))
            case "expect":
                self._answer(request, jobs.expect)
            case "analyse":
                self._later("analyse", request, jobs.analyse)
                self._warm_up_once()
            case method if method in jobs.JOBS:
                self._later("jobs", request, jobs.JOBS[method])
            case method if method in transfer.REQUESTS:
                self._later("files", request, transfer.REQUESTS[method])
            case method:
                error = WorkerError(f"The worker knows no '{method}'.")
                self._outlet.reply(Reply(request.id, error=error))

    def _later(self, thread: str, request: Request, job: jobs.Job) -> None:
        self._queues[thread].put(lambda: self._answer(request, job))

    def _warm_up_once(self) -> None:
        """Load what training needs, seconds of imports, once the first shapes are out."""
        if not self._warm:
            self._warm = True
            waiting = self._queues["jobs"]
            self._queues["analyse"].put(lambda: waiting.put(jobs.import_for_training))

    def _exchange(self, work: Callable[..., Any]) -> jobs.Job:
        """A job that tells how far it is, and that `cancel` calls off."""
        cancelled = threading.Event()
        self._exports.add(cancelled)

        def job(params: Mapping[str, Any]) -> Any:
            try:
                return work(params, cancelled, self._outlet.event)
            finally:
                self._exports.discard(cancelled)

        return job

    def _cancel(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Call off all exports and imports, the one under way and those that wait for it."""
        exports = tuple(self._exports)
        for cancelled in exports:
            cancelled.set()
        return {"exports": len(exports)}

    def call_off(self, grace_s: float = 2.0) -> None:
        """The process is about to end: no export leaves anything behind, if it can be helped."""
        self._cancel({})
        end = time.monotonic() + grace_s
        while self._exports and time.monotonic() < end:
            time.sleep(0.02)

    def _answer(self, request: Request, job: jobs.Job) -> None:
        try:
            with jobs.trust(request):
                reply = Reply(request.id, job(self._around.absolute(request.params)))
        except Exception as error:
            reply = Reply(request.id, error=jobs.as_error(error))
        self._outlet.reply(reply)

    def _status(self, params: Mapping[str, Any]) -> dict[str, Any]:
        control = self._control
        return {
            "pid": os.getpid(),
            "run": self._run if control is not None else None,
            "paused": control is not None and control.paused,
            "stopping": control is not None and control.stopping,
            "ignored": self.ignored,
            "thinned": self._outlet.thinned,
        }

    # -- training --------------------------------------------------------------------

    def _steer(self, what: str) -> dict[str, Any]:
        control = self._control
        if control is not None:
            {"pause": control.pause, "resume": control.resume, "stop": control.stop}[what]()
        return {"running": control is not None}

    def _begin_training(self, request: Request, job: jobs.Training) -> None:
        """Do what needs chance and threads for itself: one such job at a time."""
        if not self._training.acquire(blocking=False):
            error = RunError("A training is running already.", "Stop it first.")
            self._outlet.reply(Reply(request.id, error=error))
            return
        # Set here, on the control thread: a stop that follows at once must find it.
        self._control = Control()
        self._run = str(request.params.get("run", ""))
        self._idle.clear()
        threading.Thread(
            target=self._work, args=(request, job, self._control), name="training", daemon=True
        ).start()

    def _train(self, params: Mapping[str, Any], control: Control) -> Any:
        from netbuilder.engine import carrying, tasks

        return tasks.train(
            jobs.document(params),
            Path(jobs.text(params, "run")),
            overrides=params.get("overrides") or {},
            resume=bool(params.get("resume", False)),
            wish=carrying.Wish.from_json(params.get("from")),
            control=control,
            listen=lambda event: self._tell(event.to_json()),
        )

    def _work(self, request: Request, job: jobs.Training, control: Control) -> None:
        try:
            with jobs.trust(request):
                reply = Reply(request.id, job(self._around.absolute(request.params), control))
        except Exception as error:
            reply = Reply(request.id, error=jobs.as_error(error))
        # The next training may be asked for as soon as the reply is out.
        self._control = None
        self._training.release()
        self._outlet.reply(reply, after_events=True)
        self._idle.set()

    def _tell(self, data: Mapping[str, Any]) -> None:
        self._outlet.event({"event": "run", "run": self._run, "data": data})

    def finish(self, grace_s: float) -> bool:
        """Stop the training and wait for its checkpoint; whether it made it in time."""
        self._steer("stop")
        return self._idle.wait(grace_s)

    def go_on_alone(self) -> None:
        """The window is gone: wait for the end of the training, if there is one.

        It takes commands through its folder now. No descriptor is closed: its end would tell
        a client that lives on that this process has ended.
        """
        if self._control is not None and self._run:
            Log(self._around.home / self._run)
        self._idle.wait()

    def leave(self) -> None:
        """Remove what is only for as long as this process lives."""
        self._around.leave()

    def greet(self) -> None:
        """Say hello, then load torch on the analysing thread and say what there is."""
        from importlib.metadata import version

        hello = {"event": "hello", "pid": os.getpid(), "version": version("netbuilder")}
        self._outlet.event(hello | {"protocol": protocol.VERSION})
        self._queues["analyse"].put(self._load)
        self._queues["files"].put(surroundings.sweep)

    def _load(self) -> None:
        try:
            from netbuilder.engine import devices

            ready = {"event": "ready", **devices.describe()}
            self._outlet.event(ready)
            lacks = devices.lacks()
            if lacks:  # told late: reading the catalogue takes a second
                self._outlet.event({**ready, "lacks": lacks})
            plugins.load()
        except Exception as error:
            # The first request that needs it will tell; the control thread must live.
            print(f"torch can't be loaded: {error}", file=sys.stderr)


# -- the process -------------------------------------------------------------------------


def _handle_signals(worker: Worker, asked: threading.Event) -> None:
    """The first SIGTERM stops with a checkpoint; one during a stop ends the process."""

    def terminate(number: int, frame: object) -> None:
        if asked.is_set() or worker._control is None or worker._control.stopping:
            # Not _end: looking for children takes long beside a loop that never rests.
            worker.leave()
            os._exit(128 + number)
        asked.set()
        threading.Thread(target=lambda: _end(worker, 0 if worker.finish(GRACE_S) else 1)).start()

    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, terminate)


def _end(worker: Worker, code: int) -> NoReturn:
    """Leave at once, with everything that was started here.

    Threads in native code would keep an orderly exit waiting.
    """
    worker.call_off()
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            child.kill()
    worker.leave()
    os._exit(code)


def main() -> NoReturn:
    """Run the worker until stdin ends, and a training that goes on then."""
    faulthandler.enable()
    requests, replies = private_pipes()
    outlet = Outlet(replies)
    surroundings.limit()
    worker = Worker(outlet, Surroundings())
    asked = threading.Event()
    _handle_signals(worker, asked)
    worker.greet()
    lines = Lines(protocol.MAX_REQUEST)
    while chunk := os.read(requests, 1 << 20):
        for line in lines.feed(chunk):
            worker.take(line)
        worker.ignored += lines.dropped
        lines.dropped = 0
    worker.go_on_alone()
    outlet.close()
    _end(worker, 0)
