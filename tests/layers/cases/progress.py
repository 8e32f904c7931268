"""Cases of `netbuilder.layers.progress`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.layers.cases.common import Case, Generator, some


def progress(r: Random) -> Case:
    return Case(some(r, begin=[0.0, 0.25], end=[0.5, 1.0]))


CASES: Mapping[str, Generator] = {"netbuilder.Progress": progress}
