"""The order of nodes within layers, and how far across each stands (Sugiyama, steps 3 and 4).

Barycentre sweeps against crossings, then coordinates by isotonic regression: each node goes as
near to its neighbours as the order in its layer and the sizes allow. Nodes and lanes are
numbers here, so that 5,000 of them take a fraction of a second.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

SWEEPS = 8
LARGE = 4000
"""With so many nodes and lanes, sweeps that hardly move anything are left out."""
PATIENCE = 2
"""So many sweeps in a row that mend no crossing are enough."""
LANE = 24.0
"""The width that is kept for a wire which passes a layer."""
LANES = 4
"""So many lanes for each node are kept at most: the longest wires go without."""

Edge = tuple[str, str]
Extent = tuple[float, float]
"""How far a node reaches before and after the line that is aligned with its neighbours."""


class Rows:
    """Layers of nodes and of lanes that stand for wires which skip layers."""

    def __init__(
        self,
        layer: Mapping[str, int],
        edges: Sequence[Edge],
        rank: Mapping[str, int],
        near: Mapping[str, float],
    ) -> None:
        """`near` is where nodes stand across now: their first order; `rank` decides ties."""
        ids = sorted(layer, key=lambda id: (near.get(id, 0.0), rank[id]))
        self.number = {id: number for number, id in enumerate(ids)}
        self.count = len(ids)
        self.rows: list[list[int]] = [[] for _ in range(1 + max(layer.values(), default=-1))]
        self.above: list[list[int]] = [[] for _ in ids]
        self.below: list[list[int]] = [[] for _ in ids]
        self.weights: dict[tuple[int, int], float] = {}
        start: list[tuple[float, int]] = [(near.get(id, 0.0), rank[id]) for id in ids]
        for id in ids:
            self.rows[layer[id]].append(self.number[id])
        spine = _spine(layer, edges)
        for source, target in self._with_lanes(layer, edges):
            first, last = self.number[source], self.number[target]
            previous = first
            for level in range(layer[source] + 1, layer[target]):
                lane = len(start)
                self.rows[level].append(lane)
                # Beside both of its ends, on the outer side.
                start.append((max(start[first][0], start[last][0]) + 1.0, rank[source]))
                self.above.append([])
                self.below.append([])
                self._link(previous, lane, 2.0 if previous == first else 6.0)
                previous = lane
            weight = 1e4 if (source, target) in spine else 1.0
            self._link(previous, last, 2.0 if previous != first else weight)
        for row in self.rows:
            row.sort(key=start.__getitem__)
        self._at = [0] * len(start)
        for row in self.rows:
            self._number(row)

    @staticmethod
    def _with_lanes(layer: Mapping[str, int], edges: Sequence[Edge]) -> list[Edge]:
        """The wires for which there is room in the budget, the shortest first."""
        spare = LANES * len(layer) + 1000
        result = []
        for edge in sorted(edges, key=lambda edge: layer[edge[1]] - layer[edge[0]]):
            spare -= layer[edge[1]] - layer[edge[0]] - 1
            if spare < 0:
                break
            result.append(edge)
        return result

    def _link(self, one: int, other: int, weight: float) -> None:
        self.below[one].append(other)
        self.above[other].append(one)
        self.weights[one, other] = weight

    def _number(self, row: Sequence[int]) -> None:
        for position, key in enumerate(row):
            self._at[key] = position

    # -- crossings -----------------------------------------------------------------------

    def reduce_crossings(self) -> None:
        """Barycentre sweeps down and up; the best order that was seen stays."""
        counts = [self._crossings(number) for number in range(len(self.rows) - 1)]
        fewest, best = sum(counts), [list(row) for row in self.rows]
        idle = 0
        for sweep in range(SWEEPS):
            if not fewest or idle > PATIENCE:
                break
            changed = self._sweep(down=sweep % 2 == 0)
            for number in {n for row in changed for n in (row - 1, row)}:
                if 0 <= number < len(counts):
                    counts[number] = self._crossings(number)
            total = sum(counts)
            idle += 1
            if total < fewest:
                fewest, idle = total, 0
                best = [list(row) for row in self.rows]
        self.rows = best
        for row in self.rows:
            self._number(row)

    def _sweep(self, *, down: bool) -> list[int]:
        """Order each row by the mean place of its neighbours; the rows that have changed."""
        rows, at = self.rows, self._at
        side = self.above if down else self.below
        numbers = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        changed = []
        for number in numbers:
            row = rows[number]
            if len(row) < 2:
                continue
            centres = {}
            for key in row:
                ends = side[key]
                if len(ends) == 1:
                    centres[key] = float(at[ends[0]])
                elif ends:
                    centres[key] = sum([at[other] for other in ends]) / len(ends)
                else:
                    centres[key] = float(at[key])
            order = sorted(row, key=centres.__getitem__)
            if order != row:
                rows[number] = order
                self._number(order)
                changed.append(number)
        return changed

    def _crossings(self, number: int) -> int:
        """Between a row and the next one."""
        row, at, below = self.rows[number], self._at, self.below
        if len(row) < 2 or len(self.rows[number + 1]) < 2:
            return 0
        total = 0
        seen: list[int] = []
        for key in row:
            ends = sorted([at[other] for other in below[key]])
            if seen:
                for end in ends:
                    total += len(seen) - bisect_right(seen, end)
            for end in ends:
                insort(seen, end)
        return total

    # -- coordinates -----------------------------------------------------------------------

    def coordinates(self, extents: Mapping[str, Extent]) -> dict[str, float]:
        """Where the line of each node stands across the flow."""
        reach: list[Extent] = [(LANE / 2, LANE / 2)] * len(self._at)
        for id, number in self.number.items():
            reach[number] = extents[id]
        gaps, middle = self._first(reach)
        links = self._links()
        sweeps = SWEEPS if len(self._at) < LARGE else 4
        for sweep in range(sweeps):
            side = links[0] if sweep % 2 == 0 else links[1]
            if sweep >= sweeps - 2:
                # The last two sweeps look at both sides, so that forks end up centred.
                side = links[2]
            numbers = range(len(self.rows))
            for number in numbers if sweep % 2 == 0 else reversed(numbers):
                _settle(self.rows[number], gaps[number], middle, side, links[2])
        return {id: middle[number] for id, number in self.number.items()}

    def _first(self, reach: Sequence[Extent]) -> tuple[list[list[float]], list[float]]:
        """The least distances within each row, and a first place for everything."""
        middle = [0.0] * len(self._at)
        gaps = []
        for row in self.rows:
            gap: list[float] = []
            total = end = 0.0
            for key in row:
                step = end + reach[key][0] if gap else 0.0
                gap.append(step)
                total += step
                middle[key] = total
                end = reach[key][1]
            for key in row:
                middle[key] -= total / 2
            gaps.append(gap)
        return gaps, middle

    def _links(self) -> tuple[list[_Links], list[_Links], list[_Links]]:
        """The neighbours above, below and on both sides with their weights."""
        weights = self.weights
        above = [[(one, weights[one, key]) for one in ends] for key, ends in enumerate(self.above)]
        below = [[(one, weights[key, one]) for one in ends] for key, ends in enumerate(self.below)]
        both = [one + other for one, other in zip(above, below, strict=True)]
        return _totalled(above), _totalled(below), _totalled(both)


_Links = tuple[float, list[tuple[int, float]]]
"""The weight of all links of a node, and each of them."""


def _totalled(links: Iterable[list[tuple[int, float]]]) -> list[_Links]:
    return [(sum([weight for _, weight in ends]), ends) for ends in links]


def _settle(
    row: Sequence[int],
    gap: Sequence[float],
    middle: list[float],
    side: Sequence[_Links],
    both: Sequence[_Links],
) -> None:
    """Move a row's nodes as near to their neighbours as their order and sizes allow."""
    wanted, weights = [], []
    for key in row:
        total, ends = side[key]
        if not ends:
            total, ends = both[key]
        if len(ends) == 1:
            wanted.append(middle[ends[0][0]])
        elif ends:
            at = 0.0
            for other, weight in ends:
                at += middle[other] * weight
            wanted.append(at / total)
        else:
            wanted.append(middle[key])
        weights.append(total or 0.1)
    if len(row) == 1:
        middle[row[0]] = wanted[0]
        return
    for number in range(1, len(row)):
        if wanted[number] - wanted[number - 1] < gap[number]:
            wanted = spread(wanted, weights, gap)
            break
    for key, place in zip(row, wanted, strict=True):
        middle[key] = place


