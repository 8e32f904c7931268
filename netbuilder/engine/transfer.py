"""What a worker tells of a run's folder, so that another computer can keep a copy. Torch-free.

Requests `files`, `fetch`, `digest` and `command` of docs/worker-protocol.md. They are answered
while a training goes on, also one of another process. Only regular files inside the folder of a
run are read.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from netbuilder.errors import RunError
from netbuilder.training import control
from netbuilder.training.checkpointing import sealed
from netbuilder.training.records.folder import RunFolder

CHUNK = 384 * 1024
"""Bytes of a file in one reply, so that it fits a line."""
MOST_FILES = 10_000
DEEPEST = 6
PRIVATE = frozenset({"lock", control.FILE, "remote.json"})
"""Files that belong to the computer they are on."""


def safe(name: str) -> bool:
    """Whether a name from another computer is that of a file inside a run's folder."""
    path = PurePosixPath(name)
    return (
        bool(path.parts)
        and len(path.parts) <= DEEPEST
        and len(name) < 1000
        and not path.is_absolute()
        and path.as_posix() == name
        # Also nothing hidden: that is ".." and what is still being written.
        and not any(part[0] == "." or ":" in part or "\\" in part for part in path.parts)
        and "\0" not in name
        and name not in PRIVATE
    )


def files(params: Mapping[str, Any]) -> dict[str, Any]:
    """`files`: `path`, `bytes` and `changed` (nanoseconds) of each; `status` of the run."""
    folder = _run(params)
    # The status first: what it says has come to its end is in the files that are listed after it.
    status = folder.status().get("status", "new")
    found = []
    for path in _walk(folder.path):
        with contextlib.suppress(OSError):
            entry = path.stat(follow_symlinks=False)
            name = path.relative_to(folder.path).as_posix()
            if stat.S_ISREG(entry.st_mode) and safe(name):
                found.append({"path": name, "bytes": entry.st_size, "changed": entry.st_mtime_ns})
    return {"status": status, "files": found[:MOST_FILES]}


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        # What is being written has another name; it comes once it is whole.
        folders[:] = sorted(name for name in folders if not name.startswith(sealed.TEMPORARY))
        yield from (Path(parent) / name for name in sorted(names))


def fetch(params: Mapping[str, Any]) -> dict[str, Any]:
    """At most `CHUNK` bytes of a file from `offset` on: `data` (base64), `sha256` and `bytes`."""
    data = _read(_file(params), _count(params, "offset"), CHUNK)
    digest = hashlib.sha256(data).hexdigest()
    return {"data": base64.b64encode(data).decode(), "sha256": digest, "bytes": len(data)}


def digest(params: Mapping[str, Any]) -> dict[str, Any]:
    """`sha256` of the first `bytes` of a file, None if it has not so many."""
    left, path = _count(params, "bytes"), _file(params)
    total = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while left and (data := file.read(min(left, 1 << 20))):
                total.update(data)
                left -= len(data)
    except OSError:
        return {"sha256": None}
    return {"sha256": None if left else total.hexdigest()}


def command(params: Mapping[str, Any]) -> dict[str, Any]:
    """Tell the training in the folder `command`: pause, resume or stop; whoever trains there."""
    folder, name = _run(params), params.get("command")
    if name not in control.COMMANDS:
        raise RunError(f"There is no command '{name}'.")
    control.send(folder.path, name)
    return {"status": folder.status().get("status", "new")}


REQUESTS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "files": files,
    "fetch": fetch,
    "digest": digest,
    "command": command,
}


def _run(params: Mapping[str, Any]) -> RunFolder:
    name = params.get("run")
    if not isinstance(name, str) or not name:
        raise RunError("The request lacks 'run'.")
    return RunFolder.open(name)


def _file(params: Mapping[str, Any]) -> Path:
    folder, name = _run(params).path, params.get("path")
    if not isinstance(name, str) or not safe(name):
        raise RunError("The request lacks the 'path' of a file.")
    path = folder / name
    inside = path.resolve().is_relative_to(folder.resolve())
    if not inside or not stat.S_ISREG(os.stat(path, follow_symlinks=False).st_mode):
        raise RunError(f"'{name}' is no file of the run.")
    return path


def _read(path: Path, offset: int, count: int) -> bytes:
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(count)


def _count(params: Mapping[str, Any], name: str) -> int:
    value = params.get(name, 0)
    if type(value) is not int or value < 0:
        raise RunError(f"'{name}' must be a whole number.")
    return value
