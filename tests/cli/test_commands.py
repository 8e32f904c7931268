"""Every command: its JSON, its words and its exit code."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from netbuilder.app.templates import open_template
from netbuilder.cli.main import main
from netbuilder.errors import Problem, counts
from netbuilder.graph import edits
from netbuilder.graph.history import History
from netbuilder.layers import catalogue
from netbuilder.storage import files


@pytest.fixture(autouse=True)
def _own_random_state() -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        yield


@pytest.fixture(autouse=True)
def _own_signal_handlers() -> Iterator[None]:
    """`train` handles Ctrl+C in its own way; the tests' runner wants it back."""
    import signal

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Result:
    """What a command left: exit code, stdout, stderr."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


Run = Callable[..., Result]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: object) -> Result:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "d.netb"
    assert main(["new", "digits_mlp", "-o", str(path)]) == 0
    return path


@pytest.fixture(scope="module")
def trained(project: Path) -> Path:
    path = project.with_name("run")
    assert main(["train", str(project), "--run", str(path), "--epochs", "2"]) == 0
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A project in which a wire is missing."""
    document = open_template("digits_mlp")
    network = document.of_kind("network")[0]
    edits.delete(History(document), network, [next(iter(network.wires))])
    files.save(document, tmp_path / "broken.netb")
    return tmp_path / "broken.netb"


# -- projects ------------------------------------------------------------------------------


def test_templates(run: Run) -> None:
    rows = run("templates", "--json").json
    assert {"digits_cnn", "digits_mlp", "digits_lstm"} <= {row["id"] for row in rows}
    keys = {"id", "title", "family", "task", "dataset", "networks"}
    assert all(keys <= row.keys() for row in rows)
    assert all(row["id"] in run("templates").out for row in rows)


