"""From a file in float32 to smaller ones, each made and checked in a process of its own."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from netbuilder.errors import ExportError
from netbuilder.exchange import fresh, watched
from netbuilder.exchange.smaller import precisions

CANCELLED = "It was cancelled; nothing was written."
Feed = Mapping[str, np.ndarray[Any, Any]]


def lower(
    whole: Path,
    files: Mapping[str, Path],
    samples: Sequence[Feed],
    calibration: Sequence[Feed],
    cancelled: threading.Event | None = None,
) -> dict[str, float | ExportError]:
    """Write `whole`, an ONNX file, in each of these precisions; by precision the error.

    `samples` are inputs by name to compare on, `calibration` those by which ranges are fixed: of
    the training part, never of what the result is judged by. A precision that does not hold has
    the reason in place of the error, and no file. `ExportError` once `cancelled` is set.
    """
    for name in files:
        if precisions.find(name).calibrated and not calibration:
            raise ExportError(
                f"{name} needs training samples to find the ranges of values.",
                "Choose data and a training step, or another precision.",
            )
    with fresh.folder() as folder:
        kept = {"samples": samples, "calibration": calibration}
        job: dict[str, Any] = {"whole": str(whole)}
        job["files"] = {name: str(path) for name, path in files.items()}
        for name, feeds in kept.items():
            job[name] = str(Path(folder) / f"{name}.safetensors")
            write_feeds(feeds, Path(job[name]))
        answer = watched.ask(
            "netbuilder.exchange.smaller.child",
            job,
            Path(folder),
            title="Making the file smaller",
            cancelled=cancelled or threading.Event(),
            why=CANCELLED,
        )["found"]
    found: dict[str, float | ExportError] = {}
    for name, path in files.items():
        error = answer[name].get("error")
        found[name] = (
            float(answer[name]["max_rel_error"])
            if error is None
            else ExportError(error["message"], error["hint"])
        )
        if error is not None:
            path.unlink(missing_ok=True)
    return found


def write_feeds(feeds: Sequence[Feed], path: Path) -> None:
    """Inputs of calls one after the other, in one file."""
    tensors = {
        f"{number}.{name}": np.ascontiguousarray(value)
        for number, feed in enumerate(feeds)
        for name, value in feed.items()
    }
    save_file(tensors, path)


def read_feeds(path: Path) -> list[dict[str, np.ndarray[Any, Any]]]:
    """What `write_feeds` wrote."""
    found: dict[int, dict[str, np.ndarray[Any, Any]]] = {}
    for key, value in load_file(path).items():
        number, _, name = key.partition(".")
        found.setdefault(int(number), {})[name] = value
    return [found[number] for number in sorted(found)]
