"""What drawing a plot costs: at a thousand and at a million points, and the memory of a long run.

A redraw is what the window does when a point came: reading the new point in, choosing what
to show, and painting it, raw curve and smoothed one. Memory is what 36,000 `metrics` events
(two hours at five a second) leave behind in the whole Training panel.
"""

from __future__ import annotations

import gc
import json
import math
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import psutil
from PySide6.QtWidgets import QApplication

from netbuilder.app.runs import RunView
from netbuilder.gui.look import style, theme
from netbuilder.gui.plotting.curve_plot import CurvePlot
from netbuilder.gui.training.training_panel import TrainingPanel
from netbuilder.training.records.events import Event

SIZES = (1_000, 1_000_000)
REDRAWS = 40
UPDATES = 36_000


def filled(count: int, smoothing: float) -> CurvePlot:
    """A plot with a training curve of so many points and a validation curve of a tenth."""
    plot = CurvePlot("Loss", "convolution")
    plot.resize(480, 240)
    random = np.random.default_rng(0)
    losses = np.exp(-np.arange(count) * 5 / count) + random.normal(0, 0.05, count)
    for step, value in enumerate(losses.tolist()):
        plot.add("train", step, value, seconds=step / 100)
        if step % 10 == 0:
            plot.add("val", step, value + 0.1, dashed=True, seconds=step / 100)
    plot.set_smoothing(smoothing)
    plot.show()
    QApplication.processEvents()
    return plot


def redraws(plot: CurvePlot) -> Callable[[], float]:
    """A redraw after one more point, timed in milliseconds of processor time."""
    steps = iter(range(int(plot.curves["train"].series.last_x) + 1, 10**9))

    def redraw() -> float:
        plot.add("train", next(steps), math.exp(-5) + 0.01, seconds=10.0)
        began = time.process_time()
        plot.redraw()
        plot.view.viewport().repaint()
        return 1000 * (time.process_time() - began)

    return redraw


def memory_growth() -> float:
    """Megabytes that 36,000 updates of a run leave in the panel."""
    panel = TrainingPanel()
    panel.resize(1200, 400)
    panel.show()
    run = RunView(Path("run"))
    panel.show_run(run)

    def tell(seq: int) -> None:
        nonlocal run
        values = {
            "train/loss": 1.0 / seq,
            "lr": 0.001,
            "grad_norm": 2.0,
            "memory_mb": 500.0,
            "samples_per_second": 1e4,
            "seconds": seq / 5,
            "seconds_left": 60.0,
        }
        event = Event(seq, float(seq), "metrics", 0, seq, values)
        run = run.after(event)
        panel.add_event(run, event)
        if seq % 100 == 0:
            QApplication.processEvents()

    for seq in range(1, 1001):
        tell(seq)
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    for seq in range(1001, 1001 + UPDATES):
        tell(seq)
    QApplication.processEvents()
    gc.collect()
    growth = (process.memory_info().rss - before) / 2**20
    panel.close()
    return float(growth)


def main() -> None:
    """Print one JSON line; processor times, medians, taken in turns."""
    app = QApplication([])
    theme.apply_theme(app, "dark")
    app.setStyleSheet(app.styleSheet() + style.sheet())
    growth = memory_growth()
    result: dict[str, object] = {"figure": "plots", "memory_growth_mb": round(growth, 1)}
    for name, smoothing in (("redraw_ms", 0.0), ("smoothed_ms", 0.9)):
        timers = [redraws(filled(size, smoothing)) for size in SIZES]
        times: list[list[float]] = [[], []]
        for _ in range(REDRAWS):
            for taken, timer in zip(times, timers, strict=True):
                taken.append(timer())
        small, large = (statistics.median(taken) for taken in times)
        result[name] = {"1000": round(small, 2), "1000000": round(large, 2)}
        result[f"{name}_ratio"] = round(large / small, 2)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
