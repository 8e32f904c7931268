"""A batch whose loss was bad is kept and can be run again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from netbuilder.app.templates import open_template
from netbuilder.cli import main
from netbuilder.engine import planning, resuming
from netbuilder.errors import RunError
from netbuilder.storage import format
from netbuilder.training.control import Control
from netbuilder.training.loop import train
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.trials import replaying
from tests.training.standins import plan, run

SIZE: dict[str, Any] = {"batch_size": 7, "epochs": 3, "checkpoint_s": 1e6}


def bad_from(step: int) -> nn.Module:
    class Breaks(nn.Module):
        calls = 0

        def forward(self, x: Tensor) -> Tensor:
            if self.training:
                Breaks.calls += 1
            return x / 0.0 if Breaks.calls > step else x

    return nn.Sequential(nn.Linear(4, 3), Breaks())


def test_the_batch_is_kept_with_its_weights_named(tmp_path: Path) -> None:
    made = plan(**SIZE, net=bad_from(9))
    result = run(made, tmp_path / "r")
    assert (result.status, result.steps) == ("failed", 9)
    folder = RunFolder.open(tmp_path / "r")
    bad = replaying.read(folder)
    assert bad.step == 9
    assert result.error is not None
    shown = ", ".join(map(str, bad.samples))
    assert f"at step 10 (training samples {shown})" in result.error["message"]
    assert torch.equal(bad.fields["x"], made.dataset.train["x"][bad.samples])
    assert folder.checkpoints("last")[0].path.name == bad.checkpoint
    assert folder.read_checkpoint("last")[0].info["step"] == 9


def test_a_replay_finds_the_same_and_changes_nothing(tmp_path: Path) -> None:
    run(plan(**SIZE, net=bad_from(9)), tmp_path / "r")
    folder = RunFolder.open(tmp_path / "r")
    before = sorted(path.name for path in folder.path.rglob("*"))
    answer = replaying.replay(plan(**SIZE, net=bad_from(0)), folder)
    assert (answer["step"], answer["losses"]) == (10, {"train": None})
    assert "at step 10" in answer["error"]["message"]
    well = replaying.replay(plan(**SIZE, make=lambda: nn.Sequential(nn.Linear(4, 3))), folder)
    assert well["error"] is None
    assert well["losses"]["train"] > 0
    assert sorted(path.name for path in folder.path.rglob("*")) == before


def test_a_run_without_one_says_so(tmp_path: Path) -> None:
    run(plan(**SIZE), tmp_path / "r")
    folder = RunFolder.open(tmp_path / "r")
    with pytest.raises(RunError, match="has kept no bad batch"):
        replaying.read(folder)
    (folder.path / replaying.FILE).write_bytes(b"\xff" * 40)
    with pytest.raises(RunError, match="has kept no bad batch"):
        replaying.read(folder)


def test_the_command_names_the_first_bad_node(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def opener(arguments: Sequence[str]) -> int:
        raise AssertionError("no window is wanted")

    document = open_template("digits_mlp")
    project = format.dumps(document).encode()
    made = planning.make(document)
    linear = next(m for m in made.networks["main"].modules() if isinstance(m, nn.Linear))
    with torch.no_grad():
        linear.weight.fill_(3e38)
    folder = RunFolder.create(tmp_path / "r", project)
    result = train(made, folder, Control(), lambda event: None)
    assert result.error is not None
    code = main.main(["replay", str(folder.path), "--json"], opener)
    answer = json.loads(capsys.readouterr().out)
    assert code == 1
    assert answer["error"]["node"] == result.error["node"]
    assert "is the first node whose output is not finite" in answer["error"]["message"]
    assert resuming.replay(document, folder.path)["error"]["node"] == result.error["node"]
