"""Work in a process of its own that tells how far it is, and ends with whoever wants it.

The job is JSON on stdin; lines of JSON come on stdout: `{"progress": {...}}` for each step, at
last the answer. Everything that a model or a library prints goes to stderr.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from netbuilder.errors import ExportError
from netbuilder.exchange import ahead, exits, fresh
from netbuilder.exchange.ahead import Ready

PATIENCE_S = 0.1
"""How often somebody who waits looks whether it is still wanted, and a child for its parent."""
_WORDS = 64 * 1024
"""Bytes of what a child said last that are looked at when it fails."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is being done, and how many of how many are done; `total` is 0 where nobody knows.

    `written` says that what was asked for lies in its place and is only looked at yet.
    """

    what: str
    done: int = 0
    total: int = 0
    written: bool = False

    def to_json(self) -> dict[str, Any]:
        """The JSON object of a line."""
        return asdict(self)

    @staticmethod
    def from_json(value: Any) -> Progress | None:
        """The progress that `to_json` wrote; None for anything else."""
        match value:
            case {"what": str(what), "done": int(done), "total": int(total), **rest}:
                return Progress(what, done, total, rest.get("written") is True)
        return None


Tell = Callable[[Progress], None]
_Child = tuple[subprocess.Popen[bytes], IO[bytes]]


def nobody(progress: Progress) -> None:
    """Nobody wants to know."""


# -- who asks ------------------------------------------------------------------------------------


def ask(
    module: str,
    job: Mapping[str, Any],
    folder: Path,
    *,
    title: str,
    cancelled: threading.Event,
    why: str,
    tell: Tell = nobody,
) -> dict[str, Any]:
    """What `module` answers to the job; `folder` is for its files and ours.

    A process of it that waits for a job (`ahead`) is taken; if there is none, one is started.
    `ExportError` with what went wrong if it ends without an answer (`title` names the work), and
    saying `why` once `cancelled` is set: the process is gone then.
    """
    words = json.dumps({**job, "parent": os.getpid(), "folder": str(folder)})
    ready = ahead.take(module)
    with _told(ready, words) if ready else _started(module, words, folder) as (child, stderr):
        try:
            answer = _heard(child, cancelled, why, tell)
        except BaseException:
            child.kill()
            raise
        child.wait()
        if answer is not None:
            return answer
        cause, hint = exits.describe(child.returncode, _end_of(stderr), exits.MORE_MEMORY)
        last = exits.last_line(_end_of(stderr))
    text = f"{title} {cause}." + (f" It said last: {last}" if last else "")
    raise ExportError(text, hint)


@contextlib.contextmanager
def _started(module: str, job: str, folder: Path) -> Iterator[_Child]:
    said = folder / "job.json"
    said.write_text(job)
    with (
        open(said, "rb") as words,
        open(folder / "stderr.txt", "w+b") as stderr,
        subprocess.Popen(
            fresh.command(module),
            env=fresh.environment(),
            stdin=words,
            stdout=subprocess.PIPE,
            stderr=stderr,
        ) as child,
    ):
        yield child, stderr


@contextlib.contextmanager
def _told(ready: Ready, job: str) -> Iterator[_Child]:
    with ready.stderr as stderr, ready.process as child:
        assert child.stdin is not None
        # Where it has died meanwhile, how it ended says why.
        with contextlib.suppress(OSError):
            child.stdin.write(job.encode())
            child.stdin.close()
        yield child, stderr


def _end_of(file: IO[bytes]) -> str:
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - _WORDS))
    return file.read().decode("utf-8", "replace")


def _heard(
    child: subprocess.Popen[bytes], cancelled: threading.Event, why: str, tell: Tell
) -> dict[str, Any] | None:
    """The last line that is no progress; None if there is none."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    assert child.stdout is not None
    stdout = child.stdout

    def read() -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in stdout:
                lines.put(line)
        lines.put(b"")

    threading.Thread(target=read, name="child's answers", daemon=True).start()
    answer: dict[str, Any] | None = None
    while True:
        if cancelled.is_set():
            raise ExportError(why)
        try:
            line = lines.get(timeout=PATIENCE_S)
        except queue.Empty:
            continue
        if not line:
            return answer
        with contextlib.suppress(ValueError):
            value = json.loads(line)
            progress = Progress.from_json(value.get("progress"))
            if progress is None:
                answer = value
            else:
                tell(progress)


# -- who is asked --------------------------------------------------------------------------------


def answer(
    work: Callable[[Mapping[str, Any], Tell], Mapping[str, Any]],
    warm_up: Callable[[], None] = lambda: None,
) -> None:
    """Read the job, do it, and say what comes of it.

    `warm_up` loads what the work needs, where this process was started ahead of its job.
    """
    # Loading PyTorch and its exporter makes objects that stay, which Python would look through
    # again and again: a tenth of the time of an export.
    gc.set_threshold(50_000, 20, 100)
    if ahead.FLAG in sys.argv:
        # What is wrong with an installation is told by the work itself.
        with contextlib.suppress(Exception):
            warm_up()
    answers = os.dup(1)
    os.dup2(2, 1)
    job = json.load(sys.stdin)
    _end_with(job.get("parent"), job.get("folder"))
    with os.fdopen(answers, "w") as stream:

        def say(value: Mapping[str, Any]) -> None:
            stream.write(json.dumps(value) + "\n")
            stream.flush()

        try:
            say(work(job, lambda progress: say({"progress": progress.to_json()})))
        except BrokenPipeError:
            # Whoever asked is gone, and the watch has not seen it yet.
            _leave_nothing(job.get("folder"))


def _end_with(parent: Any, folder: Any) -> None:
    """When the process that asked is gone, however, end this one and leave nothing behind."""
    if not isinstance(parent, int) or not isinstance(folder, str) or os.name != "posix":
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PATIENCE_S)
        _leave_nothing(folder)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _leave_nothing(folder: Any) -> NoReturn:
    if isinstance(folder, str):
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)
