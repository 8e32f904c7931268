"""A file that computes something else: the node is named, however the exporter went wrong."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

import netbuilder as nb
from netbuilder.compiler.analyse import analyse
from netbuilder.compiler.build import build_network
from netbuilder.errors import ExportError
from netbuilder.exchange import by_node, onnx_export, onnx_file, plain_rnn, verify
from netbuilder.exchange.onnx_export import Wanted
from netbuilder.exchange.specs import TensorSpec
from netbuilder.graph import edits

op: Any = plain_rnn.op
INPUTS = (TensorSpec("x", ("N", 6)),)
OUTPUTS = (TensorSpec("y", ("N", 3)),)


def project() -> nb.Project:
    """A block of a block twice, one with a GELU that comes first."""
    made = nb.Project()

    def chain(graph: nb.api.GraphRef, *nodes: tuple[str, str, dict[str, Any]]) -> None:
        refs = [graph.add(layer, name=name, **params) for layer, name, params in nodes]
        for source, target in itertools.pairwise(refs):
            graph.connect(source, target)

    inner, outer = made.add_block("Inner"), made.add_block("Outer")
    chain(
        inner,
        ("netbuilder.BlockInput", "x", {}),
        ("torch.nn.Linear", "wide", {"out_features": 32}),
        ("torch.nn.Tanh", "tanh", {}),
        ("torch.nn.GELU", "gelu", {}),
        ("netbuilder.Output", "y", {}),
    )
    chain(
        outer,
        ("netbuilder.BlockInput", "x", {}),
        ("netbuilder.Block", "unit", {"block": "Inner", "repeat": 2}),
        ("netbuilder.Output", "y", {}),
    )
    chain(
        made.add_network("main"),
        ("netbuilder.Input", "x", {"shape": (6,)}),
        ("torch.nn.Tanh", "before", {}),
        ("netbuilder.Block", "stage", {"block": "Outer"}),
        ("torch.nn.Softplus", "after", {}),
        ("torch.nn.Linear", "head", {"out_features": 3}),
        ("netbuilder.Output", "y", {}),
    )
    [network] = made.document.of_kind("network")
    head = next(node for node in network.nodes.values() if node.name == "head")
    edits.set_node(made.history, network, head.id, note="Three classes of tea.")
    return made


def export(
    made: nb.Project,
    path: Path,
    outputs: tuple[TensorSpec, ...] = OUTPUTS,
    most: int = onnx_file.MOST_BYTES,
) -> tuple[Any, by_node.Blame]:
    module = build_network(made.document, "main").eval()
    wanted = Wanted(INPUTS, outputs, metadata={"title": "T"}, name="net.onnx", most=most)
    owners = onnx_export.write(module, wanted, {}, path)
    return module, by_node.Blame(module, path, ["x"], owners)


def test_a_wrong_operator_is_found_in_the_use_of_its_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
        return op.Relu(x)

    def gelu(x: Any, approximate: str = "none") -> Any:
        return op.Mul(x, op.Sigmoid(op.Mul(x, op.Constant(value_float=1.702))))

    table: dict[Any, Any] = {
        torch.ops.aten.softplus.default: wrong,
        torch.ops.aten.gelu.default: gelu,
    }
    monkeypatch.setattr(plain_rnn, "TRANSLATIONS", {**plain_rnn.TRANSLATIONS, **table})
    path = tmp_path / "net.onnx"
    made = project()
    module, blame = export(made, path, most=0)
    with pytest.raises(ExportError, match=r"first node that departs is 'stage.unit.0.gelu'") as it:
        verify.compare(module, path, INPUTS, OUTPUTS, {}, blame)
    error = it.value
    inner = made.document.block("Inner")
    assert inner is not None
    assert (error.graph, inner.nodes[error.node].name) == (inner.id, "gelu")
    report = analyse(made.document, {})
    assert error.use in report.uses[inner.id]
    found = {node["name"]: node["max_rel_error"] for node in error.nodes}
    assert list(found) == [
        "before",
        *(f"stage.unit.{at}.{name}" for at in range(2) for name in ("wide", "tanh", "gelu")),
        "after",
        "head",
    ]
    assert found["before"] < 1e-5
    assert found["stage.unit.0.tanh"] < 1e-5
    assert found["stage.unit.0.gelu"] > 1e-3
    # Nothing but the pair is left.
    names = {each.name for each in tmp_path.iterdir()}
    assert names == {"net.onnx", *onnx_file.beside(path)}
    assert len(names) == 2
    graph = onnx.load(str(path), load_external_data=False).graph
    notes = {node.name: node.doc_string for node in graph.node}
    assert graph.name == "main"
    assert {"stage.unit.1.wide", "head"} <= set(notes)
    assert notes["head"] == "Three classes of tea."


def test_what_a_node_gives_is_held_against_what_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of several results counts, against its like; what was right inside a node does not."""

    def wrong(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
        return op.Add(op.Softplus(x), op.Constant(value_float=1.0))

    table: dict[Any, Any] = {torch.ops.aten.softplus.default: wrong}
    monkeypatch.setattr(plain_rnn, "TRANSLATIONS", {**plain_rnn.TRANSLATIONS, **table})
    made = nb.Project()
    net = made.add_network("main")
    first = net.add("torch.topk", name="first", k=4)
    soft = net.add("torch.nn.Softplus", name="soft")
    last = net.add("torch.topk", name="last", k=3)
    net.connect(net.add("netbuilder.Input", shape=(6,), name="x"), first)
    net.connect(first, soft)
    net.connect(soft, last)
    outputs = (
        TensorSpec("begun", ("N", 4), "int64"),
        TensorSpec("values", ("N", 3)),
        TensorSpec("places", ("N", 3), "int64"),
    )
    given = first["indices"], last["values"], last["indices"]
    for source, spec in zip(given, outputs, strict=True):
        net.connect(source, net.add("netbuilder.Output", name=spec.name))
    _, blame = export(made, tmp_path / "net.onnx", outputs)
    found = {each.name: each.max_rel_error for each in blame([torch.randn(4, 6)])}
    assert list(found) == ["first", "soft", "last"]
    errors = [error if error is not None else -1.0 for error in found.values()]
    assert 0 <= errors[0] < 1e-5
    assert min(errors[1:]) > 1e-2
