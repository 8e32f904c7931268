"""Projects on disk."""

from __future__ import annotations

import os
from pathlib import Path

from netbuilder.graph.document import Document
from netbuilder.storage import atomic, format, weights
from netbuilder.storage.plain import open_plain, read

__all__ = ["SUFFIX", "load", "open_plain", "read", "save"]

SUFFIX = ".netb"


def load(path: str | os.PathLike[str]) -> Document:
    """The project in a file; `DocumentError` says why it can't be read."""
    document = format.loads(read(path))
    document.beside.folder = Path(path).absolute().parent
    return document


def save(document: Document, path: str | os.PathLike[str]) -> None:
    """Write the project, and its weights beside it; `DocumentError` leaves the file as it was."""
    data = format.dumps(document).encode()
    weights.carry(document, path)
    atomic.write(path, data)
    document.beside.folder = Path(path).absolute().parent
