"""Cases of `netbuilder.layers.steps`."""

from __future__ import annotations

from collections.abc import Mapping

from netbuilder.layers.base import TensorType
from tests.layers.cases.common import Case, Generator, batch, some

CASES: Mapping[str, Generator] = {
    "netbuilder.DataField": lambda r: Case({"field": "labels"}),
    "netbuilder.NetworkCall": lambda r: Case(
        {"network": "main", **some(r, mode=["train", "eval", "frozen"])}
    ),
    "netbuilder.Objective": lambda r: Case({}, {"loss": TensorType(())}),
    "netbuilder.Preview": lambda r: Case(
        some(r, kind=["auto", "class", "value"]), {"input": batch(4), "target": batch(4)}
    ),
}
