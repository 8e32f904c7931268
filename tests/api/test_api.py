"""The Python door: the documented example, and what it refuses."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import netbuilder as nb
from netbuilder.errors import ChangeError, DocumentError, ProblemsError


def test_the_documented_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    project = nb.Project()
    net = project.add_network("main")
    x = net.add("netbuilder.Input", shape=(1, 8, 8))
    c = net.add("torch.nn.Conv2d", name="stem", out_channels=8, kernel_size=3)
    y = net.add("netbuilder.Output")
    net.connect(x, c)
    net.connect(c, y)
    assert project.check() == []
    model = project.module("main")
    assert [name for name, _ in model.named_parameters()] == ["stem.weight", "stem.bias"]
    project.save("x.netb")
    run = nb.train(project, run_dir="runs/a", epochs=3)
    assert run.status == "finished"
    assert "no training step" in run.warnings[0]
    answer = nb.export_onnx(project, "x.onnx", run=run)
    assert answer["verified"] is True
    assert answer["max_rel_error"] < 1e-4
    assert Path("x.onnx").is_file()
    assert nb.load("x.netb").document == project.document


def test_ports_can_be_named(tmp_path: Path) -> None:
    project = nb.Project()
    net = project.add_network()
    x = net.add("netbuilder.Input", name="x", shape=(4,))
    total = net.add("torch.add", name="total")
    y = net.add("netbuilder.Output", name="y")
    net.connect(x["output"], total["other"])
    net.connect(x, total)  # the first input that is free
    net.connect(total["output"], y["input"])
    ports = {wire.target_port for wire in net.graph.wires_into(total.id)}
    assert ports == {"input", "other"}
    assert project.check() == []
    with pytest.raises(ChangeError, match="no free input"):
        net.connect(x, total)
    net.connect(x, y["input"])
    (wire,) = net.graph.wires_into(y.id)
    assert wire.source == x.id


def test_a_trained_project_from_nothing(tmp_path: Path) -> None:
    project = nb.Project()
    project.set(title="Mine", data={"source": "netbuilder.Diabetes", "normalise": ("target",)})
    net = project.add_network("main")
    x = net.add("netbuilder.Input", name="features", shape=(10,))
    head = net.add("torch.nn.Linear", name="head", out_features=1)
    y = net.add("netbuilder.Output", name="prediction")
    net.connect(x, head)
    net.connect(head, y)
    step = project.add_step(optimizer={"kind": "SGD", "lr": 0.1})
    features = step.add("netbuilder.DataField", name="features", field="features")
    target = step.add("netbuilder.DataField", name="target", field="target")
    call = step.add("netbuilder.NetworkCall", name="main", network="main")
    loss = step.add("torch.nn.MSELoss", name="mse")
    end = step.add("netbuilder.Objective", name="loss")
    step.connect(features, call)
    step.connect(call, loss)
    step.connect(target, loss)
    step.connect(loss, end)
    assert project.check() == []
    losses: list[float] = []
    run = nb.train(
        project,
        tmp_path / "run",
        epochs=3,
        seed=1,
        device="cpu",
        listen=lambda event: (
            losses.append(event.values["val/loss"]) if event.event == "epoch" else None
        ),
    )
    assert (run.status, run.epochs) == ("finished", 3)
    assert losses[-1] < losses[0]
    assert run.metrics["val/loss"] == losses[-1]
    assert run.warnings == ()
    again = nb.train(project, tmp_path / "again", epochs=3, seed=1, device="cpu")
    assert again.metrics == run.metrics
    # The project itself keeps its own settings.
    assert "epochs" not in project.document.project.training
    answer = nb.export_onnx(project, tmp_path / "x.onnx", run=tmp_path / "run")
    assert answer["verified"] is True


def test_a_template_reads_and_edits_like_any_project() -> None:
    project = nb.template("digits_mlp")
    net = project.network()
    assert [node.name for node in net.nodes][:2] == ["image", "flatten"]
    net["hidden1"].set(out_features=32)
    assert net["hidden1"].node.params["out_features"] == 32
    net["hidden1"].set(out_features=None)
    assert "out_features" not in net["hidden1"].node.params
    assert project.step().name == "train"
    with pytest.raises(KeyError):
        net["nothing"]
    with pytest.raises(KeyError):
        project.network("other")
    with pytest.raises(KeyError):
        project.step("other")


def test_the_source_needs_no_netbuilder() -> None:
    source = nb.template("digits_mlp").source()
    modules = {
        name
        for node in ast.walk(ast.parse(source))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert modules
    assert all(name.split(".")[0] == "torch" for name in modules)


def test_what_is_refused() -> None:
    project = nb.Project()
    net = project.add_network("main")
    with pytest.raises(ChangeError, match="There is no layer"):
        net.add("torch.nn.Nothing")
    with pytest.raises(ChangeError, match="already"):
        project.add_network("main")
    x = net.add("netbuilder.Input", name="x", shape=(4,))
    y = net.add("netbuilder.Output", name="y")
    with pytest.raises(ChangeError, match="called 'x'"):
        net.add("torch.nn.ReLU", name="x")
    with pytest.raises(ChangeError, match="no output"):
        net.connect(y, x)
    with pytest.raises(ChangeError, match="no free input"):
        net.connect(x, x)
    with pytest.raises(ChangeError, match="no output 'z'"):
        net.connect(x["z"], y)
    with pytest.raises(ChangeError, match="no input 'z'"):
        net.connect(x, y["z"])
    with pytest.raises(DocumentError, match="no template"):
        nb.template("nothing")
    with pytest.raises(DocumentError, match="no file"):
        nb.load("nothing.netb")
    with pytest.raises(ProblemsError):
        project.module("main")
    assert project.check()


def test_errors_stop_a_training_before_anything_is_made(tmp_path: Path) -> None:
    project = nb.template("digits_mlp")
    project.network()["hidden1"].set(in_features=7)
    with pytest.raises(ProblemsError, match="64"):
        nb.train(project, tmp_path / "run", epochs=1)
    empty = nb.Project()
    empty.add_network("main").add("netbuilder.Output")
    with pytest.raises(ProblemsError):
        nb.train(empty, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_package_lists_its_words() -> None:
    words = vars(nb)["__all__"]
    assert {"Project", "load", "template", "train", "export_onnx"} <= set(words) <= set(dir(nb))
    for name in words:
        assert getattr(nb, name).__doc__
    missing = "nothing"
    with pytest.raises(AttributeError, match="nothing"):
        getattr(nb, missing)
    assert sys.modules["netbuilder"] is nb


def test_a_network_of_blocks() -> None:
    project = nb.Project()
    unit = project.add_block("unit", width=8)
    x = unit.add("netbuilder.BlockInput", name="x")
    wide = unit.add("torch.nn.Linear", name="wide", out_features="=2*width")
    relu = unit.add("torch.nn.ReLU", name="relu")
    back = unit.add("torch.nn.Linear", name="back", out_features="=width")
    y = unit.add("netbuilder.Output", name="y")
    for source, target in ((x, wide), (wide, relu), (relu, back), (back, y)):
        unit.connect(source, target)
    net = project.add_network()
    start = net.add("netbuilder.Input", name="start", shape=(3,))
    units = net.add("netbuilder.Block", name="units", block="unit", values={"width": 4}, repeat=2)
    end = net.add("netbuilder.Output", name="end")
    net.connect(start, units)
    net.connect(units, end)
    assert project.check() == []
    model = project.module("main")
    assert sum(weight.numel() for weight in model.parameters()) == (4 * 8 + 36) + (5 * 8 + 36)
    assert "units.1.back.weight" in model.state_dict()
    with pytest.raises(ChangeError, match="already"):
        project.add_block("unit")
    for name in ("double", "two words", "1st", ""):
        with pytest.raises(ChangeError, match="no name"):
            project.add_block(name)
        with pytest.raises(ChangeError, match="no name"):
            project.add_network(name)
