"""The processes of one training, started by `torchrun`: who they are and how they agree.

Every process runs the same loop on its share of each batch. The first one (rank 0) alone
writes, and what it sees of the outer world (clock, commands, disk) decides for all.

`torch.distributed` with gloo between CPUs and NCCL between GPUs.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import distributed_c10d

from netbuilder.errors import RunError
from netbuilder.training.records.folder import RunFolder

WAIT_S = 600.0
"""How long a process waits for the others, at the start and in any exchange, before it fails."""
LEAVE_S = 10.0
"""How long it waits for them at the end: some were seen to hang there, with all work done."""
_FAULT = "netbuilder/fault"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """Which of how many processes this is, over all machines and on this one."""

    rank: int
    size: int
    local_rank: int
    restarts: int = 0
    """How often torchrun has started the group again."""


def place() -> Place | None:
    """What torchrun says in the environment; None if there are not several processes."""
    names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
    try:
        rank, size, local = (int(os.environ[name]) for name in names)
        restarts = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))
    except (KeyError, ValueError):
        return None
    return Place(rank, size, local, restarts) if size > 1 else None


class Group:
    """One process alone, which agrees with itself at no cost."""

    rank = 0
    size = 1
    local_rank = 0
    broken = False
    """The others can't be reached any more: nothing may be exchanged."""

    @property
    def first(self) -> bool:
        """Whether this is the process that writes."""
        return self.rank == 0

    @property
    def alone(self) -> bool:
        return self.size == 1

    def says(self, value: T) -> T:
        """What the first process says: the same for all."""
        return value

    def highest(self, *values: int) -> list[int]:
        """The largest number that any process has, in each place."""
        return list(values)

    def gather(self, value: T) -> list[T]:
        """The values of all processes in their order, at the first one; elsewhere nothing."""
        return [value]

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        return tensor

    def from_first(self, make: Callable[[], T]) -> T:
        """What `make` gives at the first process; where it fails there, all fail."""
        return make()

    def tell_fault(self, text: str) -> None:
        """Leave word for the others of why this process ends."""

    def fault(self) -> str:
        """What another process said before it ended; empty if nothing."""
        return ""

    def own_seed(self, seed: int) -> int:
        """A seed of this process's own; that of the first is `seed` itself."""
        return seed

    def goes_on(self, folder: Path) -> bool:
        """Whether torchrun has started the group again over a run that had begun."""
        return False


class _Together(Group):
    """One of several processes."""

    def __init__(self, place: Place) -> None:
        self.rank, self.size, self.local_rank = place.rank, place.size, place.local_rank
        self._restarts = place.restarts

    def says(self, value: T) -> T:
        box = [value]
        dist.broadcast_object_list(box, src=0, device=torch.device("cpu"))
        return box[0]

    def highest(self, *values: int) -> list[int]:
        if not values:
            return []
        tensor = torch.tensor(values, dtype=torch.int64)
        dist.all_reduce(tensor, dist.ReduceOp.MAX)
        return [int(value) for value in tensor.tolist()]

    def gather(self, value: T) -> list[T]:
        found: list[Any] = [None] * self.size if self.first else []
        dist.gather_object(value, found if self.first else None, dst=0)
        return found

    def sum(self, tensor: Tensor) -> Tensor:
        dist.all_reduce(tensor)
        return tensor

    def from_first(self, make: Callable[[], T]) -> T:
        result: tuple[T | None, str] = (None, "")
        if self.first:
            try:
                result = (make(), "")
            except BaseException as error:
                self.says((None, str(error) or type(error).__name__))
                raise
        value, fault = self.says(result)
        if fault:
            raise RunError(f"The first process could not begin: {fault}")
        return value  # type: ignore[return-value]

    def tell_fault(self, text: str) -> None:
        with contextlib.suppress(Exception):
            _store().set(_FAULT, text[:2000])

    def fault(self) -> str:
        store = _store()
        with contextlib.suppress(Exception):
            store.wait([_FAULT], timedelta(seconds=2))
            return str(store.get(_FAULT).decode())
        return ""

    def own_seed(self, seed: int) -> int:
        # Far apart from the seeds that people choose, and within 32 bits.
        return seed if self.first else (seed + 0x9E3779B1 * self.rank) % 2**32

    def goes_on(self, folder: Path) -> bool:
        return self.says(self._restarts > 0 and RunFolder(folder).exists())


