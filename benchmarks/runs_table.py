"""A table over a folder of a thousand runs, before and after it was read once.

Runs of templates with settings, results and events of their own are made in a temporary folder.
`cold_s` reads all of them, `warm_s` reads them again with what the first time remembered,
`changed_s` after one run went on. `parse_s` is the reference: parsing the JSON of all projects and
statuses, as one would by hand. With `--window` also the window's table: rows, filter, a sort.
Processor seconds in one process; the files are in the system's cache. Prints one JSON line.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from netbuilder.app import run_table, templates
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.storage import format


def make(folder: Path, runs: int, project: Document | None = None) -> None:
    """Folders of `runs` runs with learning rates, results and events of their own."""
    chance = random.Random(0)
    originals = (
        [project]
        if project is not None
        else [templates.open_template(id) for id in ("digits_mlp", "digits_cnn", "digits_lstm")]
    )
    for number in range(1, runs + 1):
        document = chance.choice(originals).copy()
        history = History(document)
        training = {"epochs": chance.choice([5, 20]), "batch_size": chance.choice([32, 64])}
        edits.set_project(history, training={**document.project.training, **training})
        for step in document.of_kind("step"):
            optimizer = {"kind": "AdamW", "lr": round(10 ** chance.uniform(-4, -1), 6)}
            edits.set_graph(history, step, settings={**step.info.settings, "optimizer": optimizer})
        run = folder / f"run-{number:04d}"
        run.mkdir(parents=True)
        (run / "project.netb").write_text(format.dumps(document), encoding="utf-8")
        write_status(run, number, chance.random())


def write_status(run: Path, number: int, loss: float) -> None:
    """How a run stands, and a curve."""
    metrics = {"train/loss": loss / 2, "val/loss": loss, "val/accuracy": 1 - loss / 3}
    best = {"monitor": "val/loss", "value": loss, "epoch": 5, "step": 100, "metrics": metrics}
    status = {
        "status": "finished",
        "started": 1.7e9 + 60 * number,
        "epoch": 5,
        "epochs": 5,
        "step": 100,
        "steps": 100,
        "seconds": 10.0 + loss,
        "metrics": metrics,
        "best": best,
        "pid": 1,
        "process_started": 1.0,
        "host": "elsewhere",
    }
    (run / "status.json").write_text(json.dumps(status))
    lines = [
        {
            "seq": epoch,
            "time": 1.7e9 + epoch,
            "event": "epoch",
            "epoch": epoch,
            "step": 20 * epoch,
            "values": {"val/loss": loss * (1 + 1 / epoch), "train/loss": loss / epoch},
        }
        for epoch in range(1, 6)
    ]
    (run / "events.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def cost(work: Callable[[], object]) -> float:
    """Processor seconds."""
    start = time.process_time()
    work()
    return round(time.process_time() - start, 4)


def parse(folder: Path) -> None:
    """The reference: everything parsed, nothing remembered."""
    for run in folder.iterdir():
        if run.is_dir():
            for name in ("project.netb", "status.json"):
                json.loads((run / name).read_bytes())


def measure_window(folder: Path) -> dict[str, float]:
    """The window's table over the same folder."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication([])
    from netbuilder.gui.runs.runs_panel import RunsPanel

    panel = RunsPanel()
    panel.resize(1100, 400)
    panel.show()

    def fill() -> None:
        panel.show_runs(run_table.rows(folder))
        app.processEvents()

    def narrow() -> None:
        panel.filter.setText("lr>0.01 accuracy>0.8")
        app.processEvents()

    def sort() -> None:
        panel.table.sortByColumn(5, panel.table.horizontalHeader().sortIndicatorOrder())
        app.processEvents()

    return {"window_s": cost(fill), "filter_s": cost(narrow), "sort_s": cost(sort)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--project", help="a .netb file to make the runs of")
    parser.add_argument("--window", action="store_true")
    options = parser.parse_args()
    project = format.loads(Path(options.project).read_bytes()) if options.project else None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, options.runs, project)
        result: dict[str, float] = {"runs": options.runs}
        result["parse_s"] = cost(lambda: parse(folder))
        result["cold_s"] = cost(lambda: run_table.rows(folder))
        result["warm_s"] = cost(lambda: run_table.rows(folder))
        write_status(folder / "run-0001", 1, 0.5)
        result["changed_s"] = cost(lambda: run_table.rows(folder))
        if options.window:
            result |= measure_window(folder)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
