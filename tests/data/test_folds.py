"""Folds: every sample measures once, classes in proportion, the same by seed."""

from __future__ import annotations

import numpy as np
import pytest

from netbuilder.data import datasets, loading, settings
from netbuilder.data.splits import split
from netbuilder.errors import NetbuilderError

LABELS = np.array([0] * 50 + [1] * 30 + [2] * 23)


@pytest.mark.parametrize("count", [2, 5, 7])
@pytest.mark.parametrize("test", [0.0, 0.2])
def test_every_sample_measures_once(count: int, test: float) -> None:
    parts = [split(103, 0.3, test, 4, LABELS, (number, count)) for number in range(1, count + 1)]
    tests = parts[0].test
    assert all(np.array_equal(part.test, tests) for part in parts)
    measured = np.concatenate([part.validation for part in parts])
    assert sorted([*measured, *tests]) == list(range(103))
    for part in parts:
        assert sorted([*part.train, *part.validation, *part.test]) == list(range(103))
        numbers = np.bincount(LABELS[part.validation], minlength=3)
        expected = np.bincount(LABELS, minlength=3) * len(part.validation) / 103
        assert np.abs(numbers - expected).max() <= 1.5


def test_the_seed_decides_the_folds() -> None:
    first, again, other = (split(50, 0.2, 0.0, seed, None, (1, 5)) for seed in (1, 1, 2))
    assert np.array_equal(first.validation, again.validation)
    assert not np.array_equal(first.validation, other.validation)


def test_settings_choose_the_fold() -> None:
    values = {"source": "netbuilder.Digits", "folds": 4}
    sizes = []
    for fold in range(1, 5):
        data = datasets.prepare(settings.read({**values, "fold": fold}))
        sizes.append(loading.size(data.validation))
    assert sum(sizes) == 1797
    with pytest.raises(NetbuilderError, match="no fold 5 of 4"):
        settings.read({**values, "fold": 5})
