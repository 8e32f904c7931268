"""Random valid parameters and inputs for every layer, a module a family.

A generator takes a `random.Random` and returns a `Case`. A layer without one fails the
harness. Sizes that the layer infers are left out, so that inference is tested too.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from random import Random

from netbuilder.layers.catalogue import FAMILIES
from tests.layers.cases.common import Case, Generator


def _all() -> Mapping[str, Generator]:
    found: dict[str, Generator] = {}
    for family in FAMILIES:
        found |= importlib.import_module(f"tests.layers.cases.{family}").CASES
    return found


CASES = _all()
"""By layer; the order is that of the catalogue."""


def case(id: str, seed: int) -> Case:
    """The case of a layer with this seed; `KeyError` if the layer has no generator."""
    return CASES[id](Random(f"{id} {seed}"))
