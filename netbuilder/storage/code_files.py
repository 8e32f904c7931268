"""Reading the Python files that belong to a project: inside its folder only, and never run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from netbuilder.errors import DocumentError
from netbuilder.graph.model import Json, ProjectInfo
from netbuilder.layers import own, signatures, trusted
from netbuilder.layers.trusted import State, digest
from netbuilder.storage import atomic, files


@dataclass(frozen=True, slots=True)
class Found:
    """A declared file as it is on the disk: its bytes and their hash, empty where there is none."""

    file: own.CodeFile
    state: State
    source: bytes = b""
    sha256: str = ""


def relative(path: Path, folder: Path) -> str:
    """The name of a code file in a project; `DocumentError` if it can't belong to it."""
    try:
        inside = Path(os.path.realpath(path)).relative_to(os.path.realpath(folder))
    except ValueError as error:
        raise DocumentError(
            f"'{path.name}' is not in the project's folder.",
            f"Copy it to {folder}, or into a folder there.",
        ) from error
    name = inside.as_posix()
    fault = own.path_fault(name)
    if fault:
        raise DocumentError(f"'{name}' {fault}.")
    return name


def read(folder: Path, name: str) -> bytes:
    """The bytes of a code file; `DocumentError` if it is not there or leads out of the folder."""
    fault = own.path_fault(name)
    if fault:
        raise DocumentError(f"'{name}' {fault}.")
    return files.read(place_in(folder, name), signatures.MAX_BYTES)


def place_in(folder: Path, name: str) -> Path:
    """Where a code file is in a folder; `DocumentError` if a link leads away from there."""
    place = folder.joinpath(*name.split("/"))
    if relative(place, folder) != name:
        raise DocumentError(f"'{name}' is a link to another file.", "Put the file itself there.")
    return place


def declare(folder: Path, path: Path) -> tuple[str, Json, signatures.Reading]:
    """A file's name in the project, its declaration, and what was read of it."""
    name = relative(path, folder)
    source = read(folder, name)
    reading = signatures.read(source)
    return name, own.entry(digest(source), reading), reading


def look(project: ProjectInfo, folder: Path | None) -> list[Found]:
    """The declared files on the disk. Those that hold what is declared are `restricted`."""
    found = []
    for name, file in own.files(project).items():
        if folder is None:
            found.append(Found(file, "missing"))
            continue
        try:
            source = read(folder, name)
        except DocumentError:
            there = os.path.lexists(folder.joinpath(*name.split("/")))
            found.append(Found(file, "refused" if there else "missing"))
            continue
        sha256 = digest(source)
        state: State = "restricted" if sha256 == file.sha256 else "changed"
        found.append(Found(file, state, source, sha256))
    return found


def write_beside(
    project: ProjectInfo, folder: Path, out: Path | None = None, *, replace: bool = False
) -> list[str]:
    """Copies the project's trusted files into a folder, so that what imports them finds them.

    `out` is the file that does. `DocumentError` if another file has the place of one, unless
    it may be replaced.
    """
    sources = trusted.current().sources
    written = []
    for name, file in own.files(project).items():
        source = sources.get(file.sha256)
        if source is None:
            continue
        place = place_in(folder, name)
        if out is not None and os.path.realpath(place) == os.path.realpath(out):
            raise DocumentError(f"'{name}' is the file with your layers.", "Name another file.")
        if os.path.lexists(place) and files.read(place, signatures.MAX_BYTES) == source:
            continue
        if os.path.lexists(place) and not replace:
            raise DocumentError(
                f"There is another '{name}' in '{folder}'.",
                "It would have to be replaced by the one with your layers: choose another folder.",
            )
        place.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(place, source)
        written.append(name)
    return written
