"""The projects that netbuilder brings along, as the start page and `templates` list them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netbuilder.app import resources
from netbuilder.errors import DocumentError, did_you_mean
from netbuilder.graph.difference import CALL
from netbuilder.graph.document import Document
from netbuilder.storage import files, strict


@dataclass(frozen=True, slots=True)
class TemplateInfo:
    """One template.

    `family` and `task` are words of the field ("Transformer", "Image classification"), `dataset`
    what it trains on, `description` what to notice, `paper` whom to read.
    `networks` maps each network's name to its number of parameters, with those of the networks
    that it calls; `parameters` counts each of them once.
    """

    id: str
    title: str
    family: str
    task: str
    dataset: str
    description: str
    networks: Mapping[str, int]
    parameters: int
    paper: str = ""

    def to_json(self) -> dict[str, Any]:
        """One row of the `templates` command."""
        return {
            "id": self.id,
            "title": self.title,
            "family": self.family,
            "task": self.task,
            "dataset": self.dataset,
            "networks": dict(self.networks),
        }


FIRST = "digits_cnn"
"""What a new user runs first: it shows everything and learns within seconds."""


def templates() -> list[TemplateInfo]:
    """All templates in the order in which to offer them. Nothing is built: the counts stand in
    the files."""
    return in_order([info(path) for path in paths()])


def paths() -> list[Path]:
    """The files of the templates."""
    return sorted(resources.folder("templates").glob(f"*{files.SUFFIX}"))


def in_order(infos: Sequence[TemplateInfo]) -> list[TemplateInfo]:
    """The one to begin with first, then the simple before the intricate: those on digits, which
    every computer trains in a minute; those with few networks."""
    return sorted(infos, key=_place)


def _place(info: TemplateInfo) -> tuple[bool, bool, int, str, str]:
    others = not info.dataset.startswith("Digits")
    return info.id != FIRST, others, len(info.networks), info.task, info.title


def open_template(id: str) -> Document:
    """A new document from a template; `DocumentError` if there is none with this id."""
    path = resources.folder("templates") / f"{id}{files.SUFFIX}"
    # An id is a file's name, never a path.
    if Path(id).name != id or not path.is_file():
        known = sorted(info.id for info in templates())
        hint = f"{did_you_mean(id, known)}There are: {', '.join(known)}."
        raise DocumentError(f"There is no template '{id}'.", hint)
    return files.load(path)


def info(path: Path) -> TemplateInfo:
    """What a template's file says of itself; `DocumentError` if it can't be read."""
    value = strict.parse(files.read(path))
    about = value["about"]
    return TemplateInfo(
        id=path.name.removesuffix(files.SUFFIX),
        title=value["title"],
        family=about["family"],
        task=about["task"],
        dataset=about["dataset"],
        description=value["description"],
        networks=dict(about["parameters"]),
        parameters=_total(value["graphs"], about["parameters"]),
        paper=about.get("paper", ""),
    )


def _total(graphs: Sequence[Mapping[str, Any]], counts: Mapping[str, int]) -> int:
    """The parameters of all networks; of one that others call, once."""
    called = {
        graph["name"]: {
            node.get("params", {}).get("network")
            for node in graph["nodes"]
            if node["layer"] == CALL
        }
        for graph in graphs
        if graph["kind"] == "network"
    }

    def within(name: str) -> set[str]:
        return called[name].union(*(within(other) for other in called[name]))

    # From those that call nothing upwards: what one has of its own is what is left.
    own: dict[str, int] = {}
    for name in sorted(counts, key=lambda name: len(within(name))):
        own[name] = counts[name] - sum(own[other] for other in within(name))
    return sum(own.values())
