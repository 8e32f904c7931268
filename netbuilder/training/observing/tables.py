"""Which class is taken for which: confusion matrices of a validation, counted on the device."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from netbuilder.data.sources import Field
from netbuilder.training.parallel.distributed import ALONE, Group
from netbuilder.training.plan import StepPlan

MAX_CLASSES = 100
"""More make a table that nobody can read, and events that are too long."""
MAX_TABLES = 4
MAX_CELLS = 2_000_000
"""Cells that a run writes into its events altogether, about 5 MB."""


class Tables:
    """The confusion matrices of one training step, found in what its metrics are given.

    A table is what a metric of classes, or a preview of classes, compares: scores N×C or
    N×C×..., and the right classes N or N×... as whole numbers; or scores N for two classes.
    Costs one counting a batch; nothing is read from the device before `result`.
    """

    def __init__(self, step: StepPlan, fields: tuple[Field, ...], group: Group = ALONE) -> None:
        self._group = group
        self._names = {
            len(field.classes): field.classes
            for field in fields
            if field.classes and field.is_class
        }
        # What previews alone need is not computed with every batch.
        shown = () if step.asks else step.previews.items()
        self._previews = [name for name, kind in shown if kind in ("class", "auto")]
        self._metrics = {
            name: kind
            for name, make in step.metrics.items()
            if (kind := type(make()).__name__).startswith(("Multiclass", "Binary"))
        }
        self._counts: dict[str, Tensor] = {}

    def reset(self) -> None:
        """Forget everything: a new validation."""
        self._counts.clear()

    def add(
        self,
        outputs: Mapping[str, tuple[Tensor, ...]],
        shown: Mapping[str, Any],
        *,
        counted: bool = True,
    ) -> None:
        """One batch: the arguments of the metrics, and what the previews show.

        One that is not `counted` stands for nothing: this process had no sample of its own.
        """
        for name, scores, right in self._pairs(outputs, shown):
            classes = 2 if scores.dim() == right.dim() else scores.shape[1]
            numbers = _count(scores, right, classes) * counted
            before = self._counts.get(name)
            self._counts[name] = numbers if before is None else before + numbers

    def _pairs(
        self, outputs: Mapping[str, tuple[Tensor, ...]], shown: Mapping[str, Any]
    ) -> Iterator[tuple[str, Tensor, Tensor]]:
        """What is compared with what, each pair of tensors once."""
        seen: set[tuple[int, int]] = set()
        for name, pair in [
            *((name, outputs.get(name)) for name in self._metrics),
            *((name, shown.get(name)) for name in self._previews),
        ]:
            if not isinstance(pair, tuple) or len(pair) != 2 or len(seen) == MAX_TABLES:
                continue
            scores, right = pair
            key = (scores.data_ptr(), right.data_ptr())
            binary = self._metrics.get(name, "Binary").startswith("Binary")
            if key not in seen and _fit(scores, right, binary=binary):
                seen.add(key)
                yield name, scores, right

    def result(self) -> dict[str, dict[str, Any]]:
        """By name: `classes`, and `matrix` with a row for each class that it is."""
        found = {}
        for name, counted in self._counts.items():
            counts = self._group.sum(counted)[:-1].tolist()
            size = round(len(counts) ** 0.5)
            classes = self._names.get(size, tuple(str(number) for number in range(size)))
            rows = [counts[row * size : (row + 1) * size] for row in range(size)]
            found[name] = {"classes": list(classes), "matrix": rows}
        return found


def spacing(tables: Mapping[str, Mapping[str, Any]], epochs: int) -> int:
    """Every how many epochs tables of this size are told, so that events stay small."""
    cells = sum(len(table["classes"]) ** 2 for table in tables.values())
    return max(1, -(-cells * epochs // MAX_CELLS))


def _fit(scores: Tensor, right: Tensor, *, binary: bool) -> bool:
    if not scores.is_floating_point() or right.is_floating_point() or not right.dim():
        return False
    if scores.dim() == right.dim() + 1:
        many = 2 <= scores.shape[1] <= MAX_CLASSES
        return many and scores.shape[:1] + scores.shape[2:] == right.shape
    return binary and scores.dim() == 1 and scores.shape == right.shape


def _count(scores: Tensor, right: Tensor, classes: int) -> Tensor:
    """How often each class was taken for each, row by row; at the end what has no class."""
    if scores.dim() > right.dim():
        said = scores.argmax(1)
    else:
        # As torchmetrics reads them: probabilities if all lie in 0 to 1, else logits.
        odds = ((scores >= 0) & (scores <= 1)).all()
        said = torch.where(odds, scores > 0.5, scores > 0).long()
    known = (right >= 0) & (right < classes)
    places = torch.where(known, right.long() * classes + said, classes * classes).flatten()
    if places.device.type == "cpu":
        return torch.bincount(places, minlength=classes * classes + 1)
    # Elsewhere bincount waits for the device to know how many numbers there are.
    counts = places.new_zeros(classes * classes + 1)
    return counts.scatter_add_(0, places, torch.ones_like(places))
