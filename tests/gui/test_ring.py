"""Curves of any length in bounded memory, with their peaks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from netbuilder.gui.ring import Series


def test_short_curves_are_themselves() -> None:
    series = Series(8)
    for x in range(8):
        series.add(x, x * x)
    xs, ys = series.points()
    assert xs.tolist() == list(range(8))
    assert ys.tolist() == [x * x for x in range(8)]


def test_a_long_curve_is_bounded_and_keeps_its_peaks() -> None:
    series = Series(64)
    for x in range(100_000):
        series.add(x, 1000.0 if x == 54_321 else -1000.0 if x == 77_777 else math.sin(x))
    xs, ys = series.points()
    assert series.count == 100_000
    assert len(xs) <= 128
    assert ys.max() == 1000.0
    assert ys.min() == -1000.0
    assert xs[ys.argmax()] <= 54_321
    assert (np.diff(xs) >= 0).all()
    assert xs[0] == 0


def test_not_a_number_is_a_gap() -> None:
    series = Series(8)
    for y in (1.0, math.nan, 3.0):
        series.add(series.count, y)
    assert math.isnan(series.points()[1][1])
    assert series.smoothed(0.5)[1][2] == pytest.approx((0.25 * 1 + 0.5 * 3) / 0.75)


def test_smoothing_starts_at_the_first_value_and_follows_slowly() -> None:
    series = Series(16)
    for y in (10.0, 0.0, 0.0, 0.0):
        series.add(series.count, y)
    smooth = series.smoothed(0.9)[1]
    assert smooth[0] == pytest.approx(10.0)
    assert all(smooth[i] > smooth[i + 1] > 0 for i in range(3))


def test_smoothing_of_joined_buckets_uses_their_means() -> None:
    series = Series(2)
    for y in (0.0, 2.0, 4.0, 6.0):
        series.add(series.count, y)
    assert series.smoothed(0.0)[1].tolist() == [1.0, 5.0]
