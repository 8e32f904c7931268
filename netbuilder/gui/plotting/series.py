"""A curve of any length, and what of it a screen can show. No Qt here.

All points are kept. Beside them stands a pyramid of lowest and highest values, so that a
picture of a million points reads as few numbers as one of a thousand; what it shows in each
column of pixels are the very extremes of the points there.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]

FINEST, FACTOR = 16, 4
"""How many points a bucket of the lowest level holds, and how many buckets one above."""
PER_COLUMN = 4
"""Up to so many points a column they are drawn themselves."""


class Growing:
    """An array that grows at its end; memory at most twice what is used."""

    def __init__(self) -> None:
        self._room: Array = np.empty(64)
        self.size = 0

    def append(self, value: float) -> None:
        """One more at the end."""
        if self.size == len(self._room):
            self._grow(self.size + 1)
        self._room[self.size] = value
        self.size += 1

    def extend(self, values: Array) -> None:
        """Several more at the end."""
        if self.size + len(values) > len(self._room):
            self._grow(self.size + len(values))
        self._room[self.size : self.size + len(values)] = values
        self.size += len(values)

    def _grow(self, needed: int) -> None:
        room = np.empty(max(needed, 2 * len(self._room)))
        room[: self.size] = self._room[: self.size]
        self._room = room

    def cut(self, size: int) -> None:
        """Keep the first `size` only."""
        self.size = min(self.size, size)

    @property
    def all(self) -> Array:
        """What is there, not copied."""
        return self._room[: self.size]


class Pyramid:
    """Values and, in levels of ever larger buckets, the lowest and highest of each bucket.

    NaN counts for nothing; a bucket of nothing else is NaN. Only full buckets are kept.
    """

    def __init__(self) -> None:
        self.values = Growing()
        self._levels: list[tuple[Growing, Growing]] = []

    def extend(self, values: Array) -> None:
        """More values at the end."""
        self.values.extend(values)
        low = high = self.values.all
        bucket = FINEST
        for level in range(64):
            if len(low) < bucket:
                return
            if level == len(self._levels):
                self._levels.append((Growing(), Growing()))
            lows, highs = self._levels[level]
            full, done = len(low) // bucket, lows.size
            if full > done:
                shape = (full - done, bucket)
                fresh = slice(done * bucket, full * bucket)
                lows.extend(np.fmin.reduce(low[fresh].reshape(shape), axis=1))
                highs.extend(np.fmax.reduce(high[fresh].reshape(shape), axis=1))
            low, high, bucket = lows.all, highs.all, FACTOR

    def cut(self, size: int) -> None:
        """Keep the first `size` values only."""
        self.values.cut(size)
        bucket = FINEST
        for lows, highs in self._levels:
            lows.cut(size // bucket)
            highs.cut(size // bucket)
            bucket *= FACTOR

    def extremes(self, starts: Indices, ends: Indices) -> tuple[Array, Array]:
        """The lowest and the highest value of each range `starts[i]:ends[i]`; none is empty."""
        values = self.values.all
        level, bucket = self._level_for(int((ends - starts).max(initial=1)))
        if level is None:
            # Ranges that lie side by side, so one pass over all of them.
            flat = np.append(values, math.nan)
            pairs = np.stack([starts, ends], 1).ravel()
            return np.fmin.reduceat(flat, pairs)[::2], np.fmax.reduceat(flat, pairs)[::2]
        # The ends of a range from the values themselves: a bucket's length from either side
        # covers what full buckets leave; where they overlap nothing changes.
        steps = np.arange(bucket)
        left = values[np.minimum(starts[:, None] + steps, ends[:, None] - 1)]
        right = values[np.maximum(ends[:, None] - 1 - steps, starts[:, None])]
        low = np.fmin(np.fmin.reduce(left, axis=1), np.fmin.reduce(right, axis=1))
        high = np.fmax(np.fmax.reduce(left, axis=1), np.fmax.reduce(right, axis=1))
        lows, highs = level
        first, last = -(-starts // bucket), np.minimum(ends // bucket, lows.size)
        whole = first < last
        if whole.any():
            pairs = np.stack([first[whole], last[whole]], 1).ravel()
            inner = np.fmin.reduceat(np.append(lows.all, math.nan), pairs)[::2]
            outer = np.fmax.reduceat(np.append(highs.all, math.nan), pairs)[::2]
            low[whole] = np.fmin(low[whole], inner)
            high[whole] = np.fmax(high[whole], outer)
        return low, high

    def _level_for(self, widest: int) -> tuple[tuple[Growing, Growing] | None, int]:
        """The level at which reading values and reading buckets cost about the same."""
        chosen, bucket, size = None, 1, FINEST
        for level in self._levels:
            if 2 * size * size > max(widest, 2 * FINEST * FINEST):
                break
            chosen, bucket, size = level, size, size * FACTOR
        return (chosen, bucket) if widest >= 2 * FINEST else (None, 1)


class Smoother:
    """An exponential moving average, corrected for its start as TensorBoard does it.

    `weight` in 0 ... <1 is how much the past counts. NaN stays NaN and counts for nothing.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight
        self._total = 0.0
        self._count = 0

    def follow(self, values: Array) -> Array:
        """The averages at the next values."""
        result = np.full(len(values), math.nan)
        known = np.isfinite(values)
        finite = values[known]
        if not len(finite):
            return result
        # sum of w^j x[i-j] as a product of filters 1 + w^(2^p) z^(2^p): log n passes.
        totals, shift = (1 - self.weight) * finite, 1
        power = self.weight
        while shift < len(totals) and power > 1e-18:
            totals[shift:] = totals[shift:] + power * totals[:-shift]
            shift, power = 2 * shift, power * power
        counts = np.arange(1, len(finite) + 1)
        totals += self._total * self.weight**counts
        result[known] = totals / (1 - self.weight ** (self._count + counts))
        self._total = float(totals[-1])
        self._count += len(finite)
        return result


