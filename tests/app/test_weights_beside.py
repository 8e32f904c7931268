"""The window's way of opening, saving and asking keeps weights beside their project."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import netbuilder as nb
from netbuilder.app.project_file import ProjectFile
from netbuilder.engine import tasks
from netbuilder.errors import DocumentError
from netbuilder.exchange import weights as exchange
from netbuilder.storage import format


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    project = nb.Project()
    net = project.add_network("main")
    x = net.add("netbuilder.Input", name="x", shape=(4,))
    fc = net.add("torch.nn.Linear", name="fc", out_features=3)
    y = net.add("netbuilder.Output", name="y")
    net.connect(x, fc)
    net.connect(fc, y)
    tensors = {"fc.weight": torch.ones(3, 4), "fc.bias": torch.zeros(3)}
    exchange.hold(project.document, "main", tensors, "")
    folder = tmp_path / "here"
    folder.mkdir()
    project.save(folder / "net.netb")
    return folder / "net.netb"


def test_saving_elsewhere_takes_the_weights_along(saved: Path, tmp_path: Path) -> None:
    document, file = ProjectFile.load(saved)
    other = tmp_path / "there"
    other.mkdir()
    file.save(document, other / "copy.netb")
    assert (other / "net.safetensors").read_bytes() == saved.with_suffix(
        ".safetensors"
    ).read_bytes()
    assert not [p for p in tasks.analyse(document).problems if p.code.startswith("weights")]


def test_other_weights_are_not_replaced(saved: Path, tmp_path: Path) -> None:
    document, file = ProjectFile.load(saved)
    other = tmp_path / "there"
    other.mkdir()
    (other / "net.safetensors").write_bytes(b"somebody else's")
    with pytest.raises(DocumentError, match="another"):
        file.save(document, other / "copy.netb")
    assert (other / "net.safetensors").read_bytes() == b"somebody else's"
    assert not (other / "copy.netb").exists()


def test_the_worker_is_told_where_weights_lie(saved: Path) -> None:
    document, _ = ProjectFile.load(saved)
    sent = format.from_json(format.to_json(document))
    codes = [problem.code for problem in tasks.analyse(sent).problems]
    assert "weights.missing" in codes
    sent.beside.folder = saved.parent
    assert not [p for p in tasks.analyse(sent).problems if p.code.startswith("weights")]
