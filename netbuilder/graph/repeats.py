"""Runs of nodes that come again in a graph: equal in layers, parameters and wires.

Nodes stand in a line, sources before targets; a run is a part of the line. So whatever is made
one node of a run leads to no circle.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from netbuilder.graph import rules, topology
from netbuilder.graph.blocks import ENDS
from netbuilder.graph.document import Graph
from netbuilder.graph.expressions import holds_expression
from netbuilder.graph.model import Node

LEAST = 2
"""Nodes in a run."""
MOST_TRIED = 200
"""So many candidates are looked at closely in one round, the most promising first."""

Source = tuple[int, str]
"""A place in the line and an output port there."""
Port = tuple[int, str]
"""A place from the start of a run, and a port there."""


@dataclass(frozen=True, slots=True)
class Run:
    """A part of the line that is at several `starts`.

    `inputs` are the ports that one value comes to, each with that value at each start;
    `outputs` what others read. `in_row`: each feeds the next, and nobody else sees what is in
    between; the first inputs are then those that the outputs go to.
    """

    starts: tuple[int, ...]
    length: int
    inputs: tuple[tuple[tuple[Source, ...], tuple[Port, ...]], ...]
    outputs: tuple[Port, ...]
    in_row: bool

    @property
    def gain(self) -> int:
        """How many nodes fewer there are to look at once it is a block."""
        uses = 1 if self.in_row else len(self.starts)
        inside = self.length + len(self.inputs) + len(self.outputs)
        return len(self.starts) * self.length - uses - inside


@dataclass(slots=True)
class Line:
    """The nodes of a graph in a row. `kinds` are equal for nodes that may stand for each other."""

    nodes: list[Node]
    kinds: list[int] = field(default_factory=list)
    feeds: list[list[tuple[str, int, str]]] = field(default_factory=list)
    """For each place: input port, place and port of what feeds it."""
    readers: list[dict[str, list[int]]] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    """The place whose weights a node uses; -1 for its own."""
    sharers: list[list[int]] = field(default_factory=list)
    width: list[int] = field(default_factory=list)
    """How many values are made before a place and read from there on."""


def lines(graph: Graph) -> Iterator[Line]:
    """The graph as lines: in its own order, and from its ends backwards; none for circles."""
    ids = topology.sorted_nodes(graph)
    if len(ids) == len(graph.nodes):
        yield _line(graph, ids)
        yield _line(graph, _backwards(graph, ids))


def _backwards(graph: Graph, ids: list[str]) -> list[str]:
    """Each node right after all that it needs: branches stay together, whatever their ranks."""
    done: dict[str, None] = {}
    for end in ids:
        if graph.wires_out_of(end):
            continue
        stack = [(end, False)]
        while stack:
            id, ready = stack.pop()
            if ready:
                done[id] = None
            elif id not in done:
                stack.append((id, True))
                wires = sorted(graph.wires_into(id), key=lambda wire: wire.target_port)
                stack += [(wire.source, False) for wire in reversed(wires)]
    return list(done)


def _line(graph: Graph, ids: list[str]) -> Line:
    at = {id: place for place, id in enumerate(ids)}
    line = Line([graph.nodes[id] for id in ids])
    known: dict[str, int] = {}
    line.readers = [{} for _ in ids]
    line.sharers = [[] for _ in ids]
    for place, node in enumerate(line.nodes):
        line.kinds.append(_kind(node, known, place))
        wires = sorted(graph.wires_into(node.id), key=lambda wire: wire.target_port)
        line.feeds.append([(w.target_port, at[w.source], w.source_port) for w in wires])
        for wire in wires:
            line.readers[at[wire.source]].setdefault(wire.source_port, []).append(place)
        owner = at.get(node.shares, -1)
        line.owners.append(owner)
        if owner >= 0:
            line.sharers[owner].append(place)
    change = [0] * (len(ids) + 2)
    for place, ports in enumerate(line.readers):
        for read in ports.values():
            change[place + 1] += 1
            change[max(read) + 1] -= 1
    total = 0
    for step in change[:-1]:
        total += step
        line.width.append(total)
    return line


def _kind(node: Node, known: dict[str, int], place: int) -> int:
    """A number for nodes that are alike; one of its own for what stays where it is."""
    if node.layer in ENDS or holds_expression(node.params):
        return -1 - place
    said = (sorted(node.params.items()), node.note, node.mute, sorted(node.extra.items()))
    return known.setdefault(f"{node.layer} {said!r}", len(known))


# -- finding -------------------------------------------------------------------------------------


def best(line: Line) -> Run | None:
    """The run whose block saves most, with all rows like it; None if none saves anything."""
    alike: dict[tuple[object, ...], list[Run]] = {}
    for _, starts, length in sorted(_candidates(line), reverse=True)[:MOST_TRIED]:
        for run in _runs(line, starts, length):
            if run.gain > 0:
                ports = tuple(ports for _, ports in run.inputs)
                key = (signature(line, run.starts[0], length), ports, run.outputs)
                alike.setdefault(key, []).append(run)
    groups = [sorted(runs, key=lambda run: -run.gain) for runs in alike.values()]
    return max(groups, key=_saved)[0] if groups else None


def _saved(runs: Sequence[Run]) -> tuple[int, int]:
    """How many nodes these save together, those that lie on others left out; the shorter first."""
    taken: set[int] = set()
    total = 0
    for run in runs:
        places = {at for start in run.starts for at in range(start, start + run.length)}
        if taken.isdisjoint(places):
            # Only the first one pays for the block.
            inside = run.length + len(run.inputs) + len(run.outputs)
            total += run.gain + (inside if taken else 0)
            taken |= places
    return total, -runs[0].length


def _candidates(line: Line) -> list[tuple[int, tuple[int, ...], int]]:
    """Places where the kinds of nodes come again: the most that it can save, starts, length."""
    import numpy as np

    kinds = np.array(line.kinds)
    rows: set[tuple[int, tuple[int, ...], int]] = set()
    apart: dict[tuple[int, ...], set[int]] = {}
    for shift in range(LEAST, len(kinds) - LEAST + 1):
        alike = np.flatnonzero(np.diff(np.concatenate(([0], kinds[:-shift] == kinds[shift:], [0]))))
        for first, end in zip(alike[::2].tolist(), alike[1::2].tolist(), strict=True):
            if end - first >= shift:
                rows |= set(_rows(line, first, end - first, shift))
            elif end - first >= LEAST:
                start, stop = _neat(line, first, end)
                if stop - start >= LEAST:
                    key = tuple(line.kinds[start:stop])
                    apart.setdefault(key, set()).update((start, start + shift))
    for key, starts in apart.items():
        chosen: list[int] = []
        for start in sorted(starts):
            if not chosen or start >= chosen[-1] + len(key):
                chosen.append(start)
        if len(chosen) > 1:
            rows.add((_most(len(chosen), len(key), row=False), tuple(chosen), len(key)))
    return list(rows)


def _most(count: int, length: int, *, row: bool) -> int:
    return count * length - (1 if row else count) - length - 1


def _rows(
    line: Line, first: int, alike: int, length: int
) -> Iterator[tuple[int, tuple[int, ...], int]]:
    """Runs that follow one another: as many as there are, or one fewer for a neater cut."""
    count = (alike + length) // length
    spare = alike + length - count * length
    for fewer, room in ((count, spare), (count - 1, spare + length)):
        if fewer > 1:
            start = min(range(first, first + room + 1), key=lambda at: _cut(line, at, length))
            starts = tuple(range(start, start + fewer * length, length))
            yield _most(fewer, length, row=True), starts, length


def _cut(line: Line, start: int, length: int) -> tuple[int, int, bool, int]:
    """How good it is to begin a run here: few values cross, and names are of one scope."""
    nodes = line.nodes[start : start + length]
    return line.width[start], -len(scope(nodes)), is_plain(nodes[0]), start


def _neat(line: Line, first: int, end: int) -> tuple[int, int]:
    """The part of a run between the places where the fewest values cross."""
    widths = line.width[first : end + 1]
    least = min(widths)
    return first + widths.index(least), end - widths[::-1].index(least)


def _runs(line: Line, starts: Sequence[int], length: int) -> Iterator[Run]:
    """The runs among these that are wired alike."""
    signed = [(start, signature(line, start, length)) for start in starts]
    for sign, same in groupby(signed, key=lambda pair: pair[1]):
        chosen = [start for start, _ in same]
        if sign is not None and len(chosen) > 1:
            run = _run(line, chosen, length)
            if run is not None:
                yield run
    by_sign: dict[tuple[object, ...], list[int]] = {}
    for start, sign in signed:
        if sign is not None:
            by_sign.setdefault(sign, []).append(start)
    for chosen in by_sign.values():
        run = _run(line, chosen, length) if len(chosen) > 1 else None
        if run is not None:
            yield run


def signature(line: Line, start: int, length: int) -> tuple[object, ...] | None:
    """How the nodes of a run are wired and share weights; None if it can't be a block."""
    inside = range(start, start + length)
    said: list[object] = []
    for place in inside:
        wires = tuple(
            (port, source - start, name) if source in inside else (port,)
            for port, source, name in line.feeds[place]
        )
        owner = line.owners[place]
        if owner >= 0 and owner not in inside:
            return None
        if any(sharer not in inside for sharer in line.sharers[place]):
            return None
        said.append((line.kinds[place], wires, owner - start if owner >= 0 else None))
    return tuple(said)


