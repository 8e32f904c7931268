"""Weights beside a project: used, moved, missed, changed, hostile."""

from __future__ import annotations

import json
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

import netbuilder as nb
from netbuilder.errors import DocumentError, ProblemsError
from netbuilder.exchange.options import ExportOptions
from netbuilder.graph.fixes import apply_fix
from netbuilder.layers.catalogue import ports_of
from netbuilder.storage import weights
from tests.exchange import nets
from tests.exchange.examples import example, outputs
from tests.exchange.test_from_module import assert_same


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    module, inputs = example("shared")
    folder = tmp_path / "one"
    folder.mkdir()
    nb.from_module(module, inputs).save(folder / "net.netb")
    return folder / "net.netb"


def codes(project: nb.Project) -> list[str]:
    return [p.code for p in project.check() if p.code.startswith("weights")]


def test_the_file_has_the_networks_own_keys(saved: Path) -> None:
    state = nb.load(saved).module().state_dict()
    found = load_file(saved.with_suffix(".safetensors"))
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], state[key]) for key in found)
    assert json.loads(saved.read_text())["weights"]["main"]["file"] == "net.safetensors"


def test_both_files_may_be_moved_together(saved: Path, tmp_path: Path) -> None:
    module, inputs = example("shared")
    moved = tmp_path / "two"
    shutil.move(saved.parent, moved)
    project = nb.load(moved / "net.netb")
    assert codes(project) == []
    assert_same(outputs(project.module().eval(), inputs), outputs(module, inputs))


def test_a_copy_saved_elsewhere_takes_the_weights_along(saved: Path, tmp_path: Path) -> None:
    project = nb.load(saved)
    other = tmp_path / "three"
    other.mkdir()
    project.save(other / "copy.netb")
    assert sorted(path.name for path in other.iterdir()) == ["copy.netb", "net.safetensors"]
    assert codes(nb.load(other / "copy.netb")) == []


def test_missing_weights_are_a_problem_with_a_fix(saved: Path) -> None:
    saved.with_suffix(".safetensors").unlink()
    project = nb.load(saved)
    assert codes(project) == ["weights.missing"]
    with pytest.raises(ProblemsError, match=r"net\.safetensors"):
        project.module()
    (problem,) = [p for p in project.check() if p.code == "weights.missing"]
    apply_fix(project.history, problem.fixes[-1], ports_of)
    assert codes(project) == []
    project.module()


def test_changed_weights_are_a_problem_and_may_be_taken(saved: Path) -> None:
    path = saved.with_suffix(".safetensors")
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(data)
    project = nb.load(saved)
    assert codes(project) == ["weights.changed"]
    with pytest.raises(ProblemsError, match="not the file"):
        project.module()
    (problem,) = [p for p in project.check() if p.code == "weights.changed"]
    apply_fix(project.history, problem.fixes[0], ports_of)
    assert codes(project) == []
    project.module()


def test_what_the_project_says_of_weights_may_be_nonsense(saved: Path) -> None:
    value = json.loads(saved.read_text())
    for entry in (5, {}, {"file": "../x.safetensors", "sha256": "0" * 64}, {"file": "/etc/passwd"}):
        value["weights"] = {"main": entry}
        saved.write_text(json.dumps(value))
        project = nb.load(saved)
        assert codes(project) == ["weights.invalid"]
        with pytest.raises(ProblemsError):
            project.module()
    value["weights"] = {"other": {"file": "x.safetensors", "sha256": "0" * 64}}
    saved.write_text(json.dumps(value))
    assert codes(nb.load(saved)) == ["weights.network"]


