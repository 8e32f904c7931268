"""The check after an export: it sees what is wrong, and says where."""

from __future__ import annotations

import linecache
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

from netbuilder.errors import ExportError
from netbuilder.exchange import onnx_export, samples, verify
from netbuilder.exchange.onnx_export import Lines, Owners, Wanted
from netbuilder.exchange.specs import TensorSpec

FILE = "<netbuilder test>"
SOURCE = """\
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm1d(4)
        self.second = nn.Linear(4, 3)

    def forward(self, signal):
        x = self.first(signal)
        x = self.norm(x)
        mean = x.mean(2)
        y = self.second(mean)
        return y, mean
"""
LINES: Lines = {(FILE, 13): "first", (FILE, 14): "norm", (FILE, 15): "mean", (FILE, 16): "second"}
INPUTS = (TensorSpec("signal", ("N", 2, "T")),)
OUTPUTS = (TensorSpec("scores", ("N", 3)), TensorSpec("features", ("N", 4)))


@dataclass(frozen=True)
class Exported:
    module: nn.Module
    path: Path
    owners: Owners


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    linecache.cache[FILE] = (len(SOURCE), None, SOURCE.splitlines(keepends=True), FILE)
    namespace: dict[str, Any] = {"__name__": "test"}
    exec(compile(SOURCE, FILE, "exec"), namespace)  # noqa: S102
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module: nn.Module = namespace["Net"]()
    # Running averages as after a training: fresh ones would make the layer nearly nothing.
    module.norm.running_mean.normal_()  # type: ignore[union-attr, operator]
    path = tmp_path_factory.mktemp("verify") / "net.onnx"
    wanted = Wanted(INPUTS, OUTPUTS, metadata={"title": "Test"})
    return Exported(module, path, onnx_export.write(module, wanted, LINES, path))


def compare(exported: Exported, path: Path) -> verify.Verified:
    return verify.compare(exported.module, path, INPUTS, OUTPUTS, {}, LINES, exported.owners)


def test_a_good_file_is_run_at_several_batch_sizes_and_lengths(exported: Exported) -> None:
    verified = compare(exported, exported.path)
    assert verified.max_rel_error < 1e-5
    for size in ("N=1,", "N=2,", "N=7,", "T=19", "T=24", "T=32", "T=48"):
        assert any(size in f"{trial}," for trial in verified.trials)


def test_real_samples_come_first(exported: Exported) -> None:
    real = {"signal": torch.randn(7, 2, 11)}
    verified = verify.compare(
        exported.module, exported.path, INPUTS, OUTPUTS, real, LINES, exported.owners
    )
    assert verified.trials[:3] == ("1 real samples", "2 real samples", "7 real samples")


def test_names_are_the_users(exported: Exported) -> None:
    graph = onnx.load(str(exported.path)).graph
    assert [value.name for value in graph.input] == ["signal"]
    assert [value.name for value in graph.output] == ["scores", "features"]
    names = [node.name for node in graph.node]
    assert len(set(names)) == len(names)
    # The BatchNorm went into the convolution, which keeps its name.
    assert {"first", "mean", "second"} <= set(names)
    assert {exported.owners[name] for name in names} <= {"norm", "mean", "second"}


def test_nothing_in_the_file_tells_where_it_was_made(exported: Exported) -> None:
    model = onnx.load(str(exported.path))
    assert {entry.key: entry.value for entry in model.metadata_props} == {"title": "Test"}
    text = exported.path.read_bytes()
    assert b"site-packages" not in text
    assert b".py" not in text
    assert b"pkg." not in text
    assert FILE.encode() not in text


@pytest.mark.parametrize(("node", "named"), [("first", "norm"), ("second", "second")])
def test_the_first_node_that_departs_is_named(
    exported: Exported, tmp_path: Path, node: str, named: str
) -> None:
    model = onnx.load(str(exported.path))
    [broken] = [each for each in model.graph.node if each.name == node]
    for tensor in model.graph.initializer:
        if tensor.name in list(broken.input)[1:2]:
            tensor.CopyFrom(
                numpy_helper.from_array(numpy_helper.to_array(tensor) + 0.1, tensor.name)
            )
    onnx.save(model, str(tmp_path / "broken.onnx"))
    with pytest.raises(ExportError, match=f"first node that departs is '{named}'"):
        compare(exported, tmp_path / "broken.onnx")


