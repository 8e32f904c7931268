"""What the small templates reach with their own settings, and what that takes.

    python -m benchmarks.qualities [ID ...] [--table]

Trains every template that states a quality (`about.quality`), or those that are named, one after
the other on one core. Times are those of the processor, so that other work beside it counts
little. Prints a line for each as it ends and one JSON line at the end; with `--table`
the rows of docs/templates.md. Exit code 1 if one does not reach what it states.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from netbuilder.app.templates import open_template, templates
from netbuilder.engine import overrides, planning
from netbuilder.training.control import Control
from netbuilder.training.loop import train
from netbuilder.training.records.folder import RunFolder


def measure(id: str) -> dict[str, Any]:
    """Train a template as it is; what it states and what it reached."""
    document = open_template(id)
    stated = document.project.about["quality"]
    alone = {"training.device": "cpu", "training.threads": 1}
    plan = planning.make(overrides.apply(document, alone))
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        result = train(
            plan, RunFolder.create(Path(folder) / "r", b"{}"), Control(), lambda event: None
        )
    reached = result.metrics.get(stated["metric"])
    row: dict[str, Any] = {
        "id": id,
        **stated,
        "reached": reached,
        "epochs": result.epochs,
        "cpu_seconds": round(time.process_time() - began, 1),
    }
    row["ok"] = reached is not None and (
        reached >= stated["at_least"] if "at_least" in stated else reached <= stated["at_most"]
    )
    return row


def table(rows: list[dict[str, Any]]) -> str:
    """As Markdown."""
    lines = [
        "| template | measured | stated | reached | epochs | CPU time |",
        "| --- |" + " --- |" * 5,
    ]
    for row in rows:
        sign, bound = ("≥", row["at_least"]) if "at_least" in row else ("≤", row["at_most"])
        lines.append(
            f"| {row['id']} | {row['metric']} | {sign} {bound:g} | {row['reached']:.4g} "
            f"| {row['epochs']} | {row['cpu_seconds']:.0f} s |"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    stating = [each.id for each in templates() if "quality" in open_template(each.id).project.about]
    rows = []
    for id in options.ids or stating:
        rows.append(measure(id))
        print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    if options.table:
        print(table(rows))
    ok = all(row["ok"] for row in rows)
    answer = {"benchmark": "qualities", "cores": 1, "templates": rows, "ok": ok}
    print(json.dumps(answer))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
