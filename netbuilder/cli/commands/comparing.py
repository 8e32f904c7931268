"""Commands that list and compare runs and projects: runs, compare, board, diff."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netbuilder.cli import output
from netbuilder.cli.commands.project import load
from netbuilder.cli.commands.using import run_folder
from netbuilder.cli.output import UsageError
from netbuilder.errors import DocumentError
from netbuilder.graph.document import Document

if TYPE_CHECKING:
    from netbuilder.app.comparing import Side
    from netbuilder.app.run_rows import RunRow

DIFFERS = 1
"""The exit code of `diff --exit-code` where something does."""


def runs(options: Namespace) -> int:
    """List the runs in a folder, or those of a project; pinned ones first."""
    from netbuilder.app import run_ends, run_table
    from netbuilder.app.run_filter import Filter
    from netbuilder.training.records.folder import RunFolder

    if options.folder is not None and RunFolder(options.folder).exists():
        raise UsageError(
            f"'{options.folder}' is a run, not a folder of runs.",
            "To see one run: netbuilder compare RUN.",
        )
    found = run_table.rows(_folder(options.folder))
    wanted = Filter.parse(options.filter or "")
    unknown = wanted.unknown(found)
    if unknown:
        raise UsageError(f"No run has '{unknown[0]}'.", "Filter like lr>0.01 accuracy>=0.9 word.")
    kept = sorted(filter(wanted.keeps, found), key=lambda row: not row.pinned)
    causes = [run_ends.why(row.path) if row.status in run_ends.BAD else ("", "") for row in kept]
    if options.json:
        rows = zip(kept, causes, strict=True)
        output.answer([{**row.to_json(), "why": " ".join(why).strip()} for row, why in rows])
        return output.DONE
    lines = [
        (row.path, row.status, row.epoch, f"{row.seconds:.1f}", _metrics(row), row.note)
        for row in kept
    ]
    output.table(("run", "status", "epochs", "seconds", "metrics", "note"), lines)
    for row, (cause, hint) in zip(kept, causes, strict=True):
        if cause:
            print(f"{row.name} {row.status}: {cause} {hint}".strip())
    return output.DONE


def _folder(chosen: str | None) -> Path:
    """A folder of runs: as given, that of a project, or `runs` where one is."""
    from netbuilder.app.runs import runs_folder

    if chosen is None:
        return Path("runs") if Path("runs").is_dir() else Path()
    if Path(chosen).is_file():
        return runs_folder(Path(chosen), load(chosen).project.title)
    if not Path(chosen).is_dir():
        raise UsageError(f"There is no folder '{chosen}'.")
    return Path(chosen)


def _metrics(row: RunRow) -> str:
    return ", ".join(f"{key} {output.number(value)}" for key, value in row.metrics.items())


def compare(options: Namespace) -> int:
    """The settings that differ between runs, their results, and what was drawn otherwise."""
    from netbuilder.app import run_table
    from netbuilder.training.run_settings import differing, setting

    found = [run_table.row(run_folder(path)) for path in options.runs]
    names = differing(row.settings for row in found)
    drawn = _drawn([row.path for row in found])
    rows: list[dict[str, Any]] = [
        {
            "run": str(row.path),
            "name": row.name,
            "status": row.status,
            "epoch": row.epoch,
            "seconds": row.seconds,
            "settings": {name: setting(row.settings, name) for name in names},
            "metrics": dict(row.metrics),
            "best": dict(row.best),
            "differs": differs,
        }
        for row, differs in zip(found, drawn, strict=True)
    ]
    if options.json:
        output.answer(rows)
        return output.DONE
    metrics = sorted({key for row in found for key in row.metrics})
    columns = ("", *(row.name for row in found))
    lines: list[Sequence[object]] = [("status", *(row.status for row in found))]
    lines += [(name, *(row["settings"][name] for row in rows)) for name in names]
    lines += [(key, *(output.number(row.metrics.get(key)) for row in found)) for key in metrics]
    lines += [("best", *(output.number(row.best_value) for row in found))]
    output.table(columns, lines)
    for row, differs in zip(found[1:], drawn[1:], strict=True):
        if differs:
            print(f"{row.name} was drawn otherwise than {found[0].name}:")
            for words in differs:
                print(f"  {words}")
    return output.DONE


def _drawn(runs: Sequence[Path]) -> list[list[str]]:
    """What each run's graphs have otherwise than those of the first, in words."""
    from netbuilder.graph.difference import difference

    documents: list[Document | None] = []
    for run in runs:
        try:
            documents.append(_document(str(run)))
        except DocumentError as error:
            output.say(f"netbuilder: {error}")
            documents.append(None)
    first = documents[0]
    return [
        []
        if first is None or other is None
        else [row.words for row in difference(first, other) if row.graph and row.what != "setting"]
        for other in documents
    ]


def board(options: Namespace) -> int:
    """Make TensorBoard's files of what runs told; `tensorboard --logdir DIR` shows them."""
    from netbuilder.app import run_table
    from netbuilder.training.records.board import Board
    from netbuilder.training.records.folder import RunFolder

    folder = _folder(options.folder)
    one = RunFolder(folder).exists()
    found = [run_table.row(folder)] if one else run_table.rows(folder)
    rows = []
    for row in found:
        made = Board(RunFolder(row.path), row.settings)
        rows.append({"run": str(row.path), "file": str(made.path), "bytes": made.update()})
    if options.json:
        output.answer(rows)
        return output.DONE
    for entry in rows:
        print(entry["file"])
    if rows:
        output.say(f"Look at them with: tensorboard --logdir {folder}")
    else:
        output.say(f"There is no run in '{folder}'.")
    return output.DONE


def diff(options: Namespace) -> int:
    """What differs between two projects, or the projects of two runs."""
    from netbuilder.app.comparing import Side, compare

    sides = [Side(_document(path)) for path in (options.before, options.after)]
    rows = compare(*sides)
    if rows and not options.drawn:
        sides = [_worked_out(side.document) for side in sides]
        rows = compare(*sides)
    code = DIFFERS if rows and options.exit_code else output.DONE
    if options.json:
        output.answer([row.to_json() for row in rows])
        return code
    if not rows:
        print("Both mean the same.")
    for graph, own in groupby(rows, key=lambda row: row.graph):
        print(graph or "Project")
        for row in own:
            print(f"  {row.words}")
    return code


def _worked_out(document: Document) -> Side:
    """With shapes, and with the costs of the networks that have no errors."""
    from netbuilder.app.comparing import Side
    from netbuilder.cli import trusting
    from netbuilder.engine import sizing

    with trusting.quiet():
        return Side(
            document, *sizing.sizes(document, lambda text: output.say(f"netbuilder: {text}"))
        )


def _document(path: str) -> Document:
    """The project in a file, or that of a run; nothing in it is run."""
    from netbuilder.storage import files

    if path == os.devnull:
        # As git says of a file that one side does not have.
        return Document()
    folder = Path(path)
    return files.load(folder / "project.netb" if folder.is_dir() else folder)
