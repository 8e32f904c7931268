"""All runs in a folder, fast: what does not change is read once and remembered beside them.

`.index.json` in the folder holds for each run what its files said, with their times and sizes.
It is a cache: whatever is wrong with it, the files themselves are read again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from netbuilder.app.run_rows import RunRow, real, whole
from netbuilder.errors import DocumentError
from netbuilder.storage import atomic
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.run_settings import settings_of

INDEX = ".index.json"
VERSION = 1
_FILES = ("project.netb", "status.json", "notes.json", "origin.json")
_STATUS = (
    "status",
    "started",
    "epoch",
    "epochs",
    "step",
    "seconds",
    "metrics",
    "best",
    "pid",
    "process_started",
    "host",
)
Stamp = list[list[int] | None]


def rows(folder: Path) -> list[RunRow]:
    """The runs right inside a folder, the latest first."""
    index = _read_index(folder)
    entries: dict[str, dict[str, Any]] = {}
    found = []
    for name in _names(folder):
        stamp = _stamp(folder / name)
        if stamp[0] is None:
            continue
        entry = index.get(name)
        if entry is None or entry["stamp"] != stamp:
            entry = _read(folder / name, stamp, entry)
        if stamp[1] is not None:  # else its events tell, which have no stamp
            entries[name] = entry
        found.append(_row(folder / name, entry))
    if entries != index:
        _write_index(folder, entries)
    found.sort(key=lambda row: (row.started, row.name), reverse=True)
    return found


def row(run: Path) -> RunRow:
    """One run, read anew."""
    return _row(run, _read(run, _stamp(run), None))


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [each.name for each in entries if not each.name.startswith(".")]
    except OSError:
        return []


def _stamp(run: Path) -> Stamp:
    """Time, size and number of each file that a row is made of; None for one that is not there."""
    found: Stamp = []
    base = os.fspath(run)
    for name in _FILES:
        try:
            status = os.stat(f"{base}/{name}")
        except OSError:
            found.append(None)
            if found == [None]:
                break  # no run
        else:
            found.append([status.st_mtime_ns, status.st_size, status.st_ino])
    return found


def _read(run: Path, stamp: Stamp, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the files of a run say; those that are as `before` saw them are not read again."""
    folder = RunFolder(run)
    if before is not None and before["stamp"][0] == stamp[0]:
        settings = before["settings"]
    else:
        try:
            settings = settings_of(folder.project_path.read_bytes())
        except OSError:
            settings = {}
    status = folder.read_json("status.json")
    if not status:
        # Its own status was lost, or never written: the events tell.
        told = folder.status()
        status = {key: told[key] for key in ("status", "epoch", "step", "metrics") if key in told}
    return {
        "stamp": stamp,
        "settings": settings,
        "status": {key: status[key] for key in _STATUS if key in status},
        "notes": folder.read_json("notes.json"),
        "origin": str(folder.read_json("origin.json").get("name", "")),
    }


def _row(run: Path, entry: Mapping[str, Any]) -> RunRow:
    status, notes = entry["status"], entry["notes"]
    metrics, best = status.get("metrics"), status.get("best")
    measured = metrics if isinstance(metrics, Mapping) else {}
    return RunRow(
        path=run,
        status=str(RunFolder.standing(status).get("status", "new")),
        started=real(status.get("started")) or 0.0,
        epoch=whole(status.get("epoch")),
        epochs=whole(status.get("epochs")),
        step=whole(status.get("step")),
        seconds=real(status.get("seconds")) or 0.0,
        metrics={str(key): real(value) for key, value in measured.items()},
        best=best if isinstance(best, Mapping) else {},
        settings=entry["settings"],
        note=str(notes.get("note", "")),
        pinned=notes.get("pinned") is True,
        origin=entry["origin"],
    )


# -- the index -------------------------------------------------------------------------------


def _read_index(folder: Path) -> dict[str, dict[str, Any]]:
    try:
        value = json.loads((folder / INDEX).read_bytes())
        if value["version"] != VERSION:
            return {}
        return {name: entry for name, entry in value["runs"].items() if _whole(entry)}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _whole(entry: Any) -> bool:
    match entry:
        case {
            "stamp": list(stamp),
            "settings": dict(),
            "status": dict(),
            "notes": dict(),
            "origin": str(),
        }:
            return len(stamp) == len(_FILES)
    return False


def _write_index(folder: Path, entries: Mapping[str, Any]) -> None:
    text = json.dumps({"version": VERSION, "runs": entries}, separators=(",", ":"))
    # Where nobody may write (a shared disk) every start reads the files.
    with suppress(DocumentError, OSError):
        atomic.write(folder / INDEX, text.encode())
