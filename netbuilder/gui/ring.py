"""A curve of any length in a bounded number of buckets. No Qt here."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Series:
    """All points of a curve, drawn with at most two per bucket: lowest and highest.

    Peaks survive however long the curve gets: when the buckets are full, neighbours join
    and each holds twice as many points from then on. Not-a-number values leave gaps.
    """

    def __init__(self, capacity: int = 1024) -> None:
        if capacity < 2 or capacity % 2:
            raise ValueError("capacity is an even number")
        self._x = np.zeros(capacity)
        self._low = np.zeros(capacity)
        self._high = np.zeros(capacity)
        self._sum = np.zeros(capacity)
        self._filled = np.zeros(capacity)
        self._used = 0
        self._in_bucket = 0
        self._stride = 1
        self.count = 0
        self.last_x = math.nan
        self.last_y = math.nan

    def __len__(self) -> int:
        """The number of buckets in use."""
        return self._used

    def add(self, x: float, y: float) -> None:
        """The next point; x never falls."""
        self.count += 1
        self.last_x, self.last_y = x, y
        if self._in_bucket == 0:
            if self._used == len(self._x):
                self._join()
            at = self._used
            self._used += 1
            self._x[at] = x
            self._low[at] = self._high[at] = math.nan
            self._sum[at] = self._filled[at] = 0
        at = self._used - 1
        if not math.isnan(y):
            self._low[at] = y if self._filled[at] == 0 else min(self._low[at], y)
            self._high[at] = y if self._filled[at] == 0 else max(self._high[at], y)
            self._sum[at] += y
            self._filled[at] += 1
        self._in_bucket = (self._in_bucket + 1) % self._stride

    def _join(self) -> None:
        half = len(self._x) // 2
        self._x[:half] = self._x[0::2].copy()
        self._low[:half] = np.fmin(self._low[0::2], self._low[1::2])
        self._high[:half] = np.fmax(self._high[0::2], self._high[1::2])
        self._sum[:half] = self._sum[0::2] + self._sum[1::2]
        self._filled[:half] = self._filled[0::2] + self._filled[1::2]
        self._used = half
        self._stride *= 2

    def points(self) -> tuple[Array, Array]:
        """x and y to draw: the points themselves, or low and high of each bucket."""
        n = self._used
        if self._stride == 1:
            return self._x[:n].copy(), self._low[:n].copy()
        return np.repeat(self._x[:n], 2), np.stack([self._low[:n], self._high[:n]], 1).ravel()

    def smoothed(self, weight: float) -> tuple[Array, Array]:
        """x and an exponential moving average of the bucket means, `weight` in 0 ... <1.

        Corrected for its start, so that the first point is the first mean.
        """
        n = self._used
        with np.errstate(invalid="ignore"):
            means = self._sum[:n] / self._filled[:n]
        result = np.empty(n)
        total = norm = 0.0
        for at, mean in enumerate(means.tolist()):
            if not math.isnan(mean):
                total = weight * total + (1 - weight) * mean
                norm = weight * norm + (1 - weight)
            result[at] = total / norm if norm else math.nan
        return self._x[:n].copy(), result
