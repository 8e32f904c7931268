"""How a training goes, on stderr: a bar on a terminal, a line an epoch elsewhere."""

from __future__ import annotations

import math
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Task, TextColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

if TYPE_CHECKING:
    from netbuilder.training.records.events import Event


class Progress:
    """Listens to a training and shows it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True, highlight=False)
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            _Columns(),
            console=self._console,
            refresh_per_second=5,
            disable=not self._console.is_terminal,
        )
        self._task = self._bar.add_task("preparing", total=None, numbers="", left=None)
        self._epochs = 0

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def take(self, event: Event) -> None:
        """Show one event."""
        values = event.values
        match event.event:
            case "started":
                self._epochs = int(values.get("epochs") or 0)
                self._bar.update(self._task, total=values.get("steps"), completed=event.step)
            case "metrics":
                shown = _numbers({key: values[key] for key in values if "/" in key})
                left = values.get("seconds_left")
                self._bar.update(
                    self._task,
                    description=f"epoch {event.epoch + 1}/{self._epochs}",
                    completed=event.step,
                    numbers=shown,
                    left=left,
                )
            case "epoch":
                metrics = {key: values[key] for key in values if "/" in key}
                self._bar.update(self._task, completed=event.step, numbers=_numbers(metrics))
                if self._bar.disable:
                    text = f"epoch {event.epoch}/{self._epochs}  {_numbers(metrics)}"
                    self._console.print(text, markup=False, soft_wrap=True)
            case "warning":
                text = f"warning: {values.get('message', '')}"
                self._bar.console.print(text, markup=False, soft_wrap=True)


def _numbers(metrics: dict[str, object]) -> str:
    return "  ".join(
        f"{key} {value:.4g}" for key, value in metrics.items() if isinstance(value, int | float)
    )


class _Columns(TextColumn):
    """The latest metrics and the time left."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        left = task.fields.get("left")
        time = ""
        if isinstance(left, int | float) and math.isfinite(left):
            time = f"  {_duration(left)} left"
        return Text(f"{task.fields.get('numbers', '')}{time}")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
