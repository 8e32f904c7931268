"""Windows over a series, switched on and off in the settings of a project's data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netbuilder.data.settings import read, source_of
from netbuilder.data.windows import NEXT, WINDOW, Windows
from netbuilder.errors import NetbuilderError


def switched_on(data: Mapping[str, Any]) -> bool:
    """Whether samples are windows."""
    return data.get("windows") is not None


def possible(data: Mapping[str, Any]) -> bool:
    """Whether the data has numbers that windows can hold."""
    try:
        settings = read({name: data[name] for name in ("source", "params") if name in data})
        if settings.source is None:
            return False
        Windows().of(source_of(settings).fields())
    except NetbuilderError:
        return False
    return True


def switched(data: Mapping[str, Any], on: bool) -> dict[str, Any]:
    """The settings with windows or without, and what has to go along: windows overlap, so parts
    are those of time; what was normalised by its name now has another."""
    changed = {name: value for name, value in data.items() if name != "windows"}
    if on:
        changed["windows"] = {"length": Windows().length}
        if changed.get("split_by", "random") == "random":
            changed["split_by"] = "time"
            changed.pop("key", None)
        changed.pop("folds", None)
        names = [WINDOW, NEXT]
    else:
        settings = read({name: data[name] for name in ("source", "params") if name in data})
        names = [f.name for f in source_of(settings).fields() if f.dtype.startswith("float")]
    if changed.get("normalise"):
        changed["normalise"] = names
    return changed
