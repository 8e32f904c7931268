"""Writing a file so that it is always the complete old or the complete new one.

The new contents go to a temporary file in the same folder, reach the disk (fsync), and
take the old file's place by a rename, which the folder's own fsync makes last. A crash at
any moment leaves one of the two files whole.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import platform
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from netbuilder.errors import DocumentError

RETRIES = 5
FIRST_WAIT_S = 0.05
_CHUNK = 1 << 22
_TEMPORARY = re.compile(r"\.netbuilder-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.tmp\Z")
# What a scanner or an indexer that has the file open makes a rename fail with.
_BUSY = frozenset({errno.EACCES, errno.EBUSY, errno.EPERM})
# What a folder's fsync fails with where the file system has none; the rename holds anyway.
_NO_FOLDER_SYNC = frozenset({errno.EINVAL, errno.EACCES, errno.EPERM, errno.EBADF, errno.ENOTSUP})


def write(path: str | os.PathLike[str], data: bytes) -> None:
    """Replace the file's contents; `DocumentError` leaves the old file as it was.

    A symbolic link stays and its target is replaced; the target keeps its mode and group.
    """
    _put(path, [data], len(data))


def copy(source: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Replace the contents of `path` by those of another file, of any size, as `write` does."""
    with open(source, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        _put(path, iter(lambda: file.read(_CHUNK), b""), size)


def _put(path: str | os.PathLike[str], chunks: Iterable[bytes], size: int) -> None:
    target = Path(os.path.realpath(path))
    try:
        mode, group = _present(target)
        remove_leftovers(target.parent)
        temporary = target.with_name(_temporary_name())
        try:
            _write_through(temporary, chunks, mode, group)
            _replace(temporary, target)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        _sync_folder(target.parent)
    except OSError as error:
        raise refusal(error, Path(path), size) from error


def refusal(error: OSError, path: Path, size: int) -> DocumentError:
    """The error to show for a failed write of `size` bytes."""
    elsewhere = "Save it somewhere else."
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            need = max(1, -(-size // 100_000)) / 10
            return DocumentError(
                f"The disk is full: saving '{path.name}' needs {need:.1f} MB.",
                "Free some space or save it somewhere else. What was saved before is unchanged.",
            )
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return DocumentError(f"'{path}' may not be written.", elsewhere)
        case errno.ENOENT | errno.ENOTDIR:
            # Of a link the folder that it leads to; else as its person called it.
            folder = (Path(os.path.realpath(path)) if path.is_symlink() else path).parent
            if folder.is_dir():
                # A folder of the system's own, as /proc, that takes no files.
                return DocumentError(f"'{path}' may not be written.", elsewhere)
            hint = f"Make it, or {elsewhere[0].lower()}{elsewhere[1:]}"
            return DocumentError(f"The folder '{folder}' is not there.", hint)
        case errno.EISDIR:
            return DocumentError(f"'{path}' is a folder or a device, no file.", elsewhere)
    return DocumentError(f"'{path}' could not be saved: {error.strerror or error}.", elsewhere)


@contextlib.contextmanager
def temporary_folder(above: Path) -> Iterator[Path]:
    """A new folder in `above`, for what gets its place by a rename; it is gone at the end.

    What processes that were killed left in `above` is removed before.
    """
    remove_leftovers(above)
    folder = above / _temporary_name()
    os.mkdir(folder, 0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers(folder: Path) -> None:
    """Remove temporary files and folders that killed processes of this machine left in a folder."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            match = _TEMPORARY.match(name)
            if match and match[1] == _machine() and not psutil.pid_exists(int(match[2])):
                left = folder / name
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left, ignore_errors=True)
                    continue
                with contextlib.suppress(OSError):
                    os.unlink(left)


def _machine() -> str:
    """A short name of this machine: a shared folder may hold files of another one's processes."""
    return hashlib.sha256(platform.node().encode()).hexdigest()[:8]


def _temporary_name() -> str:
    return f".netbuilder-{_machine()}-{os.getpid()}-{secrets.token_hex(4)}.tmp"


def _present(target: Path) -> tuple[int | None, int | None]:
    """Mode and group of the file that is there; None where there is none."""
    try:
        status = os.stat(target)
    except FileNotFoundError:
        return None, None
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not os.access(target, os.W_OK):
        # A rename would replace it all the same, but it was protected on purpose.
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    return stat.S_IMODE(status.st_mode), status.st_gid


def _write_through(
    path: Path, chunks: Iterable[bytes], mode: int | None, group: int | None
) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o666 if mode is None else 0o600)
    try:
        if mode is not None and os.name == "posix":
            with contextlib.suppress(PermissionError):
                os.fchown(descriptor, -1, group if group is not None else -1)
            os.fchmod(descriptor, mode)
        for chunk in chunks:
            rest = memoryview(chunk)
            while rest:
                written = os.write(descriptor, rest)
                if written <= 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                rest = rest[written:]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(temporary: Path, target: Path) -> None:
    for attempt in range(RETRIES):
        try:
            os.replace(temporary, target)
            return
        except OSError as error:
            if error.errno not in _BUSY or attempt == RETRIES - 1:
                raise
            time.sleep(FIRST_WAIT_S * 2**attempt)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