def _run(line: Line, starts: Sequence[int], length: int) -> Run | None:
    coming: dict[tuple[Source, ...], list[Port]] = {}
    outputs: list[Port] = []
    for at in range(length):
        for number, (port, source, _) in enumerate(line.feeds[starts[0] + at]):
            if not starts[0] <= source < starts[0] + length:
                sources = tuple(line.feeds[start + at][number][1:] for start in starts)
                coming.setdefault(sources, []).append((at, port))
        read: set[str] = set()
        for start in starts:
            for port, places in line.readers[start + at].items():
                if any(not start <= place < start + length for place in places):
                    read.add(port)
        outputs += [(at, port) for port in sorted(read)]
    if not outputs:
        return None
    fed = _fed(line, starts, length, outputs, coming)
    ordered = [*fed, *(sources for sources in coming if sources not in fed)]
    inputs = tuple((sources, tuple(coming[sources])) for sources in ordered)
    return Run(tuple(starts), length, inputs, tuple(outputs), bool(fed))


def _fed(
    line: Line,
    starts: Sequence[int],
    length: int,
    outputs: Sequence[Port],
    coming: dict[tuple[Source, ...], list[Port]],
) -> list[tuple[Source, ...]]:
    """For a row: the values that the outputs become in the next, in their order; else none."""
    found: list[tuple[Source, ...]] = []
    for at, port in outputs:
        before = [(start + at, port) for start in starts[:-1]]
        goes = [sources for sources in coming if list(sources[1:]) == before]
        if len(goes) != 1 or goes[0] in found:
            return []
        found += goes
        for start, after in pairwise(starts):
            own = range(start, start + length)
            reach = range(after, after + length)
            read = line.readers[start + at].get(port, ())
            if any(place not in own and place not in reach for place in read):
                return []
    rest = [sources for sources in coming if sources not in found]
    return found if all(len(set(sources)) == 1 for sources in rest) else []