def test_a_run_and_an_export_begin_with_the_weights(saved: Path, tmp_path: Path) -> None:
    module, inputs = example("shared")
    project = nb.load(saved)
    run = nb.train(project, tmp_path / "run")
    assert "beside the project" in run.warnings[0]
    assert (tmp_path / "run" / "net.safetensors").exists()
    from netbuilder.engine import tasks, trained

    assert_same(outputs(trained.load(run.path, None).module, inputs), outputs(module, inputs))
    tasks.export(project.document, ExportOptions("safetensors"), tmp_path / "out.safetensors")
    held = load_file(saved.with_suffix(".safetensors"))
    found = load_file(tmp_path / "out.safetensors")
    assert all(torch.equal(found[key], held[key]) for key in held)
    vector = inputs[0][0].tolist()
    said = tasks.predict(run.path, [vector])["outputs"]["output"]
    torch.testing.assert_close(torch.tensor(said[0]), outputs(module, inputs)[0][0])


def test_a_training_begins_with_the_weights(tmp_path: Path) -> None:
    project = nb.template("digits_mlp")
    network = project.document.of_kind("network")[0].name
    kept = {
        key: torch.full_like(t, 0.01) for key, t in project.module(network).state_dict().items()
    }
    from netbuilder.exchange import weights as exchange

    exchange.hold(project.document, network, kept, "start.safetensors")
    project.save(tmp_path / "digits.netb")
    again = nb.load(tmp_path / "digits.netb")
    from netbuilder.engine import planning

    state = planning.make(again.document).networks[network].state_dict()
    assert all(torch.equal(state[key], kept[key]) for key in kept)


def proper(header: Any, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode() if not isinstance(header, bytes) else header
    return struct.pack("<Q", len(text)) + text + data


def tensor(start: int, end: int, *shape: int, dtype: str = "F32") -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}


TENSOR = json.dumps(tensor(0, 4, 1)).encode()
MALFORMED = {
    "empty": b"",
    "short": b"\x01\x00",
    "long header": struct.pack("<Q", 2**62) + b"{}",
    "header beyond": struct.pack("<Q", 100) + b"{}",
    "no json": proper(b"nonsense"),
    "a list": proper([]),
    "twice": proper(
        b'{"a": %s, "a": %s}' % ((json.dumps(tensor(0, 4, 1)).encode(),) * 2), bytes(4)
    ),
    "overlap": proper({"a": tensor(0, 8, 2), "b": tensor(4, 12, 2)}, bytes(12)),
    "gap": proper({"a": tensor(0, 4, 1), "b": tensor(8, 12, 1)}, bytes(12)),
    "longer than said": proper({"a": tensor(0, 4, 1)}, bytes(9)),
    "shorter than said": proper({"a": tensor(0, 400, 100)}, bytes(4)),
    "wrong shape": proper({"a": tensor(0, 4, 7)}, bytes(4)),
    "huge shape": proper({"a": tensor(0, 4, 2**40, 2**40)}, bytes(4)),
    "negative": proper({"a": tensor(-4, 0, 1)}, bytes(4)),
    "negative dim": proper({"a": tensor(0, 4, -1, -1)}, bytes(4)),
    "odd dtype": proper({"a": tensor(0, 4, 1, dtype="PYOBJECT")}, bytes(4)),
    "deep": proper(b"[" * 5000 + b"]" * 5000),
    "nan": proper(b'{"a": NaN}'),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_weights_are_refused(name: str, saved: Path) -> None:
    data = MALFORMED[name]
    with pytest.raises(DocumentError):
        weights.check(data, "x.safetensors")
    path = saved.with_suffix(".safetensors")
    path.write_bytes(data)
    value = json.loads(saved.read_text())
    value["weights"]["main"]["sha256"] = weights.digest(data)
    saved.write_text(json.dumps(value))
    project = nb.load(saved)
    project.check()
    with pytest.raises(ProblemsError):
        project.module()


def test_hostile_names_are_only_keys(tmp_path: Path) -> None:
    project = nb.from_module(nets.Shared().eval(), torch.randn(2, 8))
    named = {"__class__": tensor(0, 4, 1), "../../etc": tensor(4, 8, 1)}
    shapes = weights.check(proper(named, bytes(8)), "x.safetensors")
    assert shapes == {"__class__": (1,), "../../etc": (1,)}
    assert project.imported["verified"]
