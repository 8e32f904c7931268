"""Samples per second of a training with the window open and its plots live, against headless.

All train the same project through the same worker process, in turns in one run: with a client
and nothing else, with the window following, and with an instrument on every wire of the network
besides. The processes are fresh for each turn, as they are for a person.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
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

TEMPLATE, EPOCHS, ROUNDS = "digits_cnn", 80, 9
PATIENCE_S = 0.5  # between two looks whether the run has ended


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
    waiting: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
    session = Session(waiting.put)

    def step() -> None:
        with contextlib.suppress(queue.Empty):
            waiting.get(timeout=PATIENCE_S)()

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


def with_window(folder: Path, instruments: bool) -> float:
    """The same with the window open, the Training panel in front and its plots live.

    `instruments` puts one on every wire of the network.
    """
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
        # The program's loop sleeps between events. Looked at every 20 ms, the two threads that
        # compute are driven onto one core and a fifth of the speed is lost to the looking.
        loop = QEventLoop()
        QTimer.singleShot(round(1000 * PATIENCE_S), loop.quit)
        loop.exec()

    until(lambda: session.report is not None and session.report.graphs, step)
    bench.show_panel("training")
    if instruments:
        graph = bench.canvas.canvas.graph
        assert graph is not None
        bench.instruments.toggle(graph.wires)
    session.train(folder)
    until(lambda: session.run is not None and not session.run.active, step)
    plots = bench.training.plots
    assert plots is not None
    assert plots.plots["loss"].curves["train"].series.count > 0
    assert bool(bench.instruments.looks.nodes) is instruments
    result = throughput(session)
    window.end()
    window.deleteLater()
    return result


def ratio(rates: list[float], reference: list[float]) -> float:
    """The median of each round's ratio: from round to round the machine is another."""
    return round(statistics.median(a / b for a, b in zip(rates, reference, strict=True)), 3)


def main() -> None:
    """Print one JSON line: the medians and their ratios."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["NETBUILDER_HOME"] = home
        app = QApplication([])
        theme.apply_theme(app, "dark")
        arms: dict[str, Callable[[Path], float]] = {
            "headless": headless,
            "window": lambda folder: with_window(folder, instruments=False),
            "instruments": lambda folder: with_window(folder, instruments=True),
        }
        rates: dict[str, list[float]] = {name: [] for name in arms}
        for turn in range(ROUNDS):
            # There and back again: the speed of a shared machine drifts within a round.
            for name in list(arms) if turn % 2 == 0 else reversed(arms):
                rates[name].append(arms[name](Path(home) / f"{name}-{turn}"))
    print(
        json.dumps(
            {
                "figure": "train_with_window",
                "samples_per_second": {n: round(statistics.median(v)) for n, v in rates.items()},
                "ratio": ratio(rates["window"], rates["headless"]),
                "with_instruments": ratio(rates["instruments"], rates["headless"]),
            }
        )
    )


if __name__ == "__main__":
    main()
