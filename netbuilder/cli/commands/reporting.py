"""The commands report and figure: a run as one HTML file, a graph as SVG, Mermaid or TikZ."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from netbuilder.cli import output
from netbuilder.cli.commands.project import load
from netbuilder.cli.commands.using import run_folder
from netbuilder.cli.output import UsageError


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
    from netbuilder.app.figures import figure as figures
    from netbuilder.app.figures import texts
    from netbuilder.storage import atomic

    document, out = load(options.file), Path(options.output)
    writer = texts.WRITERS.get(out.suffix.lower().removeprefix("."))
    if writer is None:
        known = ", ".join(f".{kind}" for kind in texts.WRITERS)
        raise UsageError(
            f"'{out.name}' has no ending that tells what to write.",
            f"Use: {known}. PNG and PDF: File > Save a picture of the graph… in the window.",
        )
    names = [graph.name for graph in figures.chosen(document)]
    name = options.graph or ("main" if "main" in names else next(iter(names), ""))
    found = figures.chosen(document, [name])
    if not found:
        listed = ", ".join(names) or "none"
        raise UsageError(f"There is no graph called '{name}'.", f"There are: {listed}.")
    about = figures.figure(document, found[0])
    atomic.write(out, writer(about).encode())
    if options.json:
        output.answer({"path": str(out), "graph": found[0].name, "nodes": len(about.boxes)})
    else:
        print(out)
    return output.DONE
