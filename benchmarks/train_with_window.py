"""Samples per second of a training with the window open and its plots live, against headless.

Both train the same project through the same worker process, in turns in one run: once with
a client and nothing else, once with the window following. The processes are fresh for each
turn, as they are for a person.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication

from netbuilder.app.session import Session
from netbuilder.graph import edits
from netbuilder.gui.look import theme
from netbuilder.gui.main_window import MainWindow

TEMPLATE, EPOCHS, ROUNDS = "digits_cnn", 80, 3


def until(done: Callable[[], object], step: Callable[[], None], seconds: float = 300.0) -> None:
    """Call `step` until `done`; `TimeoutError` after `seconds`."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError
        step()


def throughput(session: Session) -> float:
    """Samples per second of the finished run, from its own clock."""
    run = session.run
    assert run is not None
    assert run.status == "finished", run
    return run.step * 64 / run.seconds


def headless(folder: Path) -> float:
    """A session without a window."""
    waiting: list[Callable[[], None]] = []
    session = Session(waiting.append)

    def step() -> None:
        time.sleep(0.01)
        while waiting:
            waiting.pop(0)()

    session.new(TEMPLATE)
    session.start_worker()
    prepare(session)
    until(lambda: session.report is not None and session.report.graphs, step)
    session.train(folder)
    until(lambda: session.run is not None and not session.run.active, step)
    result = throughput(session)
    session.close()
    return result


def prepare(session: Session) -> None:
    """Train long enough to measure."""
    training = {**session.document.project.training, "epochs": EPOCHS}
    edits.set_project(session.history, "Set epochs", training=training)
    session.history.mark_saved()


def with_window(app: QApplication, folder: Path) -> float:
    """The same with the window open, the Training panel in front and its plots live."""
    window = MainWindow()
    window.resize(1440, 900)
    window.show()
    window.prepare()
    window.open_template(TEMPLATE)
    session, bench = window.session, window.bench
    assert session is not None
    assert bench is not None
    prepare(session)

    def step() -> None:
        # A loop that sleeps between events, as the program's does: polling would cost a core.
        loop = QEventLoop()
        QTimer.singleShot(20, loop.quit)
        loop.exec()

    until(lambda: session.report is not None and session.report.graphs, step)
    bench.show_panel("training")
    session.train(folder)
    until(lambda: session.run is not None and not session.run.active, step)
    plots = bench.training.plots
    assert plots is not None
    assert plots.plots["loss"].curves["train"].series.count > 0
    result = throughput(session)
    window.end()
    window.deleteLater()
    return result


def main() -> None:
    """Print one JSON line: both medians and their ratio."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["NETBUILDER_HOME"] = home
        app = QApplication([])
        theme.apply_theme(app, "dark")
        bare, live = [], []
        for turn in range(ROUNDS):
            bare.append(headless(Path(home) / f"bare-{turn}"))
            live.append(with_window(app, Path(home) / f"live-{turn}"))
    reference, median = statistics.median(bare), statistics.median(live)
    print(
        json.dumps(
            {
                "figure": "train_with_window",
                "samples_per_second": round(median),
                "headless": round(reference),
                "ratio": round(median / reference, 3),
            }
        )
    )


if __name__ == "__main__":
    main()
