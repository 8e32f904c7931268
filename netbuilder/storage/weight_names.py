"""What a file of weights beside a project is called, so that it takes the place of no other's."""

from __future__ import annotations

import os
from pathlib import Path

from netbuilder.errors import DocumentError
from netbuilder.graph.rules import identifier
from netbuilder.storage import format, plain, weights

MOST_LETTERS = 80
_TRIED = 1_000


def of_project(path: Path, sha256: str, more: str = "") -> str:
    """The name of the weights of a project that is about to be saved to `path`.

    `FILE.safetensors`, with `more` before the ending; with a number where a file of that name is
    neither these weights nor some that the project at `path` has now. `DocumentError` if there
    are a thousand.
    """
    stem = f"{path.stem}{more}"
    if not weights.is_plain_name(stem + weights.SUFFIX) or len(os.fsencode(stem)) > MOST_LETTERS:
        stem = identifier(stem, "weights")[:MOST_LETTERS]
    return free(path.absolute().parent, stem, sha256, _own(path))


def free(folder: Path, stem: str, sha256: str, own: frozenset[str] = frozenset()) -> str:
    """`STEM.safetensors`, or the first with a number that is free, among `own` or this content."""
    for number in range(1, _TRIED):
        name = f"{stem}{f'_{number}' if number > 1 else ''}{weights.SUFFIX}"
        if name in own or not os.path.lexists(folder / name) or _is(folder / name, sha256):
            return name
    raise DocumentError(f"'{folder}' has a thousand files called {stem}.", "Choose another name.")


def _own(path: Path) -> frozenset[str]:
    """The files that the project at `path` names; none where there is no project."""
    try:
        document = format.loads(plain.read(path))
    except DocumentError:
        return frozenset()
    entries = weights.entries(document)
    return frozenset(each.file for each in entries if isinstance(each, weights.Entry))


def _is(path: Path, sha256: str) -> bool:
    try:
        return weights.digest(plain.read(path, weights.MAX_BYTES)) == sha256
    except DocumentError:
        return False
