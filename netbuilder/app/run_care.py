"""What a person does with runs: notes, pins, deleting and taking back."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from netbuilder.errors import DocumentError, RunError
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.records.lock import Lock

TRASH = ".trash"


def set_note(run: Path, note: str) -> None:
    """Write down what a person thinks of a run; `RunError` if that can't be written."""
    _change(run, "note", note.strip())


def set_pinned(run: Path, pinned: bool) -> None:
    """Keep a run on top of the table, or no longer; `RunError` if that can't be written."""
    _change(run, "pinned", pinned)


def _change(run: Path, key: str, value: object) -> None:
    folder = RunFolder.open(run)
    notes = {**folder.read_json("notes.json"), key: value}
    try:
        folder.write_json("notes.json", {name: each for name, each in notes.items() if each})
    except (DocumentError, OSError) as error:
        raise RunError(f"The note can't be kept: {error}") from error


@dataclass(frozen=True, slots=True)
class Deleted:
    """A run that was deleted: where it was, and where it is now."""

    run: Path
    trash: Path


def delete(run: Path) -> Deleted:
    """Move a run to the folder `.trash` beside it; `RunError` for one that is being trained."""
    _require_idle(run)
    bin = run.parent / TRASH
    try:
        bin.mkdir(exist_ok=True)
        place = _free(bin / run.name)
        os.rename(run, place)
    except OSError as error:
        raise RunError(f"'{run.name}' can't be deleted: {error.strerror}.") from error
    return Deleted(run, place)


def restore(deleted: Deleted) -> Path:
    """Put a deleted run back, under another name if its own is taken by now; where it is."""
    place = _free(deleted.run)
    try:
        os.rename(deleted.trash, place)
    except OSError as error:
        raise RunError(f"'{deleted.run.name}' can't be put back: {error.strerror}.") from error
    with suppress(OSError):  # others may be in it
        deleted.trash.parent.rmdir()
    return place


def in_trash(folder: Path) -> list[Path]:
    """The deleted runs of a folder."""
    try:
        return sorted(path for path in (folder / TRASH).iterdir() if path.is_dir())
    except OSError:
        return []


def empty_trash(folder: Path) -> None:
    """Remove the deleted runs of a folder for good."""
    for path in in_trash(folder):
        shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(folder / TRASH, ignore_errors=True)


def _require_idle(run: Path) -> None:
    folder = RunFolder.open(run)
    hint = "Stop it first."
    if folder.status().get("status") in ("running", "paused"):
        raise RunError(f"'{run.name}' is being trained.", hint)
    lock = Lock(run / "lock")
    try:
        lock.acquire()
    except RunError as error:
        raise RunError(f"'{run.name}' is being trained.", hint) from error
    except OSError:
        return  # nobody may write there, so nobody trains there
    lock.release()


def _free(path: Path) -> Path:
    place, number = path, 2
    while place.exists():
        place = path.with_name(f"{path.name}-{number}")
        number += 1
    return place
