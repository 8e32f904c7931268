"""Weights get a name beside their project that no file of somebody else's has."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from netbuilder.graph import edits
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.storage import files, weight_names, weights

DATA = save({"a": np.ones(3, np.float32)})
SHA256 = weights.digest(DATA)


def test_a_file_of_somebody_else_keeps_its_name(tmp_path: Path) -> None:
    path = tmp_path / "net.netb"
    assert weight_names.of_project(path, SHA256) == "net.safetensors"
    assert weight_names.of_project(path, SHA256, ".critic") == "net.critic.safetensors"
    (tmp_path / "net.safetensors").write_bytes(b"theirs")
    (tmp_path / "net_2.safetensors").symlink_to("nowhere")
    (tmp_path / "net_3.safetensors").mkdir()
    assert weight_names.of_project(path, SHA256) == "net_4.safetensors"


def test_the_same_weights_and_those_of_the_project_itself_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "net.netb"
    (tmp_path / "net.safetensors").write_bytes(DATA)
    assert weight_names.of_project(path, SHA256) == "net.safetensors"
    other = "0" * 64
    assert weight_names.of_project(path, other) == "net_2.safetensors"
    document = Document()
    entry = weights.Entry("main", "net.safetensors", SHA256)
    edits.set_project(History(document), weights={"main": entry.to_json()})
    files.save(document, path)
    assert weight_names.of_project(path, other) == "net.safetensors"
    path.write_text("no project")
    assert weight_names.of_project(path, other) == "net_2.safetensors"


@pytest.mark.parametrize(
    "stem",
    ["a b", "a:b?*", 'a"b', "a\nb", ".hidden", "x" * 240, "\udcff", "ä" * 100, "a\\b"],
)
def test_every_project_can_name_its_weights(stem: str, tmp_path: Path) -> None:
    """What it would not read again, or no disk could hold, is spelt otherwise."""
    name = weight_names.of_project(tmp_path / f"{stem}.netb", SHA256)
    assert weights.is_plain_name(name)
    (tmp_path / name).write_bytes(DATA)
    name.encode()
