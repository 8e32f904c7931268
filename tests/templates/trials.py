"""How each template is tried within seconds: fewer epochs, smaller data, and what must fall."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

FAMILIES = (
    "plain",
    "convolutional",
    "objectives",
    "tabular",
    "signals",
    "attention",
    "pictures",
    "graphs",
)
"""The modules here that say how the templates of a family are tried, each as `TRIALS`."""


@dataclass(frozen=True)
class Trial:
    """A short training of a template.

    `training` and `params` replace settings of the training and of the data source. `falls` are the
    metrics of which the last quarter must be below the first: `loss`, with several steps
    `STEP/loss`; a name with `val/` in front is taken from the validation part. `quick` ones are
    part of every test run, all others of `pytest -m templates`.
    """

    training: Mapping[str, Any] = field(default_factory=dict)
    params: Mapping[str, Any] = field(default_factory=dict)
    falls: tuple[str, ...] = ("loss",)
    quick: bool = False


def trials() -> dict[str, Trial]:
    """All of them by template."""
    found: dict[str, Trial] = {}
    for name in FAMILIES:
        found |= import_module(f"tests.templates.{name}").TRIALS
    return found
