"""Where a project lies, and what is to lie beside it once it is saved."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Beside:
    """The folder of a project's file, and files that were not written yet.

    It is no part of the project: two documents with equal contents are equal wherever they lie.
    `held` has the contents of files by their SHA-256, such as weights that an import brought.
    """

    folder: Path | None = None
    held: dict[str, bytes] = field(default_factory=dict)
