"""How far one result departs from another.

The relative error of an output is `max|file - torch| / max(max|torch|, 0.001)` over all its
elements: the largest deviation in units of the largest value. An export holds when that is
below 1e-4 for every output of every trial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

TOLERANCE = 1e-4
FLOOR = 1e-3
"""Outputs smaller than this are measured against it: their error is rounding."""
Array = np.ndarray[Any, Any]


def relative_error(found: Array, expected: Array) -> float:
    """The relative error as defined above; infinite where shapes or NaNs differ."""
    if found.shape != expected.shape:
        return float("inf")
    if not found.size:
        return 0.0
    kind = np.complex128 if np.iscomplexobj(expected) else np.float64
    a, b = found.astype(kind), expected.astype(kind)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    difference = np.where(same, 0.0, np.abs(np.where(same, 0.0, a) - np.where(same, 0.0, b)))
    largest = np.abs(b[np.isfinite(b)]).max(initial=FLOOR)
    error = float(difference.max()) / max(float(largest), FLOOR)
    return error if error == error else float("inf")


@dataclass(frozen=True, slots=True)
class NodeError:
    """A node and the largest relative error of what it gives.

    None where the file has no such value: the exporter joined the node with another, or left
    it out. `use` is the path of the block's use, `name` the one in words.
    """

    graph: str
    node: str
    use: str
    name: str
    max_rel_error: float | None

    @property
    def departs(self) -> bool:
        """Whether the error is more than rounding."""
        return self.max_rel_error is not None and not self.max_rel_error < TOLERANCE

    def to_json(self) -> dict[str, Any]:
        """The entry in the answer of an export; an endless error is a text, for JSON has none."""
        error = self.max_rel_error
        told = str(error) if error is not None and not np.isfinite(error) else error
        return {
            "graph": self.graph,
            "node": self.node,
            "use": self.use,
            "name": self.name,
            "max_rel_error": told,
        }


def first_departing(errors: Sequence[NodeError]) -> NodeError | None:
    """The first in the order of computing."""
    return next((error for error in errors if error.departs), None)
