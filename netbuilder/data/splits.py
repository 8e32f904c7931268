"""Which sample goes into which part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from netbuilder.errors import NetbuilderError

Indices = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Split:
    """Sample numbers of each part; no sample is in two of them and none is left out."""

    train: Indices
    validation: Indices
    test: Indices


def split(
    count: int,
    validation: float,
    test: float,
    seed: int,
    labels: Indices | None = None,
    fold: tuple[int, int] | None = None,
) -> Split:
    """Part `count` samples at random, the same way for the same seed.

    With `labels` (count,) every part gets each class in proportion, to within one sample. With
    `fold` (which one from 1, of how many) that fold is the validation part in place of the
    fraction: over all folds every sample that is not in the test part is in it once.
    """
    random = np.random.default_rng(seed)
    order = random.permutation(count)
    if labels is not None:
        order = order[np.argsort(_positions(labels[order]), kind="stable")]
    tests = _part(count, test)
    if fold is not None:
        return _fold(order, tests, *fold)
    measured = tests + _part(count, validation)
    test_part, validation_part, train_part = np.split(order, [tests, measured])
    return Split(np.sort(train_part), np.sort(validation_part), np.sort(test_part))


def split_groups(
    groups: np.ndarray[Any, np.dtype[Any]],
    validation: float,
    test: float,
    seed: int,
    fold: tuple[int, int] | None = None,
) -> Split:
    """Part samples so that those of a group (count,) stay together, as near to the fractions as
    the groups allow. `NetbuilderError` if there are too few groups."""
    known, member, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    parts = 1 + bool(test) + (bool(validation) if fold is None else fold[1] - 1)
    if len(known) < parts:
        raise NetbuilderError(
            f"There are {len(known)} groups for {parts} parts: samples of a group stay together.",
            "Choose another key, or split at random.",
        )
    order = np.random.default_rng(seed).permutation(len(known))
    count = len(groups)
    tests = _taken(order, sizes, round(count * test), parts - 1) if test else 0
    rest = order[tests:]
    if fold is not None:
        chosen = rest[_balanced(sizes[rest], fold[1]) == fold[0] - 1]
    else:
        wanted = round(count * validation)
        chosen = rest[: _taken(rest, sizes, wanted, 1) if validation else 0]
    part = np.zeros(len(known), dtype=np.int64)
    part[chosen], part[order[:tests]] = 1, 2
    return Split(*(np.flatnonzero(part[member] == number) for number in range(3)))


def _taken(order: Indices, sizes: Indices, wanted: int, left: int) -> int:
    """How many groups from the first on come nearest to so many samples: one at least, and so
    that some are left."""
    reached = np.cumsum(sizes[order])
    best = int(np.argmin(np.abs(reached - wanted))) + 1
    return max(1, min(best, len(order) - left))


def _balanced(sizes: Indices, folds: int) -> Indices:
    """For each group its fold: the largest go first, each to the fold with the fewest samples."""
    held, fold = np.zeros(folds, dtype=np.int64), np.zeros(len(sizes), dtype=np.int64)
    for at in np.argsort(-sizes, kind="stable"):
        fold[at] = int(np.argmin(held))
        held[fold[at]] += sizes[at]
    return fold


def split_time(times: np.ndarray[Any, np.dtype[Any]], validation: float, test: float) -> Split:
    """Part samples by time (count,): trained on is what was first, tested what came last.

    Samples of one moment stay together. `NetbuilderError` if they leave a part empty.
    """
    count = len(times)
    order = np.argsort(times, kind="stable")
    sorted_ = times[order]
    last = count - _part(count, test)
    first = last - _part(count, validation)
    # A border within samples of one moment moves to the first of them.
    first, last = (
        int(np.searchsorted(sorted_, sorted_[at])) if at < count else count for at in (first, last)
    )
    empty = not first or (validation and first == last) or (test and last == count)
    if empty:
        raise NetbuilderError(
            "The samples can't be parted by time: too many are of one moment.",
            "Choose another key, or other sizes of the parts.",
        )
    train, validation_part, test_part = np.split(order, [first, last])
    return Split(np.sort(train), np.sort(validation_part), np.sort(test_part))


def _fold(order: Indices, tests: int, number: int, count: int) -> Split:
    """One of several folds: stretches of the order have the classes in proportion."""
    test_part, rest = np.split(order, [tests])
    folds = np.array_split(rest, count)
    train = np.concatenate([part for at, part in enumerate(folds, 1) if at != number])
    return Split(np.sort(train), np.sort(folds[number - 1]), np.sort(test_part))


def _part(count: int, fraction: float) -> int:
    """A part that was asked for is never empty by rounding."""
    return max(round(count * fraction), 1) if fraction and count > 1 else 0


def _positions(labels: Indices) -> np.ndarray[Any, np.dtype[np.float64]]:
    """For each sample how far it is into its own class, from 0 to 1.

    Ordered by this, any stretch of the samples holds the classes in proportion.
    """
    positions = np.empty(len(labels))
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        positions[members] = (np.arange(len(members)) + 0.5) / len(members)
    return positions
