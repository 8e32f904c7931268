"""The check that a project's training can be stopped and goes on exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netbuilder.graph.document import Document


def replay(document: Document, run: Path) -> dict[str, Any]:
    """Run the batch of a run again whose loss was bad; see `training.replaying`."""
    from netbuilder.engine import planning
    from netbuilder.training.records.folder import RunFolder
    from netbuilder.training.trials import replaying

    return replaying.replay(planning.make(document), RunFolder.open(run))


def verify(
    document: Document,
    steps: int | None = None,
    *,
    overrides: Mapping[str, Any] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Train a project for some batches with and without a stop, and compare with ==.

    The `verify-resume` command's answer; see `training.verifying`. The project's runs are left
    alone. `ProblemsError` and `RunError` tell what stands against a training.
    """
    from netbuilder.engine import overrides as settings
    from netbuilder.engine import planning
    from netbuilder.training.trials import verifying

    chosen = settings.apply(document, overrides or {})
    return verifying.verify(lambda: planning.make(chosen), steps, stopped)
