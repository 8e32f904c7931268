"""Every way in which the program can end, as a process: signals, kills, aborts, bad projects."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from netbuilder.app.templates import open_template
from netbuilder.storage import files, format
from netbuilder.storage.journal import Journal
from netbuilder.training import control
from tests.gui.test_app import environment

PROGRAM = """
import os, signal, sys
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from netbuilder.graph import edits
from netbuilder.gui import app, catcher
from netbuilder.gui.asking.dialogs import Message
from netbuilder.gui.main_window import MainWindow
from netbuilder.storage import format
from tests.gui.window_hand import StandIn

def window():
    return next(w for w in QApplication.topLevelWidgets() if isinstance(w, MainWindow))

def edit(note):
    session = window().session
    node = session.graph.named("conv1") or next(iter(session.graph.nodes.values()))
    edits.set_node(session.history, session.graph, node.id, note=str(note))

def say(*words):
    print(*words, flush=True)

def when(condition, then):
    timer = QTimer(QApplication.instance())
    def look():
        if condition():
            timer.stop()
            then()
    timer.timeout.connect(look)
    timer.start(5)

def unexpected(self, text, details):
    print(details, file=sys.stderr, flush=True)
    os._exit(70)

catcher.ErrorCatcher._show = unexpected

def ready():
    pass

{body}

app.MainWindow = lambda: MainWindow(client_factory=StandIn)
real = app.Running.begin
def begin(self):
    real(self)
    QTimer.singleShot(0, lambda: ready())
app.Running.begin = begin
sys.exit(app.main(sys.argv[1:]))
"""

EDITING = """
def ready():
    window().open_template("digits_cnn")
    edit("mine")
    {then}
    say("ready")
"""

COUNTING = """
count = 0
def ready():
    window().open_template("digits_cnn")
    def more():
        global count
        count += 1
        edit(count)
        say(count, window().projects.recovery.keeper.written)
    global timer
    timer = QTimer()
    timer.timeout.connect(more)
    timer.start(20)
"""


def start(home: Path, body: str, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body), *map(str, arguments)],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.communicate()[1]
    return line.strip()


def kept(home: Path) -> list[str]:
    """The notes in the unsaved work that can be recovered, the newest first."""
    journal = Journal(home / "state" / "recovery")
    found = []
    for entry in journal.entries():
        slot = journal.claim(entry.id)
        assert slot is not None
        graph = format.loads(slot.read()[1]).of_kind("network")[0]
        found.append(next(node.note for node in graph.ordered() if node.note))
        slot.release()
    return found


# SIGTERM comes below, where a question is open.
@pytest.mark.parametrize(
    "name",
    [
        "SIGHUP",
        pytest.param("SIGINT", marks=pytest.mark.nightly),
        pytest.param("SIGTERM", marks=pytest.mark.nightly),
    ],
)
def test_signals_keep_unsaved_work(tmp_path: Path, name: str) -> None:
    process = start(tmp_path, EDITING.format(then=""))
    assert said(process) == "ready"
    process.send_signal(getattr(signal, name))
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Traceback" not in errors
    assert kept(tmp_path) == ["mine"]


def test_a_signal_ends_it_even_while_a_question_is_open(tmp_path: Path) -> None:
    then = """
    when(lambda: isinstance(QApplication.activeModalWidget(), Message), lambda: say("asked"))
    QTimer.singleShot(0, window().close)
"""
    process = start(tmp_path, EDITING.format(then=then.strip()))
    assert {said(process), said(process)} == {"ready", "asked"}
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert kept(tmp_path) == ["mine"]


def test_a_kill_loses_no_more_than_what_was_not_kept_yet(tmp_path: Path) -> None:
    process = start(tmp_path, COUNTING)
    count = written = 0
    first_kept = 0
    while written < 3:
        count, written = map(int, said(process).split())
        first_kept = first_kept or (count if written else 0)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    (note,) = kept(tmp_path)
    assert first_kept < int(note)
    # A second start offers it, and recovers it.
    body = """
def ready():
    entry, = window().projects.recovery.entries()
    window().projects.recover(entry)
    say(window().session.graph.named("conv1").note)
    window().end(keep=False)
    QApplication.quit()
