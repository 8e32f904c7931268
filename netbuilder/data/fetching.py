"""Fetching a data set by its name, into the place where netbuilder keeps what it fetched."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netbuilder.data import downloads, hub
from netbuilder.data.downloads import Collection, Order, Progress
from netbuilder.data.made import published
from netbuilder.errors import NetbuilderError

FOLDER = "datasets"


def root() -> Path:
    """Where fetched data sets are kept, each in a folder of its own."""
    override = os.environ.get("NETBUILDER_HOME")
    if override:
        return Path(override) / "data" / FOLDER
    import platformdirs

    return platformdirs.user_data_path("netbuilder", appauthor=False) / FOLDER


def listed() -> list[dict[str, Any]]:
    """The data sets that can be fetched by name alone, and whether they are `there`."""
    return [
        {**each.to_json(), "folder": str(root() / each.id), "there": not absent}
        for each in published.COLLECTIONS.values()
        if (absent := downloads.missing(each, root() / each.id)) is not None
    ]


def find(what: str, *, offline: bool = False) -> Collection:
    """What is meant by a name; for `hf:owner/name` the Hub is asked."""
    if what in published.COLLECTIONS:
        return published.COLLECTIONS[what]
    if not what.startswith(hub.PREFIX):
        known = ", ".join(published.COLLECTIONS)
        raise NetbuilderError(
            f"There is no data set '{what[:200]}' to fetch.",
            f"There are: {known}; and {hub.PREFIX}owner/name of the Hugging Face Hub.",
        )
    if downloads.offline(offline):
        raise NetbuilderError(
            f"'{what[:200]}' can't be looked up: netbuilder is set to stay offline.",
            "Switch that off to ask the Hub.",
        )
    return hub.collection(what)


def fetch(
    what: str,
    folder: Path | None = None,
    *,
    tell: Callable[[Progress], None] = lambda progress: None,
    cancelled: threading.Event | None = None,
    offline: bool = False,
) -> dict[str, Any]:
    """Fetch what is missing of a data set: `what`, `title`, `folder`, `files` and `bytes`."""
    wanted = find(what, offline=offline)
    place = folder or root() / wanted.id
    order = Order(place, tell, cancelled or threading.Event(), offline)
    paths = downloads.fetch(wanted, order)
    return {
        "what": what,
        "title": wanted.title,
        "folder": str(place),
        "files": [path.name for path in paths],
        "bytes": sum(path.stat().st_size for path in paths),
    }
