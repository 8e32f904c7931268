"""The lines of graphs in text files: nodes and edges, within limits. Torch-free."""

from __future__ import annotations

import math
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from netbuilder.errors import NetbuilderError

MAX_BYTES = 2**28
MAX_LINE = 2**20
MAX_BROKEN = 0.01
"""The part of the lines that may be unusable; more of them are an error."""
_BETWEEN = re.compile(r"[,;\t ]\s*")


@dataclass
class Graph:
    """What the files hold: edges by the numbers of their ends, and what is known of each node.

    `names` are in the order of the file of nodes, else in that in which edges name them. `edges`
    has each pair of ends once, with its strength. `rows` are the cells of each node's line.
    """

    names: list[str]
    edges: dict[tuple[int, int], float]
    rows: list[list[str]]
    weighted: bool
    twice: int = 0
    loops: int = 0
    broken: list[str] = field(default_factory=list)
    lines: int = 0


def read(edges: Path, nodes: Path | None, *, directed: bool) -> Graph:
    """Read the files; `NetbuilderError` if they can't be."""
    rows: dict[str, list[str]] = {}
    graph = Graph([], {}, [], weighted=True)
    if nodes is not None:
        for number, cells in _lines(nodes):
            if cells[0] in rows:
                raise NetbuilderError(f"Line {number} of '{nodes.name}' names a node again.")
            rows[cells[0]] = cells[1:]
    numbers = {name: at for at, name in enumerate(rows)}
    for number, cells in _lines(edges):
        graph.lines += 1
        ends = cells[:2]
        strength = number_in(cells[2]) if len(cells) == 3 else 1.0
        unknown = [name for name in ends if nodes is not None and name not in numbers]
        if not 2 <= len(cells) <= 3 or strength is None or unknown:
            what = f"'{unknown[0][:40]}' is no node" if unknown else "no edge"
            graph.broken.append(f"line {number}: {what}")
            continue
        graph.weighted &= len(cells) == 3
        one, other = (numbers.setdefault(name, len(numbers)) for name in ends)
        pair = (one, other) if directed else (min(one, other), max(one, other))
        if one == other:
            graph.loops += 1
        elif pair in graph.edges:
            graph.twice += 1
        else:
            graph.edges[pair] = strength
    if len(graph.broken) > max(1, MAX_BROKEN * graph.lines):
        shown = "; ".join(graph.broken[:5])
        bad = f"{len(graph.broken)} of {graph.lines} lines"
        raise NetbuilderError(
            f"{bad} of '{edges.name}' can't be used ({shown}).",
            "A line has two names of nodes, and perhaps a number.",
        )
    graph.names = list(numbers)
    graph.rows = [rows.get(name, []) for name in graph.names]
    graph.weighted &= bool(graph.edges)
    return graph


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every line that says something."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as error:
        raise NetbuilderError(f"'{path.name}' can't be read: {error.strerror}.") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise NetbuilderError(f"'{path.name}' is no file.", "Choose a text file.")
        if status.st_size > MAX_BYTES:
            limit = MAX_BYTES // 2**20
            raise NetbuilderError(f"'{path.name}' is larger than {limit} MB.", "Take a part of it.")
        number = 0
        while raw := file.readline(MAX_LINE + 1):
            number += 1
            if len(raw) > MAX_LINE:
                raise NetbuilderError(f"Line {number} of '{path.name}' is too long.")
            try:
                text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError:
                hint = "Save it as UTF-8."
                raise NetbuilderError(f"Line {number} of '{path.name}' is no text.", hint) from None
            if "\0" in text:
                raise NetbuilderError(f"'{path.name}' is no text file.", "Choose a text file.")
            if text and text[0] not in "#%":
                yield number, _BETWEEN.split(text)


def number_in(text: str) -> float | None:
    """The finite number that a cell holds; None if it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    # Python would take 1_000, which no other program means as a number.
    return value if math.isfinite(value) and "_" not in text else None
