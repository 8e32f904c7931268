"""What a folder or file may be trained on: a proposal of data settings. Torch-free.

Whoever calls this has chosen the path: it is read here and now, within limits. Each kind of data
has a module with a function `propose(path)`, which gives None for what is not its own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from netbuilder.data.files import local
from netbuilder.data.sources import Field
from netbuilder.errors import NetbuilderError, Problem

Task = Literal[
    "classification",
    "regression",
    "reconstruction",
    "language",
    "segmentation",
    "forecast",
    "node",
]
KINDS = (
    "proposing_pictures",
    "proposing_masks",
    "proposing_images",
    "proposing_sounds",
    "proposing_arrays",
    "proposing_tables",
    "proposing_graphs",
    "proposing_texts",
)
"""The modules here that know kinds of data, in the order in which to ask them."""

ARCHIVES = (
    *(".zip", ".tar", ".tgz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"),
    *(".7z", ".rar"),
)
"""What is not unpacked: an archive may write anywhere, and be far larger than it looks."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """Data settings for what is at a path, and what one may do with it.

    `count` samples were found. `settings` are data settings beside source and parameters.
    `templates` are ids of networks that fit, the best first. `notes` say what was seen and left
    aside; `problems` what stands against training.
    """

    source: str
    params: Mapping[str, Any]
    title: str
    count: int
    fields: tuple[Field, ...]
    task: Task
    settings: Mapping[str, Any] = field(default_factory=dict)
    templates: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The answer of `netbuilder data --json`."""
        return {
            "source": self.source,
            "params": dict(self.params),
            "title": self.title,
            "count": self.count,
            "fields": [each.to_json() for each in self.fields],
            "task": self.task,
            "settings": dict(self.settings),
            "templates": list(self.templates),
            "notes": list(self.notes),
            "problems": [each.to_json() for each in self.problems],
        }


def propose(path: str | Path) -> Proposal:
    """What fits best; `NetbuilderError` says why there is nothing for it."""
    text = os.fspath(path)
    if not text.strip():
        raise NetbuilderError("No path is given.", "Name a file or a folder; '.' is this one.")
    try:
        local(text)
    except ValueError as error:
        raise NetbuilderError(f"'{text[:200]}' can't be used: it must be {error}.") from None
    place = Path(os.path.abspath(text))
    if not os.path.lexists(place):
        raise NetbuilderError(f"There is nothing at '{place}'.", "Look at the path.")
    if not place.is_dir() and not place.is_file():
        raise NetbuilderError(f"'{place.name}' is no file or folder.", "Choose one of those.")
    try:
        place.open("rb").close() if place.is_file() else os.scandir(place).close()
    except OSError as error:
        hint = "Look at who may read it."
        raise NetbuilderError(f"'{place.name}' can't be read: {error.strerror}.", hint) from error
    if place.is_file() and place.name.lower().endswith(ARCHIVES):
        raise NetbuilderError(
            f"'{place.name}' is an archive.",
            "Unpack it with the tool you trust for that, then choose the folder.",
        )
    for name in KINDS:
        try:
            kind = import_module(f"netbuilder.data.proposals.{name}")
            found: Proposal | None = kind.propose(place)
        except ValidationError as error:
            raise _beyond(place, error) from None
        if found is not None:
            return _warned(found)
    raise NetbuilderError(
        f"'{place.name}' holds nothing that netbuilder can train on.",
        "Choose a folder of images or sounds with one folder a class, a table, a text, a graph or "
        ".npy files. See docs/data.md.",
    )


def _beyond(place: Path, error: ValidationError) -> NetbuilderError:
    """What is in the data and a source can't be told."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    what = ".".join(map(str, first["loc"])) or "the data"
    return NetbuilderError(
        f"'{place.name}' is beyond what can be read: {what}: {first['msg']}.",
        "Look whether it is damaged, or choose a part of it.",
    )


def _warned(found: Proposal) -> Proposal:
    """With a problem where there is nothing to train on."""
    if found.count > 0:
        return found
    text = "There is no whole sample in it."
    empty = Problem("error", "data.empty", text, "Choose a file or folder with more in it.")
    return replace(found, count=0, problems=(*found.problems, empty))
