"""A copy of a run's folder on another computer, kept up to date over the protocol. Torch-free.

What was begun goes on where it was after a broken connection. A checkpoint appears here as there:
whole, by a rename, once its hashes were checked. The events come last, so that what they tell of
is there.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from netbuilder.engine.protocol import WorkerError
from netbuilder.engine.transfer import safe
from netbuilder.errors import RunError
from netbuilder.storage import atomic
from netbuilder.training.checkpointing import sealed

EVENTS = "events.jsonl"
STATUS = "status.json"
_PARTS = ".partial"
"""Folder for files that are not here as a whole yet."""

Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Asks the worker there and waits; `NetbuilderError` if there is no answer."""


class Mirror:
    """Makes the folder `local` equal to that of the run `remote`."""

    def __init__(self, local: Path, remote: str, ask: Ask) -> None:
        self.local = local
        self.remote = remote
        self._ask = ask
        self._have: dict[str, tuple[int, int]] = {}
        self.fetched = 0
        """Bytes that were sent for this copy."""

    def update(self) -> str:
        """Fetch what is new; the status of the run when that began.

        `NetbuilderError` if the connection breaks, `OSError` if this disk can't take it.
        """
        answer = self._ask("files", {"run": self.remote})
        there = _listed(answer.get("files"))
        checkpoints: dict[str, list[str]] = {}
        for name in there:
            parts = name.split("/")
            if parts[0] == "checkpoints" and len(parts) > 2:
                checkpoints.setdefault(parts[1], []).append(name)
        for folder in sorted(checkpoints):
            self._checkpoint(folder, checkpoints[folder], there)
        late = (EVENTS, STATUS)
        inside = {name for names in checkpoints.values() for name in names}
        plain = [name for name in there if name not in inside and name not in late]
        for name in (*plain, *(name for name in late if name in there)):
            self._file(name, there[name])
        self._remove(set(checkpoints), {*there})
        return str(answer.get("status", "new"))

    # -- files -----------------------------------------------------------------------------

    def _file(self, name: str, about: tuple[int, int]) -> None:
        if self._have.get(name) == about:
            return
        path, size = self.local / name, about[0]
        if name == EVENTS:
            self._append(path, name, size)
        elif not (path.is_file() and path.stat().st_size == size and self._same(path, name, size)):
            part = self.local / _PARTS / name
            part.parent.mkdir(parents=True, exist_ok=True)
            part.unlink(missing_ok=True)  # of a file that may have changed since
            self._append(part, name, size)
            path.parent.mkdir(parents=True, exist_ok=True)
            atomic.write(path, part.read_bytes())
            part.unlink()
        self._have[name] = about

    def _append(self, path: Path, name: str, size: int) -> None:
        """Go on with a file that grows, or is not here as a whole."""
        here = path.stat().st_size if path.exists() else 0
        if name not in self._have and here and not self._same(path, name, here):
            here = 0
        with open(path, "r+b" if path.exists() else "xb") as file:
            file.truncate(here)
            file.seek(here)
            while here < size:
                data = self._fetch(name, here)[: size - here]
                if not data:
                    break  # it became shorter; the next listing tells
                file.write(data)
                here += len(data)

    def _same(self, path: Path, name: str, size: int) -> bool:
        """Whether the first `size` bytes are those that are there."""
        answer = self._ask("digest", {"run": self.remote, "path": name, "bytes": size})
        total = hashlib.sha256()
        with open(path, "rb") as file:
            while data := file.read(1 << 20):
                total.update(data)
        return answer.get("sha256") == total.hexdigest()

    def _fetch(self, name: str, offset: int) -> bytes:
        answer = self._ask("fetch", {"run": self.remote, "path": name, "offset": offset})
        try:
            data = base64.b64decode(str(answer.get("data", "")), validate=True)
        except (binascii.Error, ValueError):
            data = b""
        if hashlib.sha256(data).hexdigest() != answer.get("sha256"):
            raise WorkerError(f"'{name}' did not come as it was sent.", "It is tried again.")
        self.fetched += len(data)
        return data

    # -- checkpoints -----------------------------------------------------------------------

    def _checkpoint(
        self, folder: str, names: Iterable[str], there: Mapping[str, tuple[int, int]]
    ) -> None:
        """A sealed folder, unless it is here; half of one stays for the next time."""
        target = self.local / "checkpoints" / folder
        if target.exists():
            return
        parts = self.local / _PARTS / "checkpoints"
        for name in names:
            path = self.local / _PARTS / name
            path.parent.mkdir(parents=True, exist_ok=True)
            here = path.stat().st_size if path.exists() else 0
            if here > there[name][0]:
                path.unlink()
            try:
                self._append(path, name, there[name][0])
            except RunError:
                return  # it was removed there meanwhile: there are newer ones
        try:
            sealed.read(parts / folder)
        except RunError:
            shutil.rmtree(parts / folder, ignore_errors=True)  # from the start, next time
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        os.rename(parts / folder, target)

    def _remove(self, checkpoints: set[str], names: set[str]) -> None:
        """What is not there any more, once all that replaces it is here."""
        here = self.local / "checkpoints"
        with contextlib.suppress(OSError):
            if checkpoints and all((here / name).exists() for name in checkpoints):
                for path in here.iterdir():
                    if path.name not in checkpoints:
                        shutil.rmtree(path, ignore_errors=True)
        parts = self.local / _PARTS / "checkpoints"
        with contextlib.suppress(OSError):
            for path in parts.iterdir():
                if path.name not in checkpoints:
                    shutil.rmtree(path, ignore_errors=True)

    def tidy(self) -> None:
        """Remove the place of half files: the run is over and all of it is here."""
        shutil.rmtree(self.local / _PARTS, ignore_errors=True)


def _listed(value: Any) -> dict[str, tuple[int, int]]:
    """The files of a listing; what is no safe name is not taken."""
    found: dict[str, tuple[int, int]] = {}
    for entry in value if isinstance(value, list) else ():
        match entry:
            case {"path": str(path), "bytes": int(size), "changed": int(changed)} if safe(path):
                found[path] = (size, changed)
    return found