def frozen(path: Path, out: Path, which: str, dim: int, size: int) -> Path:
    model = onnx.load(str(path))
    values = {value.name: value for value in (*model.graph.input, *model.graph.output)}
    values[which].type.tensor_type.shape.dim[dim].dim_value = size
    onnx.save(model, str(out))
    return out


@pytest.mark.parametrize(
    ("which", "dim", "size"), [("signal", 0, 3), ("signal", 2, 19), ("scores", 0, 3)]
)
def test_a_frozen_size_is_refused(
    exported: Exported, tmp_path: Path, which: str, dim: int, size: int
) -> None:
    path = frozen(exported.path, tmp_path / "frozen.onnx", which, dim, size)
    with pytest.raises(ExportError, match=f"'{which}'.*frozen"):
        compare(exported, path)


def test_a_length_that_is_frozen_inside_is_found_by_running_it(
    exported: Exported, tmp_path: Path
) -> None:
    model = onnx.load(str(exported.path))
    shape = numpy_helper.from_array(np.array([-1, 4, 19]), "baked")
    model.graph.initializer.append(shape)
    [mean] = [node for node in model.graph.node if node.name == "mean"]
    model.graph.node.insert(
        1, onnx.helper.make_node("Reshape", [mean.input[0], "baked"], ["reshaped"])
    )
    mean.input[0] = "reshaped"
    onnx.save(model, str(tmp_path / "baked.onnx"))
    with pytest.raises(ExportError, match=r"T=(24|32|48)"):
        compare(exported, tmp_path / "baked.onnx")


def test_one_length_alone_proves_nothing() -> None:
    class OnlyNineteen(nn.Module):
        def forward(self, signal: torch.Tensor) -> torch.Tensor:
            return signal.reshape(-1, 2, 19)

    with pytest.raises(ExportError, match="less than two of the lengths"):
        samples.require_lengths(OnlyNineteen(), INPUTS)


def test_other_names_are_refused(exported: Exported, tmp_path: Path) -> None:
    wanted = (TensorSpec("sound", ("N", 2, "T")),)
    with pytest.raises(ExportError, match="inputs are signal, not sound"):
        verify.check_dims(exported.path, wanted, OUTPUTS)


def test_what_is_no_model_is_refused(exported: Exported, tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"garbage")
    with pytest.raises(ExportError, match="can't load"):
        verify.session(tmp_path / "x.onnx")


@pytest.mark.parametrize(
    ("found", "expected", "error"),
    [
        ([1.0, 2.0], [1.0, 2.0], 0.0),
        ([1.0, 2.2], [1.0, 2.0], 0.1),
        ([-4.0, 0.0], [-5.0, 0.0], 0.2),
        ([0.0], [1e-7], 1e-4),
        ([np.nan, 1.0], [np.nan, 1.0], 0.0),
        ([np.nan], [1.0], np.inf),
        ([1.0], [np.nan], np.inf),
        ([np.inf], [np.inf], 0.0),
        ([np.inf], [1.0], np.inf),
        ([1.0, 2.0], [1.0], np.inf),
        ([], [], 0.0),
    ],
)
def test_the_relative_error(found: list[float], expected: list[float], error: float) -> None:
    measured = verify.relative_error(np.array(found), np.array(expected))
    assert measured == pytest.approx(error, rel=1e-6)


def test_integers_and_truth_values_are_compared_too() -> None:
    assert verify.relative_error(np.array([1, 2]), np.array([1, 2])) == 0.0
    assert verify.relative_error(np.array([1, 3]), np.array([1, 2])) == 0.5
    assert verify.relative_error(np.array([True]), np.array([False])) > verify.TOLERANCE
