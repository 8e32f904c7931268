"""Curves of any length: what a picture shows of them is exact, and reads few numbers."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netbuilder.gui.plotting.series import FINEST, Array, Pyramid, Series, Smoother, decimate


def _series(values: list[float] | Array) -> Series:
    series = Series()
    for step, value in enumerate(values):
        series.add(step, float(value), step / 10)
    return series


@settings(max_examples=80, deadline=None)
@given(
    count=st.integers(1, 3000),
    columns=st.integers(1, 40),
    view=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    seed=st.integers(0, 2**32 - 1),
    pieces=st.integers(1, 5),
)
def test_each_column_shows_the_extremes_of_its_points(
    count: int, columns: int, view: tuple[float, float], seed: int, pieces: int
) -> None:
    """Whatever the zoom, and however the points came, with gaps among them."""
    random = np.random.default_rng(seed)
    values = random.normal(size=count)
    values[random.random(count) < 0.1] = math.nan
    axis = np.cumsum(random.random(count))
    pyramid = Pyramid()
    for piece in np.array_split(values, pieces):
        pyramid.extend(piece)
    low, high = sorted(share * axis[-1] for share in view)
    high = max(high, low + 1e-6)
    xs, ys = decimate(axis, pyramid, low, high, columns)
    inside = (axis >= low) & (axis <= high)
    if inside.sum() <= 4 * columns:
        assert np.isin(axis[inside], xs).all()
        return
    edges = np.linspace(low, high, columns + 1)
    edges[-1] = math.inf
    for left, right in pairwise(edges):
        raw = values[inside & (axis >= left) & (axis < right)]
        shown = ys[(xs >= left) & (xs < right)]
        assert len(shown) == (2 if len(raw) else 0)
        if np.isfinite(raw).any():
            assert np.nanmin(shown) == np.nanmin(raw)
            assert np.nanmax(shown) == np.nanmax(raw)
        else:
            assert np.isnan(shown).all()


@pytest.mark.parametrize("count", [100_000, 1_000_000])
def test_long_curves_are_read_through_buckets_and_keep_their_peaks(count: int) -> None:
    values = np.sin(np.arange(count) / 997.0)
    values[count // 3], values[count // 2] = 1000.0, -1000.0
    pyramid = Pyramid()
    pyramid.extend(values)
    axis = np.arange(count, dtype=np.float64)
    xs, ys = decimate(axis, pyramid, 0, count - 1, 500)
    assert len(xs) == 1000
    assert ys.max() == 1000.0
    assert ys.min() == -1000.0
    bucket = pyramid._level_for(count // 500)[1]
    assert bucket == FINEST


def test_a_resumed_run_takes_back_what_it_tells_again() -> None:
    series = _series(np.arange(400.0) - 5)
    series.column(0.5, True)
    series.rewind(99)
    assert series.count == 100
    assert series.last_y == 94
    for step in range(100, 300):
        series.add(step, -1.0 if step == 250 else 2.0)
    assert series.left_out == 7
    _, ys = decimate(series.steps.all, series.column(), 0, 299, 2)
    assert ys.tolist() == [-5, 94, -1, 2]
    fresh = _series(np.append(np.arange(100.0) - 5, np.full(200, 2.0)))
    expected = fresh.column(0.5, True).values.all[:240]
    np.testing.assert_array_equal(series.column(0.5, True).values.all[:240], expected)


def test_a_point_on_the_border_of_two_columns_belongs_to_the_right_one() -> None:
    series = _series(np.arange(100.0))
    _, ys = decimate(series.steps.all, series.column(), 0, 100, 2)
    assert ys.tolist() == [0, 49, 50, 99]


def test_smoothing_is_tensorboards() -> None:
    values = np.random.default_rng(0).normal(size=500)
    values[[0, 7, 8]] = math.nan
    for weight in (0.0, 0.6, 0.99):
        last, count, expected = 0.0, 0, []
        for value in values.tolist():
            if math.isfinite(value):
                last = last * weight + (1 - weight) * value
                count += 1
                expected.append(last / (1 - weight**count))
            else:
                expected.append(math.nan)
        smoother = Smoother(weight)
        pieces = [smoother.follow(piece) for piece in np.split(values, [1, 2, 50, 333])]
        np.testing.assert_allclose(np.concatenate(pieces), expected, rtol=1e-12)


def test_a_logarithm_leaves_out_what_has_none() -> None:
    series = _series([1.0, 0.0, -3.0, 100.0, math.nan])
    assert series.left_out == 2
    shown = series.column(0.0, True).values.all
    np.testing.assert_array_equal(shown, [0.0, math.nan, math.nan, 2.0, math.nan])


def test_seconds_never_fall_and_the_nearest_point_is_found() -> None:
    series = Series()
    for step, seconds in ((1, 2.0), (2, math.nan), (3, 1.0), (4, 5.0)):
        series.add(step, 0.0, seconds)
    assert series.seconds.all.tolist() == [2.0, 2.0, 2.0, 5.0]
    axis = series.steps.all
    assert [series.nearest(axis, x) for x in (-9, 1.4, 1.6, 99)] == [0, 0, 1, 3]
    assert Series().nearest(Series().steps.all, 1.0) == -1
