"""Generated scenes and photographs: what they tell about their pictures is true."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from netbuilder.data import arrays
from netbuilder.data.arrays import Array
from netbuilder.data.made import photographs_arrays
from netbuilder.data.made.photographs import Photographs, TwoPhotographs
from netbuilder.data.made.scenes import STRIDE, Scenes
from netbuilder.data.settings import DataSettings, source_of
from netbuilder.errors import NetbuilderError

SIZE = 48


@pytest.fixture(scope="module")
def scenes() -> Mapping[str, Array]:
    return arrays.load(Scenes(count=60, size=SIZE, objects=4, noise=0.0))


def test_boxes_are_as_narrow_as_their_objects(scenes: Mapping[str, Array]) -> None:
    for mask, boxes, kinds in zip(scenes["mask"], scenes["boxes"], scenes["kinds"], strict=True):
        rest = mask.copy()
        for box, kind in zip(boxes, kinds, strict=True):
            left, top, right, bottom = map(int, box)
            inside = mask[top:bottom, left:right]
            if kind:
                assert set(np.unique(inside)) <= {0, kind}
                edges = (inside[0], inside[-1], inside[:, 0], inside[:, -1])
                assert all((edge == kind).any() for edge in edges)
            else:
                assert not box.any()
            rest[top:bottom, left:right] = 0
        assert not rest.any()
        assert kinds[0]


def test_maps_tell_the_same_as_the_boxes(scenes: Mapping[str, Array]) -> None:
    for number, (boxes, kinds) in enumerate(zip(scenes["boxes"], scenes["kinds"], strict=True)):
        heat, geometry = scenes["heat"][number], scenes["geometry"][number]
        assert (heat == 1.0).sum() == (kinds > 0).sum() == (geometry[2] > 0).sum()
        found = []
        for kind, row, column in np.argwhere(heat == 1.0):
            x, y, width, height = geometry[:, row, column]
            middle = np.array([column + x, row + y])
            half = np.array([width, height]) / 2
            found.append([kind + 1, *(STRIDE * (middle - half)), *(STRIDE * (middle + half))])
        told = [[kind, *box] for kind, box in zip(kinds, boxes, strict=True) if kind]
        assert np.allclose(sorted(found), sorted(told))


def test_each_scene_is_another(scenes: Mapping[str, Array]) -> None:
    assert len(np.unique(scenes["boxes"].reshape(60, -1), axis=0)) == 60


def test_objects_differ_from_what_is_behind_them(scenes: Mapping[str, Array]) -> None:
    brightest = scenes["image"].max(1)
    assert brightest[scenes["mask"] > 0].min() > brightest[scenes["mask"] == 0].max()


def test_more_scenes_begin_with_the_same() -> None:
    few, many = arrays.load(Scenes(count=3)), arrays.load(Scenes(count=5))
    assert all(np.array_equal(few[name], many[name][:3]) for name in few)
    other = arrays.load(Scenes(count=3, seed=1))
    assert not np.array_equal(few["boxes"], other["boxes"])


def test_pieces_of_photographs_do_not_overlap() -> None:
    pieces = arrays.load(Photographs(size=64, scale=4))
    assert len(pieces["image"]) == 2 * (427 // 64) * (640 // 64)
    assert np.bincount(pieces["label"]).tolist() == [60, 60]
    first, below = pieces["image"][0], pieces["image"][10]
    # What lies side by side goes on where the other ends.
    seam = np.abs(below[:, 0] - first[:, -1]).mean()
    assert seam < np.abs(below[:, 0] - first[:, 0]).mean()
    assert np.allclose(pieces["low"][:, :, 0, 0], pieces["image"][:, :, :4, :4].mean((2, 3)))


def test_two_photographs_are_the_temple_and_the_flower() -> None:
    pairs = arrays.load(TwoPhotographs(count=20, size=96))
    # A bright sky is over the temple, dark leaves are under the flower.
    assert pairs["temple"].mean() > 0.4 > pairs["flower"].mean()


def test_each_is_cut_at_places_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    places = np.arange(427 * 640, dtype=np.float64).reshape(1, 427, 640).repeat(3, 0)
    monkeypatch.setattr(photographs_arrays, "_load", lambda: [places, places])
    pairs = arrays.load(TwoPhotographs(count=20, size=96))
    corners = {name: images[:, 0].min((1, 2)) for name, images in pairs.items()}
    assert len({*corners["temple"], *corners["flower"]}) == 40
    mirrored = [(images[:, 0, 0, 0] > images[:, 0, 0, 1]).mean() for images in pairs.values()]
    assert all(0.2 < share < 0.8 for share in mirrored)


def test_what_does_not_fit_is_refused() -> None:
    for params in ({"size": 33, "scale": 2}, {"size": 300}):
        with pytest.raises(NetbuilderError, match="Photographs"):
            source_of(DataSettings(source="netbuilder.Photographs", params=params))
    with pytest.raises(NetbuilderError, match="multiple of 4"):
        source_of(DataSettings(source="netbuilder.Scenes", params={"size": 30}))
