"""Models with their tensors beside them: written whole, found again, never mixed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import TensorProto, helper, numpy_helper

from netbuilder.errors import DocumentError, ExportError, NetbuilderError
from netbuilder.exchange import onnx_file, verify
from netbuilder.exchange.onnx_in import reading
from netbuilder.storage import atomic


def model(number: float) -> onnx.ModelProto:
    """y = x + a table of one number."""
    table = numpy_helper.from_array(np.full((64, 64), number, np.float32), "table")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [64])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [64, 64])
    graph = helper.make_graph([helper.make_node("Add", ["x", "table"], ["y"])], "g", [x], [y])
    graph.initializer.append(table)
    opset = [helper.make_opsetid("", 20)]
    return helper.make_model(graph, opset_imports=opset, ir_version=10)


def saved(folder: Path, number: float, most: int = 0) -> Path:
    """A model that was just exported, its tensors beside it."""
    folder.mkdir()
    path = folder / "model.onnx"
    onnx_file.save(ir.from_proto(model(number)), path, "tea.onnx", most)
    return path


def says(path: Path) -> float:
    x = np.zeros(64, np.float32)
    return float(verify.session(path).run(None, {"x": x})[0].max())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def test_a_small_model_is_one_file(tmp_path: Path, home: Path) -> None:
    assert onnx_file.publish(saved(tmp_path / "a", 1.0, most=10**6), home / "tea.onnx") == [
        home / "tea.onnx"
    ]
    assert says(home / "tea.onnx") == 1.0


def test_a_large_one_is_a_pair_that_runs_where_it_ended_and_comes_in(
    tmp_path: Path, home: Path
) -> None:
    files = onnx_file.publish(saved(tmp_path / "a", 1.0), home / "tea.onnx")
    assert sorted(files) == sorted(home.iterdir())
    assert says(home / "tea.onnx") == 1.0
    [table] = reading.read(home / "tea.onnx").graph.initializer
    assert (numpy_helper.to_array(table) == 1.0).all()


def test_a_new_pair_takes_the_old_ones_place(tmp_path: Path, home: Path) -> None:
    onnx_file.publish(saved(tmp_path / "a", 1.0), home / "tea.onnx")
    files = onnx_file.publish(saved(tmp_path / "b", 2.0), home / "tea.onnx")
    assert says(home / "tea.onnx") == 2.0
    assert sorted(files) == sorted(home.iterdir())
    # Back to one file: what lay beside goes. What another model has stays.
    (home / "tea.onnx.mine.data").write_bytes(b"mine")
    onnx_file.publish(saved(tmp_path / "c", 3.0, most=10**6), home / "tea.onnx")
    assert {path.name for path in home.iterdir()} == {"tea.onnx", "tea.onnx.mine.data"}


@pytest.mark.parametrize("failing", ["tensors", "model"])
def test_what_fails_leaves_the_old_pair_whole(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    onnx_file.publish(saved(tmp_path / "a", 1.0), home / "tea.onnx")
    before = {path.name: path.read_bytes() for path in home.iterdir()}
    copy = atomic.copy

    def full(source: Path, path: Path) -> None:
        if (path.suffix == ".data") == (failing == "tensors"):
            raise DocumentError("The disk is full.")
        copy(source, path)

    monkeypatch.setattr(atomic, "copy", full)
    with pytest.raises(NetbuilderError, match="full"):
        onnx_file.publish(saved(tmp_path / "b", 2.0), home / "tea.onnx")
    assert {path.name: path.read_bytes() for path in home.iterdir()} == before


def test_tensors_that_arrive_otherwise_are_refused(
    tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = atomic.copy

    def wrong(source: Path, path: Path) -> None:
        copy(source, path)
        if path.suffix == ".data":
            path.write_bytes(path.read_bytes()[::-1] + b"x")

    monkeypatch.setattr(atomic, "copy", wrong)
    with pytest.raises(ExportError, match="not written as they are"):
        onnx_file.publish(saved(tmp_path / "a", 1.0), home / "tea.onnx")
    assert list(home.iterdir()) == []
