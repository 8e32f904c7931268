"""Reading along in the folder of a run that another process trains.

The file of events only grows, so a byte offset says what was read. Runs have tens of thousands of
events: they come in portions, each once the one before was taken, so that whoever takes them has
time for other things in between.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import accumulate
from pathlib import Path

from netbuilder.training.records.events import Event, from_lines
from netbuilder.training.records.folder import read_events

LOOK_EVERY_S = 0.2
PORTION = 100
"""Events that are told at once."""
CLOSE_S = 2.0
"""A thread that hangs in a network drive is left behind."""
MOST_PREVIEWS = 100
"""So many previews of the past are told at most."""
_STARTED, _PREVIEW = b'"event":"started"', b'"event":"preview"'
_HEAD_BYTES = 120
"""The kind of an event stands at the beginning of its line."""

Take = Callable[[Sequence[Event], bool], None]
Post = Callable[[Callable[[], None]], None]


class Tail:
    """Tells the events of one run, from its first on, until it is over; on a thread of its own."""

    def __init__(
        self,
        run: Path,
        alive: Callable[[], bool],
        post: Post,
        take: Take,
        over: Callable[[], None],
    ) -> None:
        """`post` brings `take` and `over` to the thread that they belong to.

        `take` gets events in order, and whether more are known that come later (then it reads
        the past). `over` comes last: the run has finished, or its process is gone.
        """
        self._run = run
        self._alive = alive
        self._post = post
        self._take = take
        self._over = over
        self._closed = threading.Event()
        self._taken = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._follow, name="run-tail", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Read no more; nothing is told afterwards."""
        self._closed.set()
        self._taken.release()
        self._thread.join(CLOSE_S)

    # -- on the thread ---------------------------------------------------------------------

    def _follow(self) -> None:
        offset, finished = self._read_past()
        while not finished and not self._closed.is_set():
            # Asked before reading, so that the last words of a process are not missed.
            alive = self._alive()
            events, offset = read_events(self._run, offset)
            finished = self._tell(events, past=False)
            if not events:
                if not alive:
                    break
                self._closed.wait(LOOK_EVERY_S)
        self._do(self._over)

    def _read_past(self) -> tuple[int, bool]:
        """Tell what happened so far; where to read on, and whether that was all."""
        past = Past.of(self._run)
        held: list[Event] = []
        offset = 0
        for line in lines(self._run):
            offset += len(line)
            if not past.concerns(line):
                continue
            held += [event for event in from_lines(line) if past.counts(event)]
            # The last events stay back: they are told as the present.
            if len(held) > 2 * PORTION and not self._closed.is_set():
                self._hand(held[:PORTION], True)
                del held[:PORTION]
        return offset, self._tell(held, past=False)

    def _tell(self, events: Sequence[Event], *, past: bool) -> bool:
        """Tell these in portions; whether the run ended with the last one."""
        for start in range(0, len(events), PORTION):
            rest = past or start + PORTION < len(events)
            self._hand(events[start : start + PORTION], rest)
        return bool(events) and events[-1].event == "finished"

    def _hand(self, events: Sequence[Event], past: bool) -> None:
        self._do(lambda: self._take(events, past))

    def _do(self, action: Callable[[], None]) -> None:
        """Have it done on the other thread, and wait until it is."""

        def there() -> None:
            try:
                if not self._closed.is_set():
                    action()
            finally:
                self._taken.release()

        if not self._closed.is_set():
            self._post(there)
            self._taken.acquire()


class Past:
    """Which of a run's events still count, found with a look at few of them."""

    def __init__(self, origins: Sequence[tuple[int, int]], previews: int = 0) -> None:
        """`origins`: the number of each later start, in order, and the step it went on from.

        `previews` is how many previews there are: of many only some are told.
        """
        self._starts = [start for start, _ in origins]
        smallest = accumulate((step for _, step in reversed(origins)), min)
        self._steps = list(smallest)[::-1]
        self._every = previews // MOST_PREVIEWS + 1
        self._previews_left = previews

    @staticmethod
    def of(run: Path) -> Past:
        """As the file of events is now."""
        origins: list[tuple[int, int]] = []
        previews = 0
        for line in lines(run):
            previews += _PREVIEW in line[:_HEAD_BYTES]
            if _STARTED in line[:_HEAD_BYTES]:
                for event in from_lines(line):
                    step = event.values.get("resumed_from")
                    origins += [(event.seq, step)] if isinstance(step, int) else []
        return Past(origins, previews)

    def concerns(self, line: bytes) -> bool:
        """Whether this line is to be read; asked once for each in turn.

        Previews are large, so some are left out, never the last.
        """
        if _PREVIEW not in line[:_HEAD_BYTES]:
            return True
        self._previews_left -= 1
        return self._previews_left % self._every == 0

    def counts(self, event: Event) -> bool:
        """Whether no resume went back behind it."""
        at = bisect_right(self._starts, event.seq)
        return at == len(self._steps) or event.step <= self._steps[at]


def lines(run: Path) -> Iterator[bytes]:
    """The whole lines of a run's events; one that is still being written is left out."""
    with suppress(OSError), open(run / "events.jsonl", "rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                return
            yield line
