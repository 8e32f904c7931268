"""Generated pictures of shapes."""

from __future__ import annotations

import numpy as np
import pytest

from netbuilder.data import arrays
from netbuilder.data.made.shapes import SHAPES, Shapes
from netbuilder.data.settings import field_types
from netbuilder.errors import NetbuilderError


def pictures(**params: float) -> arrays.Array:
    return arrays.load(Shapes.model_validate({"count": 20, "noise": 0.0, **params}))["image"]


def test_a_picture_depends_on_the_seed_and_its_number_alone() -> None:
    image = pictures()
    assert len({picture.tobytes() for picture in image}) == 20
    assert np.array_equal(pictures(count=30)[:20], image)
    assert not np.isclose(pictures(seed=1), image).all(axis=(1, 2, 3)).any()


def test_larger_pictures_show_the_same() -> None:
    large = pictures(size=128)
    blocks = large.reshape(20, 3, 32, 4, 32, 4).mean(axis=(3, 5))
    difference = np.abs(blocks - pictures(size=32))
    assert difference.mean() < 0.01
    # Edges are smoothed over a pixel, so no block of pixels is far off.
    assert np.quantile(difference, 0.999) < 0.3


def test_values_are_colours_and_labels_are_as_frequent() -> None:
    contents = arrays.load(Shapes(count=50, size=9, noise=1.0))
    assert contents["image"].shape == (50, 3, 9, 9)
    assert contents["image"].min() >= 0
    assert contents["image"].max() <= 1
    assert np.bincount(contents["label"]).tolist() == [5] * len(SHAPES)


def test_the_noise_is_as_strong_as_asked() -> None:
    # Away from black and white nothing is cut off.
    still, noisy = pictures(size=64), pictures(size=64, noise=0.05)
    grey = (still > 0.3) & (still < 0.7)
    assert np.std((noisy - still)[grey]) == pytest.approx(0.05, rel=0.05)


def test_shapes_stand_out_and_differ() -> None:
    from sklearn.neighbors import KNeighborsClassifier

    # Turned by what stands farthest from the middle, one picture of a class is like another.
    contents = arrays.load(Shapes(count=1000, size=32, noise=0.0))
    profiles = np.stack([_profile(image) for image in contents["image"]])
    label = contents["label"]
    near = KNeighborsClassifier(5).fit(profiles[:600], label[:600])
    right = near.predict(profiles[600:]) == label[600:]
    each = [right[label[600:] == number].mean() for number in range(len(SHAPES))]
    # One that looks like another would be taken for it half of the time.
    assert min(each) > 0.7


def _profile(image: arrays.Array) -> arrays.Array:
    """How the distances of a shape's pixels from its middle are spread, whatever its size."""
    corners = image[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    away = np.abs(image[:, None] - corners[:, :, None, None]).sum(axis=0).min(axis=0)
    rows, columns = np.nonzero(away > 0.5 * np.quantile(away, 0.98))
    far = np.hypot(rows - rows.mean(), columns - columns.mean())
    profile: arrays.Array = np.quantile(far / np.sqrt(len(far)), np.linspace(0, 1, 12))
    return profile


def test_pictures_that_do_not_fit_into_memory_are_refused() -> None:
    data = {"source": "netbuilder.Shapes", "params": {"size": 224, "count": 10_000}}
    with pytest.raises(NetbuilderError, match=r"10,000 pictures of 224×224 .* 3,566 do"):
        field_types(data)
    types = field_types({**data, "params": {"size": 224, "count": 3566}})
    assert str(types["image"]) == "N×3×224×224"
