"""Settings, sources, splits and statistics of the data."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from netbuilder.data import arrays, datasets, loading, settings
from netbuilder.data.settings import DataSettings, field_types
from netbuilder.data.sources import Field, source_classes
from netbuilder.data.splits import split
from netbuilder.data.statistics import Statistics
from netbuilder.errors import NetbuilderError, ProblemsError

DIGITS = DataSettings(source="netbuilder.Digits")


@pytest.mark.parametrize("id", [id for id, kind in source_classes().items() if not kind.on_disk])
def test_every_source_holds_what_it_declares(id: str) -> None:
    source = source_classes()[id]()
    contents = arrays.load(source)
    assert source.help()
    assert set(contents) == {field.name for field in source.fields()}
    for field in source.fields():
        shape = contents[field.name].shape
        assert (shape[1:] if field.batched else shape) == field.shape
        assert str(contents[field.name].dtype) == field.dtype
        if field.high is not None:
            assert contents[field.name].max() < field.high
            # No class is declared that never comes; letters and words may be.
            assert not field.is_class or contents[field.name].max() == field.high - 1
    again = arrays.load(source)
    assert all(np.array_equal(contents[name], again[name]) for name in contents)


def test_field_types_lead_with_the_batch() -> None:
    types = field_types({"source": "netbuilder.Digits"})
    assert str(types["image"]) == "N×1×8×8"
    assert types["label"].dtype == "int64"
    assert types["label"].high == 10
    assert str(field_types({"source": "netbuilder.Sines", "params": {"length": 7}})["window"]) == (
        "N×7×1"
    )
    assert field_types({}) == {}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"source": "netbuilder.Nothing"}, "no data source 'netbuilder.Nothing'"),
        ({"validation": 1.5}, "'validation' must be less than 1, not 1.5"),
        ({"validation": 0.6, "test": 0.5}, "leave nothing to train on"),
        ({"sed": 1}, "no setting 'sed'"),
        ({"seed": True}, "'seed' must be a valid integer, not True"),
        ({"source": "netbuilder.Sines", "params": {"length": 0}}, "'length' must be greater"),
        ({"source": "netbuilder.Digits", "params": {"x": 1}}, "Settings of Digits"),
    ],
)
def test_wrong_settings_say_what_to_change(data: dict[str, object], text: str) -> None:
    with pytest.raises(NetbuilderError, match=text):
        field_types(data)


def test_settings_take_the_lists_of_json() -> None:
    assert settings.read({"normalise": ["image"]}).normalise == ("image",)


def test_split_is_seeded_complete_and_disjoint() -> None:
    labels = np.repeat(np.arange(5), [100, 50, 25, 20, 5])
    parts = split(200, 0.2, 0.1, seed=3, labels=labels)
    together = np.concatenate([parts.train, parts.validation, parts.test])
    assert np.array_equal(np.sort(together), np.arange(200))
    assert len(parts.validation) == 40
    assert len(parts.test) == 20
    for label, count in enumerate([100, 50, 25, 20, 5]):
        assert abs((labels[parts.validation] == label).sum() - 0.2 * count) <= 1
        assert abs((labels[parts.test] == label).sum() - 0.1 * count) <= 1
    same = split(200, 0.2, 0.1, seed=3, labels=labels)
    other = split(200, 0.2, 0.1, seed=4, labels=labels)
    assert np.array_equal(parts.validation, same.validation)
    assert not np.array_equal(parts.validation, other.validation)


def test_a_part_that_was_asked_for_is_not_empty() -> None:
    parts = split(4, 0.1, 0.0, seed=0)
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (3, 1, 0)


def test_normalisation_knows_the_training_part_alone() -> None:
    chosen = DataSettings(
        source="netbuilder.Diabetes", normalise=("features", "target"), validation=0.5
    )
    data = datasets.prepare(chosen)
    assert data.train["features"].mean(0).abs().max() < 1e-5
    assert (data.train["features"].std(0, correction=0) - 1).abs().max() < 1e-5
    assert data.validation["features"].mean(0).abs().max() > 1e-3
    raw = datasets.prepare(DataSettings(source="netbuilder.Diabetes", validation=0.5))
    back = Statistics.from_json(data.to_json()["statistics"]["target"])
    assert torch.allclose(back.restore(data.validation["target"]), raw.validation["target"])


@pytest.mark.parametrize(
    ("shape", "expected"), [((9, 4), (4,)), ((9, 3, 5, 5), (3, 1, 1)), ((9, 6, 2), (1, 2))]
)
def test_statistics_are_per_feature_or_channel(
    shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    statistics = Statistics.of(torch.randn(shape))
    assert tuple(statistics.mean.shape) == expected
    constant = Statistics.of(torch.ones(shape))
    assert torch.equal(constant.normalise(torch.ones(shape)), torch.zeros(shape))


def test_fingerprint_changes_with_values_and_split() -> None:
    first = datasets.prepare(DIGITS).fingerprint
    assert datasets.prepare(DIGITS).fingerprint == first
    assert datasets.prepare(DIGITS.model_copy(update={"seed": 1})).fingerprint != first
    contents = {"a": np.zeros((3, 2))}
    parts = split(3, 0.0, 0.0, 0)
    changed = {"a": np.array([[0.0, 0], [0, 0], [0, 1e-9]])}
    assert loading.fingerprint(contents, parts) != loading.fingerprint(changed, parts)


LABEL = Field("label", (), "int64", high=3)
VALUE = Field("x", (2,))


@pytest.mark.parametrize(
    ("x", "label", "code"),
    [
        (np.zeros((0, 2), np.float32), np.zeros(0, np.int64), "data.empty"),
        (np.zeros((3, 2), np.float32), np.array([0, 1]), "data.lengths"),
        (np.zeros((2, 2), np.float32), np.array([0, 3]), "data.range"),
        (np.zeros((2, 2), np.float32), np.array([-1, 2]), "data.range"),
        (np.zeros((2, 2), np.float32), np.array([1, 1]), "data.one_class"),
        (np.array([[0, np.nan], [0, 0]], np.float32), np.array([0, 1]), "data.finite"),
        (np.zeros((2, 5), np.float32), np.array([0, 1]), "data.shape"),
    ],
)
def test_data_that_does_not_fit_is_a_problem(
    x: arrays.Array, label: arrays.Array, code: str
) -> None:
    problems = loading.find_problems((VALUE, LABEL), {"x": x, "label": label}, DIGITS)
    assert [problem.code for problem in problems] == [code]
    with pytest.raises(ProblemsError):
        loading.refuse(problems)


def test_good_data_has_no_problems() -> None:
    contents = {"x": np.zeros((2, 2), np.float32), "label": np.array([0, 2])}
    assert loading.find_problems((VALUE, LABEL), contents, DIGITS) == []


def test_only_numbers_are_normalised() -> None:
    with pytest.raises(ProblemsError, match="'label' can't be normalised") as caught:
        datasets.prepare(DIGITS.model_copy(update={"normalise": ("label",)}))
    assert "image" in caught.value.hint


def test_descriptions_load_neither_torch_nor_data() -> None:
    code = (
        "import sys, netbuilder.data.settings; "
        "sys.exit(bool({'torch', 'sklearn', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
