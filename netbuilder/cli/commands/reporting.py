"""The commands report and figure: a run as one HTML file, a graph as SVG, Mermaid or TikZ."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from netbuilder.cli import output
from netbuilder.cli.commands.project import load
from netbuilder.cli.commands.using import run_folder


def report(options: Namespace) -> int:
    """Write the report of a run."""
    from netbuilder.app.figures import run_report

    run = run_folder(options.run)
    out = Path(options.output or f"{run.absolute().name}.html")
    answer = run_report.write(run, out)
    if options.json:
        output.answer(answer)
    else:
        print(out)
    return output.DONE


def figure(options: Namespace) -> int:
    """Write a graph as text that other programs show; the ending of the file says which."""
    from netbuilder.app.figures import writing

    answer = writing.write(load(options.file), Path(options.output), options.graph)
    if options.json:
        output.answer(answer)
    else:
        print(answer["path"])
    return output.DONE
