"""Data that is read while the network trains, by processes of its own if wanted.

Which samples come when is decided by whoever asks; readers only read. So a run goes on at any
batch without reading what was, and any number of processes gives the same bits: chance is
drawn by sample, never by process.
"""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from netbuilder.data import ahead
from netbuilder.data.augmenting import FIXED, Augmenter
from netbuilder.data.reading.npy import Array, CorruptSample
from netbuilder.data.sources import Field
from netbuilder.data.statistics import Statistics
from netbuilder.errors import NetbuilderError, RunError

MAX_CORRUPT = 0.01
"""The part of the samples that may be unreadable; more of them end the training."""
SLOW_S = 10.0
GIVEN_UP_S = 600.0
_DTYPES = {"float32": np.float32, "int64": np.int64}

Chance = Callable[[], np.random.Generator]
"""A sample's own stream of random numbers, made when it is asked for."""
Waiting = Callable[[float], None]
"""Told every second for how many seconds a batch has been waited for; it may raise."""


class Reader(Protocol):
    """Reads single samples; it is sent to processes, where it opens what it needs."""

    def __len__(self) -> int: ...

    def read(self, index: int, chance: Chance) -> Mapping[str, Array]:
        """Field name to array; `CorruptSample` if this one is unusable."""

    def changed(self) -> str:
        """Which file is not the one any more that was begun with; empty if none."""


class _Died(Exception):
    """A process that reads was ended."""


@dataclass(frozen=True)
class _Fetched:
    batch: dict[str, Tensor]
    corrupt: dict[int, str]
    """The samples that can't be used, and why."""
    fault: tuple[str, str] | None = None


@dataclass(frozen=True)
class _Wish:
    part: str
    positions: list[int]
    epoch: int


class _Samples(Dataset[_Fetched]):
    """Whole batches by wish; the same in this process and in others."""

    def __init__(
        self,
        reader: Reader,
        fields: tuple[Field, ...],
        indices: Mapping[str, Array],
        seed: int,
    ) -> None:
        self.reader, self.fields, self.indices, self.seed = reader, fields, indices, seed

    def __getitem__(self, wish: _Wish) -> _Fetched:
        numbers = self.indices[wish.part]
        corrupt: dict[int, str] = {}
        rows = []
        try:
            for position in wish.positions:
                rows.append(self._row(numbers, position, wish.epoch, corrupt))
        except NetbuilderError as error:
            return _Fetched({}, corrupt, (str(error), error.hint))
        batch = {
            field.name: torch.from_numpy(
                np.stack([row[field.name] for row in rows]).astype(_DTYPES[field.dtype], copy=False)
            )
            for field in self.fields
        }
        return _Fetched(batch, corrupt)

    def _row(
        self, numbers: Array, position: int, epoch: int, corrupt: dict[int, str]
    ) -> Mapping[str, Array]:
        """The sample, or the next of its part that can be read in its place."""
        for step in range(len(numbers)):
            index = int(numbers[(position + step) % len(numbers)])
            try:
                chance = partial(np.random.default_rng, [self.seed, epoch, index])
                row = self.reader.read(index, chance)
                for field in self.fields:
                    _check(field, row[field.name])
                return row
            except CorruptSample as error:
                corrupt[index] = str(error)
        raise RunError("None of the samples can be read.", "Look at the data's files.")


def _check(field: Field, value: Array) -> None:
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise CorruptSample(f"'{field.name}' is not finite")
    if field.high is not None and value.size and not 0 <= value.min() <= value.max() < field.high:
        raise CorruptSample(f"'{field.name}' is not from 0 to {field.high - 1}")


class _Wishes(Sampler[_Wish]):
    def __init__(self) -> None:
        self.wishes: Sequence[_Wish] = ()

    def __iter__(self) -> Iterator[_Wish]:
        return iter(self.wishes)

    def __len__(self) -> int:
        return len(self.wishes)


