"""Data ready to train on, and what makes it of arrays: check, split, normalise."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from netbuilder.data import arrays, augmenting, windowing
from netbuilder.data.augmentation import Augmentation
from netbuilder.data.augmenting import Augmenter
from netbuilder.data.settings import DataSettings, shaped
from netbuilder.data.sources import Field, class_fields
from netbuilder.data.splits import Split, split, split_groups, split_time
from netbuilder.data.statistics import Statistics
from netbuilder.data.streaming import Streamed
from netbuilder.errors import NetbuilderError, Problem, ProblemsError

Part = Mapping[str, Tensor]
"""Field name to tensor (samples, *shape); all with the same number of samples."""


@dataclass(frozen=True)
class Dataset:
    """Data ready to train on, in memory.

    `shared` holds the fields that are the same for all samples, by name: (*shape).
    `statistics` holds, for each normalised field, what prediction needs to treat new
    inputs alike. `fingerprint` tells whether a later run sees the same data.
    """

    fields: tuple[Field, ...]
    train: Part
    validation: Part
    test: Part = field(default_factory=dict)
    statistics: Mapping[str, Statistics] = field(default_factory=dict)
    fingerprint: str = ""
    shared: Part = field(default_factory=dict)
    notes: tuple[tuple[str, str], ...] = ()
    """What a person should know of the files: codes and sentences."""
    augmenter: Augmenter | None = None
    """What varies the batches of the training part."""

    @property
    def parts(self) -> dict[str, Part]:
        """The parts by name: `train`, `validation`, `test`."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def to(self, device: torch.device | str) -> Dataset:
        """The same data on another device."""
        train, validation, test = (
            part.to(device)
            if isinstance(part, Streamed)
            else {name: tensor.to(device) for name, tensor in part.items()}
            for part in (self.train, self.validation, self.test)
        )
        shared = {name: tensor.to(device) for name, tensor in self.shared.items()}
        return replace(self, train=train, validation=validation, test=test, shared=shared)

    def to_json(self) -> dict[str, Any]:
        """What a run keeps of its data beside the settings."""
        return {
            "fields": [entry.to_json() for entry in self.fields],
            "parts": {name: size(part) for name, part in self.parts.items()},
            "statistics": {name: s.to_json() for name, s in self.statistics.items()},
            "fingerprint": self.fingerprint,
        }


def size(part: Part) -> int:
    """The number of samples in a part."""
    return len(next(iter(part.values()))) if part else 0


def make(
    fields: tuple[Field, ...], contents: Mapping[str, arrays.Array], settings: DataSettings
) -> Dataset:
    """The data set of arrays with all samples of a source, or with the rows of its windows."""
    refuse(find_problems(fields, contents, settings))
    parts = part_up(fields, contents, settings)
    if settings.windows is not None:
        order = windowing.order_of(settings, contents, _count(fields, contents))
        series = contents.get(settings.windows.series)
        starts, parts = windowing.starts_of(settings.windows, order, parts, series)
        contents = windowing.cut(settings.windows, fields, contents, order, starts)
        fields = settings.windows.of(fields)
    return assemble(fields, contents, parts, settings.normalise, settings.augment, settings.seed)


def refuse(problems: list[Problem]) -> None:
    """Raise `ProblemsError` if there is any error among these."""
    errors = [problem for problem in problems if problem.severity == "error"]
    if errors:
        message = " ".join(problem.message for problem in errors)
        raise ProblemsError(message, problems, errors[0].hint)


def assemble(
    fields: tuple[Field, ...],
    contents: Mapping[str, arrays.Array],
    parts: Split,
    normalise: tuple[str, ...] = (),
    augment: tuple[Augmentation, ...] = (),
    seed: int = 0,
) -> Dataset:
    """The data set of arrays that were checked and split before.

    What is missing is filled, and all is normalised, by what the training part holds.
    """
    tensors = {f.name: torch.from_numpy(np.ascontiguousarray(contents[f.name])) for f in fields}
    own = [f.name for f in fields if f.batched]
    fills = {f.name: f.fills for f in fields if f.fills}
    statistics = {
        name: Statistics.of(
            tensors[name][torch.from_numpy(parts.train)] if name in own else tensors[name],
            fills.get(name, ()),
            scaled=name in normalise,
        )
        for name in dict.fromkeys((*normalise, *fills))
    }
    for name, statistic in statistics.items():
        tensors[name] = statistic.normalise(tensors[name])

    def part(indices: np.ndarray[Any, np.dtype[np.int64]]) -> Part:
        chosen = torch.from_numpy(indices)
        return {name: tensors[name][chosen] for name in own}

    data = Dataset(
        fields,
        part(parts.train),
        part(parts.validation),
        part(parts.test),
        statistics,
        fingerprint(contents, parts),
        {name: tensor for name, tensor in tensors.items() if name not in own},
    )
    return augmented(data, augment, seed)


def augmented(data: Dataset, augment: tuple[Augmentation, ...], seed: int) -> Dataset:
    """The data with the fields that augmentations add, and with what varies its batches."""
    augmenter = augmenting.make(augment, data.fields, data.statistics)
    if augmenter is None:
        return data
    fields = (*data.fields, *augmenter.added)
    train, validation, test = (
        {**part, **augmenter.derive(part, (seed, augmenting.FIXED, at))} if size(part) else part
        for at, part in enumerate(data.parts.values())
    )
    return replace(
        data, fields=fields, train=train, validation=validation, test=test, augmenter=augmenter
    )


