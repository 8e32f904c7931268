"""A training whose samples are rows of a table that all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from netbuilder.data.loading import Dataset, Part
from netbuilder.data.sources import Field
from netbuilder.training.plan import Plan
from tests.training import standins


class Rows(standins.Classify):
    """The same step as that of `standins`, but for where it has its rows from."""

    def forward(self, table: Tensor, node: Tensor, label: Tensor) -> tuple[Tensor, Any, Any]:  # type: ignore[override]
        return super().forward(table[node], label)


def plain(net: nn.Module, **settings: Any) -> Plan:
    """Its samples have their rows themselves."""
    return standins.plan(net=net, **settings)


def shared(net: nn.Module, **settings: Any) -> Plan:
    """The same samples in the same order, with numbers of rows in one table."""
    made = plain(net, **settings)
    step = replace(made.steps[0], module=Rows(net), fields=("table", "node", "label"))
    return replace(made, steps=(step,), dataset=as_rows(made.dataset))


def as_rows(data: Dataset) -> Dataset:
    """The data with `x` as a table that is shared, and `node` in its place in the parts."""
    table = torch.cat([data.train["x"], data.validation["x"]])
    begin = len(data.train["x"])

    def rows(part: Part, first: int) -> Mapping[str, Tensor]:
        count = len(part["label"])
        return {"node": torch.arange(first, first + count), "label": part["label"]}

    fields = (
        Field("table", tuple(table.shape), batched=False),
        Field("node", (), "int64", high=len(table)),
        *data.fields[1:],
    )
    train, validation = rows(data.train, 0), rows(data.validation, begin)
    shared = {"table": table}
    return replace(data, fields=fields, train=train, validation=validation, shared=shared)
