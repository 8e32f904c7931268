"""netbuilder verify-resume: an answer, and an exit code to go by."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from netbuilder.app.templates import open_template
from netbuilder.cli import main
from netbuilder.storage import files


def opener(arguments: Sequence[str]) -> int:
    raise AssertionError("no window is wanted")


@pytest.fixture
def project(tmp_path: Path) -> str:
    path = tmp_path / "digits.netb"
    files.save(open_template("digits_mlp"), path)
    return str(path)


def test_an_exact_project(project: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["verify-resume", project, "--steps", "6", "--device", "cpu", "--json"]
    assert main.main(arguments, opener) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["exact"], answer["steps"], answer["stopped_at"]) == (True, 6, 3)
    assert answer["first_difference"] is None
    assert answer["compared"]["losses"] == 6
    # Nothing is left beside the project.
    assert [path.name for path in Path(project).parent.iterdir()] == ["digits.netb"]


def test_a_run_and_settings(
    project: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = str(tmp_path / "run")
    train = ["train", project, "--run", run, "--steps", "2", "--device", "cpu", "--json"]
    assert main.main(train, opener) == 0
    capsys.readouterr()
    options = ["--steps", "5", "--set", "training.accumulate=2", "--device", "cpu"]
    assert main.main(["verify-resume", run, *options], opener) == 0
    told = capsys.readouterr().out
    assert told.startswith("Exact: Stopped after 2 of 5 batches and gone on, the training gave")


def test_what_is_not_exact_is_told_with_exit_code_1(
    project: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(torch.optim.Optimizer, "load_state_dict", lambda self, state: None)
    arguments = ["verify-resume", project, "--steps", "6", "--device", "cpu"]
    assert main.main(arguments, opener) == 1
    told = capsys.readouterr()
    assert told.out.startswith("Not exact: '")
    assert "The stop was after batch 3 of 6." in told.out
    assert "in no checkpoint" in told.err


def test_a_lost_folder_of_checkpoints_is_made_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, run = str(tmp_path / "a.netb"), tmp_path / "run"
    assert main.main(["new", "digits_mlp", "-o", file], opener) == 0
    assert main.main(["train", file, "--run", str(run), "--steps", "2"], opener) == 0
    shutil.rmtree(run / "checkpoints")
    assert main.main(["train", file, "--run", str(run), "--steps", "4", "--resume"], opener) == 0
    assert "could not be written" not in capsys.readouterr().err
    assert list((run / "checkpoints").iterdir())