ALONE = Group()


def _store() -> Any:
    return distributed_c10d._get_default_store()


@contextlib.contextmanager
def joined() -> Iterator[Group]:
    """Inside, this process belongs to the group that torchrun has started; else it is alone.

    `RunError` if the others don't come within `WAIT_S`.
    """
    here = place()
    if here is None:
        yield ALONE
        return
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(here.local_rank % torch.cuda.device_count())
    # Both at once: numbers go between GPUs, agreements between CPUs without waiting for a device.
    backend = "cpu:gloo,cuda:nccl" if cuda else "gloo"
    try:
        dist.init_process_group(
            backend,
            store=_common_store(here),
            rank=here.rank,
            world_size=here.size,
            timeout=timedelta(seconds=WAIT_S),
        )
    except (RuntimeError, ValueError, KeyError) as error:
        raise RunError(
            f"Process {here.rank} of {here.size} did not find the others: {error}",
            "Check the address in --rdzv-endpoint and that all machines were started.",
        ) from error
    group = _Together(here)
    try:
        yield group
    finally:
        leave(group)


def _common_store(here: Place) -> Any:
    """A place for words between exactly the processes that start now; `RuntimeError` if none.

    torchrun keeps its store over restarts, and so what processes that are gone have left there:
    their addresses would be taken for ours.
    """
    server = here.rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != str(True)
    store = dist.TCPStore(  # type: ignore[attr-defined]
        os.environ["MASTER_ADDR"],
        int(os.environ["MASTER_PORT"]),
        here.size,
        server,
        timedelta(seconds=WAIT_S),
        wait_for_workers=False,
    )
    return distributed_c10d.PrefixStore(_password(store, here), store)


def _password(store: Any, here: Place) -> str:
    """A word that the first process gives to all that are there with it now."""
    own = secrets.token_hex(8)
    until = time.monotonic() + WAIT_S
    others = range(1, here.size)
    answered: dict[int, str] = {}

    def read(key: str) -> str:
        return str(store.get(key).decode()) if store.check([key]) else ""

    if here.rank:
        store.set(f"hello/{here.rank}", own)
    while time.monotonic() < until:
        if here.rank:
            token, _, word = read(f"answer/{here.rank}").partition(":")
            if token == own:
                store.set(f"joined/{here.rank}", word)
                return word
        else:
            for rank in others:
                token = read(f"hello/{rank}")
                if token and answered.get(rank) != token:
                    answered[rank] = token
                    store.set(f"answer/{rank}", f"{token}:{own}")
            if all(read(f"joined/{rank}") == own for rank in others):
                return own
        time.sleep(0.02)
    raise RuntimeError(f"they did not come within {WAIT_S:.0f} s")


def leave(group: Group) -> bool:
    """Part from the others, within `LEAVE_S`; whether that went well.

    Everything must be on the disk before. A process that does not come back from here must be
    ended by `os._exit`.
    """
    done = threading.Event()

    def part() -> None:
        with contextlib.suppress(Exception):
            dist.destroy_process_group()
        done.set()

    if group.broken:
        return False  # waiting for those who are gone would only hang
    threading.Thread(target=part, name="leaving", daemon=True).start()
    return done.wait(LEAVE_S)


def device(group: Group, name: str) -> str:
    """The device of this process for a setting: of several GPUs, each process has its own."""
    if group.alone or name == "cpu" or not torch.cuda.is_available():
        return name
    return f"cuda:{group.local_rank % torch.cuda.device_count()}"
