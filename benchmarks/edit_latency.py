"""One parameter edited in a graph of 175 nodes, until the new shapes are painted.

The whole way as a person goes it: a key in the inspector's field of the first convolution,
the document's change, the request to the worker process, its answer, and the paint of the
canvas that shows it. Reference: the worker's bare answer to the same question, measured in
the same run.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLineEdit

from benchmarks.analyse import resnet50
from netbuilder.app.events import ReportArrived, SessionEvent
from netbuilder.graph import tidying
from netbuilder.gui.look import theme
from netbuilder.gui.main_window import MainWindow
from netbuilder.storage import files

EDITS, WARM_UP = 60, 8


class Paints(QObject):
    """Counts the paints of a viewport."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def wait(app: QApplication, done: object, seconds: float = 60.0) -> None:
    """Run the event loop until `done()`; `TimeoutError` after `seconds`."""
    assert callable(done)
    end = time.perf_counter() + seconds
    while not done():
        app.processEvents()
        if time.perf_counter() > end:
            raise TimeoutError
        time.sleep(0.0002)


def main() -> None:
    """Print one JSON line with the median and the 95th percentile in milliseconds."""
    home = tempfile.TemporaryDirectory()
    os.environ["NETBUILDER_HOME"] = home.name
    project = Path(home.name) / "resnet50.netb"
    drawing = resnet50()
    tidying.tidy(drawing.history, drawing.graph, {})
    files.save(drawing.document, project)
    app = QApplication([])
    theme.apply_theme(app, "dark")
    window = MainWindow()
    window.show()
    window.prepare()
    window.open_path(project)
    session, bench = window.session, window.bench
    assert session is not None
    assert bench is not None
    arrived: list[float] = []

    def hear(event: SessionEvent) -> None:
        if isinstance(event, ReportArrived):
            arrived.append(time.perf_counter())

    session.subscribe(hear)
    wait(app, lambda: bool(arrived))
    paints = Paints()
    bench.canvas.viewport().installEventFilter(paints)
    stem = session.graph.named("conv2d")
    assert stem is not None
    bench.canvas.select([stem.id])
    bench.canvas.center_on(stem.id)
    assert bench.inspector.page is not None
    field = bench.inspector.page.form.rows["out_channels"].editor
    line = field.findChild(QLineEdit)
    assert isinstance(line, QLineEdit)
    took, answers = [], []
    for number in range(WARM_UP + EDITS):
        before = len(arrived)
        line.selectAll()
        line.del_()
        QTest.keyClicks(line, str(64 + number % 2)[:-1])
        wait(app, lambda before=before: len(arrived) > before)
        settle(app)
        before, painted = len(arrived), paints.count
        start = time.perf_counter()
        QTest.keyClick(line, Qt.Key(Qt.Key.Key_0.value + number % 10))
        wait(app, lambda before=before: len(arrived) > before)
        answers.append(arrived[before] - start)
        painted = paints.count
        wait(app, lambda painted=painted: paints.count > painted)
        took.append(time.perf_counter() - start)
        settle(app)
    window.end()
    took, answers = took[WARM_UP:], answers[WARM_UP:]
    print(
        json.dumps(
            {
                "figure": "edit_latency",
                "nodes": len(session.graph.nodes),
                "p50_ms": round(1e3 * statistics.median(took), 1),
                "p95_ms": round(1e3 * statistics.quantiles(took, n=20)[-1], 1),
                "answer_p50_ms": round(1e3 * statistics.median(answers), 1),
                "edits": len(took),
            }
        )
    )
    home.cleanup()


def settle(app: QApplication) -> None:
    """Let everything under way come to its end."""
    for _ in range(20):
        app.processEvents()
        time.sleep(0.002)


if __name__ == "__main__":
    main()
