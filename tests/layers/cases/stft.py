"""Cases of `netbuilder.layers.stft`."""

from __future__ import annotations

from collections.abc import Mapping

from tests.layers.cases.common import Generator

CASES: Mapping[str, Generator] = {}
