"""Checkpoints that are written beside the training: the loop waits for a copy in memory alone."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from netbuilder.training.checkpointing import checkpoints
from netbuilder.training.guards import all_finite
from netbuilder.training.records.folder import CheckpointKind, RunFolder


@dataclass(frozen=True)
class Shot:
    """All of a checkpoint, in tensors that nobody changes any more."""

    kind: CheckpointKind
    weights: checkpoints.Weights
    info: dict[str, Any]
    state: dict[str, Any] | None = None


@dataclass(frozen=True)
class Written:
    """What came of a shot: a path, or why there is none (None: weights that are not finite)."""

    shot: Shot
    path: Path | None
    fault: OSError | None = None


def write(folder: RunFolder, shot: Shot) -> Written:
    """Write one; weights that are not finite are not written."""
    if not all_finite(tensor for each in shot.weights.values() for tensor in each.values()):
        return Written(shot, None)
    try:
        return Written(
            shot, checkpoints.save(folder, shot.kind, shot.weights, shot.info, shot.state)
        )
    except OSError as error:
        return Written(shot, None, error)


class Saver:
    """Writes shots on a thread, one set at a time."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._pending = False
        self._written: list[Written] = []
        self._error: BaseException | None = None
        self._finished = threading.Event()

    @property
    def busy(self) -> bool:
        """Whether something is being written."""
        return self._pending and not self._finished.is_set()

    def begin(self, shots: list[Shot]) -> None:
        """Write these; nothing may be under way, and what was has been taken."""
        assert not self._pending
        self._finished.clear()
        self._pending = True
        if self._thread is None:
            # One for all checkpoints: who starts a thread waits until it runs.
            self._thread = threading.Thread(target=self._run, name="checkpoint", daemon=True)
            self._thread.start()
        self._work.put(_beside_the_device(lambda: self._write(shots)))

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()

    def _write(self, shots: list[Shot]) -> None:
        try:
            for shot in shots:
                self._written.append(write(self._folder, shot))
        except BaseException as error:
            self._error = error
        finally:
            self._finished.set()

    def take(self, *, wait: bool) -> list[Written]:
        """What has been written since the last call; with `wait`, also what is under way.

        What was no matter of the disk is raised here.
        """
        if not self._pending or (self.busy and not wait):
            return []
        self._finished.wait()
        self._pending = False
        written, self._written = self._written, []
        error, self._error = self._error, None
        if error is not None:
            raise error
        return written

    def close(self) -> None:
        """End the thread; nothing may be under way."""
        if self._thread is not None:
            self._work.put(None)
            self._thread.join()
            self._thread = None


def _beside_the_device(work: Callable[[], None]) -> Callable[[], None]:
    """On a GPU copies to the host go through a stream of their own, after what is queued now."""
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return work
    begun = torch.cuda.Event()  # type: ignore[no-untyped-call]
    begun.record()

    def streamed() -> None:
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_event(begun)
        with torch.cuda.stream(side):
            work()

    return streamed
