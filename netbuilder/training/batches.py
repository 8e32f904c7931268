"""Batches of data that lies in memory, or is read as they are needed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from netbuilder.data.augmenting import Augmenter
from netbuilder.data.loading import Part, size
from netbuilder.data.streaming import Streamed
from netbuilder.training import balancing
from netbuilder.training.parallel import shares
from netbuilder.training.parallel.distributed import ALONE, Group
from netbuilder.training.parallel.shares import Share, counts
from netbuilder.training.placing import Hosted, ahead

GATHERED_BYTES = 32 * 2**20
"""How much of the shuffled data is gathered at a time: one large gather and views of it
cost less than a gather a batch."""


class Batches:
    """The training part in a new order every epoch, as dicts of tensors.

    The order follows from seed and epoch alone. With `balance`, a field of class numbers, every
    class comes equally often: some samples several times, others not in every epoch. Else nothing
    is left out. A last batch of one sample, of which no batch normalisation can take a deviation,
    joins the one before. Of several processes each has its share of every batch. What varies
    the samples draws for each batch anew, from seed, epoch and batch alone.
    """

    def __init__(
        self,
        part: Part,
        batch_size: int,
        seed: int,
        balance: str | None = None,
        group: Group = ALONE,
        augmenter: Augmenter | None = None,
    ) -> None:
        self._part = part
        self._augmenter = augmenter
        self._place = group.rank, group.size
        self._labels = None if balance is None else part[balance].cpu()
        self._seed = seed
        count = size(part)
        whole, rest = divmod(count, batch_size)
        self.sizes = [batch_size] * whole + ([rest] if rest else [])
        if rest == 1 and whole:
            self.sizes[-2:] = [batch_size + 1]
        row = 0
        if not isinstance(part, Streamed):
            row = sum(tensor[:1].nbytes for tensor in part.values())
        self._group = max(1, GATHERED_BYTES // max(1, row * batch_size))

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self.sizes)

    def order(self, epoch: int) -> Tensor:
        """The sample numbers of an epoch, in their order."""
        # One 32-bit word: PyTorch's generator on the CPU would ignore what is above it.
        word = np.random.SeedSequence([self._seed, epoch]).generate_state(1)[0]
        generator = torch.Generator().manual_seed(int(word))
        if self._labels is not None:
            return balancing.draw(self._labels, generator)
        return torch.randperm(sum(self.sizes), generator=generator)

    def indices(self, epoch: int, batch: int) -> list[int]:
        """The sample numbers of one batch."""
        chosen: list[int] = torch.split(self.order(epoch), self.sizes)[batch].tolist()
        return chosen

    def epoch(self, epoch: int, start: int = 0) -> Iterator[dict[str, Tensor]]:
        """The batches of an epoch from number `start` on."""
        batches = self._plain(epoch, start)
        if self._augmenter is None:
            return batches
        return self._varied(self._augmenter, batches, epoch, start)

    def _varied(
        self, augmenter: Augmenter, batches: Iterator[dict[str, Tensor]], epoch: int, start: int
    ) -> Iterator[dict[str, Tensor]]:
        rank, _ = self._place
        for number, batch in enumerate(batches, start):
            varied = augmenter(batch, self._seed, epoch, number, rank)
            shared = isinstance(batch, Share)
            yield Share(varied, *counts(batch)) if shared else varied

    def _plain(self, epoch: int, start: int) -> Iterator[dict[str, Tensor]]:
        orders = torch.split(self.order(epoch), self.sizes)
        rank, processes = self._place
        if processes == 1:
            yield from self._gathered(orders, self.sizes, start, epoch)
            return
        held = [shares.held(count, rank, processes) for count in self.sizes]
        own = [order[low:high] for order, (low, high) in zip(orders, held, strict=True)]
        batches = self._gathered(own, [high - low for low, high in held], start, epoch)
        for batch, whole in zip(batches, self.sizes[start:], strict=True):
            low, high = shares.bounds(whole, rank, processes)
            yield Share(batch, high - low, whole)

    def _gathered(
        self, orders: Sequence[Tensor], sizes: list[int], start: int, epoch: int
    ) -> Iterator[dict[str, Tensor]]:
        if isinstance(self._part, Streamed):
            yield from self._part.batches(orders[start:], epoch)
            return
        groups = [slice(at, at + self._group) for at in range(start, len(orders), self._group)]
        gathered: Iterator[dict[str, Tensor]] = (
            self._gather(torch.cat(list(orders[group]))) for group in groups
        )
        if isinstance(self._part, Hosted):
            gathered = ahead(map(self._part.sent, gathered))
        for group, held in zip(groups, gathered, strict=True):
            columns = [torch.split(tensor, sizes[group]) for tensor in held.values()]
            for tensors in zip(*columns, strict=True):
                yield dict(zip(self._part, tensors, strict=True))

    def _gather(self, chosen: Tensor) -> dict[str, Tensor]:
        return {name: tensor[chosen.to(tensor.device)] for name, tensor in self._part.items()}


def in_order(part: Part, batch_size: int, group: Group = ALONE) -> Iterator[dict[str, Tensor]]:
    """The samples of a part in their own order, for evaluation."""
    for batch in _stretches(part, batch_size):
        if group.alone:
            yield batch
            continue
        count = size(batch)
        low, high = shares.bounds(count, group.rank, group.size)
        held = slice(*shares.held(count, group.rank, group.size))
        own = {name: tensor[held] for name, tensor in batch.items()}
        yield Share(own, high - low, count)


def _stretches(part: Part, batch_size: int) -> Iterator[dict[str, Tensor]]:
    starts = range(0, size(part), batch_size)
    if isinstance(part, Streamed):
        yield from part.batches([torch.arange(size(part))[at : at + batch_size] for at in starts])
        return
    for at in starts:
        batch = {name: tensor[at : at + batch_size] for name, tensor in part.items()}
        yield part.sent(batch) if isinstance(part, Hosted) else batch
