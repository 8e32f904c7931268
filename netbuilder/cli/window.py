"""Opening the window, where there is a place for one."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence

from netbuilder.cli import system_packages
from netbuilder.cli.output import UsageError

Opener = Callable[[Sequence[str]], int]
"""Runs the window with these arguments; its exit code. `netbuilder.launch` brings it."""


def display_missing() -> bool:
    """Whether a window can't open for lack of a display. Qt would abort the process."""
    if sys.platform in ("win32", "darwin"):
        return False
    names = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return not any(os.environ.get(name) for name in names)


def open_window(arguments: Sequence[str], opener: Opener) -> int:
    """Run the window until it is closed; its exit code. `UsageError` where it can't open."""
    if len(arguments) > 1:
        raise UsageError("netbuilder opens one project at a time.", "See netbuilder --help.")
    if display_missing():
        raise UsageError(
            "There is no display to open a window on.",
            "Set DISPLAY or WAYLAND_DISPLAY. Everything else works without: netbuilder --help.",
        )
    try:
        return opener(arguments)
    except ImportError as error:
        raise UsageError(f"Qt can't be loaded: {error}.", system_packages.advice()) from error
