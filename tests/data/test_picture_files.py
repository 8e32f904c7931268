"""MNIST's and CIFAR's binary files: read within limits, proposed from a path, trained on."""

from __future__ import annotations

import copy
import gzip
import hashlib
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from netbuilder.app import fitting
from netbuilder.data import datasets, downloads, places, settings
from netbuilder.data.downloads import Collection, Order, Remote, fetch
from netbuilder.data.loading import Dataset
from netbuilder.data.proposals import proposing
from netbuilder.data.reading import opening, picture_bytes, unpacking
from netbuilder.data.streaming import Streamed
from netbuilder.engine import tasks
from netbuilder.errors import NetbuilderError, ProblemsError
from tests.data import picture_files
from tests.data.serving import Site, served


def prepared(path: Path, in_memory: int = opening.IN_MEMORY, **params: Any) -> Dataset:
    found = proposing.propose(path)
    data = {"source": found.source, "params": {**found.params, **params}, "stratify": False}
    chosen = settings.read(data)
    source: Any = settings.source_of(chosen)
    with places.given(places.Places(path if path.is_dir() else path.parent)):
        return opening.prepare(source, chosen, in_memory=in_memory)


@pytest.mark.parametrize("packed", [True, False])
def test_mnist_as_it_is_published(tmp_path: Path, packed: bool) -> None:
    root = picture_files.write_mnist(tmp_path / "mnist", packed=packed)
    found = proposing.propose(root)
    assert (found.source, found.count) == ("netbuilder.IdxPictures", 60)
    assert found.task == "classification"
    assert "train-images" in found.params["images"]
    assert any("t10k" in note for note in found.notes)
    data = prepared(root)
    assert data.train["image"].shape == (48, 1, 28, 28)
    assert data.train["image"].min() == 0.0
    assert data.train["image"].max() == 1.0
    images, labels = picture_files.digits()
    whole = torch.from_numpy(images).float().div(255)
    for image, label in zip(data.train["image"], data.train["label"], strict=True):
        (at,) = (whole == image).flatten(1).all(1).nonzero().flatten().tolist()
        assert labels[at] == label


def test_one_of_the_files_may_be_chosen_too(tmp_path: Path) -> None:
    root = picture_files.write_mnist(tmp_path / "m")
    found = proposing.propose(root / "t10k-images-idx3-ubyte.gz")
    assert found.count == 20


def test_clothes_have_their_names(tmp_path: Path) -> None:
    root = picture_files.write_mnist(tmp_path / "FashionMNIST")
    assert "ankle boot" in proposing.propose(root).fields[1].classes
    digits = picture_files.write_mnist(tmp_path / "other")
    assert proposing.propose(digits).fields[1].classes[9] == "9"


def test_a_template_is_fitted_to_them(tmp_path: Path) -> None:
    proposal = proposing.propose(picture_files.write_mnist(tmp_path / "m")).to_json()
    assert {"digits_mlp", "digits_cnn", "lenet5"} <= set(fitting.choose(proposal))
    document = fitting.begin("lenet5", proposal)
    assert tasks.analyse(document, source=False).problems == ()


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


GOOD = picture_files.idx(picture_files.digits(4)[0])


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "does not begin"),
        (GOOD[:10], "does not begin"),
        (b"\x00\x00\x0d" + GOOD[3:], "does not begin"),
        (b"\x00\x00\x08\x01" + GOOD[4:], "does not begin"),
        (GOOD[:-1], "1 bytes are missing"),
        (GOOD + b"!", "more in it than it says"),
        (gzip.compress(GOOD)[:-20], "ends too early"),
        (gzip.compress(GOOD)[:-8] + bytes(8), "damaged"),
        (b"\x1f\x8b" + bytes(50), "damaged"),
        (GOOD[:4] + struct.pack(">3I", 2**32 - 1, 2**32 - 1, 2**31) + GOOD[16:], "MB"),
    ],
)
def test_a_file_that_is_not_whole_is_refused(tmp_path: Path, data: bytes, text: str) -> None:
    with pytest.raises(NetbuilderError, match=text):
        picture_bytes.idx(write(tmp_path / "x-images-idx3-ubyte", data), 3)


def test_a_bomb_gives_no_more_than_it_says(tmp_path: Path) -> None:
    bomb = gzip.compress(GOOD + bytes(10 * 2**20))
    path = write(tmp_path / "x", bomb)
    with pytest.raises(NetbuilderError, match="more in it"):
        picture_bytes.idx(path, 3)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x")
    with pytest.raises(NetbuilderError, match="is no file"):
        picture_bytes.idx(tmp_path / "x", 3)


def test_files_that_do_not_belong_together(tmp_path: Path) -> None:
    root = picture_files.write_mnist(tmp_path / "m", packed=False)
    other = str(root / "t10k-labels-idx1-ubyte")
    with pytest.raises(ProblemsError, match="60 pictures and 20 labels"):
        prepared(root, labels=other)
    with pytest.raises(ProblemsError, match="are 28×28, not 28×27"):
        prepared(root, width=27)
    with pytest.raises(ProblemsError, match="from 0 to 9, not 0 to 4"):
        prepared(root, classes=tuple("abcde"))


