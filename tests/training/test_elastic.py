"""A process of a group is killed in the middle: torchrun starts again from the last checkpoint."""

from __future__ import annotations

import os
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
from netbuilder.storage import format
from netbuilder.training.records.folder import RunFolder, read_events

PATIENCE_S = 110.0
pytestmark = [
    pytest.mark.nightly,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.name != "posix", reason="signals"),
]


def wait_for(condition: Callable[[], object], process: subprocess.Popen[bytes], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        if process.poll() is not None:
            out, _ = process.communicate()
            raise AssertionError(f"{what}; it ended: {out.decode()[-4000:]}")
        assert time.monotonic() < until, what
        threading.Event().wait(0.05)


def torchrun(folder: Path, *more: str, epochs: int) -> subprocess.Popen[bytes]:
    """Two processes that train a template in `folder/run`, with one restart allowed."""
    project = folder / "project.netb"
    project.write_text(format.dumps(open_template("digits_mlp")), encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node=2", "--max-restarts=1", "--monitor-interval=0.2"]
    command += ["-m", "netbuilder", "train", str(project), "--run-dir", str(folder / "run")]
    command += ["--epochs", str(epochs), "--set", "training.checkpoint_steps=50", *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def member(process: subprocess.Popen[bytes], rank: int) -> psutil.Process:
    for child in psutil.Process(process.pid).children(recursive=True):
        if child.environ().get("RANK") == str(rank) and "netbuilder" in child.cmdline():
            return child
    raise AssertionError("there is no such process")


@pytest.mark.parametrize("rank", [0, 1])
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_a_killed_process_costs_the_steps_since_the_last_checkpoint(
    tmp_path: Path, rank: int, parallel: str
) -> None:
    process = torchrun(tmp_path, "--set", f"training.parallel={parallel}", epochs=40)
    run = RunFolder(tmp_path / "run")
    try:
        wait_for(lambda: run.checkpoints("last"), process, "no checkpoint")
        member(process, rank).send_signal(signal.SIGKILL)
        out, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert process.returncode == 0, out.decode()[-4000:]
    assert run.status()["status"] == "finished"
    events, _ = read_events(run.path)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    started = [event for event in events if event.event == "started"]
    assert len(started) == 2
    assert started[1].values["resumed_from"] > 0
    assert run.read_checkpoint("last")[0].info["epoch"] == 40


def test_asked_to_end_all_stop_with_a_checkpoint(tmp_path: Path) -> None:
    process = torchrun(tmp_path, epochs=100_000)
    run = RunFolder(tmp_path / "run")
    try:
        wait_for(lambda: run.checkpoints("last"), process, "no checkpoint")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert run.status()["status"] == "stopped"
    assert run.read_checkpoint("last")[0].info["step"] == run.status()["step"]
