"""Work in another process: it tells how far it is, and nothing of it is left behind."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from netbuilder.app.templates import open_template
from netbuilder.errors import ExportError
from netbuilder.exchange import ahead, exits, fresh, watched
from netbuilder.exchange.watched import Progress
from netbuilder.storage import files

PATIENCE_S = 60.0
CHILD = """
import sys, time
from netbuilder.exchange import watched
from netbuilder.exchange.watched import Progress

def work(job, tell):
    for number in range(3):
        tell(Progress("Counting", number, 3))
    print("a library says something")
    while job["endless"]:
        time.sleep(0.05)
    return {"said": job["word"]}

watched.answer(work)
"""
PARENT = f"""
import sys, threading
from pathlib import Path
from netbuilder.exchange import ahead, fresh, watched
fresh.command = lambda module, *_: [sys.executable, "-c", {CHILD!r}]
watched.ask("x", {{"word": "", "endless": True}}, Path(sys.argv[1]), title="It",
            cancelled=threading.Event(), why="", tell=lambda p: print(p.what, flush=True))
"""


def ask(
    folder: Path, job: dict[str, object], cancelled: threading.Event, tell: watched.Tell
) -> dict[str, object]:
    return watched.ask(
        "x", job, folder, title="The work", cancelled=cancelled, why="called off", tell=tell
    )


@pytest.fixture
def left() -> Callable[[], set[psutil.Process]]:
    """The processes that were started since and are still there."""
    before = set(psutil.Process().children(recursive=True))
    return lambda: set(psutil.Process().children(recursive=True)) - before


@pytest.fixture(autouse=True)
def child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fresh, "command", lambda module, *_: [sys.executable, "-c", CHILD])


def test_it_tells_how_far_it_is_and_answers(tmp_path: Path) -> None:
    told: list[Progress] = []
    job: dict[str, object] = {"word": "tea", "endless": False}
    assert ask(tmp_path, job, threading.Event(), told.append) == {"said": "tea"}
    assert told == [Progress("Counting", number, 3) for number in range(3)]


def test_one_that_is_killed_is_told_with_what_helps(
    tmp_path: Path, left: Callable[[], set[psutil.Process]]
) -> None:
    """It has no batch that could be smaller."""

    def kill(_: Progress) -> None:
        for one in left():
            one.kill()

    job: dict[str, object] = {"word": "", "endless": True}
    with pytest.raises(ExportError, match=r"The work was killed .*out of memory") as caught:
        ask(tmp_path, job, threading.Event(), kill)
    assert caught.value.hint == exits.MORE_MEMORY


def test_one_that_waits_is_told_its_job(
    tmp_path: Path, left: Callable[[], set[psutil.Process]]
) -> None:
    """It answers as another does; called off or ended unused, it leaves nothing."""
    job: dict[str, object] = {"word": "tea", "endless": False}
    ahead.prepare("x")
    [waiting] = left()
    ahead.prepare("x")
    assert left() == {waiting}  # one is enough
    ahead.prepare("y")
    told: list[Progress] = []
    assert ask(tmp_path, job, threading.Event(), told.append) == {"said": "tea"}
    assert not waiting.is_running()
    assert ahead.take("x") is None
    ahead.drop("y")
    assert left() == set()
    cancelled = threading.Event()
    cancelled.set()
    with ahead.prepared("x"), pytest.raises(ExportError, match="called off"):
        ask(tmp_path, job, cancelled, told.append)
    assert left() == set()
    with ahead.prepared("x"):
        assert len(left()) == 1
    assert left() == set()


def test_one_that_waits_is_warm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it loads ahead may fail: the work says so itself, if it matters."""
    log = tmp_path / "log"
    text = CHILD.replace(
        "watched.answer(work)",
        f"def warm():\n    open({str(log)!r}, 'a').write('warm ')\n    raise ImportError\n"
        "watched.answer(work, warm)",
    )
    command = [sys.executable, "-c", text]
    monkeypatch.setattr(fresh, "command", lambda module, *more: [*command, *more])
    job: dict[str, object] = {"word": "tea", "endless": False}
    ask(tmp_path, job, threading.Event(), watched.nobody)
    assert not log.exists()
    with ahead.prepared("x"):
        assert ask(tmp_path, job, threading.Event(), watched.nobody) == {"said": "tea"}
    assert log.read_text() == "warm "


@pytest.mark.skipif(sys.platform == "win32", reason="processes")
def test_one_that_waits_ends_with_its_parent() -> None:
    """Killed, it leaves no process that waits for ever."""
    text = PARENT.partition("watched.ask")[0] + (
        "print(ahead.Ready('x').process.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    with contextlib.suppress(psutil.NoSuchProcess):
        wait(lambda: worker.status() == psutil.STATUS_ZOMBIE or not worker.is_running())


def test_it_is_called_off_in_the_midst(
    tmp_path: Path, left: Callable[[], set[psutil.Process]]
) -> None:
    cancelled = threading.Event()

    def tell(progress: Progress) -> None:
        if progress.done == 1:
            cancelled.set()

    with pytest.raises(ExportError, match="called off"):
        ask(tmp_path, {"word": "", "endless": True}, cancelled, tell)
    assert left() == set()


def wait(done: object) -> None:
    end = time.monotonic() + PATIENCE_S
    assert callable(done)
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.skipif(sys.platform == "win32", reason="no parents to ask for")
def test_when_whoever_asked_is_killed_nothing_is_left(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "Counting\n"
        [worker] = psutil.Process(parent.pid).children()
        parent.kill()
    wait(lambda: not folder.exists())
    with contextlib.suppress(psutil.NoSuchProcess):
        wait(lambda: worker.status() == psutil.STATUS_ZOMBIE or not worker.is_running())


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_ctrl_c_ends_an_export_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command itself, while the process that exports loads PyTorch."""
    for name in ("tmp", "out"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    files.save(open_template("digits_mlp"), tmp_path / "net.netb")
    out = tmp_path / "out" / "net.onnx"
    words = ["export", str(tmp_path / "net.netb"), "--to", "onnx", "-o", str(out)]
    with subprocess.Popen(
        [sys.executable, "-m", "netbuilder", *words], stderr=subprocess.PIPE, text=True
    ) as command:
        wait(lambda: list((tmp_path / "tmp").glob("netbuilder-*")))
        assert psutil.Process(command.pid).children()
        command.send_signal(signal.SIGINT)
        said = command.communicate(timeout=PATIENCE_S)[1]
    assert command.returncode == 130, said
    assert list((tmp_path / "tmp").iterdir()) == []
    assert list((tmp_path / "out").iterdir()) == []