class Feed:
    """Reads batches of all parts of a data set, in this process or by `workers` others.

    `corrupt` holds the numbers of samples that could not be used; it is part of a run's state.
    """

    def __init__(
        self,
        reader: Reader,
        fields: tuple[Field, ...],
        indices: Mapping[str, Array],
        *,
        seed: int = 0,
        workers: int = 0,
    ) -> None:
        self._samples = _Samples(reader, fields, indices, seed)
        self.fields = fields
        self.statistics: dict[str, Statistics] = {}
        self.corrupt: set[int] = set()
        self._reasons: dict[int, str] = {}
        self.on_wait: list[Waiting] = []
        self.tell: Callable[[str, str], None] = lambda code, message: None
        """Told what a person should know: a code and a sentence."""
        self.workers = workers
        self._derive: Callable[[dict[str, Tensor]], dict[str, Tensor]] = dict
        self._wishes = _Wishes()
        self._loader: DataLoader[_Fetched] | None = None

    def count(self, part: str) -> int:
        """Samples in a part."""
        return len(self._samples.indices[part])

    def batches(
        self, part: str, orders: Sequence[Tensor], epoch: int, device: torch.device
    ) -> Iterator[dict[str, Tensor]]:
        """Batches of these positions in a part. `RunError` if the data can't be read."""
        self._refuse_changed()
        wishes = [_Wish(part, order.tolist(), epoch) for order in orders]
        if self.workers:
            fetched = self._from_workers(wishes)
        else:
            fetched = ahead.read(self._fetch, wishes, self._wait)
        for found in fetched:
            yield self._admit(found, device)

    def _fetch(self, wish: _Wish) -> _Fetched:
        return self._samples[wish]

    def rows(self, part: str, positions: Sequence[int], device: torch.device) -> dict[str, Tensor]:
        """Some samples at once, in this process."""
        [found] = ahead.read(self._fetch, [_Wish(part, list(positions), 0)], self._wait)
        return self._admit(found, device)

    def _admit(self, found: _Fetched, device: torch.device) -> dict[str, Tensor]:
        self._book(found.corrupt)
        if found.fault is not None:
            raise RunError(*found.fault)
        batch = {name: tensor.to(device) for name, tensor in found.batch.items()}
        for name, statistics in self.statistics.items():
            batch[name] = statistics.normalise(batch[name])
        return self._derive(batch)

    def vary(self, augmenter: Augmenter, seed: int) -> None:
        """Give batches the fields that augmentations add, as they are where nothing varies."""
        self.fields = (*self.fields, *augmenter.added)
        self._derive = lambda batch: {**batch, **augmenter.derive(batch, (seed, FIXED))}

    def _book(self, corrupt: Mapping[int, str]) -> None:
        new = corrupt.keys() - self.corrupt
        if not new:
            return
        self.corrupt |= new
        self._reasons |= {index: corrupt[index] for index in new}
        count, total = len(self.corrupt), len(self._samples.reader)
        shown = "; ".join(self._reasons.get(each, str(each)) for each in sorted(self.corrupt)[:3])
        shown += "; ..." if count > 3 else ""
        if count > max(1, MAX_CORRUPT * total):
            self._refuse_changed()
            raise RunError(
                f"{count} of {total} samples can't be used ({shown}).",
                "Up to 1 % are passed over. Look at the data's files.",
            )
        samples = "1 sample" if count == 1 else f"{count} samples"
        self.tell("corrupt", f"{samples} can't be used ({shown}): others stand in.")

    def _refuse_changed(self) -> None:
        if name := self._samples.reader.changed():
            hint = "Train again, with the files as they are to be."
            raise RunError(f"'{name}' was changed or removed since the training began.", hint)

    # -- processes -------------------------------------------------------------------------

    def _from_workers(self, wishes: Sequence[_Wish]) -> Iterator[_Fetched]:
        """In order. A process that dies is replaced once, and reading goes on where it was."""
        done = deaths = 0
        while done < len(wishes):
            try:
                for found in self._stream(wishes[done:]):
                    done += 1
                    yield found
            except _Died as death:
                self.close()
                deaths += 1
                if deaths == 1:
                    words = "A process that reads the data was ended and has been started again."
                    self.tell("reader", words)
                if deaths > 1:
                    raise RunError(
                        "The processes that read the data were ended twice.",
                        "There may be too little memory: set data.workers to 0 or 1.",
                    ) from death

    def _stream(self, wishes: Sequence[_Wish]) -> Iterator[_Fetched]:
        self._wishes.wishes = wishes
        if self._loader is None:
            self._loader = DataLoader(
                self._samples,
                batch_size=None,
                sampler=self._wishes,
                num_workers=self.workers,
                multiprocessing_context=_context(),
                persistent_workers=True,
                timeout=ahead.TICK_S,
                # Else it would draw from the stream of random numbers that the training uses.
                generator=torch.Generator(),
            )
        source = iter(self._loader)
        waited = 0.0
        while True:
            try:
                found = next(source)
            except StopIteration:
                return
            except RuntimeError as error:
                if "timed out" in str(error):
                    waited += ahead.TICK_S
                    self._wait(waited)
                    continue
                if "exited unexpectedly" in str(error):
                    raise _Died from error
                raise
            waited = 0.0
            yield found

    def _wait(self, seconds: float) -> None:
        if seconds >= GIVEN_UP_S:
            raise RunError(
                f"The data could not be read for {GIVEN_UP_S:.0f} s.",
                "Look at the disk or network that the files are on, then resume.",
            )
        for told in self.on_wait:
            told(seconds)

    def close(self) -> None:
        """End the processes; they start again when they are needed."""
        self._loader = None


