"""Proposes to train on the nodes of a graph whose edges are in a text file."""

from __future__ import annotations

from pathlib import Path

from netbuilder.data.graph_files import MAX_IDENTITY, EdgeList
from netbuilder.data.proposals.proposing import Proposal
from netbuilder.data.reading import graph_lines
from netbuilder.data.reading.graph_lines import number_in
from netbuilder.errors import NetbuilderError

EDGES = (".edges", ".edgelist", ".cites")
NODES = (".nodes", ".content")
TEMPLATES = ("gcn", "graphsage", "gat", "gin")
MAX_CLASSES = 1000


def propose(path: Path) -> Proposal | None:
    """For `X.edges`, with `X.nodes` beside it or not; for a folder with one such file."""
    if path.is_dir():
        found = [each for suffix in EDGES for each in sorted(path.glob(f"*{suffix}"))]
        if len(found) != 1:
            return None
        path = found[0]
    if path.suffix.lower() not in EDGES or not path.is_file():
        return None
    nodes = next((p for s in NODES if (p := path.with_suffix(s)).is_file()), None)
    graph = graph_lines.read(path, nodes, directed=False)
    if not graph.edges:
        raise NetbuilderError(f"'{path.name}' has no edges.", "A line has two names of nodes.")
    classes, class_at, features = _declared(graph.rows)
    count = len(graph.names)
    params = {
        "edges": str(path),
        "nodes": "" if nodes is None else str(nodes),
        "classes": classes,
        "class_at": class_at,
        "node_count": count,
        "edge_count": len(graph.edges),
        "features": features,
        "stand_in": "number" if count <= MAX_IDENTITY else "degree",
        "weights": graph.weighted,
    }
    source = EdgeList.model_validate(params)
    notes = [f"{count} nodes and {len(graph.edges)} edges, each taken for both directions."]
    left_out = ((graph.loops, "go from a node to itself"), (graph.twice, "are there twice"))
    notes += [f"{number} edges {what}: left out." for number, what in left_out if number]
    if graph.broken:
        count, first = len(graph.broken), graph.broken[0]
        notes.append(f"Lines that can't be read, left out: {count} ({first}).")
    if not classes:
        notes.append("The nodes have no classes: put them into a file of nodes beside it.")
    return Proposal(
        source.id,
        source.model_dump(mode="json", exclude_defaults=True),
        path.stem,
        count,
        source.fields(),
        "node",
        {"normalise": ("features",)} if features and not _binary(graph.rows, class_at) else {},
        TEMPLATES if classes else (),
        tuple(notes),
    )


def _declared(rows: list[list[str]]) -> tuple[tuple[str, ...], str, int]:
    """Classes, where they stand, and how many numbers are beside them."""
    widths = {len(cells) for cells in rows}
    if len(widths) != 1 or (width := widths.pop()) == 0:
        return (), "first", 0
    columns = [all(number_in(cells[at]) is not None for cells in rows) for at in range(width)]
    # Words tell a class from a number; where all are numbers, the first is the class.
    at = -1 if width > 1 and not columns[-1] and columns[0] else 0
    found = tuple(sorted({cells[at] for cells in rows}, key=_order))
    if not 2 <= len(found) <= min(MAX_CLASSES, max(2, len(rows) // 2)):
        return (), "first", width if all(columns) else 0
    rest = columns[:-1] if at else columns[1:]
    return found, "last" if at else "first", width - 1 if all(rest) else 0


def _order(name: str) -> tuple[float, str]:
    value = number_in(name)
    return (float("inf") if value is None else value, name)


def _binary(rows: list[list[str]], class_at: str) -> bool:
    numbers = slice(1, None) if class_at == "first" else slice(0, -1)
    return all(cell in ("0", "1") for cells in rows for cell in cells[numbers])
