"""Time from process start to the first paint, against a bare PySide6 window.

Both are fresh processes, started in turn; each tells the seconds since the operating system
started it, by the same clock, once its main window has painted. Python's bytecode is there for
both, as it is for what pip has installed: without, ours would be timed compiling its source,
and PySide6 not.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 9
ROOT = Path(__file__).resolve().parent.parent

BARE = """
import json, os, sys, time
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow

class Window(QMainWindow):
    painted = False
    def paintEvent(self, event):
        super().paintEvent(event)
        if not self.painted:
            self.painted = True
            QTimer.singleShot(0, tell)

def tell():
    fields = open("/proc/self/stat").read().rpartition(")")[2].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - started
    print(json.dumps({"first_paint_s": seconds}), flush=True)
    app.quit()

app = QApplication([])
window = Window()
window.resize(1440, 900)
window.show()
sys.exit(app.exec())
"""


def measure(command: list[str], env: dict[str, str]) -> float:
    """Seconds to the first paint that the process tells."""
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
    line = next(line for line in done.stdout.splitlines() if "first_paint_s" in line)
    return float(json.loads(line)["first_paint_s"])


def main() -> None:
    """Print one JSON line: both medians and their ratio."""
    with tempfile.TemporaryDirectory() as home:
        env = {
            **{k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPYCACHEPREFIX": str(Path(home) / "bytecode"),
            "NETBUILDER_EXIT_AFTER_FIRST_PAINT": "1",
            "NETBUILDER_HOME": home,
            "PYTHONPATH": str(ROOT),
        }
        if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
            env.setdefault("QT_QPA_PLATFORM", "offscreen")
        bare, ours = [], []
        for _ in range(ROUNDS + 1):
            bare.append(measure([sys.executable, "-c", BARE], env))
            ours.append(measure([sys.executable, "-m", "netbuilder"], env))
    # The first round wrote the bytecode.
    bare, ours = bare[1:], ours[1:]
    reference, median = statistics.median(bare), statistics.median(ours)
    print(
        json.dumps(
            {
                "figure": "first_paint",
                "first_paint_s": round(median, 3),
                "bare_window_s": round(reference, 3),
                "ratio": round(median / reference, 3),
                "platform": env.get("QT_QPA_PLATFORM", "display"),
            }
        )
    )


if __name__ == "__main__":
    main()
