"""Where commands write: never over what they read, and whatever the place is called."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from netbuilder.app.templates import open_template
from netbuilder.cli.main import main
from netbuilder.storage import files, weights
from tests.exchange.test_early_import import linear


@pytest.fixture
def project(tmp_path: Path) -> Path:
    files.save(open_template("digits_mlp"), tmp_path / "net.netb")
    return tmp_path / "net.netb"


@pytest.mark.parametrize(
    "words",
    [
        ["export", "{}", "--to", "onnx"],
        ["export", "{}", "--to", "safetensors"],
        ["export", "{}", "--to", "code"],
        ["code", "{}"],
        ["figure", "{}"],
    ],
)
def test_no_project_is_written_over(
    words: list[str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither the one that is read nor another."""
    before = project.read_bytes()
    for out in (project, project.with_name("other.netb")):
        assert main([each.format(project) for each in words] + ["-o", str(out)]) == 2
        assert "name of a project" in capsys.readouterr().err
    linked = project.with_name("link.onnx")
    linked.symlink_to(project)
    assert main([each.format(project) for each in words] + ["-o", str(linked)]) == 2
    assert "what is to be read" in capsys.readouterr().err
    assert project.read_bytes() == before
    assert not project.with_name("other.netb").exists()


def test_a_model_is_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = linear(tmp_path)
    before = model.read_bytes()
    assert main(["import", str(model), "-o", str(model), "--force"]) == 2
    assert "what is to be read" in capsys.readouterr().err
    assert model.read_bytes() == before


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text")
def test_names_that_are_no_text_are_answered(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The answer is JSON all the same, and leads to the file."""
    out = project.with_name("x\udcff é.py")
    assert main(["code", str(project), "-o", str(out), "--json"]) == 0
    assert os.path.exists(json.loads(capsys.readouterr().out)["path"])
    assert main(["code", str(project), "-o", str(out)]) == 0
    assert "\\udcff é.py" in capsys.readouterr().out
    assert main(["check", f"{out}.netb", "--json"]) == 2
    assert f"{out}.netb" in json.loads(capsys.readouterr().out)["error"]["message"]


def test_weights_that_lie_beside_a_model_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`model.onnx` beside `model.safetensors`, as many publish it."""
    from netbuilder.exchange.bring import child

    model = linear(tmp_path)
    theirs = model.with_suffix(".safetensors")
    theirs.write_bytes(b"theirs")
    job = {"model": str(model), "out": str(tmp_path / "m.netb"), "kind": "", "fold": False}
    assert child.run(job)["verified"]
    assert theirs.read_bytes() == b"theirs"
    document = files.load(tmp_path / "m.netb")
    [entry] = weights.entries(document)
    assert isinstance(entry, weights.Entry)
    assert entry.file == "m_2.safetensors"
    assert not weights.problems(document)
    # Imported again, the project's own weights are replaced and no more is left behind.
    assert child.run(job)["verified"]
    assert sorted(tmp_path.glob("*.safetensors")) == [theirs, tmp_path / "m_2.safetensors"]
