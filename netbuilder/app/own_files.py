"""The open project's own layers: adding files, their state, and what this person trusts of them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from netbuilder.app import trust
from netbuilder.app.trust import TrustStore
from netbuilder.compiler.own_files import unseen
from netbuilder.compiler.resolve import resolve
from netbuilder.errors import DocumentError
from netbuilder.graph.changes import Changed
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.graph.model import Json, ProjectInfo, freeze
from netbuilder.layers import own, signatures, trusted
from netbuilder.layers.signatures import Reading
from netbuilder.storage import atomic, code_files, files
from netbuilder.storage.code_files import Found


class Host(Protocol):
    """What is needed of the session."""

    document: Document
    history: History

    @property
    def path(self) -> Path | None: ...


class OwnFiles:
    """The code files of the session's project. Reads and hashes them; runs none."""

    def __init__(self, host: Host, store: TrustStore | None = None) -> None:
        self._host = host
        self._store = store

    @property
    def store(self) -> TrustStore:
        """What this person trusts, read when it is first needed."""
        if self._store is None:
            self._store = TrustStore()
        return self._store

    @property
    def folder(self) -> Path | None:
        """Where the project's files are; None for a project without a file."""
        path = self._host.path
        return path.parent if path is not None else None

    def _place(self, name: str) -> Path:
        assert self.folder is not None
        return self.folder.joinpath(*name.split("/"))

    # -- state -----------------------------------------------------------------------------

    def standing(self) -> list[Found]:
        """The declared files as they are on the disk now."""
        project = self._host.document.project
        return trust.standing(project, self.folder, self.store.known) if project.code else []

    def restricted(self) -> list[Found]:
        """The files that nodes use and that are there, but may not run yet."""
        found = [each for each in self.standing() if each.state in ("restricted", "changed")]
        if not found:
            return []
        document = self._host.document
        with own.using(document.project), trusted.given(trust.of(self.standing())):
            used = {file.path for file in unseen(resolve(document).document).files}
        return [each for each in found if each.file.path in used]

    def bring(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """What a request to the worker brings along: trusted code, and where weights lie."""
        if "project" in params:
            project, folder = self._host.document.project, self.folder
        elif isinstance(params.get("run"), str):
            folder = Path(params["run"])
            try:
                project = files.load(folder / "project.netb").project
            except DocumentError:
                return {}
        else:
            return {}
        found: dict[str, Any] = {}
        if project.weights and folder is not None:
            found["folder"] = str(folder)
        if project.code:
            found["code"] = self._trust(project, folder).to_json()
        return found

    def _trust(self, project: ProjectInfo, folder: Path | None) -> trusted.Trust:
        return trust.of(trust.standing(project, folder, self.store.known))

    # -- what the person does ----------------------------------------------------------------

    def add(self, path: Path) -> tuple[str, Reading]:
        """Declare a file's layers in the project, or anew after it changed, as one edit.

        Its name in the project and what was read; `DocumentError` says why it can't be added.
        """
        if self.folder is None:
            raise DocumentError(
                "The project has no file yet.",
                "Save it first: its own layers are files beside it.",
            )
        try:
            name, entry, reading = code_files.declare(self.folder, Path(path))
        except DocumentError as error:
            raise DocumentError(f"{Path(path).name}: {error}", error.hint) from error
        if not reading.classes:
            raise DocumentError(
                f"'{name}' has no layers.", _why(reading) or "Write a class of torch.nn.Module."
            )
        clash = self._clash(name, reading)
        if clash:
            raise DocumentError(clash, "Rename one of them.")
        self._declare(f"Add layers from {name}", name, entry)
        return name, reading

    def _declare(self, title: str, name: str, entry: Json) -> None:
        history, before = self._host.history, self._host.document.project
        after = replace(before, code=freeze({**before.code, name: entry}))
        if after != before:
            with history.step(title):
                history.document.apply(Changed("", before, after))

    def _clash(self, name: str, reading: Reading) -> str:
        for path, file in own.files(self._host.document.project).items():
            twice = sorted(file.layers.keys() & reading.classes.keys())
            if path != name and twice:
                return f"'{path}' has a class '{twice[0]}' already."
        return ""

    def trust(self, found: Found, *, folder: bool = False) -> None:
        """Let this content run: exactly what `found` holds, whatever the file has become since.

        With `folder`, everything in its folder, now and later. A file that changed is declared
        anew. `DocumentError` if that can't be.
        """
        place = self._place(found.file.path)
        if folder:
            self.store.trust_folder(place.parent)
        self.store.trust(found.source, place)
        if found.sha256 != found.file.sha256:
            entry = own.entry(found.sha256, signatures.read(found.source))
            self._declare(f"Read {found.file.path} again", found.file.path, entry)

    def carry(self, before: Path | None) -> list[str]:
        """The project was saved into another folder: its files come along, as they are.

        Names of those that could not be copied. A file that is there already stays.
        """
        project, folder = self._host.document.project, self.folder
        if before is None or folder is None or folder == before or not project.code:
            return []
        lost = []
        for found in code_files.look(project, before):
            name = found.file.path
            if found.state in ("missing", "refused") or os.path.lexists(self._place(name)):
                continue
            try:
                place = code_files.place_in(folder, name)
                place.parent.mkdir(parents=True, exist_ok=True)
                atomic.write(place, found.source)
            except (OSError, DocumentError):
                lost.append(found.file.path)
        return lost

    def may_trust_folder(self, found: Found) -> bool:
        """Whether the folder of a file may be trusted as a whole."""
        return self.folder is not None and trust.may_trust_folder(
            self._place(found.file.path).parent
        )


def _why(reading: Reading) -> str:
    """Why the classes of a file are no layers."""
    return " ".join(f"{name} {reason}." for name, reason in list(reading.refused.items())[:3])
