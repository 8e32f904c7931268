"""Data of a person on the command line: proposals, projects for it, and leave to read it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from netbuilder.cli.commands import elsewhere
from netbuilder.cli.main import main
from netbuilder.engine.protocol import Reply
from netbuilder.storage import files


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Twelve images of each of three classes, in colour, of one size."""
    for at, name in enumerate(("birds", "cats", "dogs")):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(12):
            image = Image.new("RGB", (14, 12), (60 * at + number, 20, 10))
            image.save(tmp_path / "pets" / name / f"{number}.png")
    return tmp_path / "pets"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path / "settings"))
    return tmp_path / "settings"


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_proposal(pets: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", str(pets), "--json"]) == 0
    found = told(capsys)
    assert (found["source"], found["task"], found["count"]) == (
        "netbuilder.ImageFolder",
        "classification",
        36,
    )
    assert found["templates"][0] == "digits_cnn"
    assert main(["data", str(pets)]) == 0
    shown = capsys.readouterr().out
    assert "pets: 36 images, 3 classes" in shown
    assert f"--data {pets}" in shown


def test_what_can_not_be_proposed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["data", str(tmp_path / "empty")]) != 0
    assert "nothing that netbuilder can train on" in capsys.readouterr().err
    assert main(["data", ""]) == 2
    assert "No path is given" in capsys.readouterr().err


def test_a_project_for_the_data_has_no_problems_and_is_trained(
    pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "work" / "pets.netb"
    path.parent.mkdir()
    assert main(["new", "digits_cnn", "-o", str(path), "--data", str(pets)]) == 0
    capsys.readouterr()
    assert main(["check", str(path), "--json"]) == 0
    assert told(capsys) == {"ok": True, "problems": []}
    network = files.load(path).network("main")
    assert network is not None
    assert {node.name: node.params for node in network.nodes.values()}["image"]["shape"] == (
        3,
        12,
        14,
    )
    run = ["train", str(path), "--run", str(tmp_path / "run"), "--epochs", "1", "--json"]
    assert main(run) == 0
    assert told(capsys)["status"] == "finished"


def test_others_must_allow_it(
    pets: Path,
    tmp_path: Path,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "work" / "pets.netb"
    path.parent.mkdir()
    assert main(["new", "digits_cnn", "-o", str(path), "--data", str(pets)]) == 0
    assert b'"allowed"' not in path.read_bytes()
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path / "another person"))
    run = ["train", str(path), "--run", str(tmp_path / "run"), "--steps", "1"]
    capsys.readouterr()
    assert main(run) == 1
    assert f'--allow "{pets}"' in capsys.readouterr().err
    assert main([*run, "--allow", str(pets)]) == 0
    assert main([*run[:3], str(tmp_path / "again"), *run[4:]]) == 0


def test_a_template_that_does_not_fit(
    pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.netb"
    assert main(["new", "digits_lstm", "-o", str(path), "--data", str(pets)]) != 0
    assert not path.exists()
    said = capsys.readouterr().err
    assert "'digits_lstm' does not fit this data" in said
    assert "digits_cnn" in said


def test_what_nothing_can_learn_from_is_told_before_a_project_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "notes.csv"
    path.write_text("a,y\n" + "".join(f"note {i},x\n" for i in range(30)))
    assert main(["new", "mlp_tabular", "-o", str(tmp_path / "p.netb"), "--data", str(path)]) != 0
    assert "No column can be a feature" in capsys.readouterr().err
    assert main(["data", str(path), "--json"]) == 0
    assert told(capsys)["templates"] == []


def test_a_worker_elsewhere_gets_whole_paths(
    pets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "p.netb"
    assert main(["new", "digits_mlp", "-o", str(project), "--data", str(pets)]) == 0
    project.write_text(project.read_text().replace(str(pets), "pets"))
    sent: list[Any] = []

    class Answers:
        def __init__(self, command: str, params: Any, hear: Any, take: Any) -> None:
            sent.append(params)
            self.take = take

        def start(self) -> None:
            result = {"status": "finished", "metrics": {}, "epochs": 1, "seconds": 1.0, "run": "r"}
            self.take(Reply(1, result))

    monkeypatch.setattr(elsewhere, "Following", Answers)
    monkeypatch.setattr(elsewhere, "_on_signals", lambda *_: None)
    assert main(["train", str(project), "--run", str(tmp_path / "r"), "--worker", "x"]) == 0
    (params,) = sent
    assert str(pets) in json.dumps(params["project"])
    assert params["places"]["folder"] is None
    assert str(pets) in params["places"]["allowed"]
