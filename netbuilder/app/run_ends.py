"""Why a run ended before its time, as far as its folder and the system tell.

A run that failed says so itself. A process that died can't: whoever saw its end notes it beside the
run (`end.json`), and else what it printed last and the system's own counts are read. Nothing here
is remembered, for it concerns few runs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from netbuilder.app.run_rows import real, whole
from netbuilder.engine.detaching import LOG
from netbuilder.errors import DocumentError
from netbuilder.exchange import exits
from netbuilder.training.records import kills
from netbuilder.training.records.folder import RunFolder

FILE = "end.json"
BAD = ("failed", "crashed")
"""How runs stand of which `why` tells something."""
RESUMABLE = "It can be resumed from its last checkpoint."
_TAIL_BYTES = 20_000
_FATAL = re.compile(r"Fatal Python error: ([A-Z][A-Za-z -]+)")
_SIGNALS = {
    "Segmentation fault": 11,
    "Aborted": 6,
    "Bus error": 7,
    "Floating point exception": 8,
    "Floating-point exception": 8,
    "Illegal instruction": 4,
}


def why(run: Path) -> tuple[str, str]:
    """Cause and hint of a run that failed or whose process died; empty for any other."""
    folder = RunFolder(run)
    status = folder.read_json("status.json")
    match folder.standing(status).get("status"):
        case "failed":
            error = status.get("error")
            told = error if isinstance(error, Mapping) else {}
            return str(told.get("message") or ""), str(told.get("hint") or "")
        case "crashed":
            hint = RESUMABLE if whole(status.get("step")) else ""
            cause, advice = _noted(folder, status) or _reckoned(run, status)
            return cause, f"{advice} {hint}".strip() if hint not in advice else advice
    return "", ""


def note(run: Path, cause: str, hint: str) -> None:
    """Keep what was seen of the end of the process that trained here, for those who come later."""
    folder = RunFolder(run)
    status = folder.read_json("status.json")
    if folder.standing(status).get("status") != "crashed" or not cause:
        return
    with suppress(DocumentError, OSError):
        folder.write_json(FILE, {**_process(status), "message": cause, "hint": hint})


def _process(status: Mapping[str, Any]) -> dict[str, Any]:
    """Which process the status speaks of: one that resumed the run has an end of its own."""
    return {key: status.get(key) for key in ("pid", "process_started", "host")}


def _noted(folder: RunFolder, status: Mapping[str, Any]) -> tuple[str, str] | None:
    told = folder.read_json(FILE)
    if not told.get("message") or any(told.get(k) != v for k, v in _process(status).items()):
        return None
    return str(told["message"]), str(told.get("hint") or "")


def _reckoned(run: Path, status: Mapping[str, Any]) -> tuple[str, str]:
    process = f"Its process (pid {status.get('pid')})"
    printed = _printed(run, status)
    fatal = _FATAL.search(printed)
    number = next((n for words, n in _SIGNALS.items() if fatal and fatal[1] in words), 0)
    before, now = status.get("oom_kills"), kills.for_memory()
    starved = isinstance(before, int) and now is not None and now > before
    last = exits.last_line(printed)
    said = f" It said last: {last}" if last and not number else ""
    if number:
        cause, hint = exits.describe(-number, printed)
        return f"{process} {cause}.", hint
    if exits.tells_of_memory(printed):
        cause, hint = exits.describe(1, printed)
        return f"{process} ran out of memory.{said}", hint
    updated = real(status.get("updated"))
    if updated is not None and updated < psutil.boot_time():
        return "The computer was started anew while it trained.", ""
    if starved:
        _, hint = exits.describe(-9)
        since = "the system has ended a process for lack of memory since it began"
        return f"{process} is gone, and {since}.{said}", hint
    if last:
        return f"{process} is gone.{said}", ""
    return f"{process} is gone without a word in the run's folder: killed, most likely.", ""


def _printed(run: Path, status: Mapping[str, Any]) -> str:
    """The last of what the process printed once it was alone."""
    began = (real(status.get("process_started")) or 0.0) + psutil.boot_time()
    with suppress(OSError), open(run / LOG, "rb") as file:
        # What an earlier process of the run printed is not this one's.
        if os.fstat(file.fileno()).st_mtime >= began:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
            return file.read().decode("utf-8", "replace")
    return ""
