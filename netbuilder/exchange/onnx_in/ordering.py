"""Nodes of a graph in the order in which they run: runtimes sort them, some tools don't."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import onnx

from netbuilder.exchange.onnx_in.inner import inner_graphs


def sort(graph: onnx.GraphProto) -> None:
    """Put nodes behind what makes their inputs, else as they stand; what runs in a circle stays."""
    nodes = list(graph.node)
    for node in nodes:
        for inner in inner_graphs(node):
            sort(inner)
    makers = {name: at for at, node in enumerate(nodes) for name in node.output if name}
    needs = [
        {makers[name] for name in reads(node) if makers.get(name, at) != at}
        for at, node in enumerate(nodes)
    ]
    if all(other < at for at, each in enumerate(needs) for other in each):
        return
    readers: dict[int, list[int]] = {}
    for at, each in enumerate(needs):
        for other in each:
            readers.setdefault(other, []).append(at)
    done: set[int] = set()
    order: list[int] = []
    for start in range(len(nodes)):
        waiting = deque([start])
        while waiting:
            at = waiting.popleft()
            if at not in done and needs[at] <= done:
                done.add(at)
                order.append(at)
                waiting.extend(reader for reader in readers.get(at, ()) if reader < start)
    order += [at for at in range(len(nodes)) if at not in done]
    made = [nodes[at] for at in order]
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in made]
    del graph.node[:]
    graph.node.extend(copies)


def reads(node: onnx.NodeProto) -> Iterator[str]:
    """The values that a node takes from its graph, its inner graphs too."""
    yield from node.input
    for inner in inner_graphs(node):
        own = {each.name for each in (*inner.input, *inner.initializer)}
        own |= {name for each in inner.node for name in each.output}
        for each in inner.node:
            yield from (name for name in reads(each) if name not in own)
        yield from (each.name for each in inner.output if each.name not in own)
