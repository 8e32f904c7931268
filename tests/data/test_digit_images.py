"""The digits without scikit-learn's import are scikit-learn's digits."""

from __future__ import annotations

import numpy as np
import pytest

from netbuilder.data import digit_images


@pytest.mark.parametrize("elsewhere", [False, True])
def test_they_are_those_of_scikit_learn(monkeypatch: pytest.MonkeyPatch, elsewhere: bool) -> None:
    from sklearn.datasets import load_digits

    if elsewhere:
        monkeypatch.setattr(digit_images, "find_spec", lambda name: None)
    digit_images._table.cache_clear()
    images, digits = digit_images.read()
    digit_images._table.cache_clear()
    data = load_digits()
    assert np.array_equal(images, (data.images / 16.0).astype(np.float32))
    assert np.array_equal(digits, data.target)
    assert (str(images.dtype), str(digits.dtype)) == ("float32", "int64")
