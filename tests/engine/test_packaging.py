"""A package trains to the same loss without netbuilder."""

from __future__ import annotations

import errno
import json
import os
import re
import runpy
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch

import netbuilder as nb
from netbuilder.cli.main import main
from netbuilder.engine import package_rates, package_text, packaging, tasks
from netbuilder.errors import DocumentError, ExportError, NetbuilderError
from netbuilder.exchange.options import ExportOptions
from netbuilder.graph import edits
from netbuilder.training.optimisation import schedules
from netbuilder.training.settings import read_step

BLOCKED = """
import sys


class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "netbuilder":
            raise ImportError("netbuilder is not to be used here")


sys.meta_path.insert(0, Refuse())
import runpy

sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def project(template: str = "digits_cnn", **training: Any) -> nb.Project:
    made = nb.template(template)
    made.set(training={**made.document.project.training, "epochs": 2, **training})
    return made


def losses(run: Path) -> list[dict[str, float]]:
    lines = (run / "events.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines]
    return [event["values"] for event in found if event["event"] == "epoch"]


def trained(package: Path) -> list[dict[str, Any]]:
    subprocess.run(
        [sys.executable, "-I", "-c", BLOCKED, str(package / "train.py")],
        check=True,
        capture_output=True,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        cwd=package.parent,
        timeout=300,
    )
    history: list[dict[str, Any]] = json.loads((package / "losses.json").read_text())
    return history


def trained_here(package: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """In this process, which takes seconds less than one of its own."""
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setattr(sys, "path", [*sys.path])
    with torch.random.fork_rng(devices=[]):
        runpy.run_path(str(package / "train.py"), run_name="__main__")
    for path in package.glob("*.py"):
        sys.modules.pop(path.stem, None)
    history: list[dict[str, Any]] = json.loads((package / "losses.json").read_text())
    return history


def test_it_trains_to_the_same_losses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = project(batch_size=200)
    step = made.document.of_kind("step")[0]
    assert step.info.settings["schedule"] == {"kind": "cosine"}
    tasks.train(made.document, tmp_path / "run")
    made.save(tmp_path / "run" / "p.netb")
    place = tmp_path / "run" / "p.netb", tmp_path / "package"
    assert main(["export", str(place[0]), "--to", "package", "-o", str(place[1]), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["verified"]
    assert answer["max_rel_error"] < 1e-5
    wanted = {"model.py", "step.py", "train.py", "requirements.txt", "README.md"}
    assert wanted <= set(answer["files"])
    assert {p.name for p in tmp_path.iterdir()} == {"run", "package"}
    for name in ("model.py", "step.py", "train.py"):
        assert "netbuilder" not in re.findall(
            r"^\s*(?:import|from) (\w+)", (tmp_path / "package" / name).read_text(), re.MULTILINE
        )
    history = trained_here(tmp_path / "package", monkeypatch)
    for epoch, metrics in enumerate(losses(tmp_path / "run"), 1):
        for part, key in (("train", "train/loss"), ("validation", "val/loss")):
            assert history[epoch][part][step.name] == pytest.approx(metrics[key], rel=1e-4)


def test_steps_that_rest_in_some_epochs_rest_there_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = project("distillation", batch_size=400)
    epochs = {"teach": {"last_epoch": 1}, "distil": {"first_epoch": 2}}
    for graph in made.document.of_kind("step"):
        assert graph.info.settings.keys() & {"first_epoch", "last_epoch"}
        rest = {k: v for k, v in graph.info.settings.items() if not k.endswith("_epoch")}
        chosen = {**rest, **epochs[graph.name], "schedule": {"kind": "cosine"}}
        edits.set_graph(made.history, graph, settings=chosen)
    tasks.train(made.document, tmp_path / "run")
    packaging.write(made.document, tmp_path / "package")
    history = trained_here(tmp_path / "package", monkeypatch)
    for epoch, metrics in enumerate(losses(tmp_path / "run"), 1):
        (name,) = history[epoch]["train"]
        assert name == ("teach", "distil")[epoch - 1]
        for part, key in (("train", "train"), ("validation", "val")):
            found = metrics[f"{key}/{name}/loss"]
            assert history[epoch][part] == {name: pytest.approx(found, rel=1e-4)}


RATES: list[dict[str, Any]] = [
    {"kind": "none"},
    {"kind": "none", "warmup": 2.0, "warmup_factor": 0.1},
    {"kind": "linear", "start_factor": 0.5, "end_factor": 0.1},
    {"kind": "linear", "total_iters": 3.0},
    {"kind": "exponential", "gamma": 0.9, "warmup": 1.0},
    {"kind": "step", "step_size": 2, "gamma": 0.5},
    {"kind": "multistep", "milestones": [2, 4], "gamma": 0.1},
    {"kind": "cosine", "eta_min": 0.001},
    {"kind": "cosine", "T_max": 3.0, "warmup": 0.5},
    {"kind": "polynomial", "power": 2.0},
    {"kind": "inverse_sqrt", "warmup": 1.5},
    {"kind": "onecycle"},
    {"kind": "onecycle", "anneal_strategy": "linear", "three_phase": True},
]


@pytest.mark.parametrize("schedule", RATES, ids=lambda s: s["kind"])
def test_rates_are_those_of_the_training(schedule: dict[str, Any]) -> None:
    values = {"optimizer": {"kind": "SGD", "lr": 0.1}, "schedule": schedule}
    if "milestones" in schedule:
        schedule = {**schedule, "milestones": tuple(schedule["milestones"])}
        values["schedule"] = schedule
    settings = read_step(values)
    code = compile(package_rates.rate("train", settings), "<rate>", "eval")
    import math

    for epoch in (0.0, 0.25, 1.0, 2.0, 2.5, 4.0, 4.999):
        names = {"math": math, "epoch": epoch, "epochs": 5.0}
        own = schedules.learning_rate(settings.schedule, 0.1, epoch, 5.0)
        assert eval(code, names) == pytest.approx(own, rel=1e-12)  # noqa: S307


CANT: dict[str, dict[str, Any]] = {
    "the precision bf16": {"precision": "bf16"},
    "updates that wait": {"accumulate": 2},
    "a balance of classes": {"balance": "label"},
}


@pytest.mark.parametrize("words", CANT)
def test_what_it_can_not_hold_is_told_and_nothing_written(words: str, tmp_path: Path) -> None:
    with pytest.raises(NetbuilderError, match=words):
        packaging.write(project(**CANT[words]).document, tmp_path / "package")
    assert not list(tmp_path.iterdir())


def test_one_that_is_called_off_leaves_nothing(tmp_path: Path) -> None:
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(ExportError, match="cancelled"):
        tasks.export(
            project().document, ExportOptions("package"), tmp_path / "package", cancelled=cancelled
        )
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_is_told_with_what_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(packaging, "_fill", full)
    with pytest.raises(DocumentError, match=r"disk is full: saving 'out' needs \d"):
        packaging.write(project("digits_mlp").document, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_stays(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(DocumentError, match="already"):
        packaging.write(project().document, tmp_path)


def test_texts_of_a_project_are_no_code() -> None:
    text = package_text.StepText(
        "a'); import os; os.abort()  #",
        "step",
        "Step",
        {"main": "x'] = 1; import os #"},
        {"image": "'); boom("},
        "SGD",
        {"lr": 0.1},
        read_step({"optimizer": {"kind": "SGD", "lr": 0.1}}),
    )
    network = package_text.NetworkText("x'] = 1; import os #", "model", "Net", {})
    import ast

    tree = ast.parse(package_text.train_script([network], [text], {"seed": 0}))
    names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}
    assert not {"os", "boom"} & names


@pytest.mark.nightly
@pytest.mark.parametrize("template", ["digits_cnn", "vae", "two_tower", "digits_lstm", "gcn"])
def test_other_kinds_of_training_do_too(template: str, tmp_path: Path) -> None:
    made = project(template, epochs=1, steps=5)
    step = made.document.of_kind("step")[0]
    try:
        tasks.export(made.document, ExportOptions("package"), tmp_path / "package")
    except NetbuilderError as error:
        pytest.skip(str(error))
    tasks.train(made.document, tmp_path / "run")
    history = trained(tmp_path / "package")
    found = losses(tmp_path / "run")[-1]
    several = len(list(made.document.of_kind("step"))) > 1
    key = f"val/{step.name}/loss" if several else "val/loss"
    assert history[-1]["validation"][step.name] == pytest.approx(found[key], rel=1e-3)