def fingerprint(contents: Mapping[str, arrays.Array], parts: Split) -> str:
    """A hash that changes with any value of any sample and with the split."""
    digest = hashlib.sha256()
    for name, array in contents.items():
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    for indices in (parts.train, parts.validation, parts.test):
        digest.update(b"|" + indices.tobytes())
    return digest.hexdigest()


def find_problems(
    fields: tuple[Field, ...], contents: Mapping[str, arrays.Array], settings: DataSettings
) -> list[Problem]:
    """Everything that stands against training on this data."""
    counts = {f.name: len(contents[f.name]) for f in fields if f.batched}
    if min(counts.values()) == 0:
        return [Problem("error", "data.empty", "The data has no samples.", "Choose other data.")]
    if len(set(counts.values())) > 1:
        text = ", ".join(f"{name} has {count}" for name, count in counts.items())
        return [Problem("error", "data.lengths", f"The fields differ in length: {text}.")]
    problems = [p for f in fields for p in _field_problems(f, contents[f.name])]
    return problems + _setting_problems(fields, settings)


def find_label_problems(
    fields: tuple[Field, ...], labels: Mapping[str, arrays.Array], settings: DataSettings
) -> list[Problem]:
    """The same where only the labels are looked at before the training."""
    problems = [p for f in fields if f.name in labels for p in _field_problems(f, labels[f.name])]
    return problems + _setting_problems(fields, settings)


def _setting_problems(fields: tuple[Field, ...], settings: DataSettings) -> list[Problem]:
    """Settings that name fields which the data does not have, or that do not fit them."""
    problems = []
    keys = [field.name for field in fields if field.batched and not field.shape]
    for name in settings.key_names():
        if name not in keys:
            message = f"The data can't be split by '{name}': it is no field of single values."
            hint = f"Fields that can be: {', '.join(keys) or 'none'}."
            problems.append(Problem("error", "data.key", message, hint))
    try:
        fields = shaped(settings, fields)
    except NetbuilderError as error:
        return [*problems, Problem("error", "data.settings", str(error), error.hint)]
    for name in settings.normalise:
        wanted = next((f for f in fields if f.name == name), None)
        if wanted is None or not wanted.dtype.startswith("float"):
            known = ", ".join(f.name for f in fields if f.dtype.startswith("float"))
            problems.append(
                Problem(
                    "error",
                    "data.normalise",
                    f"'{name}' can't be normalised: it is no field of numbers.",
                    f"Fields that can be: {known}.",
                )
            )
    return problems


def _field_problems(field: Field, values: arrays.Array) -> list[Problem]:
    problems = []
    found = values.shape[1:] if field.batched else values.shape
    if found != field.shape:
        what = "Samples of " if field.batched else ""
        message = f"{what}'{field.name}' {'are' if what else 'is'} {found}, not {field.shape}."
        problems.append(Problem("error", "data.shape", message))
    if field.fills:
        values = np.where(np.isnan(values) & np.array([bool(f) for f in field.fills]), 0, values)
    if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
        rows = values.reshape(len(values) if values.ndim else 1, -1)
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        shown = ", ".join(map(str, bad[:5])) + (", ..." if len(bad) > 5 else "")
        what = "samples" if field.batched else "rows"
        message = f"'{field.name}' holds NaN or infinite values in {len(bad)} {what} ({shown})."
        problems.append(Problem("error", "data.finite", message, "Remove or fill these samples."))
    if field.high is None or not values.size:
        return problems
    low, high = int(values.min()), int(values.max())
    if low < 0 or high >= field.high:
        message = f"'{field.name}' holds values from {low} to {high}, not 0 to {field.high - 1}."
        problems.append(Problem("error", "data.range", message, "Correct the labels."))
    elif low == high and field.is_class:
        name = field.classes[low] if low < len(field.classes) else str(low)
        message = f"All samples of '{field.name}' are of one class, '{name}'."
        hint = "A network can't learn to tell classes from one: add samples of others."
        problems.append(Problem("error", "data.one_class", message, hint))
    return problems


def part_up(
    fields: tuple[Field, ...], contents: Mapping[str, arrays.Array], settings: DataSettings
) -> Split:
    """Which samples go where, by the classes of the first field that has one a sample."""
    labels = next((contents[f.name] for f in class_fields(fields)), None)
    return split_of(_count(fields, contents), labels, settings, contents.get(settings.key))


def _count(fields: tuple[Field, ...], contents: Mapping[str, arrays.Array]) -> int:
    return next(len(contents[f.name]) for f in fields if f.batched)


def by_classes(settings: DataSettings) -> bool:
    """Whether the parts get each class in proportion."""
    return settings.stratify and settings.split_by == "random"


def split_of(
    count: int,
    labels: arrays.Array | None,
    settings: DataSettings,
    keys: arrays.Array | None = None,
) -> Split:
    """Which of `count` samples goes where; `labels` are their classes, if they have some, `keys`
    their groups or times."""
    chosen = labels if by_classes(settings) else None
    fold = None if settings.folds is None else (settings.fold, settings.folds)
    if settings.split_by == "time":
        times = np.arange(count) if keys is None else keys
        return split_time(times, settings.validation, settings.test)
    if settings.split_by == "group" and keys is not None:
        return split_groups(keys, settings.validation, settings.test, settings.seed, fold)
    return split(count, settings.validation, settings.test, settings.seed, chosen, fold)
