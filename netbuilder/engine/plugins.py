"""Loads the layers of packages, each after a trial in a process of its own. Torch-free."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.metadata import EntryPoint
from pathlib import Path

from netbuilder.exchange import exits, fresh
from netbuilder.layers import catalogue, own, plugins
from netbuilder.layers.plugins import Probe

SAFE_MODE = "NETBUILDER_SAFE_MODE"
"""The environment variable with which no plugin is loaded, here and in the worker."""


def safe_mode() -> bool:
    """Whether plugins are to be left alone."""
    return bool(os.environ.get(SAFE_MODE))


def load(probe: Probe | None = None) -> None:
    """Find what is installed and load it; nothing happens in safe mode, or where there is none."""
    if safe_mode():
        return
    found = plugins.found()
    if found:
        plugins.load(probe or trial, catalogue.layers(), found)


def load_for(layers: Iterable[str]) -> None:
    """The same, but only if one of these layers (ids) is unknown and nothing was loaded yet."""
    others = (id for id in layers if not id.startswith(own.PREFIX))
    if not plugins.plugins() and any(catalogue.find(id) is None for id in others):
        load()


def trial(entry: EntryPoint) -> str:
    """What is wrong with a plugin, found by importing it in a child; empty for nothing."""
    with tempfile.TemporaryDirectory(prefix="netbuilder-") as folder:
        out, words = Path(folder) / "out", Path(folder) / "words"
        with open(words, "wb") as stream:
            code = _run(entry, out, stream.fileno(), folder)
        said = out.read_text("utf-8", "replace") if out.exists() else ""
        if said:
            return said.strip()
        if code is None:
            return f"Importing it did not end within {plugins.TRIAL_S:g} s."
        if code == 0:
            return "Importing it ends the program."
        cause, _ = exits.describe(code, words.read_text("utf-8", "replace")[-20_000:])
        return f"Importing it ends the program: it {cause}."


def _run(entry: EntryPoint, out: Path, words: int, folder: str) -> int | None:
    """The exit code of the child; None if it had to be ended."""
    env = fresh.environment()
    # The child must find what this process would.
    paths = [path for path in sys.path if path and os.path.exists(path)]
    env["PYTHONPATH"] = os.pathsep.join(
        dict.fromkeys([*filter(None, [env.get("PYTHONPATH")]), *paths])
    )
    child = subprocess.Popen(
        fresh.command("netbuilder.layers.plugin_trial", entry.value, str(out)),
        env=env,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=words,
        stderr=words,
        start_new_session=os.name == "posix",
    )
    try:
        return child.wait(plugins.TRIAL_S)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    """End the child with all that it started."""
    if os.name == "posix":
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()
