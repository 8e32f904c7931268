"""What goes into a network and comes out, as plain data. Torch-free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One input or output by the user's name.

    `shape` holds ints, names of free sizes (`"N"`, `"T"`) and, for outputs, formulas of
    them. `high` is the exclusive upper bound of ids.
    """

    name: str
    shape: tuple[int | str, ...]
    dtype: str = "float32"
    high: int | None = None


def symbols(specs: Iterable[TensorSpec]) -> list[str]:
    """The names of free sizes, in the order in which they appear."""
    return list(dict.fromkeys(dim for spec in specs for dim in spec.shape if isinstance(dim, str)))
