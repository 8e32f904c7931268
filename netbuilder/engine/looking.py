"""Measurements before a training, as the worker is asked for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netbuilder.engine import finding_batch, planning
from netbuilder.graph.document import Document
from netbuilder.training.control import Control
from netbuilder.training.trials import finding_rate, tuning


def find_rate(document: Document, params: Mapping[str, Any], control: Control) -> dict[str, Any]:
    """Sweep the learning rate; parameters that are left out have their defaults."""
    known = {"lowest": float, "highest": float, "points": int}
    chosen: dict[str, Any] = {
        name: kind(params[name]) for name, kind in known.items() if params.get(name) is not None
    }
    plan = planning.make(document)
    found = finding_rate.sweep(plan, step=params.get("step"), control=control, **chosen)
    return found.to_json()


def find_batch(document: Document, params: Mapping[str, Any], control: Control) -> dict[str, Any]:
    """Try batch sizes; `limit` is in MB."""
    limit, most = params.get("limit"), params.get("most")
    return finding_batch.find(
        planning.make(document),
        limit_mb=None if limit is None else float(limit),
        most=None if most is None else int(most),
        control=control,
    )


def tune(document: Document, control: Control) -> dict[str, Any]:
    """Measure ways to compute."""
    return tuning.measure(planning.make(document), control)
