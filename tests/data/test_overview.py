"""What the Data panel is told of a data set, for every source that there is."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any

import numpy as np
import pytest

from netbuilder.data import depicting, drawing, overview
from netbuilder.data.made.shapes import Shapes
from netbuilder.data.settings import DataSettings
from netbuilder.data.sources import Field, source_classes

GENERATED = [id for id, kind in source_classes().items() if not getattr(kind, "on_disk", False)]


@pytest.mark.parametrize("source", GENERATED)
def test_every_source_is_shown_small(source: str) -> None:
    told = overview.overview(DataSettings(source=source), 6)
    assert len(json.dumps(told, allow_nan=False)) < 1_000_000
    assert told["problems"] == []
    assert sum(told["parts"].values()) == told["count"] > 0
    own = [field for field in told["fields"] if field["batched"]]
    assert {len(told["shown"][field["name"]]) for field in own} == {6}
    # Nobody learns anything from a name without a picture, a number or a word.
    assert all(field["kind"] != "array" for field in told["fields"][:1])


def test_what_is_sorted_by_class_is_shown_mixed() -> None:
    labels = overview.overview(DataSettings(source="netbuilder.Iris"), 12)["shown"]["label"]
    assert len(set(labels)) == 3
    assert labels != sorted(labels)


def test_digits_with_their_classes_and_parts() -> None:
    told = overview.overview(DataSettings(source="netbuilder.Digits"), 5)
    assert told["count"] == 1797
    assert told["parts"] == {"train": 1438, "validation": 359, "test": 0}
    assert told["classes"]["0"] == 178
    image = told["shown"]["image"][0]
    assert (image["width"], image["height"]) == (8, 8)
    assert len(b64decode(image["pixels"])) == 8 * 8 * 3
    assert set(told["shown"]["label"]) <= {str(digit) for digit in range(10)}


def test_a_large_generated_source_is_looked_at_in_part() -> None:
    large = Shapes(count=10_000, size=128)
    few = overview.few(large)
    assert isinstance(few, Shapes)
    assert overview.LEAST <= few.count < 1000
    assert overview.few(Shapes(count=500)) == Shapes(count=500)
    settings = DataSettings(source=Shapes.id, params={"count": 4000, "size": 200})
    told = overview.overview(settings, 4)
    assert told["count"] == sum(told["parts"].values()) == 4000
    assert told["looked_at"] < 4000


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        (Field("x", (1, 8, 8)), "image"),
        (Field("x", (3, 32, 32)), "image"),
        (Field("x", (64, 100)), "image"),
        (Field("x", (4, 8, 8)), "array"),
        (Field("x", (), "int64", high=2, classes=("a", "b")), "class"),
        (Field("x", (), "int64", high=900), "id"),
        (Field("x", (20,), "int64", high=2, classes=("a", "b")), "text"),
        (Field("x", (32, 32), "int64", high=2, classes=("a", "b")), "mask"),
        (Field("x", (32, 1)), "curve"),
        (Field("x", (3, 200)), "curve"),
        (Field("x", (1, 8000)), "sound"),
        (Field("x", (2, 8000)), "sound"),
        (Field("x", (8000,)), "sound"),
        (Field("x", (1,)), "number"),
        (Field("x", ()), "number"),
        (Field("x", (10,)), "vector"),
    ],
)
def test_what_a_field_is_to_a_person(field: Field, kind: str) -> None:
    assert depicting.kind_of(field) == kind


def _pixels(packed: dict[str, Any], channels: int) -> np.ndarray[Any, np.dtype[Any]]:
    flat = np.frombuffer(b64decode(packed["pixels"]), np.uint8)
    return flat.reshape(packed["height"], packed["width"], channels)


def test_a_large_picture_becomes_a_small_one_of_the_same_look() -> None:
    values = np.zeros((2, 3, 400, 300), np.float32)
    values[0, 0, :200] = 1.0
    first, second = depicting.depict(Field("x", (3, 400, 300)), values)
    assert max(first["width"], first["height"]) <= depicting.SIDE
    pixels = _pixels(first, 3)
    assert pixels[0, 0].tolist() == [255, 0, 0]
    assert pixels[-1, 0].tolist() == [0, 0, 0]
    assert not _pixels(second, 3).any()


def test_pictures_share_one_scale() -> None:
    values = np.array([[[[0.0, 5.0]]], [[[10.0, 10.0]]]], np.float32)
    dark, bright = depicting.depict(Field("x", (1, 2, 2)), values.repeat(2, axis=2))
    assert _pixels(dark, 3)[0, :, 0].tolist() == [0, 128]
    assert _pixels(bright, 3)[0, :, 0].tolist() == [255, 255]
    field = Field("x", (1, 2, 2))
    centred = depicting.depict(field, np.full((1, 1, 2, 2), 0.0, np.float32) - [[[[1, 0], [0, 1]]]])
    assert _pixels(centred[0], 3)[:, :, 0].tolist() == [[0, 128], [128, 0]]


def test_what_is_no_number_is_none() -> None:
    values = np.array([[1.0, np.nan], [np.inf, 2.0]], np.float32)
    assert depicting.depict(Field("x", (2,)), values) == [[1.0, None], [None, 2.0]]


def test_a_spectrogram_stands_with_its_low_tones_below() -> None:
    values = np.zeros((1, 1, 4, 4), np.float32)
    values[0, 0, 0] = 1.0
    (told,) = depicting.depict(Field("spectrogram", (1, 4, 4)), values)
    pixels = np.frombuffer(b64decode(told["pixels"]), np.uint8).reshape(4, 4, 3)
    assert pixels[3].min() == 255
    assert pixels[:3].max() == 0


def test_a_sound_has_its_bounds_and_the_pitch_where_it_is() -> None:
    time = np.arange(8000) / 8000
    tone = np.sin(2 * np.pi * 1000 * time).astype(np.float32)
    (told,) = depicting.depict(Field("x", (1, 8000)), tone[None, None])
    assert len(told["low"]) == len(told["high"]) == depicting.POINTS
    assert min(told["low"]) == pytest.approx(-1, abs=0.01)
    assert max(told["high"]) == pytest.approx(1, abs=0.01)
    strength = _pixels(told["spectrum"], 1)[:, :, 0].mean(axis=1)
    # 1,000 of 4,000 Hz: a quarter from below.
    from_below = len(strength) - 1 - int(strength.argmax())
    assert from_below / len(strength) == pytest.approx(0.25, abs=0.04)


def test_a_distribution_tells_columns_apart_and_what_is_missing() -> None:
    values = np.stack([np.linspace(0, 1, 100), np.full(100, 3.0)], axis=1)
    values[:25, 1] = np.nan
    first, second = overview.distribution(Field("x", (2,)), values)
    assert (first["name"], first["low"], first["high"], first["missing"]) == ("x[0]", 0, 1, 0)
    assert sum(first["counts"]) == 100
    assert first["deviation"] == pytest.approx(np.linspace(0, 1, 100).std())
    assert (second["low"], second["high"], second["missing"]) == (3, 3, 0.25)
    assert sum(second["counts"]) == 75
    assert overview.distribution(Field("x", (), "int64"), np.arange(3)) == []
    (empty,) = overview.distribution(Field("x", ()), np.full(3, np.nan))
    assert "counts" not in empty


def test_columns_have_the_names_that_the_meaning_lists() -> None:
    field = Field("features", (2,), meaning="age in years, height")
    assert depicting.columns_of(field) == ("age in years", "height")
    told = overview.distribution(field, np.ones((3, 2)))
    assert [column["name"] for column in told] == ["age in years", "height"]
    assert depicting.columns_of(Field("features", (3,), meaning="age, height")) == ()
    assert depicting.columns_of(Field("features", (1,), meaning="age")) == ()


def test_letters_stand_together_and_words_apart() -> None:
    letters = Field("text", (4,), "int64", high=4, classes=("(padding)", "(unknown)", "a", "b"))
    assert depicting.depict(letters, np.array([[2, 3, 2, 0]])) == ["aba"]
    words = Field("text", (3,), "int64", high=3, classes=("", "good", "day"))
    assert depicting.depict(words, np.array([[1, 2, 0]])) == ["good day"]


def test_a_class_without_samples_is_counted_too() -> None:
    field = Field("label", (), "int64", high=3, classes=("a", "b", "c"))
    assert overview.class_counts(field, np.array([2, 0, 2])) == {"a": 1, "b": 0, "c": 2}


def test_the_class_is_the_field_with_names() -> None:
    node = Field("node", (), "int64", high=34)
    label = Field("label", (), "int64", high=2, classes=("a", "b"))
    assert overview.label_field((node, label)) == label
    assert overview.label_field((Field("user", (), "int64", high=5000),)) is None


def test_the_karate_club_is_drawn() -> None:
    told = overview.overview(DataSettings(source="netbuilder.KarateClub"), 4)
    graph = told["graph"]
    assert len(graph["points"]) == len(graph["classes"]) == 34
    assert len(graph["edges"]) == 78
    assert -1 not in graph["classes"]
    assert (
        told["graph"] == overview.overview(DataSettings(source="netbuilder.KarateClub"), 4)["graph"]
    )


def test_nodes_have_their_own_classes() -> None:
    """Samples may come in any order, and not all nodes are samples."""
    fields = (
        Field("features", (3, 2), batched=False),
        Field("edge_index", (2, 2), "int64", batched=False),
        Field("node", (), "int64"),
        Field("label", (), "int64", high=2, classes=("a", "b")),
    )
    contents = {
        "features": np.zeros((3, 2), np.float32),
        "edge_index": np.array([[0, 1], [1, 1]]),
        "node": np.array([2, 0]),
        "label": np.array([1, 0]),
    }
    graph = drawing.draw(fields, contents)
    assert graph is not None
    assert graph["classes"] == [0, -1, 1]
    assert graph["edges"] == [[0, 1]]
    assert drawing.draw(fields[2:], contents) is None
    # Without a field that says which node a sample is they come in order.
    in_order = drawing.draw((*fields[:2], fields[3]), contents)
    assert in_order is not None
    assert in_order["classes"] == [1, 0, -1]
