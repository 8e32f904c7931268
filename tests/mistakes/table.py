"""The table of mistakes, in the order of the page."""

from __future__ import annotations

from types import ModuleType

from tests.mistakes import (
    activations,
    dtypes,
    losses,
    meeting,
    reshaping,
    sequences,
    shapes,
    structure,
    training,
)
from tests.mistakes.base import Mistake

SECTIONS: tuple[ModuleType, ...] = (
    shapes,
    reshaping,
    meeting,
    dtypes,
    sequences,
    losses,
    activations,
    structure,
    training,
)
"""Modules with a `TITLE` and their `MISTAKES`."""

TABLE: tuple[Mistake, ...] = tuple(mistake for section in SECTIONS for mistake in section.MISTAKES)
