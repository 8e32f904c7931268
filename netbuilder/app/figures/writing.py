"""A graph as a file of text that other programs show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netbuilder.app.figures import texts
from netbuilder.app.figures.figure import chosen, figure
from netbuilder.errors import NetbuilderError
from netbuilder.graph.document import Document
from netbuilder.storage import atomic


def write(document: Document, out: Path, graph: str | None = None) -> dict[str, Any]:
    """Write a graph as `.svg`, `.mmd` (Mermaid) or `.tex` (TikZ); the `figure` command's answer.

    Without a name it is `main`, else the first one. `NetbuilderError` for another ending or a
    name that no graph has, `DocumentError` if the file can't be written.
    """
    writer = texts.WRITERS.get(out.suffix.lower().removeprefix("."))
    if writer is None:
        known = ", ".join(f".{kind}" for kind in texts.WRITERS)
        raise NetbuilderError(
            f"'{out.name}' has no ending that tells what to write.",
            f"Use: {known}. PNG and PDF: File > Save a picture of the graph… in the window.",
        )
    names = [each.name for each in chosen(document)]
    name = graph or ("main" if "main" in names else next(iter(names), ""))
    found = chosen(document, [name])
    if not found:
        listed = ", ".join(names) or "none"
        raise NetbuilderError(f"There is no graph called '{name}'.", f"There are: {listed}.")
    about = figure(document, found[0])
    atomic.write(out, writer(about).encode())
    return {"path": str(out), "graph": found[0].name, "nodes": len(about.boxes)}
