"""Where the data of a run lies: on its device as a whole, or on the host.

On a device no batch waits for a copy. Data that would take more than half of the memory that is
free there stays on the host: groups of batches are gathered in pinned memory and sent while those
before them are trained on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from netbuilder.data.loading import Dataset, Part
from netbuilder.data.streaming import Streamed

SHARE = 2
"""Data lies on the device if it takes at most one part of so many of what is free."""


class Hosted(dict[str, Tensor]):
    """A part that stays on the host; its batches go to `device`."""

    def __init__(self, part: Part, device: torch.device) -> None:
        super().__init__(part)
        self.device = device

    def sent(self, columns: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Some of its samples on the device; the copy may still be on its way, in order."""
        if self.device.type == "cpu":
            return dict(columns)
        return {
            name: tensor.pin_memory().to(self.device, non_blocking=True)
            for name, tensor in columns.items()
        }


def place(data: Dataset, device: torch.device, limit: int | None = None) -> Dataset:
    """The data where batches come from it fastest.

    `limit` is how many bytes may lie on the device; without one it is half of what is free.
    """
    parts = data.parts
    taken = sum(
        tensor.nbytes
        for part in parts.values()
        if not isinstance(part, Streamed)
        for tensor in part.values()
    )
    if limit is None and device.type == "cuda":
        limit = torch.cuda.mem_get_info(device)[0] // SHARE
    if limit is None or taken <= limit:
        return data.to(device)
    train, validation, test = (
        part.to(device) if isinstance(part, Streamed) else Hosted(part, device)
        for part in parts.values()
    )
    # Every batch wants what all samples share.
    shared = {name: tensor.to(device) for name, tensor in data.shared.items()}
    return replace(data, train=train, validation=validation, test=test, shared=shared)


def ahead(groups: Iterable[dict[str, Tensor]]) -> Iterator[dict[str, Tensor]]:
    """The same groups, each begun before the one before it is used."""
    last: dict[str, Tensor] | None = None
    for group in groups:
        if last is not None:
            yield last
        last = group
    if last is not None:
        yield last
