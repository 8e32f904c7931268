"""Tables of files: columns of every kind, missing values, broken rows, encodings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from netbuilder.data import datasets, loading, places, settings
from netbuilder.data.places import Places
from netbuilder.data.proposals.proposing import propose
from netbuilder.data.reading import table_reading
from netbuilder.data.reading.table_reading import read, sample
from netbuilder.data.table_rows import csv_rows, encoding_of
from netbuilder.data.tables import Table
from netbuilder.errors import NetbuilderError, ProblemsError

COLUMNS: list[dict[str, Any]] = [
    {"kind": "number", "name": "height", "missing": "median"},
    {"kind": "whole", "name": "rooms"},
    {"kind": "category", "name": "town", "classes": ["Ulm", "Rom"], "missing": "class"},
    {"kind": "date", "name": "built", "format": "%d.%m.%Y", "cycles": ["year"]},
    {"kind": "text", "name": "remark"},
    {"kind": "number", "name": "price", "use": "target"},
]
ROWS = """height,rooms,town,built,remark,price
1.5,2,Ulm,01.01.1970,"one, two",100
NA,3,Rom,02.01.1970,,110
3.5,4,,03.01.1970,x,120
"""


def table(**changes: Any) -> Table:
    return settings.parse(Table, {"path": "t.csv", "columns": COLUMNS, **changes}, "Table")


def written(folder: Path, text: str, name: str = "t.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def prepared(path: Path, values: Mapping[str, Any], **more: Any) -> loading.Dataset:
    data = {"source": "netbuilder.Table", "params": {"path": path.name, **values}, **more}
    with places.given(Places(path.parent)):
        return datasets.prepare(settings.read(data))


def test_columns_become_fields_by_their_kind(tmp_path: Path) -> None:
    source = table()
    contents, faults = read(source, written(tmp_path, ROWS))
    assert (faults.count, faults.missing) == (0, 0)
    assert source.features() == (
        "height", "rooms", "town=Ulm", "town=Rom", "town=(missing)",
        "built", "built sin of year", "built cos of year",
    )  # fmt: skip
    assert [(f.name, f.shape) for f in source.fields()] == [("features", (8,)), ("target", (1,))]
    features = contents["features"]
    assert np.isnan(features[1, 0])
    assert features[:, 1].tolist() == [2, 3, 4]
    assert features[:, 2:5].tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert features[:, 5].tolist() == [0, 1, 2]
    assert features[0, 6:].tolist() == [0, 1]
    assert contents["target"].tolist() == [[100], [110], [120]]


def test_categories_as_ids_labels_and_keys_are_fields_of_their_own(tmp_path: Path) -> None:
    columns = [
        {"kind": "number", "name": "x"},
        {"kind": "category", "name": "my town", "classes": ["Ulm", "Rom"], "codes": "ids"},
        {"kind": "category", "name": "class", "classes": ["a", "b"], "use": "target"},
        {"kind": "text", "name": "who", "use": "key"},
        {"kind": "date", "name": "when", "use": "key"},
    ]
    rows = "x,my town,class,who,when\n1,Rom,b,eve,1970-01-02\n2,Ulm,a,bob,1970-01-01T00:01\n"
    source = table(columns=columns)
    contents, _ = read(source, written(tmp_path, rows + "3,Ulm,a,eve,1970-01-01\n"))
    about = {field.name: (field.dtype, field.high) for field in source.fields()}
    assert about == {
        "features": ("float32", None),
        "label": ("int64", 2),
        "my_town": ("int64", 2),
        "who": ("int64", None),
        "when": ("int64", None),
    }
    assert contents["label"].tolist() == [1, 0, 0]
    assert contents["my_town"].tolist() == [1, 0, 0]
    assert contents["who"].tolist() == [0, 1, 0]
    assert contents["when"].tolist() == [86400, 60, 0]


def test_missing_numbers_are_filled_from_the_training_part_alone(tmp_path: Path) -> None:
    columns = [
        {"kind": "number", "name": "x", "missing": "mean"},
        {"kind": "number", "name": "y", "use": "target"},
    ]
    # What is not in the training part is so large that it would be seen.
    chosen = {"columns": columns}
    plain = written(tmp_path, "x,y\n" + "".join(f"{i},{i}\n" for i in range(20)))
    kept = prepared(plain, chosen).train["target"][:, 0].tolist()
    rows = [f"{'' if i in (kept[0], kept[1]) else i if i in kept else 1e6},{i}" for i in range(20)]
    data = prepared(written(tmp_path, "x,y\n" + "\n".join(rows)), chosen)
    mean = np.mean(kept[2:])
    assert data.train["features"][:2, 0].tolist() == pytest.approx([mean, mean])
    normal = prepared(tmp_path / "t.csv", chosen, normalise=["features"])
    assert normal.train["features"].mean().item() == pytest.approx(0, abs=1e-6)
    assert normal.statistics["features"].fill is not None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1.5,2,Ulm,01.01.1970,x", "5 cells, not 6"),
        ("big,2,Ulm,01.01.1970,x,1", "'big' in 'height' is no number"),
        ("1e999,2,Ulm,01.01.1970,x,1", "'1e999' in 'height' is no number"),
        ("1_0,2,Ulm,01.01.1970,x,1", "is no number"),
        ("1,2.5,Ulm,01.01.1970,x,1", "'2.5' in 'rooms' is no whole number"),
        ("1,2,Bonn,01.01.1970,x,1", "'Bonn' in 'town' is none of its classes"),
        ("1,2,Ulm,31.02.1970,x,1", "'31.02.1970' in 'built' is no date"),
        ('1,2,Ulm,01.01.1970,"x"y,1', "expected after"),
    ],
)
def test_a_broken_row_is_left_out_and_named_by_its_line(
    tmp_path: Path, line: str, reason: str
) -> None:
    good = ROWS.splitlines()
    text = "\n".join([*good, line, *good[1:] * 60])
    contents, faults = read(table(), written(tmp_path, text))
    assert len(contents["target"]) == 183
    assert faults.count == 1
    assert reason in faults.broken[0]
    assert faults.broken[0].startswith("line 5: ")
    data = prepared(tmp_path / "t.csv", {"columns": COLUMNS})
    assert [code for code, _ in data.notes] == ["corrupt"]
    assert "line 5" in data.notes[0][1]


def test_too_many_broken_rows_are_an_error(tmp_path: Path) -> None:
    text = ROWS * 1 + "bad\n" * 2
    with pytest.raises(ProblemsError, match=r"2 of 5 rows can't be used \(line 5: 1 cells"):
        prepared(written(tmp_path, text), {"columns": COLUMNS})


def test_a_quotation_mark_that_is_never_closed_does_not_swallow_rows(tmp_path: Path) -> None:
    text = ROWS + '1,2,Ulm,"01.01.1970,x,1\n' + "1,2,Ulm,01.01.1970,x,1\n" * 30
    _, faults = read(table(), written(tmp_path, text))
    assert faults.count == 31
    assert "line 5: a quotation mark is never closed" in faults.broken[0]
    lines = [line for line, cells, _ in csv_rows(tmp_path / "t.csv", "utf-8", ",") if not cells]
    assert lines == list(range(5, 36))


def test_rows_without_a_value_that_nothing_stands_in_for_are_left_out(tmp_path: Path) -> None:
    text = ROWS + "1,2,Ulm,,x,1\n1,2,Ulm,01.01.1970,x,?\n"
    data = prepared(written(tmp_path, text), {"columns": COLUMNS}, validation=0.0)
    assert loading.size(data.train) == 3
    assert data.notes == (("missing", "2 rows are left out: a value is missing."),)


@pytest.mark.parametrize(("encoding", "guess"), [("utf-8", "utf-8"), ("utf-8-sig", "utf-8")])
def test_encodings_are_found(tmp_path: Path, encoding: str, guess: str) -> None:
    path = written(tmp_path, "größe,y\n1,2\n", encoding=encoding)
    assert encoding_of(path) == (guess, "")
    assert next(csv_rows(path, guess, ","))[1] == ["größe", "y"]


def test_a_wrong_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "x,y\n1,2\nä,3\n", encoding="cp1252")
    with pytest.raises(NetbuilderError, match="not written in utf-8: byte 0xe4 in line 3"):
        list(csv_rows(path, "utf-8", ","))
    assert encoding_of(path)[0] == "cp1252"
    assert "Windows" in encoding_of(path)[1]
    wide = written(tmp_path, "x;y\n1;2\n", encoding="utf-16")
    assert encoding_of(wide) == ("utf-16", "")
    assert [cells for _, cells, _ in csv_rows(wide, "utf-16", ";")] == [["x", "y"], ["1", "2"]]


def test_what_is_wrong_with_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(NetbuilderError, match="has no column 'rooms'"):
        read(table(), written(tmp_path, "height,price\n1,2\n"))
    with pytest.raises(NetbuilderError, match="is empty"):
        read(table(), written(tmp_path, ""))
    with pytest.raises(NetbuilderError, match="can't be read"):
        read(table(), tmp_path / "none.csv")
    with pytest.raises(NetbuilderError, match="no file"):
        read(table(), tmp_path)


def test_parquet_reads_like_csv(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from datetime import date

    import pyarrow.parquet as parquet

    columns = {
        "height": [1.5, None, 3.5],
        "rooms": [2, 3, 4],
        "town": ["Ulm", "Rom", None],
        "built": [date(1970, 1, day) for day in (1, 2, 3)],
        "remark": ["a", "b", "c"],
        "price": [100.0, 110.0, 120.0],
    }
    path = tmp_path / "t.parquet"
    parquet.write_table(arrow.table(columns), path)
    found, _ = read(table(path="t.parquet"), path)
    wanted, _ = read(table(), written(tmp_path, ROWS))
    assert all(np.array_equal(found[k], wanted[k], equal_nan=True) for k in wanted)
    assert propose(path).fields == propose(tmp_path / "t.csv").fields
    written(tmp_path, "PAR1 no", "bad.parquet")
    with pytest.raises(NetbuilderError, match="is no Parquet file"):
        read(table(), tmp_path / "bad.parquet")


def test_a_row_of_values_reads_like_one_of_the_file() -> None:
    row = {"height": 1.5, "rooms": "2", "town": "Rom", "built": "02.01.1970"}
    features = sample(table(), row)["features"][0]
    assert features[:6].tolist() == [1.5, 2, 0, 1, 0, 1]
    assert np.isnan(sample(table(), {**row, "height": None})["features"][0, 0])
    with pytest.raises(NetbuilderError, match="'Bonn' in 'town' is none of its classes"):
        sample(table(), {**row, "town": "Bonn"})
    with pytest.raises(NetbuilderError, match="'built' is missing"):
        sample(table(), {**row, "built": ""})
    with pytest.raises(NetbuilderError, match="no column 'size'"):
        sample(table(), {"size": 1})


# -- proposals --------------------------------------------------------------------------------


def test_a_proposal_finds_kinds_and_target(tmp_path: Path) -> None:
    rows = [
        f"{i},{i * 0.5:.1f},{'red' if i % 3 else 'blue'},2024-01-{i % 28 + 1:02},note {i},{i % 2}"
        for i in range(60)
    ]
    text = "id,size,colour,day,note,class\n" + "\n".join(rows)
    found = propose(written(tmp_path, text, "cars.csv"))
    kinds = [(c["name"], c["kind"], c.get("use", "feature")) for c in found.params["columns"]]
    assert kinds == [
        ("id", "whole", "none"),
        ("size", "number", "feature"),
        ("colour", "category", "feature"),
        ("day", "date", "feature"),
        ("note", "text", "none"),
        ("class", "category", "target"),
    ]
    assert (found.task, found.count, found.title) == ("classification", 60, "cars")
    assert found.settings == {"normalise": ["features"]}
    assert found.templates[0] == "mlp_tabular"
    assert not found.problems
    path = Path(found.params["path"])
    data = prepared(path, {**found.params, "path": path.name}, **found.settings)
    assert data.train["features"].shape == (48, 4)


def test_a_european_table_is_read_with_its_commas(tmp_path: Path) -> None:
    text = "größe;preis\n" + "".join(f"{i},5;1.{i:03},25\n" for i in range(30))
    found = propose(written(tmp_path, text, encoding="cp1252"))
    assert (found.params["delimiter"], found.params["decimal"]) == (";", ",")
    assert found.params["encoding"] == "cp1252"
    assert any("cp1252" in note for note in found.notes)
    contents, _ = read(settings.parse(Table, found.params, "Table"), tmp_path / "t.csv")
    assert contents["features"][3].tolist() == [3.5]
    assert contents["target"][3].tolist() == [1003.25]
    assert found.task == "regression"
    assert found.settings == {"normalise": ["features", "target"]}


def test_a_table_without_names_is_numbered(tmp_path: Path) -> None:
    found = propose(written(tmp_path, "1,2,a\n3,4,b\n5,6,a\n", "bare.csv"))
    assert found.params["header"] is False
    assert [c["name"] for c in found.params["columns"]] == ["column 1", "column 2", "column 3"]
    contents, _ = read(settings.parse(Table, found.params, "Table"), tmp_path / "bare.csv")
    assert contents["label"].tolist() == [0, 1, 0]


def test_rows_in_the_order_of_time_are_windows_to_forecast(tmp_path: Path) -> None:
    text = "day,watts\n" + "".join(f"{1900 + i // 12}-{i % 12 + 1:02}-01,{i}\n" for i in range(200))
    path = written(tmp_path, text)
    found = propose(path)
    assert (found.task, found.count) == ("forecast", 168)
    assert [(f.name, f.shape) for f in found.fields] == [("window", (32, 1)), ("next", (1,))]
    data = prepared(path, {**found.params, "path": path.name}, **found.settings)
    assert data.train["window"].shape[1:] == (32, 1)
    restored = data.statistics["next"].restore(data.validation["next"])
    assert restored.flatten().tolist() == list(range(192, 200))
    mixed = written(tmp_path, text + "1850-01-01,3\n")
    assert propose(mixed).task == "regression"


def test_columns_without_a_name_are_numbered_and_old_line_ends_read(tmp_path: Path) -> None:
    text = ",size,label\r" + "".join(f"{i % 7}.5,{i},{'ab'[i % 2]}\r" for i in range(20))
    found = propose(written(tmp_path, text))
    names = [column["name"] for column in found.params["columns"]]
    assert names == ["column 1", "size", "label"]
    contents, faults = read(settings.parse(Table, found.params, "Table"), tmp_path / "t.csv")
    assert faults.count == 0
    assert contents["features"][1].tolist() == [1.5, 1.0]
    with pytest.raises(NetbuilderError, match="the name 'a'"):
        propose(written(tmp_path, "a,a,y\n1,2,x\n3,4,z\n"))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32"])
def test_zero_bytes_are_no_text(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(NetbuilderError, match="full of zero bytes"):
        propose(written(tmp_path, ROWS, encoding=encoding))


def test_what_does_not_fit_in_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "a,y\n" + 4000 * "1.25,2\n")
    columns = [{"kind": "number", "name": "a"}, {"kind": "number", "name": "y", "use": "target"}]
    monkeypatch.setattr(table_reading, "_TOLD", 1000)
    free = SimpleNamespace(available=16 * 4000 * 4)
    monkeypatch.setattr("psutil.virtual_memory", lambda: free)
    assert len(prepared(path, {"columns": columns}).train["features"]) == 3200
    free.available = 16 * 4000 * 3 // 2
    with pytest.raises(ProblemsError, match=r"about 4,\d\d\d rows, which need 0.0 GB") as caught:
        prepared(path, {"columns": columns})
    assert "numpy.save" in caught.value.hint
