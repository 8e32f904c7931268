"""A session and a person's data: proposals, what becomes of them, what the worker may read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app import consent
from netbuilder.data.images import ImageFolder
from netbuilder.data.proposals.proposing import Proposal
from netbuilder.errors import ChangeError, NetbuilderError
from tests.app.fakes import Desk

SOURCE = ImageFolder(folder="/pets", classes=("cats", "dogs"), height=16, width=16)


def proposal() -> dict[str, Any]:
    params = SOURCE.model_dump(mode="json", exclude_defaults=True)
    fields = SOURCE.fields()
    title = "pets: 40 images, 2 classes"
    return Proposal(SOURCE.id, params, title, 40, fields, "classification").to_json()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path / "settings"))
    desk = Desk()
    yield desk
    desk.session.close()


def propose(desk: Desk, path: Path) -> list[Any]:
    got: list[Any] = []
    desk.start()
    desk.session.propose_data(path, got.append)
    desk.client.reply("propose_data", proposal())
    desk.pump()
    for thread in threading.enumerate():
        if thread.name == "fitting":  # it seeks the templates
            thread.join(60)
    desk.pump()
    return got


def test_a_proposal_allows_what_was_chosen_and_names_templates(desk: Desk, tmp_path: Path) -> None:
    (found,) = propose(desk, tmp_path / "pets")
    asked = [params for method, params, *_ in desk.client.asked if method == "propose_data"]
    assert asked == [{"path": str(tmp_path / "pets")}]
    assert found["templates"][0] == "digits_cnn"
    assert consent.ConsentStore().paths == (str(tmp_path / "pets"),)


def test_what_can_not_be_proposed_allows_nothing(desk: Desk, tmp_path: Path) -> None:
    got: list[Any] = []
    desk.start()
    desk.session.propose_data(tmp_path / "pets", got.append)
    desk.client.reply("propose_data", error=NetbuilderError("no"))
    desk.pump()
    assert str(got[0]) == "no"
    assert consent.ConsentStore().paths == ()


def test_a_template_is_opened_on_the_data(desk: Desk, tmp_path: Path) -> None:
    (found,) = propose(desk, tmp_path / "pets")
    desk.session.new("digits_cnn", proposal=found)
    assert desk.session.document.project.title == "pets"
    assert desk.session.document.project.data["source"] == SOURCE.id
    assert not desk.session.dirty
    before = desk.session.document
    with pytest.raises(ChangeError):
        desk.session.new("digits_lstm", proposal=found)
    assert desk.session.document is before


def test_the_open_project_takes_the_data_as_one_edit(desk: Desk, tmp_path: Path) -> None:
    (found,) = propose(desk, tmp_path / "pets")
    desk.session.new("digits_cnn")
    desk.session.data.use(found)
    network = desk.session.document.network("main")
    assert network is not None
    image = network.named("image")
    assert image is not None
    assert image.params["shape"] == (3, 16, 16)
    desk.session.undo()
    assert desk.session.document.project.data["source"] == "netbuilder.Digits"


def test_the_worker_is_told_where_it_may_read(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    desk.session.new("digits_cnn", proposal=proposal())
    assert desk.session.data.wanted() == [Path("/pets")]
    desk.session.data.allow([Path("/pets")])
    assert desk.session.data.wanted() == []
    desk.session.save(tmp_path / "a.netb")
    desk.session.sample_data(lambda answer: None)
    desk.session.train(tmp_path / "run")
    told = {method: params for method, params, *_ in desk.client.asked}
    for method in ("sample", "train"):
        assert told[method]["places"] == {"folder": str(tmp_path), "allowed": ["/pets"]}


def test_what_lies_inside_is_allowed_to_its_runs(desk: Desk, tmp_path: Path) -> None:
    desk.start()
    inside = {**proposal(), "params": {**proposal()["params"], "folder": "pets"}}
    desk.session.new("digits_cnn", proposal=inside)
    desk.session.save(tmp_path / "a.netb")
    assert desk.session.data.wanted() == []
    assert consent.ConsentStore().paths == ()
    desk.session.train(tmp_path / "run")
    assert consent.ConsentStore().paths == (str(tmp_path / "pets"),)
