"""What the augmentations of a project do to some samples, for the Data panel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from netbuilder.data import augmenting, depicting
from netbuilder.data.depicting import Array
from netbuilder.data.settings import DataSettings
from netbuilder.data.sources import Field
from netbuilder.data.statistics import Statistics
from netbuilder.errors import NetbuilderError

SAMPLES, VARIANTS = 8, 4
"""Samples that are shown, and how often each is varied."""


def preview(
    settings: DataSettings, fields: tuple[Field, ...], contents: Mapping[str, Array]
) -> dict[str, Any] | None:
    """`views`: for each field that is varied its `field`, `kind`, the samples `before` and, a
    list a variation, `after`; or `error` with why it can't be done. None if nothing is varied.

    `contents` holds samples (samples, *shape) as they are; mean and deviation of normalised
    fields are taken from these alone.
    """
    own = tuple(field for field in fields if field.batched and field.name in contents)
    if not settings.augment or settings.windows is not None or not own:
        return None
    count = min(SAMPLES, min(len(contents[field.name]) for field in own))
    tensors = {f.name: torch.from_numpy(np.ascontiguousarray(contents[f.name])) for f in own}
    statistics = {
        name: Statistics.of(tensors[name]) for name in settings.normalise if name in tensors
    }
    batch = {name: tensor[:count] for name, tensor in tensors.items()}
    seen = {
        name: statistics[name].normalise(values) if name in statistics else values
        for name, values in batch.items()
    }
    try:
        augmenter = augmenting.make(settings.augment, own, statistics)
        assert augmenter is not None
        rounds = [augmenter(dict(seen), settings.seed, turn) for turn in range(VARIANTS)]
    except NetbuilderError as error:
        return {"error": f"{error} {error.hint}".strip(), "views": []}
    views = []
    for field in own:
        varied = [_plain(field, after, statistics) for after in rounds]
        if all(torch.equal(after, batch[field.name]) for after in varied):
            continue
        # All at once, so that they have the same scale.
        whole = torch.cat([batch[field.name], *varied]).numpy()
        shown = depicting.depict(field, whole)
        after = [shown[at : at + count] for at in range(count, len(shown), count)]
        kind = depicting.kind_of(field)
        views.append({"field": field.name, "kind": kind, "before": shown[:count], "after": after})
    return {"error": "", "views": views}


def _plain(
    field: Field, batch: Mapping[str, torch.Tensor], statistics: Mapping[str, Statistics]
) -> torch.Tensor:
    """The varied values in the units of the data; of hidden tokens, as the network gets them."""
    values = batch.get(field.name + "_masked", batch[field.name])
    return statistics[field.name].restore(values) if field.name in statistics else values
