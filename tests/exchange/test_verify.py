"""The check after an export: it sees what is wrong, and says where."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import nn

import netbuilder as nb
from netbuilder.compiler.build import build_network
from netbuilder.errors import ExportError
from netbuilder.exchange import by_node, departing, onnx_export, samples, verify
from netbuilder.exchange.onnx_export import Owners, Wanted
from netbuilder.exchange.specs import TensorSpec
from netbuilder.exchange.spots import Spots

INPUTS = (TensorSpec("signal", ("N", 2, "T")),)
OUTPUTS = (TensorSpec("scores", ("N", 3)), TensorSpec("features", ("N", 4)))


def network() -> nn.Module:
    """A convolution and its norm, the mean over time, and a head in a block."""
    project = nb.Project()
    head = project.add_block("Head")
    inside = [
        head.add("netbuilder.BlockInput", name="x"),
        head.add("torch.nn.Linear", name="second", out_features=3),
        head.add("netbuilder.Output", name="y"),
    ]
    net = project.add_network("main")
    nodes = [
        net.add("netbuilder.Input", name="signal", shape=(2, "T")),
        net.add("torch.nn.Conv1d", name="first", out_channels=4, kernel_size=3, padding=1),
        net.add("torch.nn.BatchNorm1d", name="norm"),
        net.add("torch.mean", name="mean", dim=[2]),
        net.add("netbuilder.Block", name="head", block="Head"),
        net.add("netbuilder.Output", name="scores"),
    ]
    for graph, chain in ((head, inside), (net, nodes)):
        for source, target in itertools.pairwise(chain):
            graph.connect(source, target)
    net.connect(nodes[3], net.add("netbuilder.Output", name="features"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        module = build_network(project.document, "main")
        # Running averages as after a training: fresh ones would make the layer nearly nothing.
        module.get_submodule("norm").get_buffer("running_mean").normal_()
    return module


@dataclass(frozen=True)
class Exported:
    module: nn.Module
    path: Path
    owners: Owners


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    path = tmp_path_factory.mktemp("verify") / "net.onnx"
    wanted = Wanted(INPUTS, OUTPUTS, metadata={"title": "Test"})
    module = network()
    return Exported(module, path, onnx_export.write(module, wanted, {}, path))


def compare(
    exported: Exported, path: Path, real: Mapping[str, torch.Tensor] | None = None
) -> verify.Verified:
    blame = by_node.Blame(exported.module, path, ["signal"], exported.owners)
    return verify.compare(exported.module, path, INPUTS, OUTPUTS, real or {}, blame)


def test_a_good_file_is_run_at_several_batch_sizes_and_lengths(exported: Exported) -> None:
    verified = compare(exported, exported.path)
    assert verified.max_rel_error < 1e-5
    for size in ("N=1,", "N=2,", "N=7,", "T=19", "T=24", "T=32", "T=48"):
        assert any(size in f"{trial}," for trial in verified.trials)


def test_real_samples_come_first(exported: Exported) -> None:
    real = {"signal": torch.randn(7, 2, 11)}
    verified = compare(exported, exported.path, real)
    assert verified.trials[:3] == ("1 real sample", "2 real samples", "7 real samples")


def test_names_are_the_users(exported: Exported) -> None:
    graph = onnx.load(str(exported.path)).graph
    assert [value.name for value in graph.input] == ["signal"]
    assert [value.name for value in graph.output] == ["scores", "features"]
    names = [node.name for node in graph.node]
    assert len(set(names)) == len(names)
    # The BatchNorm went into the convolution, which keeps its name.
    assert {"first", "mean", "head.second"} <= set(names)
    spots = Spots(exported.module)
    owners = {spots.name(exported.owners[name]) for name in names}
    assert owners == {"norm", "mean", "head.second"}


def test_nothing_in_the_file_tells_where_it_was_made(exported: Exported) -> None:
    model = onnx.load(str(exported.path))
    assert {entry.key: entry.value for entry in model.metadata_props} == {"title": "Test"}
    text = exported.path.read_bytes()
    assert b"site-packages" not in text
    assert b".py" not in text
    assert b"pkg." not in text
    assert b"<netbuilder" not in text


@pytest.mark.parametrize(("node", "named"), [("first", "norm"), ("head.second", "head.second")])
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
    with pytest.raises(ExportError, match=f"first node that departs is '{named}'") as caught:
        compare(exported, tmp_path / "broken.onnx")
    [place] = [each for each in caught.value.nodes if each["name"] == named]
    assert (caught.value.graph, caught.value.node) == (place["graph"], place["node"])
    assert caught.value.use == place["use"]
    assert [each["name"] for each in caught.value.nodes] == ["first", "norm", "mean", "head.second"]
    assert [path.name for path in tmp_path.iterdir()] == ["broken.onnx"]


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


def test_what_pytorch_writes_and_onnx_runtime_does_not_run_names_the_node(
    exported: Exported, tmp_path: Path
) -> None:
    model = onnx.load(str(exported.path))
    [mean] = [node for node in model.graph.node if node.name == "mean"]
    mean.op_type = "NotYetKnown"
    onnx.save(model, str(tmp_path / "new.onnx"))
    with pytest.raises(ExportError, match=r"does not run.*NotYetKnown") as caught:
        compare(exported, tmp_path / "new.onnx")
    assert "pt2" in caught.value.hint
    # One that fails as it runs: the block's inner product has other sizes.
    model = onnx.load(str(exported.path))
    for tensor in model.graph.initializer:
        if tensor.name == "head.second.bias":
            tensor.CopyFrom(numpy_helper.from_array(np.zeros(5, np.float32), tensor.name))
    onnx.save(model, str(tmp_path / "odd.onnx"))
    with pytest.raises(ExportError, match="does not run") as caught:
        compare(exported, tmp_path / "odd.onnx")
    assert "'head.second'" in str(caught.value)
    assert caught.value.node
    assert caught.value.use


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
    measured = departing.relative_error(np.array(found), np.array(expected))
    assert measured == pytest.approx(error, rel=1e-6)


def test_integers_and_truth_values_are_compared_too() -> None:
    assert departing.relative_error(np.array([1, 2]), np.array([1, 2])) == 0.0
    assert departing.relative_error(np.array([1, 3]), np.array([1, 2])) == 0.5
    assert departing.relative_error(np.array([True]), np.array([False])) > departing.TOLERANCE


def test_onnx_runtime_keeps_no_id_and_reports_nothing(tmp_path: Path) -> None:
    """Asked by nobody, it would leave files in the home folder and call its maker."""
    silent = (
        "ORT_DISABLE_TELEMETRY",
        "CI",
        "GITHUB_ACTIONS",
        "TF_BUILD",
        "BUILD_ID",
        "XDG_CACHE_HOME",
    )
    surroundings = {name: value for name, value in os.environ.items() if name not in silent}
    found = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            "import netbuilder.exchange.opsets as o; print(o.ort.__name__)",
        ],
        env={**surroundings, "HOME": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "onnxruntime"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
