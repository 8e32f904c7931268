"""A run as one HTML file: it opens offline, runs no script and fetches nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from netbuilder.app import run_table, smaller
from netbuilder.app.figures import plots, texts
from netbuilder.app.figures.figure import chosen, figure, short
from netbuilder.app.run_rows import RunRow
from netbuilder.errors import DocumentError
from netbuilder.storage import atomic, files
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder, read_events

MOST_GRAPHS = 40
MOST_CLASSES = 50
_LEFT_OUT = ("host", "user", "home", "path", "folder", "cwd", "token")


def write(run: Path, out: Path) -> dict[str, Any]:
    """Write the report of a run to `out`; the `report` command's answer.

    `RunError` if there is no run, `DocumentError` if the file can't be written.
    """
    text = report(run)
    if not out.absolute().parent.is_dir():
        raise DocumentError(f"There is no folder '{out.parent}'.", "Make it, or choose another.")
    atomic.write(out, text.encode())
    return {"path": str(out), "run": str(run), "bytes": len(text.encode())}


def report(run: Path) -> str:
    """The HTML of a run's report; what is missing in its folder is left out."""
    folder = RunFolder.open(run)
    row = run_table.row(run)
    events, _ = read_events(folder.path)
    title = f"{short(row.name, 80)}"
    settings = _table("Settings", row.settings.items())
    environment = _table("Environment", _plain(folder.read_json("environment.json")))
    parts = [
        _beside(_facts(row, folder), _metrics(row, events)),
        _curves(events),
        _confusions(events),
        _smaller(run),
        _graphs(folder),
        _beside(settings, _data(folder.read_json("data.json")), environment),
    ]
    return _PAGE.replace("$TITLE", escape(title)).replace("$BODY", "\n".join(filter(None, parts)))


def _facts(row: RunRow, folder: RunFolder) -> str:
    error = folder.status().get("error")
    facts: list[tuple[str, object]] = [
        ("Status", row.status),
        ("Epochs", f"{row.epoch} of {row.epochs}" if row.epochs else row.epoch),
        ("Batches", f"{row.step:,}"),
        ("Time", f"{row.seconds:.1f} s"),
    ]
    if row.started:
        facts.append(("Started", time.strftime("%Y-%m-%d %H:%M", time.localtime(row.started))))
    if row.best_value is not None:
        name, epoch = row.best.get("monitor") or "value", row.best.get("epoch")
        facts.append((f"Best {name}", f"{row.best_value:.6g} after epoch {epoch}"))
    if row.origin:
        facts.append(("Started from", row.origin))
    if row.note:
        facts.append(("Note", row.note))
    if isinstance(error, Mapping):
        facts.append(("Error", f"{error.get('message', '')} {error.get('hint', '')}"))
    return _table("", facts)


def _curves(events: Iterable[Event]) -> str:
    """A plot for each metric, with its training and validation side by side."""
    groups: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for event in events:
        if event.event != "epoch":
            continue
        for key, value in event.values.items():
            part, _, name = key.partition("/")
            if part in ("train", "val") and name and _number(value):
                label = "validation" if part == "val" else "training"
                curve = groups.setdefault(name, {}).setdefault(label, [])
                curve.append((float(event.epoch), float(value)))
    made = [
        f"<figure><figcaption>{escape(name)}</figcaption>{plots.plot(curves)}</figure>"
        for name, curves in sorted(groups.items(), key=lambda pair: (pair[0] != "loss", pair[0]))
    ]
    return _section("Curves", f'<div class="plots">{"".join(made)}</div>') if made else ""


def _metrics(row: RunRow, events: Iterable[Event]) -> str:
    best: Mapping[str, Any] = {}
    for event in events:
        if event.event == "epoch" and event.values.get("best"):
            best = event.values
    keys = [key for key, value in row.metrics.items() if value is not None]
    lines = [
        (key, f"{row.metrics[key]:.6g}", f"{best[key]:.6g}" if _number(best.get(key)) else "")
        for key in sorted(keys)
    ]
    return _table("Metrics", lines, ("", "last epoch", "best epoch")) if lines else ""


def _confusions(events: Iterable[Event]) -> str:
    latest: Mapping[str, Any] = {}
    for event in events:
        tables = event.values.get("tables")
        if event.event == "epoch" and isinstance(tables, Mapping):
            latest = tables
    made = []
    for name, table in latest.items():
        classes, matrix = table.get("classes"), table.get("matrix")
        fits = isinstance(classes, list) and isinstance(matrix, list)
        if not fits or not 0 < len(matrix) == len(classes) <= MOST_CLASSES:
            continue
        head = "".join(f"<th>{escape(short(str(each), 16))}</th>" for each in classes)
        lines = []
        for label, values in zip(classes, matrix, strict=True):
            total = sum(value for value in values if _number(value)) or 1
            cells = "".join(_cell(value, value / total) for value in values if _number(value))
            lines.append(f"<tr><th>{escape(short(str(label), 16))}</th>{cells}</tr>")
        made.append(
            f"<figure><figcaption>{escape(str(name))}: rows are what a sample is, columns what was "
            f'said.</figcaption><table class="matrix"><tr><th></th>{head}</tr>{"".join(lines)}'
            "</table></figure>"
        )
    return _section("Confusion", f'<div class="pictures">{"".join(made)}</div>') if made else ""


def _smaller(run: Path) -> str:
    """The table of the files that were made smaller; times are of the machine of the run."""
    heads, lines = smaller.table(run)
    return _table("Smaller files", [line.cells for line in lines], heads)


