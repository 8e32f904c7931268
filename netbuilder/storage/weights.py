"""Weights beside a project: `FILE.safetensors`, which the project names with its SHA-256.

Networks begin with these weights in place of random ones. The files hold numbers only; their
header is JSON, read within limits before anything else is. Torch-free.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from netbuilder.errors import DocumentError, Fix, Problem
from netbuilder.graph.document import Document
from netbuilder.graph.model import Json
from netbuilder.storage import atomic, plain, strict

SUFFIX = ".safetensors"
MAX_BYTES = 50_000_000_000
MAX_TENSORS = 100_000
_ABOUT = "__metadata__"
"""In the header, what is no tensor."""
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_SIZES: Mapping[str, int] = {
    "BOOL": 1,
    "U8": 1,
    "I8": 1,
    "I16": 2,
    "U16": 2,
    "F16": 2,
    "BF16": 2,
    "I32": 4,
    "U32": 4,
    "F32": 4,
    "I64": 8,
    "U64": 8,
    "F64": 8,
    "C64": 8,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """The weights of one network: a file name and the SHA-256 of its bytes."""

    network: str
    file: str
    sha256: str

    def to_json(self) -> Json:
        """As it stands in the project."""
        return {"file": self.file, "sha256": self.sha256}


def digest(data: bytes) -> str:
    """The SHA-256 of bytes."""
    return hashlib.sha256(data).hexdigest()


def entries(document: Document) -> Iterator[Entry | Problem]:
    """What the project says of its weights; a problem for what can't be understood."""
    for network in document.project.weights:
        found = entry_of(document, network)
        if found is not None:
            yield found


def entry_of(document: Document, network: str) -> Entry | Problem | None:
    """What the project says of the weights of one network; None if nothing."""
    if network not in document.project.weights:
        return None
    match document.project.weights[network]:
        case {"file": str(file), "sha256": str(sha256)}:
            if _SHA256.match(sha256) and is_plain_name(file):
                return Entry(network, file, sha256)
    return _problem(
        document,
        network,
        "weights.invalid",
        f"What the project says of the weights of '{network[:60]}' can't be read.",
        f"It needs the name of a {SUFFIX} file beside the project, and its SHA-256.",
    )


def is_plain_name(file: str) -> bool:
    """Whether it is a file right beside the project: no folders, nothing hidden."""
    return (
        file.endswith(SUFFIX)
        and len(file) <= 255
        and file == os.path.basename(file)
        and not set(file) & set('/\\:*?"<>|\0')
        and not file.startswith(".")
        and file.isprintable()
    )


def problems(document: Document) -> list[Problem]:
    """Weights that are missing, or not those that the project was saved with."""
    found = []
    for entry in entries(document):
        if isinstance(entry, Problem):
            found.append(entry)
        elif document.network(entry.network) is None:
            found.append(
                _problem(
                    document,
                    entry.network,
                    "weights.network",
                    f"There are weights for '{entry.network}', but no network of that name.",
                    "Leave them out, or give a network that name.",
                    "warning",
                )
            )
        elif entry.sha256 not in document.beside.held:
            found += _on_disk(document, entry)
    return found


def _on_disk(document: Document, entry: Entry) -> Iterator[Problem]:
    try:
        path = place(document, entry)
        status = os.stat(path)
        known = _known_digest(str(path), status.st_size, status.st_mtime_ns, status.st_ino)
    except (OSError, DocumentError) as error:
        reason = str(error) if isinstance(error, DocumentError) else ""
        yield _problem(
            document,
            entry.network,
            "weights.missing",
            f"The weights of '{entry.network}' are not there: '{entry.file}'. {reason}".rstrip(),
            "Put the file beside the project, or begin with random weights.",
        )
        return
    if known != entry.sha256:
        taken = Entry(entry.network, entry.file, known)
        weights = {**document.project.weights, entry.network: taken.to_json()}
        yield _problem(
            document,
            entry.network,
            "weights.changed",
            f"'{entry.file}' is not the file that the project was saved with.",
            "Put the right one in its place, or take it as it is now.",
            fix=Fix("Take the file as it is", "set_project", {"fields": {"weights": weights}}),
        )


@lru_cache(maxsize=64)
def _known_digest(path: str, size: int, changed_ns: int, inode: int) -> str:
    """The SHA-256 of a file, worked out once for each state of it."""
    found = hashlib.sha256()
    with plain.open_plain(path) as file:
        while block := file.read(2**20):
            found.update(block)
    return found.hexdigest()


def _problem(
    document: Document,
    network: str,
    code: str,
    message: str,
    hint: str,
    severity: Any = "error",
    fix: Fix | None = None,
) -> Problem:
    graph = document.network(network)
    rest = {key: value for key, value in document.project.weights.items() if key != network}
    forget = Fix("Begin with random weights", "set_project", {"fields": {"weights": rest}})
    fixes = (fix, forget) if fix is not None else (forget,)
    return Problem(
        severity, code, message, hint, graph.id if graph is not None else "", fixes=fixes
    )


def place(document: Document, entry: Entry) -> Path:
    """Where the file is; `DocumentError` if the project was never saved."""
    if document.beside.folder is None:
        raise DocumentError("The project has no folder yet.", "Save it beside its weights.")
    return document.beside.folder / entry.file


def read(document: Document, entry: Entry) -> bytes:
    """The checked bytes of the weights; `DocumentError` if they are not the project's own."""
    data = document.beside.held.get(entry.sha256)
    if data is None:
        data = plain.read(place(document, entry), MAX_BYTES)
        if digest(data) != entry.sha256:
            raise DocumentError(
                f"'{entry.file}' is not the file that the project was saved with.",
                "Put the right one in its place, or take it as it is under Problems.",
            )
    check(data, entry.file)
    return data


