"""What was made of a run after it: files in `RUN/artifacts`, and a table with a row for each.

Torch-free. A row has `name`, `file`, `kind`, `bytes`, `parameters`, `metrics`, `latency_ms` (by
the number of samples), `against` (the row that it is to be held against) and what else its kind
has to say: `latency_quartiles_ms`, between which half of the calls lie, and `threads`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netbuilder.storage import atomic

FOLDER, TABLE = "artifacts", "table.json"
Row = dict[str, Any]
_NUMBERS = ("bytes", "parameters")
_GROUPS = ("metrics", "latency_ms")


def rows(run: Path) -> list[Row]:
    """The rows of a run's table; none where there is no table, or a damaged one."""
    try:
        found = json.loads((run / FOLDER / TABLE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return []
    return [row for row in found if _whole(row)] if isinstance(found, list) else []


def _whole(row: Any) -> bool:
    """Whether what everybody counts on is there."""
    return (
        isinstance(row, dict)
        and all(isinstance(row.get(key), str) for key in ("name", "file", "kind"))
        and all(isinstance(row.get(key), int) for key in _NUMBERS)
        and all(isinstance(row.get(key), dict) for key in _GROUPS)
    )


def keep(run: Path, made: Sequence[Row]) -> None:
    """Put rows into a run's table, in the place of older ones of the same names."""
    new = {row["name"] for row in made}
    kept = [*(row for row in rows(run) if row["name"] not in new), *made]
    atomic.write(run / FOLDER / TABLE, json.dumps(kept, indent=1, allow_nan=False).encode())


def spread(row: Row, size: str) -> float | None:
    """Half the distance between the quartiles of a row's latency, by the median; None if unknown.

    In the usual case half of the calls took within so much of the median.
    """
    median, ends = row["latency_ms"].get(size), row.get("latency_quartiles_ms")
    found = ends.get(size) if isinstance(ends, dict) else None
    match found:
        case [int() | float() as low, int() | float() as high] if median and high >= low:
            return float((high - low) / 2 / median)
    return None
