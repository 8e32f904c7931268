"""What the window needs to paint for the first time is little; the rest comes afterwards."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("networkx", "pydantic", "numpy", "pyqtgraph", "torch", "netbuilder.gui.workbench")


def test_the_main_window_comes_without_what_it_needs_later() -> None:
    script = "import sys, netbuilder.gui.main_window; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    modules = done.stdout.split()
    assert "netbuilder.gui.actions" in modules
    assert [name for name in HEAVY if name in modules] == []
