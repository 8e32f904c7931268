"""What the command line has beside training and ONNX, from Python: the same answers."""

from __future__ import annotations

import json
from collections import OrderedDict
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import netbuilder as nb
from netbuilder.cli.main import main
from netbuilder.engine import exporting
from netbuilder.errors import DocumentError, NetbuilderError, RunError


def small(hidden: int = 8) -> nb.Project:
    project = nb.Project()
    net = project.add_network("main")
    x = net.add("netbuilder.Input", name="x", shape=(4,))
    a = net.add("torch.nn.Linear", name="hidden", out_features=hidden)
    b = net.add("torch.nn.Linear", name="head", out_features=2)
    y = net.add("netbuilder.Output", name="y")
    for source, target in ((x, a), (a, b), (b, y)):
        net.connect(source, target)
    return project


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> nb.Run:
    return nb.train(small(), tmp_path_factory.mktemp("doors") / "run")


def test_what_leaves_computes_the_same(run: nb.Run, tmp_path: Path) -> None:
    project = small()
    answer = nb.export(project, tmp_path / "m.pt2", to="pt2", run=run)
    assert (answer["format"], answer["verified"]) == ("pt2", True)
    program = torch.export.load(tmp_path / "m.pt2").module()
    nb.export(project, tmp_path / "m.safetensors", to="safetensors", run=run.path)
    module = project.module()
    module.load_state_dict(load_file(tmp_path / "m.safetensors"))
    for size in (1, 5):
        x = torch.randn(size, 4)
        assert torch.allclose(program(x), module(x))
    nb.export(project, tmp_path / "m.py", to="code")
    assert (tmp_path / "m.py").read_text() == project.source()
    with pytest.raises(NetbuilderError, match="no preparation"):
        nb.export(project, tmp_path / "m.py", to="code", prepared="class")


def test_weights_of_others_wait_until_it_is_saved(tmp_path: Path) -> None:
    theirs = nn.Sequential(OrderedDict(hidden=nn.Linear(4, 8), head=nn.Linear(8, 3)))
    file = tmp_path / "x.safetensors"
    save_file(theirs.state_dict(), file)
    bytes_before = file.read_bytes()
    project = small()
    seen = nb.weights(project, file)
    assert (seen["matched"], seen["of"], seen["applied"]) == (2, 4, False)
    assert project.document.project.weights == {}
    taken = nb.weights(project, file, apply=True)
    assert taken["items"] == seen["items"]
    assert [path.name for path in tmp_path.iterdir()] == ["x.safetensors"]
    assert torch.equal(
        project.module().state_dict()["hidden.weight"], theirs.state_dict()["hidden.weight"]
    )
    project.save(tmp_path / "x.netb")
    # The file that they came from is nobody's to replace.
    assert file.read_bytes() == bytes_before
    again = nb.load(tmp_path / "x.netb").module()
    assert torch.equal(again.state_dict()["hidden.bias"], theirs.state_dict()["hidden.bias"])
    project.history.undo()
    save_file({"other": torch.zeros(7)}, tmp_path / "other.safetensors")
    with pytest.raises(DocumentError, match="Nothing"):
        nb.weights(project, tmp_path / "other.safetensors", apply=True)


def test_what_differs_is_what_the_command_says(
    run: nb.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wider = small(16)
    assert nb.diff(small(), small()) == []
    rows = nb.diff(run, wider)
    assert {row["what"] for row in rows} == {"parameter", "shape", "cost"}
    assert [row["what"] for row in nb.diff(small(), wider, drawn=True)] == ["parameter"]
    wider.save(tmp_path / "wider.netb")
    capsys.readouterr()
    assert main(["diff", str(run.path), str(tmp_path / "wider.netb"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(rows))


def test_a_smaller_network_has_its_row(run: nb.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    # A process for each file takes seconds, and is no matter of this door.
    monkeypatch.setattr(exporting, "write", partial(exporting.write, apart=False))
    names: list[str] = []
    answer = nb.shrink(run, structured=0.5, listen=lambda row: names.append(row["name"]))
    assert names == [row["name"] for row in answer["rows"]] == ["fp32", "structured-50"]
    whole, half = answer["rows"]
    assert half["parameters"] < whole["parameters"]
    for row in answer["rows"]:
        assert row["threads"] == 1
        low, high = row["latency_quartiles_ms"]["1"]
        assert 0 < low <= row["latency_ms"]["1"] <= high
    pruned = nb.load(run.path / "artifacts" / half["project"])
    assert sum(each.numel() for each in pruned.module().parameters()) == half["parameters"]
    with pytest.raises(NetbuilderError, match="nothing to try"):
        nb.shrink(run)


def test_a_page_and_pictures(run: nb.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    answer = nb.report(run)
    assert answer["path"] == "run.html"
    assert Path("run.html").stat().st_size == answer["bytes"]
    with pytest.raises(RunError):
        nb.report(tmp_path)
    for ending in ("svg", "mmd", "tex"):
        assert nb.figure(small(), f"net.{ending}") == {
            "path": f"net.{ending}",
            "graph": "main",
            "nodes": 4,
        }
        assert "hidden" in Path(f"net.{ending}").read_text()
    for wrong, name in (("net.gif", None), ("net.svg", "other")):
        with pytest.raises(NetbuilderError):
            nb.figure(small(), wrong, graph=name)
