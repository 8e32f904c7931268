"""Cases of `netbuilder.layers.blocks`."""

from __future__ import annotations

from collections.abc import Mapping

from tests.layers.cases.common import Case, Generator, some

CASES: Mapping[str, Generator] = {
    "netbuilder.Block": lambda r: Case(
        {"block": "basic", **some(r, values=[{"channels": 8}, {"act": "relu"}], repeat=[2, 3])}
    ),
    "netbuilder.Loop": lambda r: Case(
        {
            "block": "cell",
            **some(r, values=[{"channels": 8}], dim=[0, 2, -1], reverse=True),
            **some(r, constants=[("memory",), ("a", "b")], steps=[3]),
        }
    ),
    "netbuilder.BlockInput": lambda r: Case({}),
}