def spread(wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones with these gaps between neighbours.

    Weighted least squares under an order: isotonic regression by pooling adjacent violators.
    """
    means: list[float] = []
    masses: list[float] = []
    counts: list[int] = []
    offsets: list[float] = []
    offset = 0.0
    for place, mass, gap in zip(wanted, weights, gaps, strict=True):
        offset += gap
        offsets.append(offset)
        mean, count = place - offset, 1
        while means and means[-1] > mean:
            other = masses.pop()
            mean = (means.pop() * other + mean * mass) / (other + mass)
            mass, count = mass + other, count + counts.pop()
        means.append(mean)
        masses.append(mass)
        counts.append(count)
    flat = [mean for mean, count in zip(means, counts, strict=True) for _ in range(count)]
    return [mean + offset for mean, offset in zip(flat, offsets, strict=True)]


def neighbours(
    edges: Iterable[Edge],
) -> tuple[defaultdict[str, list[str]], defaultdict[str, list[str]]]:
    """What each node feeds, and what feeds it."""
    outgoing: defaultdict[str, list[str]] = defaultdict(list)
    incoming: defaultdict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        outgoing[source].append(target)
        incoming[target].append(source)
    return outgoing, incoming


def _spine(layer: Mapping[str, int], edges: Sequence[Edge]) -> set[Edge]:
    """Wires between neighbouring layers that lie on the longest chains: these stay straight."""
    outgoing, incoming = neighbours((a, b) for a, b in edges if layer[b] == layer[a] + 1)
    order = sorted(layer, key=layer.__getitem__)
    below: dict[str, int] = {}
    for id in reversed(order):
        below[id] = 1 + max([below[target] for target in outgoing[id]], default=-1)
    above: dict[str, int] = {}
    for id in order:
        above[id] = 1 + max([above[source] for source in incoming[id]], default=-1)
    result = set()
    for source, targets in list(outgoing.items()):
        if not targets:
            continue
        target = max(targets, key=below.__getitem__)
        if max(incoming[target], key=above.__getitem__) == source:
            result.add((source, target))
    return result
