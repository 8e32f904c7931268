"""The table of a run's smaller files, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netbuilder.errors import DocumentError
from netbuilder.storage import files
from netbuilder.training import artifacts


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the table: its cells, and the project that begins with its weights, if any.

    `tips` say more of the last cells.
    """

    name: str
    cells: tuple[str, ...]
    project: Path | None = None
    tips: tuple[str, ...] = ()


def networks(run: Path) -> list[str]:
    """The names of a run's networks; none where its project can't be read."""
    try:
        document = files.load(run / "project.netb")
    except DocumentError:
        return []
    return [graph.name for graph in document.of_kind("network")]


def count(wish: Mapping[str, Any]) -> int:
    """How many files a wish makes, if all can be made."""
    variants = 1 + sum(wish.get(name) is not None for name in ("prune", "structured"))
    return variants * (1 + bool(wish.get("fp16")) + 2 * bool(wish.get("int8")))


def folder(run: Path) -> Path:
    """Where a run's files lie."""
    return run / artifacts.FOLDER


def stamps(run: Path) -> dict[str, tuple[int, ...]]:
    """When each row's file was written, by name: what is made anew has another one."""
    found: dict[str, tuple[int, ...]] = {}
    for row in artifacts.rows(run):
        try:
            status = (folder(run) / Path(row["file"]).name).stat()
        except OSError:
            continue
        found[row["name"]] = (status.st_mtime_ns, status.st_ino)
    return found


def table(run: Path, network: str = "") -> tuple[tuple[str, ...], list[Line]]:
    """The heads and the lines of a run's table; of several networks those of this one."""
    rows = [row for row in artifacts.rows(run) if network in ("", str(row.get("network", "")))]
    metrics = list(dict.fromkeys(key for row in rows for key in row["metrics"]))
    sizes = sorted({key for row in rows for key in row["latency_ms"]}, key=_size)
    heads = ("File", "Size", "", "Packed", "Parameters", *metrics)
    heads += tuple("1 sample" if size == "1" else f"{size} samples" for size in sizes)
    whole = next((row for row in rows if row["against"] is None), None) if rows else None
    return heads, [_line(run, row, whole, metrics, sizes) for row in rows]


def _line(
    run: Path,
    row: Mapping[str, Any],
    whole: Mapping[str, Any] | None,
    metrics: Sequence[str],
    sizes: Sequence[str],
) -> Line:
    saved = ""
    if whole is not None and row is not whole and whole["bytes"]:
        saved = f"{100 * (row['bytes'] / whole['bytes'] - 1):+.0f} %".replace("-", "−")
        saved = "" if saved in ("+0 %", "−0 %") else saved
    cells = [row["name"], data_size(row["bytes"]), saved, data_size(row.get("packed_bytes"))]
    left, zeros = row["parameters"], row.get("zeros")
    share = zeros / left if isinstance(zeros, int) and left else 0.0
    cells.append(f"{left:,} ({100 * share:.0f} % zero)" if share > 0.01 else f"{left:,}")
    cells += [_number(row["metrics"].get(key)) for key in metrics]
    cells += [_time(row["latency_ms"].get(size)) for size in sizes]
    project = row.get("project")
    beside = isinstance(project, str) and project == Path(project).name
    path = folder(run) / str(project) if beside else None
    return Line(row["name"], tuple(cells), path, tuple(_about_time(row, size) for size in sizes))


def _about_time(row: Mapping[str, Any], size: str) -> str:
    ends = row.get("latency_quartiles_ms")
    match ends.get(size) if isinstance(ends, Mapping) else None:
        case [int() | float() as low, int() | float() as high]:
            return f"The median. Half of the calls took {_time(low)} to {_time(high)}."
    return ""


def data_size(count: object) -> str:
    """Bytes for people."""
    if not isinstance(count, int):
        return "–"
    if count < 100_000:
        return f"{count / 1000:.1f} KB"
    return f"{count / 1000:,.0f} KB" if count < 10_000_000 else f"{count / 1e6:,.1f} MB"


def _size(text: str) -> tuple[int, str]:
    return (int(text), "") if text.isdigit() else (0, text)


def _time(value: object) -> str:
    """Milliseconds for people."""
    if not isinstance(value, int | float):
        return "–"
    return f"{value:.3g} ms" if value >= 0.1 else f"{1000 * value:.3g} µs"


def _number(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, int | float) else "–"