class Series:
    """The points of a curve by step, with the seconds of the run at which each was told."""

    def __init__(self) -> None:
        self.steps = Growing()
        self.seconds = Growing()
        self._raw = Pyramid()
        self._pending: list[float] = []
        self._derived: dict[tuple[float, bool], tuple[Pyramid, Smoother | None]] = {}
        self.left_out = 0
        """Values of 0 and less, which a logarithmic axis can't show."""

    @property
    def count(self) -> int:
        """The number of points."""
        return self.steps.size

    @property
    def last_x(self) -> float:
        """The last step; NaN before the first."""
        return float(self.steps.all[-1]) if self.count else math.nan

    @property
    def last_y(self) -> float:
        """The last value; NaN before the first."""
        if self._pending:
            return self._pending[-1]
        return float(self._raw.values.all[-1]) if self.count else math.nan

    def add(self, x: float, y: float, seconds: float = math.nan) -> None:
        """The next point; steps and seconds never fall."""
        before = float(self.seconds.all[-1]) if self.count else 0.0
        self.steps.append(x)
        self.seconds.append(before if not seconds > before else seconds)
        self._pending.append(y)
        self.left_out += y <= 0

    def rewind(self, step: float) -> None:
        """Forget what came after this step: a resumed run tells it again."""
        self._take_in()
        size = int(np.searchsorted(self.steps.all, step, side="right"))
        if size == self.count:
            return
        for column in (self.steps, self.seconds):
            column.cut(size)
        self._raw.cut(size)
        self._derived.clear()
        self.left_out = int((self._raw.values.all <= 0).sum())

    def _take_in(self) -> None:
        if self._pending:
            self._raw.extend(np.array(self._pending, dtype=np.float64))
            self._pending.clear()

    def values(self) -> Array:
        """All values as they came."""
        self._take_in()
        return self._raw.values.all

    def column(self, weight: float = 0.0, log: bool = False) -> Pyramid:
        """The values to draw: smoothed if `weight` is above 0, as log10 if `log`.

        What the last asked for before the last is forgotten, so that memory is bounded.
        """
        self._take_in()
        if not weight and not log:
            return self._raw
        key = (weight, log)
        if key not in self._derived:
            for old in [k for k in self._derived if k[0] not in (0.0, weight) or k[1] != log]:
                del self._derived[old]
            self._derived[key] = (Pyramid(), Smoother(weight) if weight else None)
        pyramid, smoother = self._derived[key]
        fresh = self._raw.values.all[pyramid.values.size :]
        if len(fresh):
            values = smoother.follow(fresh) if smoother is not None else fresh
            if log:
                with np.errstate(invalid="ignore", divide="ignore"):
                    values = np.where(values > 0, np.log10(values), math.nan)
            pyramid.extend(values)
        return pyramid

    def nearest(self, axis: Array, x: float) -> int:
        """The index of the point nearest to `x` on an axis that `axis` holds; -1 if none."""
        if not len(axis):
            return -1
        right = int(np.searchsorted(axis, x))
        if right == 0:
            return 0
        if right == len(axis):
            return right - 1
        return right if axis[right] - x < x - axis[right - 1] else right - 1


def decimate(
    axis: Array, pyramid: Pyramid, low_x: float, high_x: float, columns: int
) -> tuple[Array, Array]:
    """x and y of what is drawn between `low_x` and `high_x` in so many columns of pixels.

    `axis` has the x of each value, never falling. Few points are given as they are, with
    one more at either side; of many the lowest and highest of each column, at its middle.
    """
    values = pyramid.values.all
    first = int(np.searchsorted(axis, low_x, side="left"))
    last = int(np.searchsorted(axis, high_x, side="right"))
    if last - first <= PER_COLUMN * columns:
        shown = slice(max(0, first - 1), min(len(values), last + 1))
        return axis[shown].copy(), values[shown].copy()
    cuts = first + np.searchsorted(
        axis[first:last], np.linspace(low_x, high_x, columns + 1)[1:-1], side="left"
    )
    starts, ends = np.insert(cuts, 0, first), np.append(cuts, last)
    full = ends > starts
    starts, ends = starts[full], ends[full]
    low, high = pyramid.extremes(starts, ends)
    rising = ~(values[ends - 1] < values[starts])
    pairs = np.stack([np.where(rising, low, high), np.where(rising, high, low)], 1)
    middles = low_x + (np.flatnonzero(full) + 0.5) * (high_x - low_x) / columns
    return np.repeat(middles, 2), pairs.ravel()
