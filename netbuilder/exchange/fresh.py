"""How to start our own Python again. Torch-free."""

from __future__ import annotations

import os
import sys
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
