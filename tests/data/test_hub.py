"""Data sets of the Hugging Face Hub, on a server of this machine that answers like it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netbuilder.data import downloads, fetching, hub
from netbuilder.data.downloads import Order
from netbuilder.errors import NetbuilderError
from tests.data.serving import Site, served

pytest.importorskip("huggingface_hub")

ROWS = {"default/train/0000.parquet": b"PAR1 train", "default/test/0000.parquet": b"PAR1 test"}


def answer(files: dict[str, bytes], **more: Any) -> bytes:
    siblings = [
        {
            "rfilename": name,
            "size": len(data),
            "lfs": {
                "sha256": hashlib.sha256(data).hexdigest(),
                "size": len(data),
                "pointerSize": 1,
            },
        }
        for name, data in files.items()
    ]
    siblings.append({"rfilename": "README.md", "size": 10})
    return json.dumps({"id": "me/cats", "siblings": siblings, **more}).encode()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(downloads, "ROOM", 0)
    monkeypatch.delenv(downloads.OFFLINE, raising=False)
    with served(Site()) as found:
        path = "/api/datasets/me/cats/revision/refs%2Fconvert%2Fparquet"
        found.files[path] = answer(ROWS)
        for name, data in ROWS.items():
            found.files[f"/datasets/me/cats/resolve/refs%2Fconvert%2Fparquet/{name}"] = data
        yield found


def test_its_tables_are_files_to_fetch(site: Site, tmp_path: Path) -> None:
    found = hub.collection("hf:me/cats", site.address)
    assert found.id == "me--cats"
    assert [file.name for file in found.files] == [
        "default-train-0000.parquet",
        "default-test-0000.parquet",
    ]
    paths = downloads.fetch(found, Order(tmp_path))
    assert [path.read_bytes() for path in paths] == list(ROWS.values())


def test_one_part_of_it(site: Site) -> None:
    found = hub.collection("hf:me/cats:train", site.address)
    assert [file.name for file in found.files] == ["default-train-0000.parquet"]
    assert found.id == "me--cats--train"
    site.files["/api/datasets/me/cats/revision/main"] = answer({})
    with pytest.raises(NetbuilderError, match="no tables or texts for 'other'"):
        hub.collection("hf:me/cats:other", site.address)


def test_what_has_no_hash_is_no_file_to_fetch(site: Site) -> None:
    bare = {"id": "me/cats", "siblings": [{"rfilename": "a.csv", "size": 3}]}
    site.files = {"/api/datasets/me/cats/revision/main": json.dumps(bare).encode()}
    site.reason = "RevisionNotFound"
    with pytest.raises(NetbuilderError, match="has no tables or texts"):
        hub.collection("hf:me/cats", site.address)


def test_without_tables_of_the_hub_its_own_files_are_taken(site: Site) -> None:
    files = {"data/train.csv": b"a,b\n1,2\n", "pictures.zip": b"zip", "code.py": b"evil()"}
    site.files = {"/api/datasets/me/cats/revision/main": answer(files)}
    site.reason = "RevisionNotFound"
    found = hub.collection("hf:me/cats", site.address)
    assert [file.name for file in found.files] == ["data-train.csv"]


def test_too_many_files_are_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "MAX_FILES", 1)
    with pytest.raises(NetbuilderError, match="has 2 files") as caught:
        hub.collection("hf:me/cats", site.address)
    assert "hf:me/cats:train" in caught.value.hint


@pytest.mark.parametrize("name", ["hf:cats", "hf:me/cats/dogs", "hf:../..", "hf:me/c ats", "hf:"])
def test_names_are_an_owner_and_a_name(name: str) -> None:
    with pytest.raises(NetbuilderError, match="names no data set"):
        hub.collection(name, "http://127.0.0.1:1")


def test_a_hub_that_does_not_answer_is_told(site: Site) -> None:
    with pytest.raises(NetbuilderError, match="could not be asked"):
        hub.collection("hf:me/cats", "http://127.0.0.1:1")
    site.files, site.reason = {}, "RepoNotFound"
    with pytest.raises(NetbuilderError, match="has no data set 'me/cats'"):
        hub.collection("hf:me/cats", site.address)
    site.reason = "GatedRepo"
    with pytest.raises(NetbuilderError, match="not open to everybody") as caught:
        hub.collection("hf:me/cats", site.address)
    assert "hf auth login" in caught.value.hint


def test_offline_it_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(downloads.OFFLINE, "1")
    with pytest.raises(NetbuilderError, match="stay offline"):
        fetching.find("hf:me/cats")
