"""The command line and the window's worker train the same, to the last bit."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from netbuilder.app.templates import open_template
from netbuilder.cli import main
from netbuilder.engine.client import WorkerClient
from netbuilder.storage import files
from netbuilder.training.checkpointing import checkpoints
from netbuilder.training.records.folder import RunFolder, read_events
from tests.engine.workers import Asked, Ears, project


def opener(arguments: Sequence[str]) -> int:
    raise AssertionError("no window is wanted")


def test_the_same_losses_weights_and_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "digits.netb"
    files.save(open_template("digits_mlp"), path)
    options = ["--epochs", "2", "--device", "cpu", "--set", "training.threads=1", "--json"]
    assert (
        main.main(["train", str(path), "--run", str(tmp_path / "cli" / "run"), *options], opener)
        == 0
    )
    overrides = {"training.epochs": 2, "training.device": "cpu", "training.threads": 1}
    client = WorkerClient(Ears(), back_off_s=())
    client.start()
    try:
        run = str(tmp_path / "window" / "run")
        asked = Asked(client, "train", {"project": project(), "run": run, "overrides": overrides})
        # What else the worker is asked meanwhile must not change the training.
        for _ in range(3):
            Asked(client, "analyse", {"project": project()}).reply()
            Asked(client, "summary", {"project": project()}).reply()
        assert asked.reply().result["status"] == "finished"
        out = str(tmp_path / "window.safetensors")
        params = {"run": run, "to": "safetensors", "out": out}
        assert Asked(client, "export", params).reply().error is None
    finally:
        client.close()
    out = str(tmp_path / "cli.safetensors")
    arguments = [
        "export",
        str(tmp_path / "cli" / "run"),
        "--to",
        "safetensors",
        "-o",
        out,
        "--json",
    ]
    assert main.main(arguments, opener) == 0
    capsys.readouterr()
    told = [
        [
            event.values
            for event in read_events(tmp_path / name / "run")[0]
            if event.event == "epoch"
        ]
        for name in ("cli", "window")
    ]
    assert len(told[0]) == 2
    assert told[0] == told[1]
    kept = [
        RunFolder(tmp_path / name / "run").read_checkpoint("last")[0] for name in ("cli", "window")
    ]
    ours, theirs = (checkpoints.networks(each)["main"] for each in kept)
    assert all((ours[name] == theirs[name]).all() for name in ours)
    hashes = {
        hashlib.sha256((tmp_path / f"{name}.safetensors").read_bytes()).hexdigest()
        for name in ("cli", "window")
    }
    assert len(hashes) == 1
