"""What lies outside a project is read only where its person allowed it; looking opens nothing."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netbuilder.app import consent
from netbuilder.app.consent import ConsentStore
from netbuilder.app.templates import open_template
from netbuilder.data import overview, places
from netbuilder.data.places import Places
from netbuilder.data.settings import read
from netbuilder.engine import locating, planning, tasks
from netbuilder.errors import NetbuilderError, ProblemsError
from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.storage import files

CONTENTS = {
    "image": {"shape": [1, 8, 8]},
    "label": {"dtype": "int64", "high": 10},
}


def data(folder: str) -> dict[str, Any]:
    params = {"folder": folder, "contents": CONTENTS}
    return {"source": "netbuilder.NumpyFiles", "params": params}


def write(folder: Path, count: int = 40) -> Path:
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    np.save(folder / "image.npy", random.random((count, 1, 8, 8), np.float32))
    np.save(folder / "label.npy", np.arange(count) % 10)
    return folder


def project(folder: str) -> Document:
    document = open_template("digits_cnn")
    edits.set_project(History(document), data=data(folder))
    return document


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A project's folder with data in it, and data beside it."""
    write(tmp_path / "home" / "inside")
    write(tmp_path / "other")
    return tmp_path / "home"


class Opened:
    """Notes every path that is opened or listed meanwhile."""

    def __init__(self) -> None:
        self.active = False
        self.paths: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.active and event in (
            "open",
            "os.scandir",
            "os.listdir",
            "os.chdir",
            "socket.connect",
        ):
            self.paths.append(str(arguments[0]))


_opened = Opened()
sys.addaudithook(_opened)  # never taken away again: it listens within `watching` alone


@pytest.fixture
def watching() -> Iterator[list[str]]:
    _opened.paths.clear()
    _opened.active = True
    yield _opened.paths
    _opened.active = False


def test_inside_its_folder_a_project_may_read(home: Path) -> None:
    with places.given(Places(home)):
        for path in ("inside", str(home / "inside"), "./inside", "../home/inside"):
            assert places.resolve(path).samefile(home / "inside")
        assert len(planning.make(project("inside")).dataset.train["label"]) == 32


@pytest.mark.parametrize("how", ["above", "whole", "link", "below a link"])
def test_outside_it_must_be_allowed(home: Path, how: str) -> None:
    (home / "link").symlink_to(home.parent)
    named = {
        "above": "../other",
        "whole": str(home.parent / "other"),
        "link": "link/other",
        "below a link": "inside/../link/other",
    }[how]
    with places.given(Places(home)), pytest.raises(ProblemsError) as caught:
        planning.make(project(named))
    assert caught.value.problems[0].code == "data.consent"
    assert "--allow" in caught.value.hint
    with places.given(Places(home, (os.path.realpath(home.parent / "other"),))):
        assert len(planning.make(project(named)).dataset.train["label"]) == 32


def test_a_neighbour_with_a_longer_name_is_outside(home: Path) -> None:
    write(home.with_name("home2"))
    with places.given(Places(home)), pytest.raises(ProblemsError):
        places.resolve("../home2")


def test_without_a_file_a_project_has_no_folder(home: Path) -> None:
    with pytest.raises(NetbuilderError, match="no file yet"):
        places.resolve("inside")
    with pytest.raises(ProblemsError):
        places.resolve(str(home / "inside"))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("http://169.254.169.254/latest", "fetch the data first"),
        ("file:///etc/passwd", "fetch the data first"),
        ("\\\\host\\share", "not one of the network"),
        ("/dev/random", "not of devices"),
        ("/proc/self/environ", "not of devices"),
        ("a\0b", "control characters"),
    ],
)
def test_what_is_no_place_can_not_be_chosen(path: str, words: str) -> None:
    report = tasks.analyse(project(path), source=False)
    (problem,) = [each for each in report.problems if each.code == "data.settings"]
    assert words in problem.message