def test_cifar_as_it_is_published(tmp_path: Path) -> None:
    root = picture_files.write_cifar(tmp_path / "cifar")
    found = proposing.propose(root)
    assert found.source == "netbuilder.CifarPictures"
    assert found.fields[1].classes[3] == "kind3"
    data = prepared(root)
    assert data.train["image"].shape == (32, 3, 32, 32)
    every = torch.cat([data.train["image"], data.validation["image"]])
    red = sorted((every[:, 0, 0, 0] * 255).round().int().tolist())
    assert red == list(range(40))
    for image, label in zip(data.train["image"], data.train["label"], strict=True):
        assert int((image[0, 5, 7] * 255).round()) % 10 == label


def test_cifar_is_streamed_alike(tmp_path: Path) -> None:
    root = picture_files.write_cifar(tmp_path / "cifar")
    whole, streamed = prepared(root), prepared(root, in_memory=0)
    assert isinstance(streamed.train, Streamed)
    assert torch.equal(streamed.train["image"][:], whole.train["image"])
    reader = streamed.train.feed._samples.reader
    again = copy.deepcopy(reader)
    row = again.read(9, lambda: np.random.default_rng(0))
    assert np.array_equal(row["image"], reader.read(9, np.random.default_rng)["image"])
    os.truncate(root / "data_batch_2.bin", 3073)
    assert reader.changed() == "data_batch_2.bin"


def test_cifar_100_has_two_labels(tmp_path: Path) -> None:
    (tmp_path / "train.bin").write_bytes(picture_files.cifar(30, labels=2))
    found = proposing.propose(tmp_path)
    assert (found.count, len(found.fields[1].classes)) == (30, 100)
    data = prepared(tmp_path)
    for image, label in zip(data.train["image"], data.train["label"], strict=True):
        assert int((image[0, 0, 0] * 255).round()) % 10 == label


def test_a_cut_file_of_cifar_is_refused(tmp_path: Path) -> None:
    root = picture_files.write_cifar(tmp_path / "c")
    params = proposing.propose(root).params
    os.truncate(root / "data_batch_1.bin", 5000)
    chosen = settings.read({"source": "netbuilder.CifarPictures", "params": params})
    with (
        places.given(places.Places(root)),
        pytest.raises(ProblemsError, match="no whole number of"),
    ):
        datasets.prepare(chosen)


def packed(site: Site, data: bytes) -> Collection:
    site.files["/c.tar.gz"] = data
    digest = hashlib.sha256(data).hexdigest()
    remote = Remote("c.tar.gz", f"{site.address}/c.tar.gz", len(data), digest)
    holds = tuple((name, len(data)) for name, data in picture_files.cifar_files().items())
    return Collection("c", "C", "", "", (remote,), holds)


def test_an_archive_leaves_what_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "ROOM", 0)
    files = picture_files.cifar_files()
    with served(Site()) as site:
        wanted = packed(site, picture_files.tar({"readme.html": b"x", **files}))
        paths = fetch(wanted, Order(tmp_path / "c"))
        assert {path.name: path.read_bytes() for path in paths} == files
        assert sorted(path.name for path in (tmp_path / "c").iterdir()) == sorted(files)
        site.asked.clear()
        fetch(wanted, Order(tmp_path / "c"))
        assert site.asked == []
    assert proposing.propose(tmp_path / "c").count == 40


@pytest.mark.parametrize("folder", ["../../", "/", "a/../../../b/"])
def test_names_in_an_archive_are_no_paths(tmp_path: Path, folder: str) -> None:
    path = write(tmp_path / "a.tar.gz", picture_files.tar({"x.bin": b"abc"}, folder))
    (tmp_path / "in").mkdir()
    unpacking.take(path, {"x.bin": 3}, tmp_path / "in")
    assert sorted(each.name for each in tmp_path.rglob("*")) == ["a.tar.gz", "in", "x.bin"]
    assert (tmp_path / "in/x.bin").read_bytes() == b"abc"


def test_an_archive_with_something_else_leaves_nothing(tmp_path: Path) -> None:
    import io
    import tarfile

    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        link = tarfile.TarInfo("x.bin")
        link.type, link.linkname, link.size = tarfile.SYMTYPE, "/etc/passwd", 3
        archive.addfile(link)
    cases = {
        "is not what it should be": out.getvalue(),
        "lacks 'x.bin'": picture_files.tar({"y.bin": b"abc"}),
        "not what it should": picture_files.tar({"x.bin": b"abcd"}),
        "is damaged": picture_files.tar({"x.bin": b"abc"})[:40],
        "damaged": b"no archive",
    }
    for text, data in cases.items():
        path = write(tmp_path / "a.tar.gz", data)
        with pytest.raises(NetbuilderError, match=text):
            unpacking.take(path, {"x.bin": 3}, tmp_path)
        assert [each.name for each in tmp_path.iterdir()] == ["a.tar.gz"]


def test_sizes_that_no_picture_has_are_told(tmp_path: Path) -> None:
    root = picture_files.write_mnist(tmp_path / "mnist", packed=False)
    images = next(root.glob("train-images*"))
    data = images.read_bytes()
    images.write_bytes(data[:4] + struct.pack(">III", 2**31, 2**16, 28) + data[16:])
    with pytest.raises(NetbuilderError, match="beyond what can be read: height"):
        proposing.propose(root)
    images.write_bytes(data[:4] + struct.pack(">III", 0, 28, 28))
    (problem,) = proposing.propose(root).problems
    assert (problem.severity, problem.code) == ("error", "data.empty")
