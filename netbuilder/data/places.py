"""Where the files of a project's data may lie. Torch-free.

A project is a file that may come from anybody. What it names inside its own folder may be read
when its person trains; all else only after this person said so (`app.consent`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netbuilder.data.files import FileSource, local
from netbuilder.data.sources import Source
from netbuilder.errors import NetbuilderError, Problem, ProblemsError


@dataclass(frozen=True, slots=True)
class Places:
    """The project's folder, None for a project without a file, and what is allowed beside it."""

    folder: Path | None = None
    allowed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """What a request to the worker brings along."""
        folder = None if self.folder is None else str(self.folder)
        return {"folder": folder, "allowed": list(self.allowed)}

    @staticmethod
    def from_json(value: Any) -> Places:
        """What `to_json` wrote; anything else allows nothing."""
        match value:
            case {"folder": str() | None as folder, "allowed": list(allowed)}:
                here = Path(folder) if folder and os.path.isabs(folder) else None
                known = (each for each in allowed if isinstance(each, str) and os.path.isabs(each))
                return Places(here, tuple(known))
        return Places()

    def absolute(self, path: str) -> Path:
        """The path as it is meant; `NetbuilderError` for what is none, or hangs in the air."""
        try:
            local(path)
        except ValueError as error:
            raise NetbuilderError(f"'{path[:200]}' can't be read: it must be {error}.") from None
        # Without "..", which hides from a reader where a path leads.
        if os.path.isabs(path):
            return Path(os.path.normpath(path))
        if self.folder is None:
            raise NetbuilderError(
                f"'{path[:200]}' lies beside a project that has no file yet.",
                "Save the project, or name the whole path.",
            )
        return Path(os.path.normpath(self.folder / path))

    def allows(self, path: Path) -> bool:
        """Whether a path may be read: links are followed, nothing is opened.

        What by its name alone lies elsewhere is not even looked at: it may be on a disk that is
        mounted by looking.
        """
        if not self._named_inside(path):
            return False
        own = [] if self.folder is None else [str(self.folder)]
        real = Path(os.path.realpath(path))
        # Where a link leads that was allowed is what was allowed, not where it leads by now.
        return any(
            real.is_relative_to(root) for root in (*self.allowed, *map(os.path.realpath, own))
        )

    def asked(self, path: Path) -> Path:
        """What to ask a person about who may allow a path: where a link inside leads."""
        return Path(os.path.realpath(path)) if self._named_inside(path) else path

    def _named_inside(self, path: Path) -> bool:
        own = [] if self.folder is None else [str(self.folder)]
        named = Path(os.path.normpath(path))
        return any(named.is_relative_to(root) for root in (*self.allowed, *own))


_here: ContextVar[Places] = ContextVar("places", default=Places())  # noqa: B039


def current() -> Places:
    """What holds in this thread."""
    return _here.get()


@contextlib.contextmanager
def given(places: Places) -> Iterator[None]:
    """Within the block this thread may read there."""
    token = _here.set(places)
    try:
        yield
    finally:
        _here.reset(token)


def give(places: Places) -> None:
    """From now on this thread may read there."""
    _here.set(places)


def resolve(path: str) -> Path:
    """The place that a project's data names; `ProblemsError` where it may not be read."""
    here = current()
    place = here.absolute(path)
    if not here.allows(place):
        asked = here.asked(place)
        message = f"The data lies outside the project's folder, in '{asked}'."
        hint = f'If you want it to be read, the window asks for it; here: --allow "{asked}"'
        raise ProblemsError(message, [Problem("error", "data.consent", message, hint)], hint)
    return place


def wanting(source: Source, allowed: Places, here: Places) -> list[Path]:
    """The places that a source names and that may not be read; paths are meant as from `here`."""
    if not isinstance(source, FileSource):
        return []
    named = [here.absolute(path) for path in source.paths() if path]
    return [allowed.asked(place) for place in named if not allowed.allows(place)]
