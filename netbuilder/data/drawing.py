"""A graph that all samples share, as places in a plane and lines between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from netbuilder.data.depicting import Array
from netbuilder.data.sources import Field

NODES, EDGES = 400, 4000
"""A graph with more is no picture."""


def draw(fields: Sequence[Field], contents: Mapping[str, Array]) -> dict[str, Any] | None:
    """`points` (x, y from -1 to 1), `edges` (pairs of nodes), `classes` (a number a node, -1 if
    it is not known) and `names` of the classes; None where there is no graph, or a large one.

    Edges are a shared field (2, edges) of whole numbers. Nodes have their class in a field of
    classes: in order, or by the field of whole numbers that says which node a sample is.
    """
    edges = next((f for f in fields if _holds_edges(f)), None)
    if edges is None:
        return None
    pairs = np.asarray(contents[edges.name]).T
    # What is told of edges has as many rows as there are edges.
    rows = [f.shape[0] for f in fields if not f.batched and len(f.shape) == 2 and f is not edges]
    count = max([int(pairs.max(initial=-1)) + 1, *(each for each in rows if each != len(pairs))])
    if count > NODES or len(pairs) > EDGES:
        return None
    import networkx

    graph = networkx.Graph()
    graph.add_nodes_from(range(count))
    graph.add_edges_from(pairs.tolist())
    places = networkx.spring_layout(graph, seed=0, k=2.5 / max(1.0, count**0.5))
    names, classes = _classes(fields, contents, count)
    return {
        "points": [[round(float(x), 3) for x in places[node]] for node in range(count)],
        "edges": [list(pair) for pair in graph.edges if pair[0] != pair[1]],
        "classes": classes,
        "names": names,
    }


def _holds_edges(field: Field) -> bool:
    whole = field.dtype.startswith("int") and not field.batched
    return whole and len(field.shape) == 2 and field.shape[0] == 2


def _classes(
    fields: Sequence[Field], contents: Mapping[str, Array], count: int
) -> tuple[list[str], list[int]]:
    found = [-1] * count
    labels = next((f for f in fields if f.is_class and f.classes), None)
    if labels is None:
        return [], found
    values = contents[labels.name]
    which = next((f for f in fields if _says_which(f)), None)
    nodes = contents[which.name] if which is not None else np.arange(len(values))
    for node, value in zip(nodes.tolist(), values.tolist(), strict=False):
        if 0 <= node < count:
            found[node] = int(value)
    return list(labels.classes), found


def _says_which(field: Field) -> bool:
    return field.batched and not field.shape and field.dtype == "int64" and not field.classes
