"""Windows over a series, switched on and off: the settings stay ones that can be read."""

from __future__ import annotations

from typing import Any

import pytest

from netbuilder.app import series
from netbuilder.data.settings import fields_of, read

TABLE: dict[str, Any] = {
    "source": "netbuilder.Table",
    "params": {
        "path": "a.csv",
        "columns": [
            {"kind": "date", "name": "day", "use": "key"},
            {"kind": "number", "name": "a"},
            {"kind": "number", "name": "y", "use": "target"},
        ],
    },
    "normalise": ["features", "target"],
}


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"folds": 3},
        {"split_by": "group", "key": "day"},
        {"split_by": "time", "key": "day"},
        {"normalise": []},
    ],
)
def test_on_and_off(more: dict[str, Any]) -> None:
    data = {**TABLE, **more}
    assert series.possible(data)
    assert not series.switched_on(data)
    on = series.switched(data, True)
    assert series.switched_on(on)
    settings = read(on)
    assert [field.name for field in fields_of(settings)] == ["window", "next"]
    assert settings.split_by == more.get("split_by", "time")
    assert settings.normalise == (() if more.get("normalise") == [] else ("window", "next"))
    off = series.switched(on, False)
    assert not series.switched_on(off)
    assert read(off).normalise == read(data).normalise


@pytest.mark.parametrize("data", [{}, {"source": "netbuilder.Digits"}, {"source": "nowhere.X"}])
def test_where_there_are_no_rows_of_numbers(data: dict[str, Any]) -> None:
    assert not series.possible(data)
