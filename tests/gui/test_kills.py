"""A training outlives every window that follows it, and the next window has heard all of it."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app.templates import open_template
from netbuilder.graph import edits
from netbuilder.graph.history import History
from netbuilder.storage import files
from netbuilder.training import control
from netbuilder.training.records.folder import RunFolder, read_events
from tests.gui.test_app import environment
from tests.gui.test_ends import PROGRAM

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals")
PATIENCE_S = 90.0

# A real window with a real worker; it trains unless a training goes on already, and tells what
# it hears of it.
FOLLOWS = """
from netbuilder.app.events import RunEvent
from netbuilder.app.session import Session

def heard(event):
    if isinstance(event, RunEvent):
        say(event.event.seq, event.event.event, event.run.status, event.run.pid or 0)

# From the first moment: a run is found as soon as the project is open.
plain = Session.__init__
def made(self, *arguments, **named):
    plain(self, *arguments, **named)
    self.subscribe(heard)
Session.__init__ = made

def ready():
    session = window().session
    if session.run is not None:
        say("follows", session.run.path)
        return
    def train():
        window().runner.train()
        say("trains", session.run.path)
    when(lambda: session.report is not None and not session.obstacle(), train)
"""
REAL = PROGRAM.replace("app.MainWindow = lambda: MainWindow(client_factory=StandIn)\n", "")


class Window:
    """A window in a process of its own, and what it says."""

    def __init__(self, home: Path, project: Path, **more: str) -> None:
        # What it prints goes to a file: a pipe that nobody reads would halt it.
        self.log = home.parent / f"{time.monotonic_ns()}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", REAL.format(body=FOLLOWS), str(project)],
                env=environment(home, **more),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def lines(self) -> list[list[str]]:
        text = self.log.read_text()
        assert "Traceback" not in text, text
        return [line.split() for line in text[: text.rfind("\n") + 1].splitlines()]

    def began(self) -> tuple[str, Path] | None:
        """`trains` or `follows`, and the run."""
        for line in self.lines():
            if line[0] in ("trains", "follows"):
                return line[0], Path(line[1])
        return None

    def heard(self) -> list[tuple[int, str]]:
        return [(int(line[0]), line[1]) for line in self.lines() if line[0].isdigit()]

    def end(self, number: int = signal.SIGKILL) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


def wait_for(condition: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until
        threading.Event().wait(0.02)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    document = open_template("digits_mlp")
    training = {**document.project.training, "epochs": 100_000, "threads": 1}
    edits.set_project(History(document), "Change", training=training)
    files.save(document, tmp_path / "a.netb")
    return tmp_path / "a.netb"


@pytest.fixture
def opened(tmp_path: Path, project: Path) -> Iterator[Callable[..., Window]]:
    """Opens windows on the project; ends them and its trainings after the test."""
    windows: list[Window] = []

    def make(**more: str) -> Window:
        windows.append(Window(tmp_path / "home", project, **more))
        wait_for(windows[-1].began)
        return windows[-1]

    yield make
    for window in windows:
        window.end()
    for run in tmp_path.glob("a.runs/*"):
        status = RunFolder(run).status()
        if status.get("status") in ("running", "paused"):
            os.killpg(status["pid"], signal.SIGKILL)


def status(run: Path) -> dict[str, Any]:
    return RunFolder(run).status()


def kills(count: int) -> Any:
    marks = [pytest.mark.nightly, pytest.mark.timeout(3600)] if count > 1 else []
    return pytest.param(count, id=f"{count} kills", marks=marks)


@pytest.mark.parametrize("count", [kills(1), kills(30)])
def test_a_run_outlives_windows_that_are_killed(
    opened: Callable[[], Window], project: Path, count: int
) -> None:
    lot = random.Random(count)
    window = opened()
    begun = window.began()
    assert begun is not None
    run = begun[1]
    assert begun[0] == "trains"
    wait_for(window.heard)
    pid = status(run)["pid"]
    for _ in range(count):
        threading.Event().wait(lot.uniform(0.0, 2.0))
        window.end()
        assert status(run)["status"] == "running"
        window = opened()
        assert window.began() == ("follows", run)
        if lot.random() < 0.7:
            wait_for(window.heard)
    # The last window hears all that there is, in order, each event once; of the past one preview.
    control.send(run, "stop")
    wait_for(lambda: window.heard()[-1:] and window.heard()[-1][1] == "finished")
    told = status(run)
    assert told["status"] == "stopped"
    assert told["pid"] == pid
    written = [(event.seq, str(event.event)) for event in read_events(run)[0]]
    assert [number for number, _ in written] == list(range(1, len(written) + 1))
    heard = window.heard()
    assert [each for each in heard if each[1] != "preview"] == [
        each for each in written if each[1] != "preview"
    ]
    assert [number for number, _ in heard] == sorted({number for number, _ in heard})
    assert sum(kind == "started" for _, kind in written) == 1
    assert not [name for name in os.listdir(project.parent / "a.runs") if name != "run-001"]


@pytest.mark.parametrize("name", ["SIGTERM", pytest.param("SIGHUP", marks=pytest.mark.nightly)])
def test_a_run_outlives_a_window_that_is_asked_to_end(
    opened: Callable[[], Window], name: str
) -> None:
    window = opened()
    begun = window.began()
    assert begun is not None
    # At once: what was asked reaches the worker before the window is gone.
    assert window.end(getattr(signal, name)) == 0
    wait_for(lambda: status(begun[1]).get("status") == "running")
    at = status(begun[1])["step"]
    wait_for(lambda: status(begun[1])["step"] > at)
    assert json.loads((begun[1] / "status.json").read_text())["host"]


@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="needs Xvfb")
def test_a_run_outlives_the_display(opened: Callable[..., Window]) -> None:
    read, write = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24"],
        pass_fds=[write],
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    with os.fdopen(read) as answer:
        display = f":{int(answer.readline())}"
    window = opened(QT_QPA_PLATFORM="xcb", DISPLAY=display)
    begun = window.began()
    assert begun is not None
    run = begun[1]
    wait_for(window.heard)
    server.kill()
    server.wait()
    assert window.process.wait(PATIENCE_S) != 0
    at = status(run)["step"]
    wait_for(lambda: status(run)["step"] > at)
    again = opened()
    assert again.began() == ("follows", run)
