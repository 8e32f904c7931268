"""Following a run that another process trains, from its folder alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from netbuilder.app import running, tailing
from netbuilder.app.events import Notice, RunChanged, RunEvent
from netbuilder.app.running import Trainer
from netbuilder.app.tailing import Past, Tail
from netbuilder.training import control
from netbuilder.training.records import lock
from netbuilder.training.records.events import Event, current, to_line
from netbuilder.training.records.folder import read_events
from tests.app.fakes import Desk
from tests.app.strangers import Writer, stranger

PATIENCE_S = 30.0


@pytest.fixture
def other() -> Iterator[subprocess.Popen[bytes]]:
    with stranger() as process:
        yield process


@pytest.fixture
def written(tmp_path: Path, other: subprocess.Popen[bytes]) -> Writer:
    writer = Writer(tmp_path / "a.runs" / "run-001", other.pid)
    writer.tell("started", epochs=3, steps=300, device="cpu")
    for step in range(1, 251):
        writer.tell("metrics", step=step, **{"train/loss": 1 / step})
    return writer


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(tailing, "LOOK_EVERY_S", 0.01)
    made = Desk()
    made.start()
    made.answer()
    made.session.save(tmp_path / "a.netb")
    yield made
    made.session.close()
    assert "run-tail" not in [thread.name for thread in threading.enumerate()]


def pump(desk: Desk, until: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < end
        desk.pump()
        threading.Event().wait(0.002)


def status(desk: Desk) -> str:
    return desk.session.run.status if desk.session.run is not None else ""


def heard(desk: Desk) -> list[int]:
    return [event.event.seq for event in desk.heard(RunEvent)]


def test_a_run_that_goes_on_is_found_and_followed(desk: Desk, written: Writer, other: Any) -> None:
    desk.session.look_for_run()
    pump(desk, lambda: len(heard(desk)) == 251)
    run = desk.session.run
    assert run is not None
    assert (run.path, run.pid, run.status) == (written.path, other.pid, "running")
    assert (run.step, run.steps, run.epochs, run.device) == (250, 300, 3, "cpu")
    written.tell("metrics", step=251, **{"train/loss": 0.5})
    written.tell("finished", epoch=3, step=300, status="finished", metrics={"val/loss": 0.25})
    pump(desk, lambda: status(desk) == "finished")
    assert heard(desk) == list(range(1, 254))
    assert [event.run.status for event in desk.heard(RunChanged)] == [
        "starting",
        "running",
        "finished",
    ]
    assert not [notice for notice in desk.heard(Notice) if notice.severity == "error"]


def test_the_past_comes_in_portions_and_is_no_change_of_status(
    desk: Desk, written: Writer, other: Any
) -> None:
    written.tell("paused", step=250)
    written.tell("finished", step=250, status="stopped")
    written.tell("started", step=250, epochs=3, steps=600, resumed_from=250)
    for step in range(251, 600):
        written.tell("metrics", step=step, **{"train/loss": 1 / step})
    desk.session.look_for_run()
    most = 0
    while len(heard(desk)) < written.seq:
        pump(desk, lambda: desk.posted)
        before = len(heard(desk))
        assert len(desk.posted) == 1, "the next portion waits until this one is taken"
        desk.posted.pop(0)()
        most = max(most, len(heard(desk)) - before)
    assert most <= tailing.PORTION
    assert heard(desk) == list(range(1, written.seq + 1))
    assert [event.run.status for event in desk.heard(RunChanged)] == ["starting", "running"]
    assert all(event.run.active for event in desk.heard(RunEvent))


def test_what_a_resume_went_back_behind_is_left_out(desk: Desk, written: Writer) -> None:
    written.tell("started", step=200, resumed_from=200)
    written.tell("metrics", step=201)
    written.tell("started", step=150, resumed_from=150)
    written.tell("metrics", step=152)
    desk.session.look_for_run()
    pump(desk, lambda: heard(desk)[-1:] == [written.seq])
    events, _ = read_events(written.path)
    assert heard(desk) == [event.seq for event in current(events)]


def test_what_many_resumes_went_back_behind() -> None:
    past = Past([(10, 5), (20, 3), (30, 8)])
    counted = {
        (seq, step): past.counts(Event(seq, 0.0, "metrics", 0, step))
        for seq in (5, 15, 25, 35)
        for step in (3, 4, 8, 9)
    }
    assert [key for key, counts in counted.items() if counts] == [
        (5, 3),
        (15, 3),
        (25, 3),
        (25, 4),
        (25, 8),
        (35, 3),
        (35, 4),
        (35, 8),
        (35, 9),
    ]


def test_of_many_previews_some_are_told_and_the_last(
    desk: Desk, written: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tailing, "MOST_PREVIEWS", 4)
    for step in range(251, 291):
        written.tell("preview", step=step, previews={"x": step})
    written.tell("metrics", step=291)
    desk.session.look_for_run()
    pump(desk, lambda: heard(desk)[-1:] == [written.seq])
    told = [event.event for event in desk.heard(RunEvent) if event.event.event == "preview"]
    assert [event.step for event in told] == [257, 268, 279, 290]


def test_a_run_whose_process_died_unseen_is_shown_with_its_past(
    desk: Desk, written: Writer, other: Any
) -> None:
    other.kill()
    other.wait()
    desk.session.look_for_run()
    pump(desk, lambda: status(desk) == "crashed")
    assert heard(desk) == list(range(1, 252))
    assert desk.session.run is not None
    assert desk.session.run.resumable
    assert not desk.heard(Notice)
    # A later run that ended well hides it, and what is shown stays.
    desk.session.look_for_run()
    assert len(heard(desk)) == 251
    later = Writer(written.path.with_name("run-002"), os.getpid())
    later.status("finished", os.getpid(), started=200.0)
    desk.session.new()
    desk.session.save(written.path.parent.with_suffix(".netb"))
    desk.session.look_for_run()
    assert desk.session.run is None


def test_half_a_line_waits_for_its_rest(desk: Desk, written: Writer) -> None:
    desk.session.look_for_run()
    pump(desk, lambda: len(heard(desk)) == 251)
    line = to_line(Event(252, 0.0, "metrics", 0, 251, {"train/loss": 0.5}))
    with open(written.path / "events.jsonl", "ab", buffering=0) as file:
        file.write(line[:20])
        for _ in range(5):
            pump(desk, lambda: True)
            threading.Event().wait(0.02)
        file.write(line[20:])
    pump(desk, lambda: heard(desk)[-1] == 252)


def test_commands_go_through_the_folder(desk: Desk, written: Writer) -> None:
    watched = control.Control()
    watched.watch(written.path)
    desk.session.look_for_run()
    pump(desk, lambda: status(desk) == "running")
    desk.session.pause()
    watched.look()
    assert watched.paused
    written.tell("paused", step=250)
    pump(desk, lambda: status(desk) == "paused")
    desk.session.resume()
    written.tell("resumed", step=250)
    pump(desk, lambda: status(desk) == "running")
    desk.session.stop()
    assert status(desk) == "stopping"
    assert json.loads((written.path / control.FILE).read_text())["command"] == "stop"
    written.tell("metrics", step=251)
    written.tell("finished", step=251, status="stopped")
    pump(desk, lambda: status(desk) == "stopped")
    assert not [asked for asked, _ in desk.client.asked if asked in ("pause", "resume", "stop")]
    assert "stop_training" not in desk.client.log


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_second_stop_ends_the_process(desk: Desk, written: Writer, other: Any) -> None:
    desk.session.look_for_run()
    pump(desk, lambda: status(desk) == "running")
    desk.session.stop()
    desk.session.stop()
    assert other.wait(PATIENCE_S) == -signal.SIGKILL
    pump(desk, lambda: status(desk) == "stopped")
    assert not [notice for notice in desk.heard(Notice) if notice.severity == "error"]


def test_a_process_that_dies_leaves_a_crashed_run(desk: Desk, written: Writer, other: Any) -> None:
    desk.session.look_for_run()
    pump(desk, lambda: len(heard(desk)) == 251)
    # Its last words are heard before its death is told.
    written.tell("metrics", step=260)
    other.kill()
    other.wait()
    pump(desk, lambda: status(desk) == "crashed")
    run = desk.session.run
    assert run is not None
    assert run.step == 260
    assert run.resumable
    assert run.fault is not None
    assert str(other.pid) in run.fault.message
    assert desk.heard(Notice)[-1].severity == "error"
    # It goes on here.
    desk.session.train(run.path, resume=True)
    assert desk.client.asked[-1][0] == "train"
    assert desk.session.run is not None
    assert desk.session.run.pid is None


def test_the_worker_of_this_window_may_die_meanwhile(desk: Desk, written: Writer) -> None:
    desk.session.look_for_run()
    pump(desk, lambda: status(desk) == "running")
    desk.client.die()
    desk.pump()
    assert status(desk) == "running"


def test_a_training_of_this_window_is_another(desk: Desk, written: Writer, tmp_path: Path) -> None:
    desk.session.look_for_run()
    pump(desk, lambda: len(heard(desk)) == 251)
    here = [desk.session.training_here]
    desk.session.train()
    assert [*here, desk.session.training_here] == [False, True]
    run = desk.session.run
    assert run is not None
    assert run.path.name == "run-002"
    assert run.pid is None
    # Nothing of the other is heard any more, and it is not looked for meanwhile.
    written.tell("metrics", step=251)
    desk.session.look_for_run()
    desk.session.follow(written.path)
    desk.pump()
    assert desk.session.run == run
    assert len(heard(desk)) == 251


def test_another_project_lets_go_of_it(desk: Desk, written: Writer) -> None:
    desk.session.look_for_run()
    pump(desk, lambda: status(desk) == "running")
    desk.session.new()
    assert desk.session.run is None
    assert desk.heard(RunChanged)[-1] == RunChanged(None)
    desk.session.follow(written.path)
    pump(desk, lambda: status(desk) == "running")


def test_a_closed_session_hears_nothing_more(desk: Desk, written: Writer) -> None:
    desk.session.look_for_run()
    pump(desk, lambda: len(desk.posted) > 0)
    desk.session.close()
    count = len(heard(desk))
    written.tell("metrics", step=260)
    desk.pump()
    assert len(heard(desk)) == count


# -- which runs go on --------------------------------------------------------------------


def test_what_does_not_go_on_is_not_followed(tmp_path: Path, other: Any) -> None:
    folder = tmp_path / "runs"
    good = Writer(folder / "run-001", other.pid)
    later = Writer(folder / "run-002", other.pid, "paused")
    later.status("paused", other.pid, started=200.0)
    unlike: list[dict[str, Any]] = [
        {"status": "finished"},
        {"host": "elsewhere"},
        {"process_started": 1.0},
        {"process_started": "x"},
        {"pid": "x"},
        {"pid": 2**22 + 1},
        {"status": []},
    ]
    for number, changes in enumerate(unlike):
        writer = Writer(folder / f"run-1{number}", other.pid)
        writer.status("running", other.pid, **changes)
        assert running.trainer_of(writer.path) is None, changes
    (folder / "empty").mkdir()
    assert running.running([folder, tmp_path / "no"]) == [later.path, good.path]


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_a_halted_process_and_a_changed_clock_are_no_death(
    other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(other.pid, lock.process_started(other.pid))
    other.send_signal(signal.SIGSTOP)
    assert trainer.alive
    boot, clock = psutil.boot_time(), time.time
    for jump in (-86_400.0, 3600.0, 1e9):
        monkeypatch.setattr(psutil, "boot_time", lambda jump=jump: boot + jump)
        monkeypatch.setattr(psutil._psplatform, "boot_time", lambda jump=jump: boot + jump)
        monkeypatch.setattr(time, "time", lambda jump=jump: clock() + jump)
        assert trainer.alive
    assert not Trainer(other.pid, trainer.started + 5.0).alive


def test_a_kill_takes_what_the_process_started(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-S', '-c', 'input()'])\n"
        "print(child.pid, flush=True)\n"
        "input()"
    )
    for apart in (True, False):
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=apart,
        )
        assert process.stdout is not None
        assert process.stdin is not None
        child = psutil.Process(int(process.stdout.readline()))
        Trainer(process.pid, lock.process_started(process.pid) + 5.0).kill()
        assert process.poll() is None
        Trainer(process.pid, lock.process_started(process.pid)).kill()
        assert process.wait(PATIENCE_S) != 0
        child.wait(PATIENCE_S)
        process.stdin.close()
        process.stdout.close()


def test_a_tail_can_be_closed_while_nobody_takes_what_it_reads(written: Writer) -> None:
    posted: list[Callable[[], None]] = []
    tail = Tail(written.path, lambda: True, posted.append, lambda events, past: None, lambda: None)
    end = time.monotonic() + PATIENCE_S
    while not posted:
        assert time.monotonic() < end
    tail.close()
    for action in posted:
        action()


def test_the_last_words_of_a_process_are_heard(written: Writer) -> None:
    heard: list[int] = []
    over = threading.Event()

    def dies() -> bool:
        if written.seq == 251:
            written.tell("metrics", step=999)
        return False

    def take(events: Sequence[Event], past: bool) -> None:
        heard.extend(event.seq for event in events)

    tail = Tail(written.path, dies, lambda action: action(), take, over.set)
    assert over.wait(PATIENCE_S)
    assert heard == list(range(1, 253))
    tail.close()


# -- going on with a run of another time ----------------------------------------------------------


def test_a_run_that_goes_on_is_told_from_its_beginning(desk: Desk, tmp_path: Path) -> None:
    writer = Writer(tmp_path / "a.runs" / "run-001", os.getpid(), "stopped")
    writer.tell("started", epochs=3, steps=300, device="cpu")
    for step in range(1, 11):
        writer.tell("metrics", step=step, **{"train/loss": 1 / step})
    writer.tell("finished", step=10, status="stopped", reason="stopped")
    desk.session.train(writer.path, resume=True)
    assert desk.client.count("train") == 0  # not before the past is told
    pump(desk, lambda: desk.client.count("train"))
    told = [each.event.step for each in desk.heard(RunEvent) if each.event.event == "metrics"]
    assert told == list(range(1, 11))
    assert status(desk) == "starting"
    desk.tell(writer.path, 13, "started", epochs=3, steps=300, resumed_from=10)
    assert status(desk) == "running"
    assert not desk.heard(Notice)


def test_the_run_that_is_shown_goes_on_at_once(desk: Desk, tmp_path: Path) -> None:
    path = tmp_path / "run"
    desk.train(path)
    desk.tell(path, 2, "finished", step=10, status="stopped", reason="stopped")
    desk.client.reply("train", {"status": "stopped"})
    desk.pump()
    assert status(desk) == "stopped"
    heard, asked = len(desk.heard(RunEvent)), desk.client.count("train")
    desk.session.train(path, resume=True)
    assert desk.client.count("train") == asked + 1
    assert len(desk.heard(RunEvent)) == heard
