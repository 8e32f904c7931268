"""Small tables, points in the plane, sounds, ratings and pairs."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from netbuilder.data import arrays
from netbuilder.data.made.ratings import DigitPairs, Ratings
from netbuilder.data.made.tabular import BreastCancer, Iris, Linnerud, Moons, Spirals, Wine
from netbuilder.data.made.tones import KINDS, Tones
from netbuilder.data.made.tones_arrays import decode, encode
from netbuilder.data.sources import Digits, Source


@pytest.mark.parametrize(
    ("source", "counts"),
    [
        (Iris(), [50, 50, 50]),
        (Wine(), [59, 71, 48]),
        (BreastCancer(), [212, 357]),
        (Moons(count=101), [51, 50]),
        (Spirals(count=100, arms=4), [25] * 4),
        (Tones(count=16, length=64), [2] * 8),
    ],
)
def test_there_are_so_many_of_each_class(source: Source, counts: list[int]) -> None:
    label = arrays.load(source)["label"]
    assert np.bincount(label).tolist() == counts


def test_the_first_rows_are_those_that_were_published() -> None:
    assert np.allclose(arrays.load(Iris())["features"][0], [5.1, 3.5, 1.4, 0.2])
    assert np.allclose(arrays.load(Wine())["features"][0, [0, 12]], [14.23, 1065.0])
    assert arrays.load(BreastCancer())["features"][0, 0] == pytest.approx(17.99)
    both = arrays.load(Linnerud())
    assert both["features"][0].tolist() == [5, 162, 60]
    assert both["target"][0].tolist() == [191, 36, 50]


def test_points_without_noise_lie_on_their_curves() -> None:
    moons = arrays.load(Moons(noise=0.0))
    middle = np.where(moons["label"][:, None] == 0, [0.0, 0.0], [1.0, 0.5])
    assert np.allclose(np.linalg.norm(moons["point"] - middle, axis=1), 1.0, atol=1e-6)
    height = moons["point"][:, 1]
    assert (height[moons["label"] == 0] >= 0).all()
    assert (height[moons["label"] == 1] <= 0.5).all()

    spirals = arrays.load(Spirals(noise=0.0, arms=3, turns=1.5))
    point, label = spirals["point"].astype(np.float64), spirals["label"]
    radius = np.linalg.norm(point, axis=1)
    turned = np.arctan2(point[:, 1], point[:, 0]) / (2 * np.pi) - 1.5 * radius - label / 3
    assert np.abs(turned - np.round(turned)).max() < 1e-5


@pytest.mark.parametrize("kind", [Moons, Spirals, Tones, Ratings, DigitPairs])
def test_other_seeds_give_other_data(kind: type[Moons]) -> None:
    first, other = arrays.load(kind(seed=1)), arrays.load(kind(seed=2))
    assert any(not np.array_equal(first[name], other[name]) for name in first)


# -- sounds ------------------------------------------------------------------------------------


def test_sounds_are_what_they_are_called() -> None:
    source = Tones(count=400, noise=0.0)
    contents = arrays.load(source)
    audio, label = contents["audio"][:, 0], contents["label"]
    assert np.abs(audio).max() == 1.0

    def loudest(part: arrays.Array) -> arrays.Array:
        """The strongest frequency in Hz."""
        window = np.hanning(part.shape[1])
        spectrum: arrays.Array = np.abs(np.fft.rfft(part * window))
        found: arrays.Array = spectrum.argmax(1) * 8000 / part.shape[1]
        return found

    def of(kind: str) -> arrays.Array:
        found: arrays.Array = audio[label == KINDS.index(kind)]
        return found

    early, late = slice(0, 512), slice(-512, None)
    for kind, low, high in (("sine", 0.9, 1.1), ("rising", 1.4, 2.3), ("falling", 0.4, 0.8)):
        ratio = loudest(of(kind)[:, late]) / loudest(of(kind)[:, early])
        assert low < np.median(ratio) < high, kind
    for kind in ("sine", "square", "sawtooth"):
        assert loudest(of(kind)).min() > 190
        assert loudest(of(kind)).max() < 810
    assert all(len(np.unique(np.abs(row).round(5))) == 1 for row in of("square"))
    assert (of("pulsing") == 0.0).mean() > 0.3
    flat = np.abs(np.fft.rfft(of("hiss"))) ** 2
    assert (flat.max(1) / flat.mean(1)).max() < 20
    tonal = np.abs(np.fft.rfft(of("sine"))) ** 2
    assert (tonal.max(1) / tonal.mean(1)).min() > 200


def test_codes_are_finer_near_silence_and_come_back() -> None:
    points = np.linspace(-1.0, 1.0, 20_001)
    codes = encode(points)
    assert codes.min() == 0
    assert codes.max() == 255
    assert np.array_equal(encode(decode(np.arange(256))), np.arange(256))
    away = np.abs(decode(codes) - points)
    assert away.max() < 0.023
    assert away[np.abs(points) < 0.01].max() < 0.0004


# -- ratings and pairs ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "size",
    [{}, {"users": 7, "items": 4, "count": 28}, {"users": 50, "items": 40, "count": 50}],
)
def test_no_person_rates_a_film_twice_and_everyone_rates(size: dict[str, int]) -> None:
    source = Ratings(**size)
    contents = arrays.load(source)
    pairs = {*zip(contents["user"].tolist(), contents["item"].tolist(), strict=True)}
    assert len(pairs) == len(contents["rating"]) == source.count
    assert set(contents["user"]) == set(range(source.users))
    assert set(contents["item"]) == set(range(source.items))
    stars = contents["rating"]
    assert stars.min() >= 1.0
    assert stars.max() <= 5.0
    assert np.array_equal(2 * stars, np.round(2 * stars))


def test_too_few_or_too_many_ratings_are_refused() -> None:
    for count in (10, 29):
        with pytest.raises(ValidationError, match="count must let"):
            Ratings(users=15 if count == 10 else 7, items=4, count=count)


def test_each_picture_is_in_one_pair_and_half_of_them_are_alike() -> None:
    pairs, digits = arrays.load(DigitPairs()), arrays.load(Digits())
    known: dict[bytes, list[int]] = {}
    for image, label in zip(digits["image"], digits["label"], strict=True):
        known.setdefault(image.tobytes(), []).append(int(label))
    used: dict[bytes, int] = {}
    for first, second, same in zip(pairs["first"], pairs["second"], pairs["same"], strict=True):
        assert (known[first.tobytes()][0] == known[second.tobytes()][0]) == bool(same)
        for image in (first, second):
            used[image.tobytes()] = used.get(image.tobytes(), 0) + 1
    assert all(count <= len(known[image]) for image, count in used.items())
    assert len(pairs["same"]) == len(digits["label"]) // 2
    assert abs(pairs["same"].mean() - 0.5) < 0.02
