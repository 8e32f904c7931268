"""Files that are fetched because somebody asked for them, and proven to be the right ones.

Nothing here happens by itself. A file is written beside its place as `.part`, which a later request
goes on with, and moved there once size and SHA-256 are right. Torch-free.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netbuilder.data.reading import unpacking
from netbuilder.errors import NetbuilderError

BLOCK = 1 << 18
TIMEOUT_S = 30.0
ATTEMPTS = 4
"""Times that a connection may break off; each goes on where the one before ended."""
ROOM = 1 << 26
"""Bytes that stay free on the disk."""
OFFLINE = "NETBUILDER_OFFLINE"
PART = ".part"
_WEB = ("https://", "http://")


@dataclass(frozen=True, slots=True)
class Remote:
    """A file elsewhere: where from, how many bytes, and their SHA-256 in hexadecimal."""

    name: str
    url: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Collection:
    """Files that are one data set. `about` says what it is, `page` who publishes it.

    Where the file is an archive, `holds` are the files to take out of it, by name and size: they
    alone are kept.
    """

    id: str
    title: str
    about: str
    page: str
    files: tuple[Remote, ...]
    holds: tuple[tuple[str, int], ...] = ()

    @property
    def bytes(self) -> int:
        """Of all its files."""
        return sum(file.bytes for file in self.files)

    def to_json(self) -> dict[str, Any]:
        """What a list of data sets to fetch shows."""
        return {
            "id": self.id,
            "title": self.title,
            "about": self.about,
            "page": self.page,
            "bytes": self.bytes,
            "files": [file.name for file in self.files],
        }


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download is, in bytes of all files; `file` is the one under way."""

    file: str
    done: int
    total: int


class Cancelled(NetbuilderError):
    """The person called it off. What has come is kept for the next time."""

    def __init__(self) -> None:
        super().__init__("The download was cancelled.", "Ask again, and it goes on from here.")


@dataclass
class Order:
    """One request. `tell` hears how it goes; `cancelled` ends it within a block or a time-out."""

    folder: Path
    tell: Callable[[Progress], None] = lambda progress: None
    cancelled: threading.Event = field(default_factory=threading.Event)
    offline: bool = False


def offline(chosen: bool = False) -> bool:
    """Whether nothing may be fetched: by the person's settings, or `NETBUILDER_OFFLINE=1`."""
    return chosen or os.environ.get(OFFLINE, "") not in ("", "0")


def fetch(collection: Collection, order: Order) -> list[Path]:
    """All files of a collection in the folder; those that are there and right are kept.

    Of an archive those that it holds, once they are unpacked.
    `NetbuilderError` says what went wrong, and leaves no file that is not right.
    """
    if collection.holds and not missing(collection, order.folder):
        return [order.folder / name for name, _ in collection.holds]
    absent = [file for file in collection.files if not _is_there(order.folder / file.name, file)]
    if absent:
        _refuse(collection, absent, order)
    done = collection.bytes - sum(file.bytes for file in absent)
    for file in absent:
        _fetch_file(file, order, done, collection.bytes)
        done += file.bytes
    if collection.holds:
        _unpack(collection, order)
    order.tell(Progress("", collection.bytes, collection.bytes))
    names = [name for name, _ in collection.holds] or [file.name for file in collection.files]
    return [order.folder / name for name in names]


def _unpack(collection: Collection, order: Order) -> None:
    def check() -> None:
        if order.cancelled.is_set():
            raise Cancelled

    for file in collection.files:
        unpacking.take(order.folder / file.name, dict(collection.holds), order.folder, check)
        (order.folder / file.name).unlink(missing_ok=True)


def missing(collection: Collection, folder: Path) -> tuple[str, ...]:
    """The names of files that are not there yet; what is there has the right size."""
    wanted = collection.holds or tuple((file.name, file.bytes) for file in collection.files)
    return tuple(name for name, size in wanted if _size(folder / name) != size)


def _refuse(collection: Collection, files: Iterable[Remote], order: Order) -> None:
    """What stands against fetching these."""
    if offline(order.offline):
        raise NetbuilderError(
            f"{collection.title} is not on this computer, and netbuilder is set to stay offline.",
            f"Switch that off, or put the files into {order.folder}.",
        )
    for file in files:
        if not file.url.startswith(_WEB) or Path(file.name).name != file.name:
            raise NetbuilderError(f"'{file.url[:200]}' is no address to fetch a file from.")
    try:
        order.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(order.folder, error) from error
    wanted = sum(f.bytes - min(_size(_part(order, f)), f.bytes) for f in files) + ROOM
    wanted += sum(size for _, size in collection.holds)
    free = shutil.disk_usage(order.folder).free
    if free < wanted:
        raise NetbuilderError(
            f"{collection.title} needs {wanted >> 20} MB, and there are {free >> 20} MB free.",
            "Make room, or choose another folder.",
        )


