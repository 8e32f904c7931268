"""Runs that somebody else trains, without any training."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from netbuilder.training.records import lock
from netbuilder.training.records.events import Event, to_line


@contextmanager
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process of somebody else."""
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", "import time; time.sleep(600)"], start_new_session=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


class Writer:
    """A run folder as a training in another process (that of `pid`) leaves it."""

    def __init__(self, path: Path, pid: int, status: str = "running") -> None:
        self.path = path
        self.seq = 0
        path.mkdir(parents=True)
        (path / "project.netb").write_text("{}")
        self.status(status, pid)

    def status(self, status: str, pid: int, /, **changes: Any) -> None:
        value = {
            "status": status,
            "pid": pid,
            "process_started": lock.process_started(pid),
            "host": platform.node(),
            "started": 100.0,
        }
        (self.path / "status.json").write_text(json.dumps({**value, **changes}))

    def tell(self, kind: Any, epoch: Any = 0, step: Any = 0, **values: Any) -> None:
        self.seq += 1
        with open(self.path / "events.jsonl", "ab") as file:
            file.write(to_line(Event(self.seq, 0.0, kind, epoch, step, values)))
