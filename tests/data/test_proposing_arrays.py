"""Proposals for .npy files, and what is no data: archives, pickles, strange names."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from netbuilder.app import fitting
from netbuilder.data import datasets, places
from netbuilder.data.places import Places
from netbuilder.data.proposals.proposing import propose
from netbuilder.data.settings import read
from netbuilder.errors import NetbuilderError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    (tmp_path / "arrays").mkdir()
    np.save(tmp_path / "arrays" / "x.npy", random.random((60, 4)))
    np.save(tmp_path / "arrays" / "label.npy", np.arange(60, dtype=np.uint8) % 3)
    return tmp_path / "arrays"


def test_classes(folder: Path) -> None:
    found = propose(folder)
    assert (found.task, found.count) == ("classification", 60)
    assert {field.name: (field.shape, field.dtype, field.high) for field in found.fields} == {
        "label": ((), "int64", 3),
        "x": ((4,), "float32", None),
    }
    assert found.settings == {"normalise": ["x"]}
    chosen = read({"source": found.source, "params": found.params, **found.settings})
    with places.given(Places(None, (str(folder),))):
        assert len(datasets.prepare(chosen).train["label"]) == 48


def test_numbers_pictures_and_ids(folder: Path) -> None:
    (folder / "label.npy").unlink()
    np.save(folder / "y.npy", np.linspace(0, 1, 60))
    np.save(folder / "picture.npy", np.zeros((60, 3, 8, 8), np.uint8))
    np.save(folder / "words.npy", np.full((60, 5), 99, np.int32))
    found = propose(folder / "x.npy")
    assert found.task == "regression"
    kinds = {field.name: (field.dtype, field.high) for field in found.fields}
    assert kinds == {
        "picture": ("float32", None),
        "words": ("int64", 100),
        "x": ("float32", None),
        "y": ("float32", None),
    }


def test_what_does_not_go_along_is_told(folder: Path) -> None:
    np.save(folder / "short.npy", np.zeros((5, 2)))
    np.save(folder / "no name.npy", np.zeros((60, 2)))
    np.save(folder / "objects.npy", np.array([{}] * 60, dtype=object), allow_pickle=True)
    found = propose(folder)
    assert [field.name for field in found.fields] == ["label", "x"]
    text = " ".join(found.notes)
    for words in ("'short.npy' has 5 samples, not 60", "'no name.npy' is left out", "objects.npy"):
        assert words in text


def test_negative_numbers_are_no_classes(folder: Path) -> None:
    np.save(folder / "label.npy", np.arange(60) - 30)
    assert propose(folder).task == "regression"


@pytest.mark.parametrize("shape", [(60,), (60, 1)])
@pytest.mark.parametrize("name", ["y", "price"])
def test_one_number_a_sample_is_to_be_found(
    folder: Path, name: str, shape: tuple[int, ...]
) -> None:
    (folder / "label.npy").unlink()
    np.save(folder / f"{name}.npy", np.arange(60.0).reshape(shape))
    np.save(folder / "time.npy", np.arange(60.0))
    found = propose(folder)
    assert found.task == "regression"
    assert [(field.name, field.shape) for field in found.fields] == [
        ("time", ()),
        ("x", (4,)),
        (name, (1,)),
    ]
    # As a person has it: normalised, and measured on what came last.
    data = {"source": found.source, "params": found.params, "split_by": "time", "key": "time"}
    with places.given(Places(None, (str(folder),))):
        made = datasets.prepare(read(data))
    assert made.validation[name].tolist() == [[value] for value in range(48, 60)]
    fitted = fitting.begin("mlp_regression", found.to_json())
    target = fitted.of_kind("step")[0].named("target")
    assert target is not None
    assert target.params["field"] == name


def test_an_archive_of_arrays_is_not_read(folder: Path) -> None:
    np.savez(folder / "all.npz", x=np.zeros(3))
    with pytest.raises(NetbuilderError, match="archive of arrays") as caught:
        propose(folder / "all.npz")
    assert "numpy.save" in caught.value.hint


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "A.TGZ", "a.7z"])
def test_archives_are_refused_unopened(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if name.endswith("zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("../../outside.txt", b"0" * 10_000_000)
    else:
        with tarfile.open(path, "w") as tar:
            member = tarfile.TarInfo("../outside.txt")
            member.size = 3
            tar.addfile(member, io.BytesIO(b"abc"))
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(NetbuilderError, match="is an archive") as caught:
        propose(path)
    assert "Unpack it" in caught.value.hint
    assert sorted(tmp_path.parent.rglob("*")) == before


def test_classes_alone_are_nothing_to_learn_from(folder: Path) -> None:
    np.save(folder / "x.npy", np.asfortranarray(np.zeros((60, 4))))
    found = propose(folder)
    assert [problem.code for problem in found.problems] == ["data.features"]
    assert "columns first" in " ".join(found.notes)
