"""How to start our own Python again, and where its files lie meanwhile. Torch-free."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import netbuilder


def command(module: str, *arguments: str) -> list[str]:
    """Runs `module` of this installation in a fresh interpreter.

    `-P` keeps the current folder out of the path: a `json.py` beside somebody's project
    must not run.
    """
    return [sys.executable, "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """This process's environment, in which `command` finds netbuilder."""
    env = dict(os.environ)
    folder = str(Path(netbuilder.__file__).resolve().parent.parent)
    if Path(folder).name not in ("site-packages", "dist-packages"):
        env["PYTHONPATH"] = os.pathsep.join(filter(None, (folder, env.get("PYTHONPATH", ""))))
    return env


place = ""
"""Where `folder` makes folders; the system's place for them where this is none."""


def folder() -> tempfile.TemporaryDirectory[str]:
    """A folder for the files of some work, which ends with a `with` block.

    In a worker it lies in the worker's own, which goes however the worker ends.
    """
    where = place if place and os.path.isdir(place) else None
    return tempfile.TemporaryDirectory(prefix="netbuilder-", dir=where)
