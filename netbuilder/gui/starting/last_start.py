"""What is said at a start when the last one ended badly."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtWidgets import QWidget

from netbuilder.app.starts import UncleanEnd
from netbuilder.gui.asking.dialogs import ask_open_again, show_report
from netbuilder.gui.banner import BannerArea


def may_open(window: QWidget, path: Path, ends: Sequence[UncleanEnd]) -> bool:
    """Whether to open a project now; asks if netbuilder ended while it opened this one."""
    spellings = (str(path), str(Path(path).absolute()))
    if not any(end.opening in spellings for end in ends):
        return True
    return ask_open_again(window, Path(path).name)


def tell(window: QWidget, banners: BannerArea, ends: Sequence[UncleanEnd]) -> None:
    """Say that netbuilder crashed, if there is a report of it."""
    reports = [end.report for end in ends if end.report is not None]
    if not reports:
        return

    def show() -> None:
        banners.take("crash")
        show_report(window, reports[-1])

    banners.say(
        "crash",
        "netbuilder ended unexpectedly the last time.",
        (("Show the report", show), ("Close", lambda: banners.take("crash"))),
        "warning",
    )
