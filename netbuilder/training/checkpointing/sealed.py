"""Folders that are complete and unaltered, or refused.

A sealed folder is written under another name, reaches the disk, and appears by a rename.
Its `manifest.json` holds the SHA-256 of every file; reading checks them, because a flipped
bit in a file of weights would load without a word.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from netbuilder.errors import RunError

VERSION = 1
MANIFEST = "manifest.json"
TEMPORARY = ".new-"


Contents = bytes | Sequence[memoryview]
"""What a file is to hold, whole or in pieces."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """The contents of a folder whose check held: files by relative path, and its info."""

    path: Path
    info: Mapping[str, Any]
    files: Mapping[str, bytes]


def write(path: Path, files: Mapping[str, Contents], info: Mapping[str, Any]) -> None:
    """Make the folder `path` in one that is there; `OSError` leaves nothing behind."""
    temporary = path.with_name(f"{TEMPORARY}{path.name}-{secrets.token_hex(4)}")
    # Without parents: a run folder that was removed must not come back as a stump.
    temporary.mkdir()
    try:
        entries = {name: _write_file(temporary / name, data) for name, data in files.items()}
        manifest = {"version": VERSION, "info": info, "files": entries}
        _write_file(temporary / MANIFEST, json.dumps(manifest, indent=1, allow_nan=False).encode())
        for folder in sorted({(temporary / name).parent for name in files} | {temporary}):
            _sync_folder(folder)
        os.rename(temporary, path)
        _sync_folder(path.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def read(path: Path) -> Sealed:
    """The folder's contents; `RunError` says what is missing or damaged."""
    manifest = _manifest(path)
    files: dict[str, bytes] = {}
    for name, entry in manifest["files"].items():
        try:
            data = (path / name).read_bytes()
        except OSError as error:
            raise _damaged(path, f"{name} can't be read ({error.strerror})") from None
        if hashlib.sha256(data).hexdigest() != entry["sha256"]:
            raise _damaged(path, f"{name} is not what was written")
        files[name] = data
    return Sealed(path, manifest["info"], files)


def _manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((path / MANIFEST).read_bytes())
    except OSError as error:
        raise _damaged(path, f"{MANIFEST} can't be read ({error.strerror})") from None
    except (ValueError, RecursionError):
        raise _damaged(path, f"{MANIFEST} is not what was written") from None
    match manifest:
        case {"version": int(version)} if version > VERSION:
            raise _damaged(path, f"it is of a newer version ({version}) of netbuilder")
        case {"version": int(), "info": dict(), "files": dict(files)} if all(
            isinstance(entry, dict) and "sha256" in entry and _inside(name)
            for name, entry in files.items()
        ):
            return dict(manifest)
    raise _damaged(path, f"{MANIFEST} is not what was written")


def _inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith(("/", "\\")) and ".." not in parts


def _damaged(path: Path, reason: str) -> RunError:
    return RunError(f"Checkpoint '{path.name}' is damaged: {reason}.")


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed writer left; only who holds the run's lock may call this."""
    if folder.is_dir():
        for entry in folder.iterdir():
            if entry.name.startswith(TEMPORARY):
                shutil.rmtree(entry, ignore_errors=True)


def _write_file(path: Path, data: Contents) -> dict[str, Any]:
    """Write a file; what the manifest says of it: its hash and its bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, count = hashlib.sha256(), 0
    with open(path, "xb") as file:
        for piece in (data,) if isinstance(data, bytes) else data:
            digest.update(piece)
            file.write(piece)
            count += len(piece)
        file.flush()
        os.fsync(file.fileno())
    return {"sha256": digest.hexdigest(), "bytes": count}


def _sync_folder(path: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
