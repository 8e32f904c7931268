"""A training outlives the window that began it, whatever becomes of that."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from netbuilder.app import running
from netbuilder.engine import detaching
from netbuilder.engine.client import WorkerClient
from netbuilder.engine.protocol import RunEvent, WorkerStarted
from netbuilder.training import control
from netbuilder.training.checkpointing import sealed
from netbuilder.training.records.events import current
from netbuilder.training.records.folder import RunFolder, read_events
from tests.engine.workers import LONG, PATIENCE_S, Asked, Ears, begin, patched, waves

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals and process groups")


def wait_for(condition: Callable[[], object], what: str = "it did not come") -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, what
        threading.Event().wait(0.02)


def let_go(worker: subprocess.Popen[bytes]) -> None:
    """As when the window is killed: all its ends of the pipes are gone."""
    for pipe in (worker.stdin, worker.stdout, worker.stderr):
        assert pipe is not None
        pipe.close()


def status(run: Path) -> Any:
    return RunFolder(run).status().get("status")


def steps(run: Path) -> int:
    return max((event.step for event in read_events(run)[0]), default=0)


def assert_whole(run: Path) -> None:
    """No event is lost, none is there twice."""
    numbers = [event.seq for event in read_events(run)[0]]
    assert numbers == list(range(1, len(numbers) + 1))


Begin = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def started() -> Iterator[Begin]:
    """`begin`, with an end after the test."""
    workers = []

    def make(*arguments: Any, **named: Any) -> subprocess.Popen[bytes]:
        workers.append(begin(*arguments, **named))
        return workers[-1]

    yield make
    for worker in workers:
        worker.kill()
        worker.wait()
        let_go(worker)


def test_it_goes_on_to_its_end_without_a_window(started: Begin, tmp_path: Path) -> None:
    run = tmp_path / "run"
    worker = started(run, {"training.epochs": 60})
    at = steps(run)
    let_go(worker)
    assert worker.wait(PATIENCE_S) == 0
    assert status(run) == "finished"
    assert steps(run) > at
    assert_whole(run)
    assert RunFolder(run).read_checkpoint("last")[0].info["epoch"] == 60


def test_without_a_training_it_ends_with_the_window() -> None:
    worker = subprocess.run(
        [sys.executable, "-m", "netbuilder", "worker"], input=b"", timeout=PATIENCE_S, check=False
    )
    assert worker.returncode == 0


def test_anybody_can_pause_it_and_stop_it(started: Begin, tmp_path: Path) -> None:
    run = tmp_path / "run"
    worker = started(run)
    let_go(worker)
    control.send(run, "pause")
    wait_for(lambda: status(run) == "paused")
    rests_at = steps(run)
    control.send(run, "resume")
    wait_for(lambda: steps(run) > rests_at)
    control.send(run, "stop")
    assert worker.wait(PATIENCE_S) == 0
    assert status(run) == "stopped"
    assert RunFolder(run).read_checkpoint("last")
    assert_whole(run)


@pytest.mark.nightly
def test_a_paused_one_stops_too_and_is_not_stopped_by_that_when_it_goes_on(
    started: Begin, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    worker = started(run)
    let_go(worker)
    control.send(run, "pause")
    wait_for(lambda: status(run) == "paused")
    control.send(run, "stop")
    assert worker.wait(PATIENCE_S) == 0
    at = steps(run)
    again = started(run, resume=True)
    wait_for(lambda: steps(run) > at)
    let_go(again)
    control.send(run, "stop")
    assert again.wait(PATIENCE_S) == 0
    assert_whole(run)


@posix_only
def test_sigterm_keeps_what_it_learnt(started: Begin, tmp_path: Path) -> None:
    run = tmp_path / "run"
    worker = started(run)
    let_go(worker)
    wait_for((run / detaching.LOG).exists)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE_S) == 0
    assert status(run) == "stopped"
    assert RunFolder(run).read_checkpoint("last")


PRINTS = """
import os, sys, torch
plain = torch.nn.ReLU.forward
def forward(self, x):
    print("printed" * 100, flush=True)
    print("complained", file=sys.stderr)
    return plain(self, x)
