"""scikit-learn's digits, read from its file: importing scikit-learn takes a second."""

from __future__ import annotations

import gzip
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
_PLACE = Path("datasets", "data", "digits.csv.gz")


@cache
def _table() -> Array:
    """1,797 rows of 64 grey values from 0 to 16 and the digit."""
    found = find_spec("sklearn")
    path = Path(found.origin).parent / _PLACE if found and found.origin else _PLACE
    if not path.is_file():
        # Another version keeps it elsewhere, and knows where.
        from sklearn.datasets import load_digits

        data = load_digits()
        return np.column_stack([data.data, data.target])
    with gzip.open(path, "rt", encoding="ascii") as file:
        return np.loadtxt(file, delimiter=",")


def read() -> tuple[Array, Array]:
    """Images (1797, 8, 8), float32 from 0 to 1, and the digits (1797,), int64."""
    table = _table()
    images = (table[:, :-1].reshape(-1, 8, 8) / 16.0).astype(np.float32)
    return images, table[:, -1].astype(np.int64)
