"""What a run tells while it goes, as JSON lines.

A file of events only grows. A line that is not whole JSON (the writer was killed, the disk
was full) is skipped, never an error.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Kind = Literal[
    "started",
    "metrics",
    "epoch",
    "preview",
    "checkpoint",
    "paused",
    "resumed",
    "warning",
    "finished",
]
KINDS: frozenset[str] = frozenset(get_args(Kind))


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    `seq` counts from 1 through the life of a run, `time` is Unix seconds, `epoch` counts
    finished epochs and `step` batches. `values` by kind:

    - `started`: `epochs`, `steps` (planned), `epoch_steps`, `samples`, `device`, `threads`,
      `parameters`, `metrics` (keys to come), `resumed_from` (a step, or null)
    - `metrics`: `train/loss` (mean since the last one), other `train/...` (this epoch so
      far), `samples_per_second`, `seconds`, `seconds_left` and the figures of `training.gauges`
    - `epoch`: every metric of the epoch, `best` (whether it is the best so far), perhaps `tables`
      (confusion matrices by key: `classes`, and `matrix` with a row for each class that it is)
    - `preview`: `previews`, see `training.previews`
    - `checkpoint`: `kind` (last or best), `path` (inside the run folder)
    - `warning`: `code`, `message`
    - `finished`: `status` (finished, stopped or failed), `reason`, `error`, `metrics`
    """

    seq: int
    time: float
    event: Kind
    epoch: int
    step: int
    values: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The event as a JSON object; numbers that are not finite become null."""
        return {
            "seq": self.seq,
            "time": self.time,
            "event": self.event,
            "epoch": self.epoch,
            "step": self.step,
            "values": finite(self.values),
        }

    @staticmethod
    def from_json(value: Any) -> Event:
        """The event that `to_json` wrote; `ValueError` if it is none."""
        match value:
            case {
                "seq": int(seq),
                "time": int() | float() as time,
                "event": str(event),
                "epoch": int(epoch),
                "step": int(step),
                "values": dict(values),
            } if event in KINDS:
                return Event(seq, time, event, epoch, step, values)  # type: ignore[arg-type]
        raise ValueError("not an event")


def finite(value: Any) -> Any:
    """The JSON value with null in place of NaN and infinities, which JSON lacks."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def to_line(event: Event) -> bytes:
    """The event as one line of a file."""
    return json.dumps(event.to_json(), separators=(",", ":"), allow_nan=False).encode() + b"\n"


def from_lines(data: bytes) -> list[Event]:
    """The events in whole lines; lines that are no event are skipped."""
    found = []
    for line in data.split(b"\n"):
        try:
            found.append(Event.from_json(json.loads(line)))
        except (ValueError, RecursionError):
            continue
    return found


def current(events: Iterable[Event]) -> list[Event]:
    """The events without those that a resume went back behind.

    A run that was killed goes on from its last checkpoint, so some steps are told twice;
    what was told first no longer counts.
    """
    kept: list[Event] = []
    for event in events:
        origin = event.values.get("resumed_from") if event.event == "started" else None
        if origin is not None:
            kept = [old for old in kept if old.step <= origin]
        kept.append(event)
    return kept
