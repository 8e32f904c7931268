"""Opens graphs in text files."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netbuilder.data import places
from netbuilder.data.graph_files import MAX_IDENTITY, EdgeList
from netbuilder.data.reading.graph_lines import Graph, number_in, read
from netbuilder.data.reading.npy import Array
from netbuilder.data.reading.opening import Opened, opened, problem, problems
from netbuilder.data.reading.table_reading import ArrayReader
from netbuilder.errors import NetbuilderError

MAX_NUMBERS = 2**27


@opened.register
def _(source: EdgeList) -> Opened:
    if not source.edges:
        raise problems([problem("data.files", "No edge list is chosen.", "Choose a file.")])
    paths = [places.resolve(path) for path in source.paths() if path]
    try:
        graph = read(paths[0], paths[1] if source.nodes else None, directed=source.directed)
        contents = arrays(source, graph)
    except NetbuilderError as error:
        raise problems([problem("data.file", str(error), error.hint)]) from error
    notes = []
    if graph.broken:
        shown = "; ".join(graph.broken[:5])
        notes.append(("corrupt", f"{len(graph.broken)} lines were left out ({shown})."))
    own = {each.name for each in source.fields() if each.batched}
    samples = {name: array for name, array in contents.items() if name in own}
    return Opened(ArrayReader(samples), contents=contents, notes=tuple(notes))


def arrays(source: EdgeList, graph: Graph) -> Mapping[str, Array]:
    """The fields; `NetbuilderError` where the files are not what the source declares."""
    _agree("nodes", source.node_count, len(graph.names))
    _agree("edges", source.edge_count, len(graph.edges))
    if source.weights and not graph.weighted:
        raise NetbuilderError("Not every edge has a strength.", "Set 'weights' to off.")
    ends = [(*pair, strength) for pair, strength in graph.edges.items()]
    if not source.directed:
        ends += [(b, a, strength) for a, b, strength in ends]
    ends.sort()
    pairs = np.array([(a, b) for a, b, _ in ends], dtype=np.int64).reshape(-1, 2)
    found = {
        "features": _features(source, graph, pairs),
        "edge_index": np.ascontiguousarray(pairs.T),
        "node": np.arange(len(graph.names), dtype=np.int64),
    }
    if source.weights:
        found["edge_weight"] = np.array([strength for _, _, strength in ends], dtype=np.float32)
    if source.classes:
        found["label"] = _labels(source, graph)
    return found


def _agree(what: str, declared: int, found: int) -> None:
    if declared != found:
        raise NetbuilderError(
            f"The files hold {found} {what}, and the settings say {declared}.",
            "They were changed: choose the file again.",
        )


def _features(source: EdgeList, graph: Graph, pairs: Array) -> Array:
    count = len(graph.names)
    if not source.features:
        if source.stand_in == "degree":
            degrees = np.bincount(pairs[:, 0], minlength=count)
            return degrees.astype(np.float32)[:, None]
        if count > MAX_IDENTITY:
            hint = "Set 'stand_in' to degree."
            text = f"{count} nodes are too many for a row of features each by its number."
            raise NetbuilderError(text, hint)
        return np.eye(count, dtype=np.float32)
    if count * source.features > MAX_NUMBERS:
        text = f"The nodes have more than {MAX_NUMBERS:,} numbers."
        raise NetbuilderError(text, "Leave some of them out.")
    begin = 1 if source.classes and source.class_at == "first" else 0
    found = np.empty((count, source.features), dtype=np.float32)
    for name, cells, row in zip(graph.names, graph.rows, found, strict=True):
        values = [number_in(cell) for cell in cells[begin : begin + source.features]]
        if len(cells) != source.features + bool(source.classes) or None in values:
            text = f"The line of node '{name[:40]}' does not have {source.features} numbers."
            raise NetbuilderError(text, "Correct the file of the nodes.")
        row[:] = values
    return found


def _labels(source: EdgeList, graph: Graph) -> Array:
    at = 0 if source.class_at == "first" else -1
    numbers = {name: number for number, name in enumerate(source.classes)}
    found = []
    for name, cells in zip(graph.names, graph.rows, strict=True):
        label = cells[at] if cells else ""
        if label not in numbers:
            shown = f"the class '{label[:40]}', which is not declared" if label else "no class"
            raise NetbuilderError(f"Node '{name[:40]}' has {shown}.", "Choose the file again.")
        found.append(numbers[label])
    return np.array(found, dtype=np.int64)