torch.nn.ReLU.forward = forward
"""


def test_what_it_prints_afterwards_harms_nobody_and_is_kept_short(
    started: Begin, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shorter = "from netbuilder.engine import detaching\ndetaching.MOST_BYTES = 20_000\n"
    shorter += "detaching.LOOK_EVERY_S = 0.01\n"
    worker = started(run, command=patched(PRINTS + shorter))
    let_go(worker)
    log = run / detaching.LOG
    wait_for(lambda: log.exists() and b"too much to be kept" in log.read_bytes())
    # It begins again all the time, so what is looked for is there now and then.
    for words in (b"printed", b"complained"):
        wait_for(lambda words=words: words in log.read_bytes())  # type: ignore[misc]
    at = steps(run)
    wait_for(lambda: steps(run) > at + 100)
    control.send(run, "stop")
    assert worker.wait(PATIENCE_S) == 0
    assert status(run) == "stopped"
    assert b"Error" not in log.read_bytes()


def test_printing_to_nobody_raises_nothing() -> None:
    """Also in the moment before the worker knows that the window is gone."""
    code = """
        import os, sys
        from netbuilder.engine.detaching import private_pipes
        _, replies = private_pipes()
        for stream in (sys.stdout, sys.stderr):
            print("lost", "\\udcff", file=stream, flush=True)
            stream.write("also lost")
            stream.flush()
        os.write(replies, b"fine")
    """
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=write,
            timeout=PATIENCE_S,
            check=False,
        )
    finally:
        os.close(write)
    assert done.stdout == b"fine"
    assert done.returncode == 0


@posix_only
def test_a_folder_that_is_moved_away_ends_it_and_its_events_say_so(
    started: Begin, tmp_path: Path
) -> None:
    run, moved = tmp_path / "run", tmp_path / "elsewhere"
    worker = started(run)
    let_go(worker)
    run.rename(moved)
    assert worker.wait(PATIENCE_S) == 0
    assert not run.exists()
    last = read_events(moved)[0][-1]
    assert last.event == "finished"
    assert "moved or removed" in last.values["error"]["message"]
    assert status(moved) == "crashed"


@posix_only
def test_it_is_no_part_of_the_terminal(started: Begin, tmp_path: Path) -> None:
    ears = Ears()
    client = WorkerClient(ears)
    client.start()
    pid = ears.wait(WorkerStarted).pid
    assert os.getsid(pid) == pid
    client.close()


@posix_only
def test_one_that_hangs_is_ended_with_all_that_it_started(started: Begin, tmp_path: Path) -> None:
    run = tmp_path / "run"
    hangs = f"""
        import subprocess, torch
        plain, calls = torch.nn.ReLU.forward, []
        def forward(self, x):
            calls.append(1)
            if len(calls) == 500:
                child = subprocess.Popen(["sleep", "600"])
                open({str(tmp_path / "child")!r}, "w").write(f"{{child.pid}}\\n")
                while True:
                    pass
            return plain(self, x)
        torch.nn.ReLU.forward = forward
    """
    worker = started(run, command=patched(hangs))
    let_go(worker)
    told = tmp_path / "child"
    wait_for(lambda: told.exists() and told.read_text().endswith("\n"))
    child = psutil.Process(int(told.read_text()))
    control.send(run, "stop")
    trainer = running.trainer_of(run)
    assert trainer is not None
    assert trainer.pid == worker.pid
    trainer.kill()
    assert worker.wait(PATIENCE_S) == -signal.SIGKILL
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    assert status(run) == "crashed"
    assert running.trainer_of(run) is None


@posix_only
def test_a_halted_one_goes_on(started: Begin, tmp_path: Path) -> None:
    run = tmp_path / "run"
    worker = started(run)
    let_go(worker)
    worker.send_signal(signal.SIGSTOP)
    wait_for(lambda: psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED)
    assert status(run) == "running"
    at = steps(run)
    control.send(run, "pause")
    worker.send_signal(signal.SIGCONT)
    wait_for(lambda: status(run) == "paused")
    assert steps(run) >= at
    control.send(run, "stop")
    assert worker.wait(PATIENCE_S) == 0
    assert_whole(run)


# -- clients ---------------------------------------------------------------------------------


def training(run: Path) -> tuple[WorkerClient, Ears, psutil.Process]:
    ears = Ears()
    client = WorkerClient(ears)
    client.start()
    params = {"project": waves(), "run": str(run), "overrides": LONG}
    Asked(client, "train", params)
    worker = psutil.Process(ears.wait(WorkerStarted).pid)
    return client, ears, worker


def test_a_client_that_leaves_lets_the_training_go_on(tmp_path: Path) -> None:
    run = tmp_path / "run"
    client, ears, worker = training(run)
    ears.wait(RunEvent)
    client.leave()
    at = steps(run)
    wait_for(lambda: steps(run) > at)
    control.send(run, "stop")
    worker.wait(PATIENCE_S)
    assert status(run) == "stopped"
    client.close()


def test_a_client_that_leaves_at_once_is_heard_before(tmp_path: Path) -> None:
    """Also what was asked before the worker was there."""
    run = tmp_path / "run"
    client = WorkerClient(lambda message: None)
    client.start()
    client.request("train", {"project": waves(), "run": str(run), "overrides": LONG})
    client.leave()
    wait_for(lambda: steps(run) > 0)
    control.send(run, "stop")
    wait_for(lambda: status(run) == "stopped")
    client.close()


def test_a_client_that_closes_stops_the_training(tmp_path: Path) -> None:
    run = tmp_path / "run"
    client, ears, worker = training(run)
    ears.wait(RunEvent)
    client.close()
    assert not worker.is_running()
    assert status(run) == "stopped"


# -- killed at any moment ----------------------------------------------------------------------


ENDS = [
    pytest.param("SIGKILL", 1, id="a kill"),
    *(
        pytest.param(
            how, 30, id=f"30 x {how}", marks=[pytest.mark.nightly, pytest.mark.timeout(3600)]
        )
        for how in ("SIGKILL", "SIGTERM", "SIGINT", "stop")
    ),
]


@posix_only
@pytest.mark.parametrize(("how", "count"), ENDS)
def test_ended_at_any_moment_and_resumed_it_comes_to_what_it_would_have(
    started: Begin, tmp_path: Path, how: str, count: int
) -> None:
    """A kill costs the steps since the last checkpoint, every other end none."""
    lot = random.Random(f"{how} {count}")
    sizes = {"training.epochs": 30 * count, "training.threads": 1}
    often = {**sizes, "training.checkpoint_s": 0.1}
    whole, run = tmp_path / "whole", tmp_path / "run"
    assert end(started(whole, sizes), count) == 0
    events = read_events(whole)[0]
    longest_s = min(0.5, (events[-1].time - events[0].time) / 2)
    ended = 0
    worker = started(run, often)
    while ended < count:
        threading.Event().wait(lot.uniform(0.0, longest_s))
        if how == "stop":
            control.send(run, "stop")
            let_go(worker)
            assert worker.wait(PATIENCE_S) == 0
        else:
            worker.send_signal(getattr(signal, how))
            assert worker.wait(PATIENCE_S) == (-signal.SIGKILL if how == "SIGKILL" else 0)
            let_go(worker)
        if status(run) == "finished":
            break
        assert status(run) == ("crashed" if how == "SIGKILL" else "stopped")
        ended += 1
        kept = RunFolder(run).checkpoints("last")
        expected = RunFolder(run).read_checkpoint("last")[0].info["step"] if kept else 0
        if how != "SIGKILL":
            assert expected == steps(run)
        began = len(read_events(run)[0])
        worker = started(run, often, resume=True)
        again = next(each for each in read_events(run)[0][began:] if each.event == "started")
        assert again.values["resumed_from"] == expected
    print(f"ended {ended} times")
    assert ended >= min(count, 3)
    assert end(worker, count) == 0
    assert status(run) == "finished"
    assert_whole(run)
    for kind in ("best", "last"):
        one, other = (RunFolder(each).read_checkpoint(kind)[0] for each in (run, whole))
        assert one.info["step"] == other.info["step"]
        assert networks(one) == networks(other)
    assert epochs(run) == epochs(whole)


def epochs(run: Path) -> list[Any]:
    """What is told of each epoch, of what counts."""
    told = [event for event in current(read_events(run)[0]) if event.event == "epoch"]
    return [(event.epoch, event.step, event.values) for event in told]


def end(worker: subprocess.Popen[bytes], count: int) -> int:
    """Its exit code once it has trained to the end."""
    let_go(worker)
    return worker.wait(PATIENCE_S * count)


def networks(checkpoint: sealed.Sealed) -> dict[str, bytes]:
    return {name: data for name, data in checkpoint.files.items() if "networks/" in name}


@posix_only
@pytest.mark.nightly
@pytest.mark.timeout(1800)
def test_stopped_and_started_again_and_again_nothing_piles_up(tmp_path: Path) -> None:
    ears = Ears()
    client = WorkerClient(ears)
    client.start()
    worker = psutil.Process(ears.wait(WorkerStarted).pid)
    ours = psutil.Process()
    counts = []
    for number in range(20):
        params = {"project": waves(), "run": str(tmp_path / f"{number}"), "overrides": LONG}
        asked = Asked(client, "train", params)
        ears.wait_for_event("metrics")
        client.stop_training()
        assert asked.reply().result["status"] == "stopped"
        counts.append(
            (
                worker.num_fds(),
                worker.num_threads(),
                len(worker.children(recursive=True)),
                ours.num_fds(),
                ours.num_threads(),
                len(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else 0,
            )
        )
    print(counts)
    # The first ones import and start what stays; a thread may be just about to end.
    for early, late in zip(
        zip(*counts[3:10], strict=True), zip(*counts[10:], strict=True), strict=True
    ):
        assert min(late) <= max(early)
    assert ears.messages
    client.close()
    assert not worker.is_running()
