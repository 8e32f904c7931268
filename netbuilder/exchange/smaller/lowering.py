"""From a file in float32 to smaller ones, each made and checked in a process of its own."""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from netbuilder.errors import ExportError
from netbuilder.exchange import exits, fresh
from netbuilder.exchange.smaller import precisions

CANCELLED = "It was cancelled; nothing was written."
_PATIENCE_S = 0.1
"""How often the child is asked whether it is still wanted."""
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
    with tempfile.TemporaryDirectory(prefix="netbuilder-") as folder:
        kept = {"samples": samples, "calibration": calibration}
        job: dict[str, Any] = {"whole": str(whole)}
        job["files"] = {name: str(path) for name, path in files.items()}
        for name, feeds in kept.items():
            job[name] = str(Path(folder) / f"{name}.safetensors")
            write_feeds(feeds, Path(job[name]))
        answer = _run(job, cancelled or threading.Event())
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


def _run(job: Mapping[str, Any], cancelled: threading.Event) -> dict[str, Any]:
    with subprocess.Popen(
        fresh.command("netbuilder.exchange.smaller.child"),
        env=fresh.environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as child:
        try:
            stdout, stderr = _talk(child, json.dumps(job).encode(), cancelled)
        except BaseException:
            child.kill()
            raise
    words = stderr.decode("utf-8", "replace")
    try:
        answer: dict[str, Any] = json.loads(stdout)
    except ValueError:
        cause, hint = exits.describe(child.returncode, words)
        said = exits.last_line(words)
        text = f"Making the file smaller {cause}." + (f" It said last: {said}" if said else "")
        raise ExportError(text, hint) from None
    if "error" in answer:
        raise ExportError(answer["error"]["message"], answer["error"]["hint"])
    found: dict[str, Any] = answer["found"]
    return found


def _talk(
    child: subprocess.Popen[bytes], said: bytes, cancelled: threading.Event
) -> tuple[bytes, bytes]:
    to_say: bytes | None = said
    while not cancelled.is_set():
        try:
            return child.communicate(to_say, timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            # What was begun to be said goes on by itself.
            to_say = None
    raise ExportError(CANCELLED)
