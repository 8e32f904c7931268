"""Exported programs (`.pt2`) become projects, by the command too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

import netbuilder as nb
from netbuilder.cli.main import main
from netbuilder.errors import DocumentError
from tests.exchange.examples import example, export, import_here, outputs
from tests.exchange.test_from_module import assert_same, errors

AT_NIGHT = ("mobilenet", "lstm", "gru", "encoder", "vit", "vae", "direct")


def _some(*names: str) -> list[Any]:
    """These at every run of the tests, the others at night."""
    return [*names, *(pytest.param(name, marks=pytest.mark.nightly) for name in AT_NIGHT)]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imports are done in this process: the start of another takes seconds."""
    import_here(monkeypatch)


@pytest.mark.parametrize("name", _some("resnet18", "gpt"))
@pytest.mark.usefixtures("here")
def test_a_file_gives_what_the_module_gives(name: str, tmp_path: Path) -> None:
    module, inputs = example(name)
    torch.export.save(export(module, inputs), tmp_path / "net.pt2")
    project = nb.from_pt2(tmp_path / "net.pt2")
    assert project.imported["verified"], project.imported
    assert errors(project) == []
    assert_same(outputs(project.module().eval(), inputs), outputs(module, inputs))


@pytest.mark.parametrize(
    "name",
    ["vit", *(pytest.param(name, marks=pytest.mark.nightly) for name in ("mobilenet", "gpt"))],
)
@pytest.mark.usefixtures("here")
def test_a_decomposed_file_is_put_together_again(name: str, tmp_path: Path) -> None:
    module, inputs = example(name)
    torch.export.save(export(module, inputs, decomposed=True), tmp_path / "net.pt2")
    project = nb.from_pt2(tmp_path / "net.pt2")
    assert project.imported["verified"], project.imported
    assert_same(outputs(project.module().eval(), inputs), outputs(module, inputs))
    layers = {n.layer for g in project.document.graphs.values() for n in g.nodes.values()}
    assert not any(layer.startswith("aten.") for layer in layers)


@pytest.mark.nightly
@pytest.mark.usefixtures("here")
def test_what_netbuilder_exports_it_imports(tmp_path: Path) -> None:
    module, inputs = example("lenet")
    project = nb.from_module(module, inputs)
    project.save(tmp_path / "a.netb")
    assert (
        main(["export", str(tmp_path / "a.netb"), "--to", "pt2", "-o", str(tmp_path / "a.pt2")])
        == 0
    )
    again = nb.from_pt2(tmp_path / "a.pt2")
    assert again.imported["verified"]
    assert again.imported["renamed"] == {}
    assert_same(outputs(again.module().eval(), inputs), outputs(module, inputs))


def answer_of(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    module, inputs = example("gpt")
    torch.export.save(export(module, inputs), tmp_path / "gpt.pt2")
    out = tmp_path / "mine.netb"
    assert main(["import", str(tmp_path / "gpt.pt2"), "-o", str(out), "--json"]) == 0
    answer = answer_of(capsys)
    assert answer["path"] == str(out)
    assert answer["verified"]
    assert answer["max_rel_error"] < 1e-6
    assert answer["unsupported"] == []
    assert answer["nodes"] > 10
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "gpt.pt2",
        "mine.netb",
        "mine.safetensors",
    ]
    project = nb.load(out)
    assert errors(project) == []
    assert_same(outputs(project.module().eval(), inputs), outputs(module, inputs))
    assert main(["import", str(tmp_path / "gpt.pt2"), "-o", str(out)]) == 2
    assert "there already" in capsys.readouterr().err


def test_the_command_tells_what_has_no_layer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.exchange import nets

    import_here(monkeypatch)
    program = torch.export.export(nets.Odd().eval(), (torch.randn(2, 6),))
    torch.export.save(program, tmp_path / "odd.pt2")
    arguments = ["import", str(tmp_path / "odd.pt2"), "-o", str(tmp_path / "odd.netb"), "--json"]
    assert main(arguments) == 1
    answer = answer_of(capsys)
    assert answer["unsupported"] == [{"op": "aten.special_bessel_j0", "count": 1}]
    assert answer["verified"] is False
    assert nb.load(tmp_path / "odd.netb").network()["special_bessel_j0"]


def test_the_command_refuses_other_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.pt").write_bytes(b"\x80\x02")
    assert main(["import", str(tmp_path / "a.pt")]) == 2
    assert "torch.export.save" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "gone.pt2"), "--json"]) == 2
    assert "no file" in answer_of(capsys)["error"]["message"]


def test_a_file_is_not_read_over_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="folder"):
        nb.from_pt2(tmp_path)
