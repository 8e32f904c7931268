"""Parts by group and by time, and windows over series: nothing of one part is seen in another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from netbuilder.data import datasets, loading, places, settings
from netbuilder.data.places import Places
from netbuilder.data.reading import opening
from netbuilder.data.splits import split_groups, split_time
from netbuilder.data.streaming import Streamed
from netbuilder.errors import NetbuilderError, ProblemsError

GROUPS = np.repeat(np.arange(20), np.arange(1, 21))


@pytest.mark.parametrize("seed", range(5))
def test_groups_stay_together_near_the_wanted_sizes(seed: int) -> None:
    parts = split_groups(GROUPS, 0.2, 0.1, seed)
    rows = [parts.train, parts.validation, parts.test]
    assert np.array_equal(np.sort(np.concatenate(rows)), np.arange(210))
    kept = [set(GROUPS[row]) for row in rows]
    assert sum(map(len, kept)) == len(set.union(*kept)) == 20
    assert abs(len(parts.validation) - 42) <= 20
    assert abs(len(parts.test) - 21) <= 20
    again = split_groups(GROUPS, 0.2, 0.1, seed)
    assert np.array_equal(again.train, parts.train)


def test_folds_of_groups_take_each_group_once() -> None:
    folds = [split_groups(GROUPS, 0.2, 0.1, 3, (number, 4)) for number in range(1, 5)]
    tests = folds[0].test
    measured = np.concatenate([fold.validation for fold in folds])
    assert np.array_equal(np.sort(np.concatenate([measured, tests])), np.arange(210))
    sizes = [len(fold.validation) for fold in folds]
    assert max(sizes) - min(sizes) <= 20
    for fold in folds:
        assert not set(GROUPS[fold.train]) & set(GROUPS[fold.validation])


def test_too_few_groups_are_told() -> None:
    with pytest.raises(NetbuilderError, match="2 groups for 3 parts"):
        split_groups(np.array([0, 0, 1]), 0.2, 0.2, 0)


def test_what_is_latest_is_tested_and_moments_stay_together() -> None:
    times = np.array([5, 1, 4, 2, 3, 8, 7, 6, 9, 0])
    parts = split_time(times, 0.2, 0.1)
    assert sorted(times[parts.train]) == [0, 1, 2, 3, 4, 5, 6]
    assert (sorted(times[parts.validation]), times[parts.test].tolist()) == ([7, 8], [9])
    tied = np.array([0, 0, 0, 1, 1, 1, 1, 1, 2, 2])
    parts = split_time(tied, 0.4, 0.0)
    assert tied[parts.train].max() < tied[parts.validation].min()
    with pytest.raises(NetbuilderError, match="too many are of one moment"):
        split_time(np.zeros(10), 0.2, 0.0)


# -- a table with two machines over days ----------------------------------------------------------

COLUMNS = [
    {"kind": "whole", "name": "machine", "use": "key"},
    {"kind": "date", "name": "day", "use": "key"},
    {"kind": "number", "name": "heat"},
    {"kind": "number", "name": "load", "use": "target"},
]
DAYS = 40


def days(folder: Path) -> Path:
    """Rows in no order: heat tells machine and day, load is its negative."""
    rows = [
        f"{machine},1970-{1 + day // 28:02}-{1 + day % 28:02},{1000 * machine + day},{-day}"
        for day in np.random.default_rng(0).permutation(DAYS)
        for machine in (1, 2)
    ]
    path = folder / "days.csv"
    path.write_text("machine,day,heat,load\n" + "\n".join(rows))
    return path


def prepared(folder: Path, **more: Any) -> loading.Dataset:
    params = {"path": "days.csv", "columns": COLUMNS}
    with places.given(Places(folder)):
        return datasets.prepare(
            settings.read({"source": "netbuilder.Table", "params": params, **more})
        )


def test_a_table_is_split_by_its_keys(tmp_path: Path) -> None:
    days(tmp_path)
    data = prepared(tmp_path, split_by="group", key="machine", validation=0.5)
    assert set(data.train["machine"].tolist()) != set(data.validation["machine"].tolist())
    assert len(set(data.train["machine"].tolist())) == 1
    data = prepared(tmp_path, split_by="time", key="day", validation=0.25)
    assert data.train["day"].max() < data.validation["day"].min()
    assert loading.size(data.validation) == DAYS // 2
    with pytest.raises(ProblemsError, match="can't be split by 'hour'"):
        prepared(tmp_path, split_by="group", key="hour")


def test_windows_are_of_one_series_and_one_part_in_their_order(tmp_path: Path) -> None:
    days(tmp_path)
    windows = {"length": 5, "ahead": 2, "series": "machine"}
    data = prepared(tmp_path, split_by="time", key="day", validation=0.25, windows=windows)
    assert {f.name: f.shape for f in data.fields} == {"window": (5, 2), "next": (1,)}
    for part, low, high in ((data.train, 0, 30), (data.validation, 30, 40)):
        heat, load, after = part["window"][..., 0], part["window"][..., 1], part["next"][:, 0]
        machine, day = heat // 1000, heat % 1000
        assert (machine == machine[:, :1]).all()
        assert torch.equal(day, day[:, :1] + torch.arange(5.0))
        assert torch.equal(load, -day)
        assert torch.equal(after, -(day[:, -1] + 2))
        assert day.min() >= low
        assert (-after).max() < high
        assert len(day) == 2 * (high - low - 6)
    one = {**windows, "time": "day", "fields": ["features"], "targets": ["features"], "stride": 3}
    data = prepared(tmp_path, split_by="group", key="machine", validation=0.5, windows=one)
    assert data.train["window"].shape == (12, 5, 1)
    assert torch.equal(data.train["next"], data.train["window"][:, -1] + 2)


def test_windows_are_normalised_by_the_training_part(tmp_path: Path) -> None:
    days(tmp_path)
    more: dict[str, Any] = {"split_by": "time", "key": "day", "windows": {"length": 4}}
    more["windows"]["series"] = "machine"
    plain = prepared(tmp_path, **more).train["window"]
    data = prepared(tmp_path, **more, normalise=["window", "next"])
    mean = data.statistics["window"].mean
    assert torch.allclose(mean, plain.mean((0, 1)), rtol=1e-5)
    assert data.train["window"].mean().abs() < 1e-5


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"windows": {}}, "windows overlap"),
        ({"split_by": "group"}, "name the field of the groups"),
        ({"split_by": "time", "folds": 3}, "no folds by time"),
        ({"split_by": "time", "windows": {"fields": ["machine"]}}, "can't hold 'machine'"),
        ({"split_by": "time", "windows": {"length": 100}}, "no 101 rows behind each other"),
        ({"split_by": "time", "windows": {"series": "shift"}}, "can't be split by 'shift'"),
    ],
)
def test_settings_that_do_not_fit_are_told(tmp_path: Path, more: dict[str, Any], text: str) -> None:
    days(tmp_path)
    with pytest.raises(NetbuilderError, match=text):
        prepared(tmp_path, **more)


def series(folder: Path) -> dict[str, Any]:
    random = np.random.default_rng(1)
    np.save(folder / "x.npy", random.standard_normal((60, 3)).astype(np.float32))
    np.save(folder / "who.npy", np.repeat([4, 7, 9], 20))
    contents = {"x": {"shape": [3]}, "who": {"dtype": "int64"}}
    return {
        "source": "netbuilder.NumpyFiles",
        "params": {"folder": str(folder), "contents": contents},
        "windows": {"length": 6, "series": "who", "stride": 2},
        "split_by": "group",
        "key": "who",
        "normalise": ["window"],
    }


def test_windows_over_npy_files_are_the_same_streamed_and_in_memory(tmp_path: Path) -> None:
    read = settings.read(series(tmp_path))
    with places.given(Places(tmp_path)):
        source: Any = settings.source_of(read)
        whole = opening.prepare(source, read)
        streamed = opening.prepare(source, read, in_memory=0)
    assert isinstance(streamed.train, Streamed)
    assert not isinstance(whole.train, Streamed)
    count = loading.size(whole.train)
    assert count == 14
    rows = streamed.train.rows(range(count))
    assert set(rows) == {"window", "next"} == set(whole.train)
    assert all(torch.equal(rows[name], whole.train[name]) for name in rows)
    x = np.load(tmp_path / "x.npy")
    window = whole.statistics["window"].restore(whole.validation["window"])
    assert any(np.allclose(window[0], x[begin : begin + 6], atol=1e-5) for begin in (0, 20, 40))
