"""The command report: a run as one HTML file."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from netbuilder.cli import output
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
