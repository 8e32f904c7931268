"""Which code files may be run: what the person, or the command line, has decided.

Nothing decides here. Whoever reads files and knows the person's trust (`app.trust`) says it
with `given`; whoever runs code (`compiler.own_code`) asks. Without a word nothing is trusted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal

from netbuilder.errors import UntrustedCodeError
from netbuilder.graph.model import ProjectInfo
from netbuilder.layers import own

State = Literal["trusted", "restricted", "changed", "missing", "refused"]
"""Of a code file: its content is trusted, or not yet; it differs from what the project declares;
it is not there; it may not be read (it leads out of the project's folder)."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Sources that may run, by the SHA-256 of their bytes, and the states of files by path.

    `hashes` are those of the files as they are on the disk, by path.
    """

    sources: Mapping[str, bytes] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    hashes: Mapping[str, str] = field(default_factory=dict)

    @staticmethod
    def of(
        sources: Iterable[bytes],
        states: Mapping[str, str],
        hashes: Mapping[str, str] | None = None,
    ) -> Trust:
        """With the hashes of sources computed here: no one can give another's."""
        known = {digest(source): source for source in sources}
        return Trust(known, dict(states), dict(hashes or {}))

    def to_json(self) -> dict[str, Any]:
        """For a message to the worker."""
        sources = [source.decode() for source in self.sources.values()]
        return {"sources": sources, "states": dict(self.states), "hashes": dict(self.hashes)}

    @staticmethod
    def from_json(value: Any) -> Trust:
        """What `to_json` wrote; nothing is trusted where it is something else."""
        if not isinstance(value, Mapping):
            return Trust()
        sources, states = value.get("sources", ()), value.get("states", {})
        hashes = value.get("hashes", {})
        if not (isinstance(states, Mapping) and isinstance(hashes, Mapping)):
            return Trust()
        if not isinstance(sources, list | tuple):
            return Trust()
        texts = [source.encode() for source in sources if isinstance(source, str)]
        return Trust.of(texts, _texts(states), _texts(hashes))


def _texts(value: Mapping[Any, Any]) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()}


def digest(source: bytes) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    return hashlib.sha256(source).hexdigest()


_trust: ContextVar[Trust] = ContextVar("trust", default=Trust())  # noqa: B039


def current() -> Trust:
    """What this thread may run."""
    return _trust.get()


def give(trust: Trust) -> None:
    """From now on this thread may run these sources."""
    _trust.set(trust)


@contextmanager
def given(trust: Trust) -> Iterator[None]:
    """Within the block this thread may run these sources."""
    token = _trust.set(trust)
    try:
        yield
    finally:
        _trust.reset(token)


def restricted(project: ProjectInfo) -> list[own.CodeFile]:
    """The declared files whose declared content may not be run."""
    sources = current().sources
    return [file for file in own.files(project).values() if file.sha256 not in sources]


def refuse(files: Iterable[own.CodeFile]) -> None:
    """`UntrustedCodeError` that names the files, if there are any."""
    found = list(files)
    if found:
        raise UntrustedCodeError(message(found), hint(found))


_REASONS: Mapping[str, str] = {
    "changed": "has changed since the project was saved and is not trusted",
    "missing": "is not beside the project",
    "refused": "may not be read: it leads out of the project's folder",
}


def reason(file: own.CodeFile) -> str:
    """Why a file may not run, in words that follow its path."""
    return _REASONS.get(current().states.get(file.path, ""), "is code that is not trusted")


def message(files: Iterable[own.CodeFile]) -> str:
    """Which files stand in the way, each with its reason and its hash."""
    hashes = current().hashes
    parts = [
        f"{file.path} {reason(file)} (sha256:{hashes.get(file.path) or file.sha256})"
        for file in files
    ]
    return f"The project's own layers can't run: {'; '.join(parts)}."


def hint(files: Iterable[own.CodeFile]) -> str:
    """What to do about them."""
    states = {current().states.get(file.path, "") for file in files}
    if "missing" in states:
        return "Put the file beside the project, where it was; its layers stay drawn until then."
    if "refused" in states:
        return "Put the file itself into the project's folder."
    return "Read it. Then trust it: Train or Export in the window, or --trust-code sha256:…"