def test_new_writes_the_template_and_keeps_what_is_there(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "d.netb"
    assert run("new", "digits_cnn", "-o", path, "--json").json == {"path": str(path)}
    assert files.load(path) == open_template("digits_cnn")
    path.write_text("mine")
    refused = run("new", "digits_cnn", "-o", path)
    assert (refused.code, path.read_text()) == (2, "mine")
    assert run("new", "digits_cnn", "-o", path, "--force").code == 0
    assert files.load(path) == open_template("digits_cnn")


def test_layers(run: Run) -> None:
    rows = run("layers", "--json").json
    assert [row["id"] for row in rows] == list(catalogue.layers())
    conv = next(row for row in rows if row["id"] == "torch.nn.Conv2d")
    parameters = {entry["name"]: entry for entry in conv["parameters"]}
    assert parameters["in_channels"]["inferred"] is True
    assert parameters["out_channels"]["required"] is True
    assert parameters["stride"]["default"] == 1
    assert parameters["stride"]["type"] == "int | (int, int)"
    assert parameters["bias"]["type"] == "bool"
    assert [port["name"] for port in conv["inputs"]] == ["input"]
    assert [port["name"] for port in conv["outputs"]] == ["output"]
    assert "torch.nn.Conv2d" in run("layers").out


def test_check(run: Run, project: Path, broken: Path) -> None:
    good = run("check", project, "--json")
    assert (good.code, good.json["ok"]) == (0, True)
    bad = run("check", broken, "--json")
    assert (bad.code, bad.json["ok"]) == (1, False)
    problem = bad.json["problems"][0]
    assert {"severity", "code", "message", "hint", "graph", "node", "port"} <= problem.keys()
    words = run("check", broken)
    assert words.code == 1
    assert problem["message"] in words.out
    node = files.load(broken).graph(problem["graph"]).nodes[problem["node"]]
    assert f"[main.{node.name}]" in words.out
    assert (
        words.out.rstrip().splitlines()[-1]
        == ", ".join(counts(Problem.from_json(entry) for entry in bad.json["problems"])) + "."
    )


def test_summary(run: Run, project: Path) -> None:
    network = run("summary", project, "--json").json["networks"]["main"]
    assert network["inputs"] == {"image": ["N", 1, 8, 8]}
    keys = {"id", "name", "layer", "inputs", "outputs", "parameters", "macs"}
    assert all(keys <= node.keys() for node in network["nodes"])
    assert f"{network['parameters']:,} parameters" in run("summary", project).out
    assert run("summary", project, "--input", "image=2x1x8x8").code == 0
    assert "image=1x3x224x224" in run("summary", project, "--input", "image").err
    assert run("summary", project, "--network", "other").code == 1


def test_code_needs_torch_alone(run: Run, project: Path, tmp_path: Path) -> None:
    shown = run("code", project).out
    assert run("code", project, "-o", tmp_path / "m.py").code == 0
    assert (tmp_path / "m.py").read_text() == shown
    assert run("code", project, "--json").json["code"] == shown
    last = [node for node in ast.parse(shown).body if isinstance(node, ast.ClassDef)][-1].name
    program = f"""
import sys
sys.modules["netbuilder"] = None  # what has no netbuilder fails here
sys.path.insert(0, {str(tmp_path)!r})
import m, torch
print(tuple(m.{last}().eval()(torch.zeros(3, 1, 8, 8)).shape))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "(3, 10)"


# -- runs ----------------------------------------------------------------------------------


def test_train_answers_with_one_document(run: Run, project: Path, tmp_path: Path) -> None:
    result = run("train", project, "--run", tmp_path / "r", "--epochs", 2, "--json")
    assert result.code == 0
    answer = result.json
    keys = {"run", "status", "epochs", "steps", "seconds", "samples_per_second", "metrics"}
    assert keys <= answer.keys()
    assert (answer["status"], answer["epochs"]) == ("finished", 2)
    assert {"train/loss", "val/loss", "val/accuracy"} <= answer["metrics"].keys()
    assert "epoch 2/2" in result.err


def test_train_takes_settings(run: Run, project: Path, tmp_path: Path) -> None:
    options = ["--steps", 3, "--seed", 5, "--device", "cpu", "--set", "train.optimizer.lr=0.5"]
    options += ["--set", "training.batch_size=32"]
    assert run("train", project, "--run", tmp_path / "r", *options, "--json").json["steps"] == 3
    kept = files.load(tmp_path / "r" / "project.netb")
    assert kept.project.training["seed"] == 5
    assert kept.project.training["batch_size"] == 32
    assert kept.of_kind("step")[0].info.settings["optimizer"]["lr"] == 0.5


def test_train_again_and_go_on(run: Run, project: Path, tmp_path: Path) -> None:
    folder = tmp_path / "r"
    assert run("train", project, "--run", folder, "--epochs", 1).code == 0
    again = run("train", project, "--run", folder, "--epochs", 2)
    assert again.code == 2
    assert "holds a run already" in again.err
    more = run("train", project, "--run", folder, "--epochs", 2, "--resume", "--json")
    assert more.json["epochs"] == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--set", "training.epoch=3"], "training.epochs"),
        (["--set", "nonsense"], "training.batch_size=64"),
        (["--set", "training.epochs=many"], "epochs"),
        (["--epochs", "0"], "epochs"),
        (["--epochs", "x"], "invalid int"),
        (["--device", "cuda:99"], "cuda:99"),
        (["--device", "foo"], "'device' must be auto, cpu, cuda or cuda:0, not 'foo'"),
        (["--resume"], "not the folder of a run"),
    ],
)
def test_train_refuses_what_it_can_not_do(
    run: Run, project: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    result = run("train", project, "--run", tmp_path / "r", *options)
    assert result.code == 2
    assert words in result.err
    assert result.out == ""


def test_a_project_with_problems_is_not_trained(run: Run, broken: Path, tmp_path: Path) -> None:
    result = run("train", broken, "--run", tmp_path / "r", "--json")
    assert result.code == 1
    assert result.json["problems"]
    assert result.json["error"]["kind"] == "ProblemsError"
    assert not (tmp_path / "r").exists()


def test_a_run_that_fails_says_why(run: Run, project: Path, tmp_path: Path) -> None:
    options = ["--set", "train.optimizer.kind=SGD", "--set", "train.optimizer.lr=1e38"]
    result = run("train", project, "--run", tmp_path / "r", *options, "--json")
    assert result.code == 3
    assert result.json["status"] == "failed"
    assert result.json["error"]["message"] in result.err


def test_runs(run: Run, trained: Path) -> None:
    [row] = run("runs", trained.parent, "--json").json
    assert (row["run"], row["status"], row["epoch"]) == (str(trained), "finished", 2)
    assert "finished" in run("runs", trained.parent).out
    assert run("runs", trained.parent / "nowhere").code == 2


# -- using ---------------------------------------------------------------------------------


def test_export(run: Run, trained: Path, project: Path, tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    answer = run("export", trained, "--to", "safetensors", "-o", out, "--json").json
    assert (answer["path"], answer["format"], answer["verified"]) == (str(out), "safetensors", True)
    words = run("export", project, "--to", "code", "-o", tmp_path / "m.py")
    assert words.code == 0
    assert "verified" in words.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere", "--to", "onnx", "-o", "x"], 2, "nowhere"),
        (["{folder}", "--to", "onnx", "-o", "x"], 2, "not the folder of a run"),
        (["{project}", "--to", "h5", "-o", "x"], 2, "safetensors"),
        (["{project}", "--to", "onnx"], 2, "-o"),
        (["{project}", "--to", "onnx", "-o", "/nowhere/x"], 2, "no folder"),
        (["{project}", "--to", "onnx", "-o", "x", "--network", "other"], 1, "no network 'other'"),
    ],
)
def test_export_refuses(
    run: Run, project: Path, tmp_path: Path, arguments: list[str], code: int, words: str
) -> None:
    places = {"{folder}": str(tmp_path), "{project}": str(project)}
    result = run("export", *(places.get(word, word) for word in arguments))
    assert (result.code, result.out) == (code, "")
    assert words in result.err


def test_predict_takes_numbers_in_many_forms(run: Run, trained: Path, tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((1, 8, 8), dtype=np.float32)
    np.save(tmp_path / "a.npy", image)
    (tmp_path / "a.json").write_text(json.dumps(image.tolist()))
    (tmp_path / "named.json").write_text(json.dumps({"image": image.tolist()}))
    text = json.dumps(image.tolist())
    forms = [tmp_path / "a.npy", tmp_path / "a.json", tmp_path / "named.json", text]
    forms += [f"image={text}", f"image={tmp_path / 'a.npy'}"]
    answers = [run("predict", trained, form, "--json").json for form in forms]
    assert all(answer == answers[0] for answer in answers)
    assert len(answers[0]["outputs"]["logits"][0]) == 10
    pixels = Image.fromarray((255 * image[0]).round().astype(np.uint8))
    pixels.resize((80, 80), Image.Resampling.BOX).save(tmp_path / "a.png")
    picture = run("predict", trained, tmp_path / "a.png", "--json").json
    assert picture["classes"]["logits"][0]["class"] in map(str, range(10))
    sample = run("predict", trained, "sample:3")
    assert "expected logits:" in sample.out
    assert "%" in sample.out


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (["nowhere.npy"], "nowhere.npy"),
        (["nowhere.png"], "There is no file"),
        (["hello"], "can't be 'hello'"),
        (["[[1, 2]]"], "N×1×8×8"),
        (["image=[1]", "[1]"], "Name all or none"),
        (["sample:99999"], "no sample"),
        (["image=sample:x"], "sample:3"),
        (["sample:0", "sample:1"], "takes 1 input: image"),
    ],
)
def test_predict_refuses(run: Run, trained: Path, inputs: list[str], words: str) -> None:
    result = run("predict", trained, *inputs)
    assert (result.code, result.out) == (2, "")
    assert words in result.err


class Payload:
    """Unpickling it makes a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


def test_a_pickle_in_npy_is_not_opened(run: Run, trained: Path, tmp_path: Path) -> None:
    array = np.array([Payload(tmp_path / "canary")], dtype=object)
    np.save(tmp_path / "bad.npy", array, allow_pickle=True)
    assert run("predict", trained, tmp_path / "bad.npy").code == 2
    assert not (tmp_path / "canary").exists()
