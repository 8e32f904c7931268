"""Which sample goes into which part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

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
