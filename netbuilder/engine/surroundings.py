"""What the worker has around it: a folder of its own to be in, and limits. Torch-free.

A person's own code runs in the worker, and so does training. So only what no training needs is
limited: core dumps are off (a crash with a model in memory would fill the disk), and a leak of
files ends before it is the whole computer's. There is no limit of memory: CUDA reserves far more
addresses than there is memory, and PyTorch maps files. There is none of file sizes (checkpoints
and exports are as large as they are), of processor time (a training takes days) and of processes
(the system counts those of all the person's programs).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netbuilder.exchange import fresh

PREFIX = "netbuilder-worker-"
FOLDER = "NETBUILDER_WORKER_FOLDER"
"""The environment variable with the folder that the client has made for its worker."""
MOST_FILES = 65_536
"""Files open at once: loaders share each tensor by one, and need thousands at most."""
PATHS = ("run", "out", "folder")
"""Parameters of requests that are paths."""


def limit() -> None:
    """Limit this process and those that it starts; what is limited already stays so."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for kind, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, MOST_FILES)):
        soft, hard = resource.getrlimit(kind)
        known = [value for value in (soft, most) if value != resource.RLIM_INFINITY]
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (min(known), hard))


def make() -> str:
    """A new folder for a worker, held until it is removed; empty if there is no place for one."""
    for _ in range(3):
        try:
            folder = tempfile.mkdtemp(prefix=PREFIX)
        except OSError:
            return ""
        # Somebody who sweeps may have come between the two.
        if hold(folder) and os.path.isdir(folder):
            return folder
        _let_go(folder)
    return ""


def remove(folder: str) -> None:
    """Remove such a folder with all that is in it."""
    if folder:
        shutil.rmtree(folder, ignore_errors=True)
        _let_go(folder)


_held: dict[str, int] = {}
"""Descriptors of the folders that this process needs, whose locks say so to others."""


def hold(folder: str) -> bool:
    """Lock a folder, beside others that need it; False if somebody is about to remove it.

    The lock goes with the process. Where folders can't be locked (Windows, some file systems)
    nobody sweeps them either.
    """
    if sys.platform == "win32" or folder in _held:
        return True
    import fcntl

    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return False
    _held[folder] = descriptor
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        pass
    return True


def _let_go(folder: str) -> None:
    descriptor = _held.pop(folder, None)
    if descriptor is not None:
        os.close(descriptor)


def sweep() -> None:
    """Remove the folders of workers that were killed together with their clients."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(PREFIX):
                _sweep(entry.path)


def _sweep(folder: str) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            if os.fstat(descriptor).st_uid == os.getuid():
                # Fails where somebody holds it; who has just made it looks again.
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)


class Surroundings:
    """Where the worker was started, and where it is."""

    def __init__(self) -> None:
        """Goes into the folder that the client has made, or into one made here."""
        self.home = Path.cwd()
        sys.path[:] = [os.path.abspath(path) for path in sys.path]
        paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
        if paths:
            os.environ["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, paths))
        self._folder = _given() or make()
        if self._folder:
            hold(self._folder)
            os.chdir(self._folder)
            fresh.place = self._folder

    def absolute(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of a request, with paths as they were meant: from where we were started."""
        found = dict(params)
        for name in PATHS:
            if isinstance(found.get(name), str) and found[name]:
                found[name] = str(self.home / found[name])
        return found

    def leave(self) -> None:
        """Remove the folder; the process is about to end."""
        with contextlib.suppress(OSError):
            os.chdir(self.home)  # some systems remove no folder that somebody is in
        fresh.place = ""
        remove(self._folder)


def _given() -> str:
    """The client's folder; it will be removed, so one that holds something is nobody's."""
    folder = os.environ.pop(FOLDER, "")
    with contextlib.suppress(OSError):
        return folder if folder and not os.listdir(folder) else ""
    return ""