"""
    again = start(tmp_path, body)
    assert said(again) == note
    again.communicate(timeout=60)
    assert again.returncode == 0
    assert kept(tmp_path) == [note]


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(15))
def test_a_kill_at_any_moment_loses_seconds_at_most(tmp_path: Path, seed: int) -> None:
    process = start(tmp_path, COUNTING)
    last, edits_in_5_s = random.Random(seed).randrange(45, 300), 250
    count = 0
    while count < last:
        count, _ = map(int, said(process).split())
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate(timeout=60)
    lines = rest.splitlines()
    count = int(lines[-1].split()[0]) if lines and lines[-1] else count
    notes = kept(tmp_path)
    assert len(notes) <= 1
    assert count - (int(notes[0]) if notes else 0) <= edits_in_5_s


# -- with a real worker ----------------------------------------------------------------------------

TRAINING = """
from netbuilder.app.events import RunEvent

def ready():
    shown = window()
    shown.open_template("digits_cnn")
    session = shown.session
    training = {{**session.document.project.training, "epochs": 1000}}
    edits.set_project(session.history, "Change", training=training)
    def heard(event):
        if isinstance(event, RunEvent) and event.run.step > 20 and not told:
            told.append(True)
            say(event.run.path)
    told = []
    session.subscribe(heard)
    when(lambda: session.report is not None and not session.obstacle(), session.train)

app.MainWindow = MainWindow
"""


@pytest.mark.nightly
def test_a_signal_in_the_middle_of_a_training_lets_it_go_on(tmp_path: Path) -> None:
    program = PROGRAM.replace("app.MainWindow = lambda: MainWindow(client_factory=StandIn)\n", "")
    process = subprocess.Popen(
        [sys.executable, "-c", program.format(body=TRAINING.format())],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    run = Path(said(process))
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert json.loads((run / "status.json").read_text())["status"] == "running"
    control.send(run, "stop")
    limit = time.monotonic() + 60
    while json.loads((run / "status.json").read_text())["status"] == "running":
        assert time.monotonic() < limit
        time.sleep(0.05)
    assert json.loads((run / "status.json").read_text())["status"] == "stopped"
    assert any(name.endswith("-last") for name in os.listdir(run / "checkpoints"))


# -- a project that ends the program ---------------------------------------------------------------

ABORTS = """
import netbuilder.storage.reading as reading
def bad(value, **named):
    os.abort()
reading.from_json = bad
"""
HANGS = """
import netbuilder.storage.reading as reading
def bad(value, **named):
    say("hangs")
    while True:
        pass
reading.from_json = bad
"""
ANSWERS = """
def answer():
    dialog = QApplication.activeModalWidget()
    say(dialog.title.text())
    dialog.done({choice})
when(lambda: isinstance(QApplication.activeModalWidget(), Message), answer)

def ready():
    say(window().has_project())
    window().end(keep=False)
    QApplication.quit()
"""


def project(tmp_path: Path) -> Path:
    files.save(open_template("digits_mlp"), tmp_path / "bad.netb")
    return tmp_path / "bad.netb"


# The timer that answers needs an application.
ANSWERING = ANSWERS.replace(
    "when(lambda: isinstance(QApplication.activeModalWidget(), Message), answer)",
    "begin_first = app.Running.begin\n"
    "def answering(self):\n"
    "    when(lambda: isinstance(QApplication.activeModalWidget(), Message), answer)\n"
    "    begin_first(self)\n"
    "app.Running.begin = answering",
)


def test_a_project_that_aborted_the_last_start_is_asked_about(tmp_path: Path) -> None:
    home, path = tmp_path / "home", project(tmp_path)
    first = start(home, ABORTS, path)
    first.communicate(timeout=60)
    assert first.returncode == -signal.SIGABRT
    second = start(home, ANSWERING.format(choice=1), path)
    assert said(second) == "Open bad.netb again?"
    assert said(second) == "False"
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors
    (report,) = (home / "state" / "reports").iterdir()
    assert "Fatal Python error: Aborted" in report.read_text()
    third = start(home, ANSWERING.format(choice=1), path)
    assert said(third) == "True"
    third.communicate(timeout=60)
    assert third.returncode == 0


def test_a_project_that_hung_the_last_start_is_opened_on_demand(tmp_path: Path) -> None:
    home, path = tmp_path / "home", project(tmp_path)
    first = start(home, HANGS, path)
    assert said(first) == "hangs"
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    second = start(home, ANSWERING.format(choice=0), path)
    assert said(second) == "Open bad.netb again?"
    assert said(second) == "True"
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 0, errors


def test_two_programs_do_not_share_a_file(tmp_path: Path) -> None:
    home, path = tmp_path / "home", project(tmp_path)
    body = """
def ready():
    say(repr(window().session.file.read_only))
"""
    first = start(home, body, path)
    assert said(first) == "''"
    second = start(home, body, path)
    assert said(second) == "'in use'"
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    third = start(home, body, path)
    assert said(third) == "''"
    for process in (second, third):
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