def shapes(document: Document, entry: Entry) -> Mapping[str, tuple[int, ...]]:
    """The shapes of the tensors by key, from the header alone; `DocumentError` if it is bad."""
    held = document.beside.held.get(entry.sha256)
    if held is not None:
        return check(held, entry.file)
    path = place(document, entry)
    try:
        status = os.stat(path)
    except OSError as error:
        raise DocumentError(f"There is no file '{path}'.") from error
    return _known_shapes(str(path), status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=16)
def _known_shapes(
    path: str, size: int, changed_ns: int, inode: int
) -> Mapping[str, tuple[int, ...]]:
    with plain.open_plain(path) as file:
        start = file.read(8)
        length = min(int.from_bytes(start, "little"), strict.MAX_BYTES + 1)
        return check_header(start + file.read(length), size, Path(path).name)


def check(data: bytes, name: str) -> Mapping[str, tuple[int, ...]]:
    """The shapes of the tensors in the bytes of a safetensors file.

    `DocumentError` unless it is a proper one: JSON within limits, no gaps, no overlaps.
    """
    return check_header(data, len(data), name)


def check_header(data: bytes, size: int, name: str) -> Mapping[str, tuple[int, ...]]:
    """As `check`, of the first bytes of a file of `size` bytes; all of its header is in `data`."""
    if len(data) < 8:
        raise DocumentError(f"'{name}' is too short for a safetensors file.")
    length = int.from_bytes(data[:8], "little")
    if length > min(strict.MAX_BYTES, size - 8):
        raise DocumentError(f"'{name}' is damaged: its header is longer than it may be.")
    try:
        header = strict.parse(data[8 : 8 + length], max_int=2**62)
    except DocumentError as error:
        raise DocumentError(f"'{name}' is damaged: its header can't be read.") from error
    if not isinstance(header, dict) or len(header) > MAX_TENSORS:
        raise DocumentError(f"'{name}' is damaged: its header lists no tensors, or too many.")
    about = header.get(_ABOUT, {})
    if not isinstance(about, dict) or not all(map(_is_text, (*header, *about, *about.values()))):
        raise DocumentError(f"'{name}' is damaged: its names are no text.")
    listed = {key: value for key, value in header.items() if key != _ABOUT}
    end = 0
    for start, stop in sorted(_range(key, value, name) for key, value in listed.items()):
        if start != end:
            raise DocumentError(f"'{name}' is damaged: its tensors have gaps or overlap.")
        end = stop
    if end != size - 8 - length:
        raise DocumentError(f"'{name}' is damaged: it is not as long as its tensors.")
    return {key: tuple(value["shape"]) for key, value in listed.items()}


def _is_text(value: Any) -> bool:
    """Whether it is a text without half characters, which JSON may hold and UTF-8 may not."""
    return isinstance(value, str) and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _range(key: str, value: Any, name: str) -> tuple[int, int]:
    match value:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [int(a), int(b)]}:
            whole = all(type(number) is int and number >= 0 for number in (*shape, a, b))
            size = _SIZES.get(dtype, 0)
            if whole and size and 0 <= a <= b and math.prod(shape) * size == b - a:
                return a, b
    raise DocumentError(f"'{name}' is damaged: what it says of '{key[:60]}' is wrong.")


def renamed(
    document: Document, network: str, key: Callable[[str], str]
) -> Mapping[str, Json] | None:
    """What the project says of its weights once those of a network have other keys.

    Their bytes, old and new, wait beside the document until it is saved. None if the network has
    no weights that can be read: what is wrong with them is told elsewhere.
    """
    entry = entry_of(document, network)
    if not isinstance(entry, Entry):
        return None
    try:
        data = read(document, entry)
    except DocumentError:
        return None
    length = int.from_bytes(data[:8], "little")
    header = strict.parse(data[8 : 8 + length], max_int=2**62)
    named = {name if name == _ABOUT else key(name): value for name, value in header.items()}
    text = json.dumps(named, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    made = len(text).to_bytes(8, "little") + text + data[8 + length :]
    sha256 = digest(made)
    # A file of their own: the former one may belong to another project, too, and undo needs it.
    stem = re.sub(r"-[0-9a-f]{8}$", "", Path(entry.file).stem)
    after = Entry(network, f"{stem}-{sha256[:8]}.safetensors", sha256)
    document.beside.held |= {entry.sha256: data, after.sha256: made}
    return {**document.project.weights, network: after.to_json()}


def carry(document: Document, path: str | os.PathLike[str], *, replace: bool = True) -> None:
    """Bring the weights along to where the project is about to be saved.

    What is there already stays; what can't be found is left to `problems` to tell.
    """
    folder = Path(path).absolute().parent
    for entry in entries(document):
        if isinstance(entry, Problem):
            continue
        target, held = folder / entry.file, document.beside.held.get(entry.sha256)
        if held is None:
            source = document.beside.folder
            if source is None or os.path.realpath(source) == os.path.realpath(folder):
                continue
            try:
                held = read(document, entry)
            except DocumentError:
                continue
        if target.exists() and digest(plain.read(target, MAX_BYTES)) == entry.sha256:
            continue
        if target.exists() and not replace:
            raise DocumentError(
                f"There is another '{entry.file}' in '{folder}'.",
                "The weights of the project would take its place: choose another folder.",
            )
        atomic.write(target, held)
