"""A network with the weights of a run, and what is known of its data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from netbuilder.compiler import build
from netbuilder.data.augmentation import HIDDEN, MASKED, SOFT
from netbuilder.data.settings import fields_of
from netbuilder.data.settings import read as read_data
from netbuilder.data.sources import Field
from netbuilder.data.statistics import Statistics
from netbuilder.engine import meaning
from netbuilder.engine.meaning import Meaning
from netbuilder.errors import NetbuilderError, ProblemsError
from netbuilder.graph.document import Document
from netbuilder.storage import files
from netbuilder.training.checkpointing import checkpoints
from netbuilder.training.records.folder import RunFolder


@dataclass(frozen=True)
class Trained:
    """One network, ready to be used. `statistics` are those of normalised fields."""

    document: Document
    name: str
    module: nn.Module
    fields: Mapping[str, Field]
    statistics: Mapping[str, Statistics]
    meaning: Meaning


def choose_network(document: Document, name: str | None) -> str:
    """The network called `name`; without one the only one, else the one called main."""
    names = [graph.name for graph in document.of_kind("network")]
    if name is None:
        if len(names) == 1 or "main" in names:
            return "main" if "main" in names else names[0]
        raise NetbuilderError(
            "The project has several networks." if names else "The project has no network.",
            f"Choose one of: {', '.join(names)}." if names else "Add one.",
        )
    if name not in names:
        raise ProblemsError(
            f"There is no network '{name}'.", (), f"There are: {', '.join(names) or 'none'}."
        )
    return name


def load(path: Path, network: str | None) -> Trained:
    """A network of a run with its best weights, else its last; `RunError` if it has none."""
    folder = RunFolder.open(path)
    document = files.load(folder.project_path)
    name = choose_network(document, network)
    module = build.build_network(document, name)
    checkpoint, _ = folder.read_checkpoint("best", "last")
    checkpoints.load_networks(checkpoint, {name: module})
    module.eval()
    stored: Mapping[str, Any] = folder.read_json("data.json").get("statistics", {})
    statistics = {key: Statistics.from_json(value) for key, value in stored.items()}
    known = fields(document)
    return Trained(document, name, module, known, statistics, meaning_of(document, name, known))


def meaning_of(document: Document, name: str, known: Mapping[str, Field]) -> Meaning:
    """What a network's inputs and outputs mean in the data's own fields.

    What augmentations add for the training stands for the field that it is made of.
    """
    about = meaning.of_network(document, name)
    added = {field + SOFT: field for field in known} | {field + MASKED: field for field in known}
    added |= {field + HIDDEN: field for field in known}
    return replace(
        about,
        inputs={port: added.get(field, field) for port, field in about.inputs.items()},
        targets={port: added.get(field, field) for port, field in about.targets.items()},
    )


def fields(document: Document) -> dict[str, Field]:
    """The fields of the project's data by name; none where no data is chosen."""
    settings = read_data(document.project.data)
    if settings.source is None:
        return {}
    return {field.name: field for field in fields_of(settings)}
