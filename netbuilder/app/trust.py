"""Which of a person's own Python files may run: what this person decided, by content.

A file is trusted by the SHA-256 of its bytes; a single changed byte makes it a stranger again.
The record is a file among this person's settings; a damaged one gives no trust at all. Here
files are read and hashed. What runs them is handed the very bytes that were hashed.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from netbuilder.app.person_record import PersonRecord, today
from netbuilder.app.places import home
from netbuilder.errors import DocumentError
from netbuilder.graph.model import ProjectInfo, freeze
from netbuilder.layers import own, signatures, trusted
from netbuilder.layers.trusted import Trust, digest
from netbuilder.storage import code_files
from netbuilder.storage.code_files import Found

TRUST = "trust.json"
Known = Callable[[str, Path], bool]
"""Whether content with this hash, found at this place, is trusted."""


@dataclass(frozen=True, slots=True)
class Record:
    """Content that was trusted, and where it was seen first."""

    sha256: str
    first_seen_path: str
    date: str


@dataclass(frozen=True, slots=True)
class TrustedFolder:
    """A folder whose files are trusted whatever they hold."""

    path: str
    date: str


class TrustStore(PersonRecord):
    """What this person trusts. A failure to read or write it takes trust away, nothing else."""

    damaged = "The record of trusted code was damaged: all own layers are restricted."
    unwritten = "What you trust could not be recorded"

    def __init__(
        self, path: Path | None = None, warn: Callable[[str], None] = lambda text: None
    ) -> None:
        """`warn` hears in one sentence when the record can't be read or written."""
        self.records: tuple[Record, ...] = ()
        self.folders: tuple[TrustedFolder, ...] = ()
        super().__init__(path or home("config") / TRUST, warn)

    def known(self, sha256: str, place: Path) -> bool:
        """Whether content with this hash, found at this place, is trusted."""
        if any(record.sha256 == sha256 for record in self.records):
            return True
        real = Path(os.path.realpath(place))
        return any(
            real.is_relative_to(folder.path) and may_trust_folder(Path(folder.path))
            for folder in self.folders
        )

    def trust(self, source: bytes, place: Path) -> None:
        """From now on this content may run, wherever it is found."""
        sha256 = digest(source)
        self.refresh()
        if not any(record.sha256 == sha256 for record in self.records):
            self.records = (*self.records, Record(sha256, str(place), today()))
            self._save()

    def trust_folder(self, folder: Path) -> None:
        """From now on all in this folder may run; `DocumentError` for a folder of strangers."""
        if not may_trust_folder(folder):
            raise DocumentError(
                f"'{folder}' can't be trusted as a whole.",
                "Files come there from anywhere. Trust them one by one.",
            )
        path = os.path.realpath(folder)
        self.refresh()
        if all(known.path != path for known in self.folders):
            self.folders = (*self.folders, TrustedFolder(path, today()))
            self._save()

    def forget(self, entries: Collection[Record | TrustedFolder] | None = None) -> None:
        """These are trusted no longer; without them, nothing is."""
        self.refresh()
        gone = {*self.records, *self.folders} if entries is None else set(entries)
        self.records = tuple(record for record in self.records if record not in gone)
        self.folders = tuple(folder for folder in self.folders if folder not in gone)
        self._save()

    def _clear(self) -> None:
        self.records, self.folders = (), ()

    def _take(self, value: Any) -> None:
        self.records = tuple(_record(entry) for entry in value["code"])
        self.folders = tuple(_folder(entry) for entry in value.get("folders", ()))

    def _value(self) -> Mapping[str, Any]:
        return {
            "code": [
                {"sha256": r.sha256, "first_seen_path": r.first_seen_path, "date": r.date}
                for r in self.records
            ],
            "folders": [{"path": f.path, "date": f.date} for f in self.folders],
        }


def _record(entry: Any) -> Record:
    sha256, path, date = entry["sha256"], entry["first_seen_path"], entry["date"]
    if not (isinstance(sha256, str) and len(sha256) == 64 and int(sha256, 16) >= 0):
        raise ValueError("no hash")
    return Record(sha256, str(path), str(date))


def _folder(entry: Any) -> TrustedFolder:
    path = entry["path"]
    if not isinstance(path, str) or not os.path.isabs(path):
        raise ValueError("no path")
    return TrustedFolder(path, str(entry["date"]))


_STRANGE = ("/tmp", "/var/tmp", "/dev/shm", "/media", "/run/media", "/mnt", "/Volumes", "/cdrom")
"""Where files of strangers lie, and what comes and goes with a device."""


def may_trust_folder(folder: Path) -> bool:
    """Whether a folder may be trusted as a whole: not where downloads, or anything, ends up."""
    real = Path(os.path.realpath(folder))
    strange = [Path(os.path.realpath(place)) for place in (*_STRANGE, tempfile.gettempdir())]
    if any(real.is_relative_to(place) for place in strange):
        return False
    if any(part.casefold() in ("downloads", "download", "temp", "tmp") for part in real.parts):
        return False
    too_much = (Path(real.anchor), Path.home(), Path(os.path.realpath(Path.home())).parent)
    return real not in {Path(os.path.realpath(place)) for place in too_much}


# -- a project's files ---------------------------------------------------------------------------


def standing(project: ProjectInfo, folder: Path | None, known: Known) -> list[Found]:
    """The project's code files as they are on the disk; what is trusted says so."""
    result = []
    for found in code_files.look(project, folder) if project.code else ():
        if found.state == "restricted" and folder is not None:
            place = folder.joinpath(*found.file.path.split("/"))
            if known(found.sha256, place):
                found = replace(found, state="trusted")
        result.append(found)
    return result


def of(found: Iterable[Found]) -> Trust:
    """What may run of these files."""
    found = list(found)
    sources = [each.source for each in found if each.state == "trusted"]
    states = {each.file.path: str(each.state) for each in found}
    return Trust.of(sources, states, {each.file.path: each.sha256 for each in found if each.sha256})


def declared_anew(
    project: ProjectInfo, found: Iterable[Found], known: Known, folder: Path
) -> ProjectInfo:
    """The project with files that changed since, where their new content is trusted already.

    `DocumentError` if Python can't read one of them.
    """
    code = dict(project.code)
    for each in found:
        place = folder.joinpath(*each.file.path.split("/"))
        if each.state == "changed" and known(each.sha256, place):
            code[each.file.path] = freeze(own.entry(each.sha256, signatures.read(each.source)))
    return project if code == project.code else replace(project, code=code)


@contextlib.contextmanager
def applied(
    project: ProjectInfo, folder: Path | None, hashes: Collection[str] = ()
) -> Iterator[None]:
    """Within the block this thread works on the project, with what of its code is trusted.

    That is what this person trusts, content with these `hashes`, and what was trusted before.
    """
    if not project.code:
        yield
        return
    store, before = TrustStore(), trusted.current()

    def known(sha256: str, place: Path) -> bool:
        return sha256 in hashes or store.known(sha256, place)

    found = standing(project, folder, known)
    here = of(found)
    sources = {**before.sources, **here.sources}
    states = {path: state for path, state in here.states.items() if folder is not None}
    with own.using(project), trusted.given(Trust(sources, states, here.hashes)):
        yield
