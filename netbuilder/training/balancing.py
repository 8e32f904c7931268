"""Classes of which there are few: drawn as often as the others, or weighed in the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from netbuilder.data.loading import Dataset
from netbuilder.data.sources import Field, class_fields
from netbuilder.errors import NetbuilderError, Problem


def find(dataset: Dataset, name: str | None = None) -> Field:
    """The field of classes of this name, or the only one; `NetbuilderError` if there is none."""
    known = class_fields(dataset.fields)
    if name is None and len(known) == 1:
        return known[0]
    found = next((field for field in known if field.name == name), None)
    if found is not None:
        return found
    names = ", ".join(field.name for field in known)
    if name is None and known:
        raise NetbuilderError("Several fields hold classes.", f"Name one of: {names}.")
    what = "The data has no field of classes" if name is None else f"'{name}' holds no classes"
    hint = f"Fields of classes: {names}." if names else "Choose data with labels."
    raise NetbuilderError(f"{what}.", hint)


def problems(dataset: Dataset, balance: str | None) -> list[Problem]:
    """What stands against drawing the classes of this field equally often."""
    if balance is None:
        return []
    try:
        find(dataset, balance)
    except NetbuilderError as error:
        return [Problem("error", "training.balance", f"Can't balance: {error}", error.hint)]
    return []


def counts(dataset: Dataset, field: Field) -> list[int]:
    """How many samples of each class the training part has."""
    labels = dataset.train[field.name].cpu().long()
    found: list[int] = torch.bincount(labels, minlength=field.high or 0).tolist()
    return found


def class_weights(numbers: Sequence[int]) -> list[float]:
    """Weights by which every class counts alike: samples / (classes × samples of the class).

    A class without samples has weight 1: it changes nothing.
    """
    present = sum(number > 0 for number in numbers)
    total = sum(numbers)
    return [total / (present * number) if number else 1.0 for number in numbers]


def answer(dataset: Dataset, name: str | None = None) -> dict[str, Any]:
    """Field, class names, counts and weights, as the `weigh-classes` command tells them."""
    field = find(dataset, name)
    numbers = counts(dataset, field)
    names = [
        field.classes[at] if at < len(field.classes) else str(at) for at in range(len(numbers))
    ]
    weights = [float(f"{weight:.6g}") for weight in class_weights(numbers)]
    return {"field": field.name, "classes": names, "counts": numbers, "weights": weights}


def draw(labels: Tensor, generator: torch.Generator) -> Tensor:
    """As many sample numbers as there are labels, every class that is there equally often.

    A class with too few samples goes through all of them before one comes again; of one with
    too many, as many as fit are drawn. What does not divide goes to chosen classes.
    """
    labels = labels.cpu().long()
    classes = torch.unique(labels)
    quota, rest = divmod(len(labels), len(classes))
    favoured = set(torch.randperm(len(classes), generator=generator)[:rest].tolist())
    drawn = []
    for number, value in enumerate(classes):
        members = (labels == value).nonzero().flatten()
        wanted = quota + (number in favoured)
        while wanted > 0:
            order = torch.randperm(len(members), generator=generator)[:wanted]
            drawn.append(members[order])
            wanted -= len(order)
    chosen = torch.cat(drawn)
    return chosen[torch.randperm(len(chosen), generator=generator)]
