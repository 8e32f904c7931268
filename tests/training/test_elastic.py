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
"""So long nothing may happen at all; on a machine under load the whole takes as long as it does."""
pytestmark = [
    pytest.mark.nightly,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(os.name != "posix", reason="signals"),
]


class Torchrun:
    """Two processes that train a template in `folder/run`, with one restart allowed."""

    def __init__(self, folder: Path, *more: str, epochs: int) -> None:
        project = folder / "project.netb"
        project.write_text(format.dumps(open_template("digits_mlp")), encoding="utf-8")
        self.run = RunFolder(folder / "run")
        self._out = folder / "out.txt"
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc-per-node=2", "--max-restarts=1", "--monitor-interval=0.2"]
        command += ["-m", "netbuilder", "train", str(project), "--run-dir", str(self.run.path)]
        command += ["--epochs", str(epochs), "--set", "training.checkpoint_steps=50", *more]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        with open(self._out, "wb") as out:
            self.process = subprocess.Popen(
                command, env=environment, stdout=out, stderr=subprocess.STDOUT
            )

    @property
    def out(self) -> str:
        return self._out.read_text("utf-8", "replace")[-4000:]

    def wait_for(self, condition: Callable[[], object], what: str) -> None:
        """As long as something goes on: events, or lines of output."""
        seen, until = self._seen(), time.monotonic() + PATIENCE_S
        while not condition():
            if self.process.poll() is not None:
                # It may have happened just before the end.
                assert condition(), f"{what}; it ended: {self.out}"
                return
            if self._seen() != seen:
                seen, until = self._seen(), time.monotonic() + PATIENCE_S
            assert time.monotonic() < until, f"{what}: {self.out}"
            threading.Event().wait(0.05)

    def _seen(self) -> tuple[int, ...]:
        files = (self._out, self.run.events_path)
        return tuple(path.stat().st_size if path.exists() else 0 for path in files)

    def end(self) -> int:
        """Its exit code, once it has one."""
        self.wait_for(lambda: self.process.poll() is not None, "no end")
        return int(self.process.returncode)


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
    torchrun = Torchrun(tmp_path, "--set", f"training.parallel={parallel}", epochs=40)
    run = torchrun.run
    try:
        torchrun.wait_for(lambda: run.checkpoints("last"), "no checkpoint")
        member(torchrun.process, rank).send_signal(signal.SIGKILL)
        code = torchrun.end()
    finally:
        torchrun.process.kill()
    assert code == 0, torchrun.out
    assert run.status()["status"] == "finished"
    events, _ = read_events(run.path)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    started = [event for event in events if event.event == "started"]
    assert len(started) == 2
    assert started[1].values["resumed_from"] > 0
    assert run.read_checkpoint("last")[0].info["epoch"] == 40


def test_asked_to_end_all_stop_with_a_checkpoint(tmp_path: Path) -> None:
    torchrun = Torchrun(tmp_path, epochs=100_000)
    run = torchrun.run
    try:
        torchrun.wait_for(lambda: run.checkpoints("last"), "no checkpoint")
        torchrun.process.send_signal(signal.SIGTERM)
        torchrun.end()
    finally:
        torchrun.process.kill()
    assert run.status()["status"] == "stopped"
    assert run.read_checkpoint("last")[0].info["step"] == run.status()["step"]