def _fetch_file(file: Remote, order: Order, before: int, total: int) -> None:
    part = _part(order, file)
    for attempt in range(ATTEMPTS):
        try:
            _go_on(file, order, before, total)
        except (http.client.HTTPException, ConnectionError, TimeoutError) as error:
            if attempt + 1 == ATTEMPTS:
                raise _unreachable(file, error, order.folder) from error
            continue
        if _size(part) >= file.bytes:
            break
    else:
        text = f"'{file.name}' broke off at {_size(part):,} of {file.bytes:,} bytes."
        raise NetbuilderError(text, "Ask again: it goes on from here.")
    if _size(part) != file.bytes or _digest(part) != file.sha256:
        part.unlink(missing_ok=True)
        raise NetbuilderError(
            f"What came as '{file.name}' is not the file that was published.",
            "Something on the way changed it, or it was replaced. Nothing was kept.",
        )
    os.replace(part, order.folder / file.name)


def _go_on(file: Remote, order: Order, before: int, total: int) -> None:
    """Append what is missing to the part that is there."""
    part = _part(order, file)
    there = _size(part)
    if there > file.bytes:
        part.unlink()
        there = 0
    if there == file.bytes:
        return
    with _opened(file, there, order.folder) as response:
        if there and not _goes_on(response, there):
            there = 0
        try:
            with open(part, "ab" if there else "wb") as out:
                _copy(response, out, file, order, (before, there, total))
        except OSError as error:
            if isinstance(error, ConnectionError | TimeoutError):
                raise
            raise _unwritable(part, error) from error


def _copy(
    response: Any, out: Any, file: Remote, order: Order, counts: tuple[int, int, int]
) -> None:
    before, there, total = counts
    while True:
        if order.cancelled.is_set():
            raise Cancelled
        # One byte more than was published tells that it is another file, and is the last one read.
        block = response.read(min(BLOCK, file.bytes - there + 1))
        if not block:
            return
        out.write(block)
        there += len(block)
        order.tell(Progress(file.name, before + min(there, file.bytes), total))


@contextmanager
def _opened(file: Remote, there: int, folder: Path) -> Iterator[Any]:
    headers = {"User-Agent": "netbuilder", "Accept-Encoding": "identity"}
    if there:
        headers["Range"] = f"bytes={there}-"
    request = urllib.request.Request(file.url, headers=headers)
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_S)
    except urllib.error.HTTPError as error:
        with error:
            raise NetbuilderError(
                f"'{file.name}' could not be fetched: {error.code} {error.reason}.",
                f"Try again later, or put the file into {folder} yourself: {file.url}",
            ) from error
    except (urllib.error.URLError, TimeoutError, ValueError) as error:
        raise _unreachable(file, error, folder) from error
    with response:
        if not response.geturl().startswith(_WEB):
            raise NetbuilderError(f"'{file.url}' leads to no address of the web.")
        yield response


def _goes_on(response: Any, there: int) -> bool:
    """Whether the answer is what comes after so many bytes, not the whole file once more."""
    stretch = str(response.headers.get("Content-Range", ""))
    return response.status == 206 and stretch.startswith(f"bytes {there}-")


def _unreachable(file: Remote, error: Exception, folder: Path) -> NetbuilderError:
    reason = getattr(error, "reason", error)
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return NetbuilderError(
        f"'{file.name}' could not be fetched: {text}.",
        "Everything else works without a network. Try again later, or put the file into "
        f"{folder} yourself: {file.url}",
    )


def _unwritable(path: Path, error: OSError) -> NetbuilderError:
    return NetbuilderError(
        f"'{path}' can't be written: {error.strerror}.", "Choose another folder."
    )


def _part(order: Order, file: Remote) -> Path:
    return order.folder / f"{file.name}{PART}"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _is_there(path: Path, file: Remote) -> bool:
    return _size(path) == file.bytes and _digest(path) == file.sha256


def _digest(path: Path) -> str:
    with open(path, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def by_id(collections: Iterable[Collection]) -> Mapping[str, Collection]:
    """Collections by id."""
    return {each.id: each for each in collections}