# -- names ---------------------------------------------------------------------------------------

_NUMBER = re.compile(r"_\d+\Z")


def is_plain(node: Node) -> bool:
    """Whether a name follows from the layer alone, or has one word up to a number: `relu_3`."""
    name = _NUMBER.sub("", node.name)
    return "_" not in name or name == rules.default_name(node.layer)


def scope(nodes: Sequence[Node]) -> tuple[str, ...]:
    """The words that names begin with: `encoder layer 0` of `encoder_layer_0_norm` and others.

    Plain names don't count.
    """
    words = [node.name.split("_")[:-1] for node in nodes if not is_plain(node)]
    if len(words) > 1:
        return common(words)
    # Of a single one, up to the number that tells it from those in other runs.
    alone = words[0] if words else []
    while alone and not alone[-1].isdecimal():
        alone.pop()
    return tuple(alone)


def short(node: Node, prefix: Sequence[str]) -> str:
    """A node's name inside of its scope."""
    words = node.name.split("_")
    if is_plain(node):
        return rules.identifier(_NUMBER.sub("", node.name))
    inside = prefix and tuple(words[: len(prefix)]) == tuple(prefix)
    return rules.identifier("_".join(words[len(prefix) :]) if inside else node.name)


def common(words: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The words that all begin with."""
    same: list[str] = []
    for column in zip(*words, strict=False):
        if len(set(column)) > 1:
            break
        same.append(column[0])
    return tuple(same)
