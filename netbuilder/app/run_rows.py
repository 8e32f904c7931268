"""One line of a table of runs: how a run stands and with which settings it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netbuilder.training.run_settings import Value


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as far as its folder tells; damaged values are left out.

    `started` is Unix seconds, 0 where unknown; `metrics` are the last ones, `best` is what
    `training.best.Best.summary` says, `settings` what `training.run_settings.settings_of` does.
    `origin` is the run whose weights it started from.
    """

    path: Path
    status: str = "new"
    started: float = 0.0
    epoch: int = 0
    epochs: int = 0
    step: int = 0
    seconds: float = 0.0
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    best: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Value] = field(default_factory=dict)
    note: str = ""
    pinned: bool = False
    origin: str = ""

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def alive(self) -> bool:
        """Whether a process is training it."""
        return self.status in ("running", "paused")

    @property
    def best_value(self) -> float | None:
        """The best value of what decides which epoch is the best."""
        return real(self.best.get("value"))

    def to_json(self) -> dict[str, Any]:
        """One row of the `runs` command."""
        return {
            "run": str(self.path),
            "name": self.name,
            "status": self.status,
            "started": self.started,
            "epoch": self.epoch,
            "epochs": self.epochs,
            "step": self.step,
            "seconds": self.seconds,
            "metrics": dict(self.metrics),
            "best": dict(self.best),
            "settings": dict(self.settings),
            "note": self.note,
            "pinned": self.pinned,
            "from": self.origin,
        }


def metric_names(rows: Sequence[RunRow]) -> list[str]:
    """The validation metrics that any of the runs has."""
    return sorted({key for row in rows for key in row.metrics if key.startswith("val/")})


def whole(value: Any) -> int:
    """The value as a whole number, 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def real(value: Any) -> float | None:
    """The value as a number, None for anything else."""
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if good else None