@pytest.mark.parametrize("named", ["inside", "../other", "/etc", "../../../etc/passwd", "pipe"])
def test_opening_and_looking_touch_nothing(home: Path, named: str, watching: list[str]) -> None:
    os.mkfifo(home / "pipe")
    path = home / "project.netb"
    files.save(project(named), path)
    tasks.analyse(project(named))  # whatever has to be imported
    watching.clear()
    document = files.load(path)
    with places.given(Places(home)):
        assert tasks.analyse(document).ok
        seen = overview.overview(read(document.project.data))
        assert consent.wanted(document.project.data, places.current()) or named in (
            "inside",
            "pipe",
        )
    assert seen["consent"] == [os.path.normpath(home / named)]
    assert seen["count"] == 0
    touched = [each for each in watching if each != str(path)]
    root = str(home.parent)
    assert not [each for each in touched if each.startswith((root, "/etc/")) and each != str(home)]


def test_what_lies_elsewhere_by_its_name_is_not_even_looked_at(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Any, **arguments: Any) -> str:
        raise AssertionError(f"{path} was looked at")

    monkeypatch.setattr(os.path, "realpath", refuse)
    assert not Places(home, ("/data",)).allows(Path("/net/elsewhere/data"))
    assert not Places(home).allows(home / ".." / "other")


def test_a_link_that_was_allowed_may_be_named_either_way(home: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "other")
    store = ConsentStore(tmp_path / "data.json")
    store.allow([tmp_path / "link"])
    here = Places(home, store.paths)
    assert here.allows(tmp_path / "link" / "x.npy")
    assert here.allows(tmp_path / "other" / "x.npy")
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to("/etc")
    assert not here.allows(tmp_path / "link" / "passwd")


def test_what_was_chosen_is_shown(home: Path) -> None:
    with places.given(Places(home, (str(home / "inside"),))):
        seen = overview.overview(read(data("inside")))
    assert (seen["count"], seen["consent"]) == (40, [])
    assert seen["looked_at"] == 32


def test_consent_is_remembered_for_this_person(tmp_path: Path) -> None:
    store = ConsentStore(tmp_path / "data.json")
    (tmp_path / "link").symlink_to(tmp_path / "pets")
    store.allow([tmp_path / "link"])
    store.allow([tmp_path / "pets" / "cats"])
    again = ConsentStore(tmp_path / "data.json")
    assert again.paths == (str(tmp_path / "link"), str(tmp_path / "pets"))
    other = ConsentStore(tmp_path / "data.json")
    other.allow([tmp_path / "more"])
    again.allow([tmp_path / "third"])
    assert len(ConsentStore(tmp_path / "data.json").paths) == 4
    again.forget()
    assert ConsentStore(tmp_path / "data.json").paths == ()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"allowed": [{"path": "relative", "date": ""}]}', '{"allowed": [1]}']
)
def test_a_damaged_record_allows_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "data.json").write_text(text)
    warned: list[str] = []
    assert ConsentStore(tmp_path / "data.json", warned.append).paths == ()
    assert len(warned) == 1


def test_what_a_request_does_not_bring_is_not_allowed(home: Path) -> None:
    strange: tuple[Any, ...] = (None, {}, {"folder": "", "allowed": ["", "other", 1]}, [])
    for value in strange:
        assert Places.from_json(value) == Places()
    whole = Places(home, ("/data",))
    assert Places.from_json(json.loads(json.dumps(whole.to_json()))) == whole


def test_a_run_finds_the_data_again_from_its_own_folder(home: Path, tmp_path: Path) -> None:
    store = ConsentStore(tmp_path / "data.json")
    document = project("inside")
    here = Places(home, store.paths)
    with places.given(here):
        consent.remember(store, document.project.data, here)
        named = locating.located(document)
    assert named.project.data["params"]["folder"] == str(home / "inside")
    assert document.project.data["params"]["folder"] == "inside"
    with places.given(Places(home / "project.runs" / "run-1", store.paths)):
        planning.make(named)


def test_training_remembers_nothing_that_lies_outside(home: Path, tmp_path: Path) -> None:
    store = ConsentStore(tmp_path / "data.json")
    consent.remember(store, data(str(tmp_path / "other")), Places(home))
    assert store.paths == ()


def test_a_person_is_asked_about_the_place_that_would_be_read(home: Path, tmp_path: Path) -> None:
    (home / "innocent").symlink_to(tmp_path / "secret")
    for named in ("innocent/x.csv", "../secret/x.csv", f"{home}/../secret/x.csv"):
        with places.given(Places(home)), pytest.raises(ProblemsError) as caught:
            places.resolve(named)
        shown = os.path.realpath(tmp_path / "secret" / "x.csv")
        assert f"'{shown}'" in str(caught.value), named
        assert ".." not in caught.value.hint
