"""Commands that compare projects and runs: diff."""

from __future__ import annotations

from argparse import Namespace
from itertools import groupby
from pathlib import Path

from netbuilder.cli import output
from netbuilder.graph.document import Document


def diff(options: Namespace) -> int:
    """What differs between two projects, or the projects of two runs."""
    from netbuilder.graph.difference import difference

    rows = difference(_document(options.before), _document(options.after))
    if options.json:
        output.answer([row.to_json() for row in rows])
        return output.DONE
    if not rows:
        print("Both mean the same.")
    for graph, own in groupby(rows, key=lambda row: row.graph):
        print(graph or "Project")
        for row in own:
            print(f"  {row.words}")
    return output.DONE


def _document(path: str) -> Document:
    """The project in a file, or that of a run; nothing in it is run."""
    from netbuilder.storage import files

    folder = Path(path)
    return files.load(folder / "project.netb" if folder.is_dir() else folder)
