"""Cross-validation: the same project trained once for each fold, as a group of runs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netbuilder.engine import overrides as settings
from netbuilder.engine import tasks
from netbuilder.errors import NetbuilderError
from netbuilder.graph.document import Document
from netbuilder.storage import atomic
from netbuilder.training.control import Control
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder

SUMMARY = "folds.json"


def train(
    document: Document,
    folder: Path,
    count: int,
    *,
    overrides: Mapping[str, Any] | None = None,
    resume: bool = False,
    control: Control | None = None,
    listen: Callable[[int, Event], None] | None = None,
) -> dict[str, Any]:
    """Train `count` runs into `folder/fold-1` and so on; the answer of `train --folds`.

    Each run is whole by itself: its project names its fold. `metrics` has `mean`, `deviation`
    (of a sample) and `values` by key, over the folds that have ended well. With `resume`, folds
    go on where they stopped. The answer is also written to `folds.json`.
    """
    if count < 2:
        raise NetbuilderError("Cross-validation needs 2 folds or more.", "Try --folds 5.")
    # The number first: that of the project may be above the new count.
    document = settings.apply(document, {"data.fold": 1, "data.folds": count})
    control = control or Control()
    answers: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        path = folder / f"fold-{number}"
        answer = tasks.train(
            document,
            path,
            overrides={**(overrides or {}), "data.fold": number},
            resume=resume and RunFolder(path).exists(),
            control=control,
            listen=None if listen is None else _numbered(listen, number),
        )
        answers.append(answer)
        if control.stopping or answer["status"] == "failed":
            break
    result = {
        "run": str(folder),
        "status": answers[-1]["status"],
        "folds": answers,
        "metrics": together([each["metrics"] for each in answers if each["status"] == "finished"]),
    }
    _write(folder / SUMMARY, result)
    return result


def _numbered(listen: Callable[[int, Event], None], number: int) -> Callable[[Event], None]:
    return lambda event: listen(number, event)


def together(metrics: list[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Mean and deviation of each metric that all of these have."""
    found: dict[str, dict[str, Any]] = {}
    for key in metrics[0] if metrics else ():
        values = [each.get(key) for each in metrics]
        numbers = [value for value in values if isinstance(value, int | float)]
        if len(numbers) == len(metrics):
            deviation = statistics.stdev(numbers) if len(numbers) > 1 else 0.0
            mean = statistics.fmean(numbers)
            found[key] = {"mean": mean, "deviation": deviation, "values": numbers}
    return found


def _write(path: Path, value: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(path, json.dumps(value, indent=1).encode())
