"""What projects and runs say of themselves: differences, a page about a run, pictures of graphs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netbuilder.api.project import PathLike, Project, load
from netbuilder.api.using import Run, run_path


def diff(
    before: Project | Run | PathLike, after: Project | Run | PathLike, *, drawn: bool = False
) -> list[dict[str, Any]]:
    """What differs between two projects, `.netb` files or runs: the rows of the `diff` command.

    Each has `change` (`added`, `removed`, `changed`), `what`, `graph`, `node`, `key`, `before`,
    `after` and `words`; there is none where both mean the same. Shapes and costs are worked out,
    unless `drawn` asks for what was drawn alone. `DocumentError` for what can't be read.
    """
    from netbuilder.app.comparing import Side, compare

    projects = [_project(each) for each in (before, after)]
    rows = compare(*(Side(project.document) for project in projects))
    if rows and not drawn:
        rows = compare(*(_worked_out(project) for project in projects))
    return [row.to_json() for row in rows]


def report(run: Run | PathLike, out: PathLike | None = None) -> dict[str, Any]:
    """Write a run as one HTML page that needs nothing else: `path`, `run` and `bytes` of it.

    Without `out` it is `RUN.html` in the current folder. `RunError` if there is no run,
    `DocumentError` if the file can't be written.
    """
    from netbuilder.app.figures import run_report

    folder = run_path(run)
    return run_report.write(folder, Path(out or f"{folder.absolute().name}.html"))


def figure(project: Project, out: PathLike, *, graph: str | None = None) -> dict[str, Any]:
    """Write a graph as `.svg`, `.mmd` (Mermaid) or `.tex` (TikZ), by the ending of `out`.

    Without the name of a `graph` it is `main`, else the first one. The answer has `path`, `graph`
    and `nodes`, how many there are. `NetbuilderError` for another ending or an unknown name.
    """
    from netbuilder.app.figures import writing

    return writing.write(project.document, Path(out), graph)


def _project(origin: Project | Run | PathLike) -> Project:
    if isinstance(origin, Project):
        return origin
    path = run_path(origin)
    return load(path / "project.netb" if path.is_dir() else path)


def _worked_out(project: Project) -> Any:
    from netbuilder.app.comparing import Side
    from netbuilder.engine import sizing

    with project.permitted():
        return Side(project.document, *sizing.sizes(project.document))
