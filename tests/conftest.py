"""What every test starts from."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from netbuilder.data import places
from netbuilder.graph.model import ProjectInfo
from netbuilder.layers import own


@pytest.fixture(autouse=True)
def _no_own_layers() -> Iterator[None]:
    """A project's own layers stay this thread's until another is used; no test inherits them."""
    with own.using(ProjectInfo()):
        yield


@pytest.fixture(autouse=True)
def _no_data_elsewhere() -> Iterator[None]:
    """What a test allows to be read is allowed in no other."""
    with places.given(places.Places()):
        yield
