"""Exports in their own process: recurrent networks keep their lengths, failures are told."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

import netbuilder as nb
from netbuilder.compiler.build import build_network
from netbuilder.errors import ExportError, ProblemsError
from netbuilder.exchange import export, export_child, fresh, interface, onnx_file
from netbuilder.exchange.options import ExportOptions
from netbuilder.exchange.specs import TensorSpec
from netbuilder.graph.document import Document

METADATA = {"title": "Test", "project": "{}"}


def recurrent(layer: str = "torch.nn.LSTM") -> Document:
    """Ids of any length through an Embedding and a recurrent layer."""
    project = nb.Project()
    net = project.add_network("main")
    tokens = net.add("netbuilder.Input", name="tokens", shape=("T",), dtype="int64", high=20)
    table = net.add("torch.nn.Embedding", name="table", embedding_dim=8)
    memory = net.add(layer, name="memory", hidden_size=16, batch_first=True)
    head = net.add("torch.nn.Linear", name="head", out_features=4)
    scores = net.add("netbuilder.Output", name="scores")
    state = net.add("netbuilder.Output", name="state")
    net.connect(tokens, table)
    net.connect(table, memory["input"])
    net.connect(memory["output"], head)
    net.connect(head, scores)
    net.connect(memory["h_n"], state)
    return project.document


def write(document: Document, to: str, out: Path) -> Mapping[str, Any]:
    module = build_network(document, "main")
    return export.export(
        document,
        "main",
        ExportOptions(to),
        out,
        weights=module.state_dict(),
        samples={},
        metadata=METADATA,
    )


def here(document: Document, to: str, out: Path) -> Mapping[str, Any]:
    """The same in this process, which has imported everything already."""
    job: dict[str, Any] = {"to": to, "network": "main", "opset": None}
    job |= {"out": str(out), "name": out.name, "most": onnx_file.MOST_BYTES, "metadata": METADATA}
    return export_child.write(document, job, build_network(document, "main"), {})


def dims(path: Path) -> dict[str, tuple[int | str, ...]]:
    graph = onnx.load(str(path)).graph
    return {
        value.name: tuple(d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim)
        for value in (*graph.input, *graph.output)
    }


def test_the_interface_is_the_users() -> None:
    found = interface.of_network(recurrent(), "main")
    assert found.inputs == (TensorSpec("tokens", ("N", "T"), "int64", 20),)
    assert [(spec.name, spec.shape) for spec in found.outputs] == [
        ("scores", ("N", "T", 4)),
        ("state", (1, "N", 16)),
    ]


@pytest.mark.parametrize(
    "layer",
    [
        "torch.nn.LSTM",
        pytest.param("torch.nn.GRU", marks=pytest.mark.nightly),
        pytest.param("torch.nn.RNN", marks=pytest.mark.nightly),
    ],
)
def test_a_recurrent_network_keeps_its_length_free(tmp_path: Path, layer: str) -> None:
    answer = write(recurrent(layer), "onnx", tmp_path / "net.onnx")
    assert answer["verified"] is True
    assert answer["max_rel_error"] < 1e-4
    found = dims(tmp_path / "net.onnx")
    assert found == {"tokens": ("N", "T"), "scores": ("N", "T", 4), "state": (1, "N", 16)}
    assert {trial for trial in answer["trials"] if "N=7" in trial}
    names = {node.name for node in onnx.load(str(tmp_path / "net.onnx")).graph.node}
    assert {"table", "memory", "head"} <= names


@pytest.mark.nightly
def test_one_process_exports_recurrent_networks_again_and_again(tmp_path: Path) -> None:
    """Exporters have frozen the length of the second one without a word."""
    for number, layer in enumerate(["torch.nn.LSTM", "torch.nn.GRU", "torch.nn.LSTM"]):
        out = tmp_path / f"{number}.onnx"
        answer = here(recurrent(layer), "onnx", out)
        assert {trial for trial in answer["trials"] if "T=48" in trial}
        assert dims(out)["tokens"] == ("N", "T")


def test_pt2_is_read_back_and_compared(tmp_path: Path) -> None:
    project = nb.Project()
    net = project.add_network("main")
    signal = net.add("netbuilder.Input", name="signal", shape=(2, "T"))
    filter = net.add("torch.nn.Conv1d", name="filter", out_channels=4, kernel_size=3)
    result = net.add("netbuilder.Output", name="result")
    net.connect(signal, filter)
    net.connect(filter, result)
    answer = write(project.document, "pt2", tmp_path / "net.pt2")
    assert answer["verified"] is True
    again = torch.export.load(tmp_path / "net.pt2").module()
    assert again(torch.zeros(4, 2, 27)).shape == (4, 4, 25)


def test_what_pt2_can_not_hold_is_told_with_the_way_out(tmp_path: Path) -> None:
    """ONNX Runtime runs it at any length; a traced program has one."""
    with pytest.raises(ExportError, match="can't export the network to pt2") as caught:
        here(recurrent(), "pt2", tmp_path / "net.pt2")
    assert "Export to onnx" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("to", ["onnx", "pt2"])
def test_names_that_torch_uses_itself_do_no_harm(tmp_path: Path, to: str) -> None:
    project = nb.Project()
    net = project.add_network("main")
    nodes = [
        net.add("netbuilder.Input", name="features", shape=(4,)),
        net.add("torch.nn.Linear", name="code", out_features=3),
        net.add("torch.nn.Linear", name="graph", out_features=2),
        net.add("netbuilder.Output", name="meta"),
    ]
    for source, target in itertools.pairwise(nodes):
        net.connect(source, target)
    answer = here(project.document, to, tmp_path / f"net.{to}")
    assert answer["verified"] is True
    if to == "onnx":
        graph = onnx.load(str(tmp_path / "net.onnx")).graph
        assert [node.name for node in graph.node] == ["code", "graph"]
        assert {"code.weight", "graph.bias"} <= {value.name for value in graph.initializer}


def child(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Exports run this instead."""
    monkeypatch.setattr(fresh, "command", lambda module: [sys.executable, "-S", "-c", code])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os.abort()", "SIGABRT"),
        ("import sys; sys.exit('the tea is cold')", "the tea is cold"),
        ("pass", "exit code 0"),
        ('print(\'{"error": {"message": "it departs", "hint": ""}}\')', "it departs"),
    ],
)
def test_an_export_that_fails_tells_why_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, words: str
) -> None:
    out = tmp_path / "net.onnx"
    out.write_bytes(b"old")
    child(monkeypatch, code)
    with pytest.raises(ExportError, match=words):
        write(recurrent(), "onnx", out)
    assert out.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_a_network_with_errors_is_not_exported(tmp_path: Path) -> None:
    project = nb.Project()
    project.add_network("main").add("netbuilder.Input", shape=(4,))
    with pytest.raises(ProblemsError):
        export.export(
            project.document,
            "main",
            ExportOptions("onnx"),
            tmp_path / "x.onnx",
            weights={},
            samples={},
            metadata={},
        )


def test_what_onnx_has_no_form_for_is_refused_at_its_node(tmp_path: Path) -> None:
    project = nb.Project()
    net = project.add_network("main")
    image = net.add("netbuilder.Input", name="image", shape=(1, 4, 4))
    pool = net.add("torch.nn.AvgPool2d", name="mean", kernel_size=2, divisor_override=3)
    net.connect(image, pool)
    net.connect(pool, net.add("netbuilder.Output", name="y"))
    with pytest.raises(ExportError, match="'mean' can't go into an ONNX file"):
        write(project.document, "onnx", tmp_path / "x.onnx")
    assert list(tmp_path.iterdir()) == []
