"""Own layers from Python: added to a project, trusted by object, by hash, or by the person."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

import netbuilder as nb
from netbuilder.errors import DocumentError, UntrustedCodeError
from netbuilder.layers.trusted import digest
from tests.own_files import GATE


def drawn(tmp_path: Path, *, trust: bool) -> nb.Project:
    (tmp_path / "my_layers.py").write_text(GATE)
    project = nb.Project()
    project.save(tmp_path / "a.netb")
    assert project.add_code(tmp_path / "my_layers.py", trust=trust) == ("own.my_layers.Gate",)
    net = project.add_network("main")
    nodes = [
        net.add("netbuilder.Input", shape=(8,)),
        net.add("own.my_layers.Gate", features=8),
        net.add("netbuilder.Output"),
    ]
    net.connect(nodes[0], nodes[1])
    net.connect(nodes[1], nodes[2])
    project.save(tmp_path / "a.netb")
    return project


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path / "home"))


@pytest.mark.nightly
def test_a_file_that_is_trusted_by_the_script_runs(tmp_path: Path) -> None:
    project = drawn(tmp_path, trust=True)
    assert project.check() == []
    assert project.module()(torch.rand(2, 8)).shape == (2, 8)
    run = nb.train(project, run_dir=tmp_path / "run")
    assert (tmp_path / "run" / "my_layers.py").read_text() == GATE
    nb.export_onnx(project, tmp_path / "a.onnx", run=run)


def test_without_trust_nothing_runs(tmp_path: Path) -> None:
    project = drawn(tmp_path, trust=False)
    assert [problem.code for problem in project.check()] == ["code.restricted"]
    for use in (project.module, project.source):
        with pytest.raises(UntrustedCodeError):
            use()
    with pytest.raises(UntrustedCodeError):
        nb.train(project, run_dir=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_hash_given_at_loading_is_enough(tmp_path: Path) -> None:
    drawn(tmp_path, trust=False)
    with pytest.raises(UntrustedCodeError):
        nb.load(tmp_path / "a.netb").module()
    trusted = nb.load(tmp_path / "a.netb", trust_code=[f"sha256:{digest(GATE.encode())}"])
    assert trusted.module()(torch.rand(2, 8)).shape == (2, 8)


def test_a_project_without_a_file_has_no_files_beside_it(tmp_path: Path) -> None:
    (tmp_path / "my_layers.py").write_text(GATE)
    with pytest.raises(DocumentError, match="no file yet"):
        nb.Project().add_code(tmp_path / "my_layers.py")