def _context() -> Any:
    """How processes begin: not as copies of this one, whose threads they would lack."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    # Loading torch takes seconds: once is enough, also when a process has to be replaced.
    context.set_forkserver_preload(["netbuilder.data.reading.opening"])
    return context


class Column:
    """One field of a streamed part, where a tensor is expected: its rows are read when taken."""

    def __init__(self, part: Streamed, field: Field) -> None:
        self._part, self._field = part, field

    @property
    def device(self) -> torch.device:
        return self._part.device

    @property
    def shape(self) -> torch.Size:
        return torch.Size((len(self), *self._field.shape))

    def __len__(self) -> int:
        return self._part.count

    def __getitem__(self, chosen: Any) -> Tensor:
        if isinstance(chosen, slice):
            positions = list(range(len(self))[chosen])
        elif isinstance(chosen, int):
            return self[[chosen]][0]
        else:
            positions = torch.as_tensor(chosen).flatten().tolist()
        if not positions:
            return torch.empty((0, *self._field.shape))
        return self._part.rows(positions)[self._field.name]

    def cpu(self) -> Tensor:
        """All of it: for what is small, as labels are."""
        return self[:].cpu()


class Streamed(dict[str, Any]):
    """A part of a data set whose samples are read when they are needed."""

    def __init__(self, feed: Feed, name: str, device: torch.device | str = "cpu") -> None:
        self.feed, self.name, self.device = feed, name, torch.device(device)
        self.count = feed.count(name)
        super().__init__({field.name: Column(self, field) for field in feed.fields})

    def to(self, device: torch.device | str) -> Streamed:
        """The same part, with batches on this device."""
        return Streamed(self.feed, self.name, device)

    def batches(self, orders: Sequence[Tensor], epoch: int = 0) -> Iterator[dict[str, Tensor]]:
        """The batches of these positions."""
        return self.feed.batches(self.name, orders, epoch, self.device)

    def rows(self, positions: Sequence[int]) -> dict[str, Tensor]:
        """Some samples."""
        return self.feed.rows(self.name, positions, self.device)


def fingerprint(
    reader: Reader, indices: Mapping[str, Array], rows: int = 256, extra: bytes = b""
) -> str:
    """A hash of the split and of samples throughout the data: reading all would take too long.

    `extra` is what else tells this data from other.
    """
    digest = hashlib.sha256(f"{len(reader)}\n".encode() + extra)
    for index in np.unique(np.linspace(0, len(reader) - 1, rows).astype(int)):
        try:
            row = reader.read(int(index), lambda: np.random.default_rng(0))
        except CorruptSample:
            digest.update(b"!")
            continue
        for name, value in row.items():
            digest.update(f"{name} {value.dtype} {value.shape}\n".encode())
            digest.update(np.ascontiguousarray(value).data)
    for numbers in indices.values():
        digest.update(b"|" + numbers.tobytes())
    return digest.hexdigest()