def _cell(value: float, share: float) -> str:
    """A count, on a ground as strong as its share of the row; readable on both grounds."""
    kind = "none" if not value else "much" if share > 0.5 else ""
    ground = f' style="background:rgb(43 90 190 / {share:.2f})"' if value else ""
    return f"<td{f' class={kind}' if kind else ''}{ground}>{value:g}</td>"


def _graphs(folder: RunFolder) -> str:
    try:
        document = files.load(folder.project_path)
    except DocumentError as error:
        return _section("Graphs", f"<p>The project can't be read: {escape(str(error))}</p>")
    made = []
    graphs = chosen(document)
    for graph in graphs[:MOST_GRAPHS]:
        about = figure(document, graph)
        made.append(
            f'<figure class="graph"><figcaption>{escape(about.title)} ({graph.kind})</figcaption>'
            f"{texts.svg(about)}</figure>"
        )
    if len(graphs) > MOST_GRAPHS:
        made.append(f"<p>And {len(graphs) - MOST_GRAPHS} more.</p>")
    heading = short(document.project.title, 120)
    title = f"Graphs of {heading}" if heading else "Graphs"
    return _section(title, f'<div class="pictures">{"".join(made)}</div>')


def _data(data: Mapping[str, Any]) -> str:
    lines: list[tuple[str, object]] = []
    parts = data.get("parts")
    if isinstance(parts, Mapping):
        lines += [(f"{part} samples", count) for part, count in parts.items()]
    for entry in data.get("fields", ()) if isinstance(data.get("fields"), list) else ():
        if isinstance(entry, Mapping):
            shape = entry.get("shape")
            dims = "×".join(map(str, shape)) if isinstance(shape, list) and shape else "number"
            lines.append((f"field {entry.get('name')}", f"{dims} {entry.get('dtype', '')}"))
    if data.get("fingerprint"):
        lines.append(("fingerprint", data["fingerprint"]))
    return _table("Data", lines)


def _plain(values: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    """What may be shown to anybody: no names of machines, people and folders."""
    for key, value in values.items():
        private = any(word in key.lower() for word in _LEFT_OUT)
        if isinstance(value, str | int | float | bool) and not private:
            yield key, value


def _table(title: str, lines: Iterable[tuple[object, ...]], head: tuple[str, ...] = ()) -> str:
    made = [
        "<tr><th>"
        + escape(str(first))
        + "</th>"
        + "".join(f"<td>{escape('' if each is None else str(each))}</td>" for each in rest)
        + "</tr>"
        for first, *rest in lines
    ]
    if not made:
        return ""
    top = f"<tr>{''.join(f'<th>{escape(each)}</th>' for each in head)}</tr>" if head else ""
    return _section(title, f"<table>{top}{''.join(made)}</table>")


def _section(title: str, body: str) -> str:
    heading = f"<h2>{escape(title)}</h2>" if title else ""
    return f"<section>{heading}{body}</section>"


def _beside(*sections: str) -> str:
    """Sections side by side as far as there is room."""
    found = "".join(sections)
    return f'<div class="beside">{found}</div>' if found else ""


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>$TITLE</title>
<style>
:root { color-scheme: light dark; --line: #d5dae3; --soft: #5a6577; --ground: #fff;
  --text: #17202e; }
@media (prefers-color-scheme: dark) {
  :root { --line: #333d4d; --soft: #9aa5b8; --ground: #141a23; --text: #e4e9f2; }
}
body { margin: 0 auto; max-width: 1180px; padding: 32px 24px; background: var(--ground);
  color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 26px; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 32px 0 8px; }
h2, figcaption { break-after: avoid; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
tr { break-inside: avoid; }
th, td { text-align: left; padding: 4px 16px 4px 0; border-bottom: 1px solid var(--line);
  font-weight: 400; overflow-wrap: anywhere; vertical-align: top; }
th { color: var(--soft); min-width: 7em; }
.beside { display: flex; flex-wrap: wrap; column-gap: 64px; align-items: flex-start; }
.beside section { flex: 0 1 auto; max-width: 100%; }
.beside:first-of-type section:not(:has(h2)) { margin-top: 24px; }
.matrix td, .matrix th { text-align: right; padding: 3px 8px; border: 1px solid var(--line);
  min-width: 1.5em; }
.matrix .none { color: var(--soft); }
.matrix .much { color: #fff; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(420px, 100%), 1fr));
  gap: 16px; }
.pictures { display: flex; flex-wrap: wrap; gap: 8px 48px; align-items: flex-start; }
figure { margin: 0 0 24px; overflow-x: auto; max-width: 100%; break-inside: avoid; }
figcaption { color: var(--soft); margin-bottom: 4px; }
svg { max-width: 100%; height: auto; }
.plot { width: 100%; }
.grid { stroke: var(--line); }
.tick { fill: var(--soft); }
.legend { margin: 0; color: var(--soft); font-size: 13px; }
.legend span { margin-right: 16px; }
.legend i { display: inline-block; width: 12px; height: 3px; margin-right: 6px;
  vertical-align: middle; print-color-adjust: exact; }
.matrix { print-color-adjust: exact; }
@media screen and (prefers-color-scheme: dark) {
  .graph svg { filter: invert(0.88) hue-rotate(180deg); }
}
@media print {
  :root { color-scheme: light; --line: #d5dae3; --soft: #4a5567; --ground: #fff; --text: #000; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .plots { grid-template-columns: 1fr 1fr; }
  .graph svg { max-height: 23cm; }
  .beside { column-gap: 1cm; }
}
</style>
</head>
<body>
<h1>$TITLE</h1>
$BODY
</body>
</html>
"""
