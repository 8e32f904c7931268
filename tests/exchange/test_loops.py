"""Loops over time leave the house: an ONNX Scan or a pt2 program for any length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from netbuilder.compiler.build import build_network
from netbuilder.exchange import export, interface
from tests.compiler.cells import gru, lstm
from tests.drawing import Drawing


def network(cell: Any, length: int | str) -> Drawing:
    """A loop both ways over a sequence, the second one in a block."""
    d = Drawing()
    cell(d)
    main, block = d.graph, f"{cell.__name__}_cell"
    d.add_graph("block", "backwards")
    x = d.add("netbuilder.BlockInput", name="x")
    d.output((d.add("netbuilder.Loop", x, name="back", block=block, reverse=True), "h"), name="y")
    d.graph = main
    x = d.input(length, 4, name="x")
    loop = d.add("netbuilder.Loop", x, name="there", block=block)
    back = d.add("netbuilder.Block", (loop, "h"), name="two", block="backwards")
    d.output(d.add("Linear", back, name="head", out_features=3), name="scores")
    d.output((loop, "h_last"), name="last")
    return d


def write(d: Drawing, to: str, out: Path) -> dict[str, Any]:
    module = build_network(d.document, "main")
    return export.export(
        d.document,
        "main",
        to,
        out,
        weights=module.state_dict(),
        samples={},
        metadata={"title": "Test", "project": "{}"},
    )


def test_a_free_length_is_told_also_inside_a_block() -> None:
    assert interface.loops_freely(network(gru, "T").document, "main")
    assert not interface.loops_freely(network(gru, 5).document, "main")


@pytest.mark.nightly
@pytest.mark.parametrize("cell", [gru, lstm])
def test_a_loop_of_any_length_is_a_scan_in_onnx(cell: Any, tmp_path: Path) -> None:
    out = tmp_path / "x.onnx"
    assert write(network(cell, "T"), "onnx", out)["verified"] is True
    graph = onnx.load(str(out)).graph
    assert [node.op_type for node in graph.node].count("Scan") == 2
    assert "there.input_gates.weight" in {value.name for value in graph.initializer}
    assert "two.back.state_gates.bias" in {value.name for value in graph.initializer}


@pytest.mark.nightly
def test_a_loop_of_a_fixed_length_is_unrolled_in_onnx(tmp_path: Path) -> None:
    out = tmp_path / "x.onnx"
    assert write(network(gru, 5), "onnx", out)["verified"] is True
    assert "Scan" not in {node.op_type for node in onnx.load(str(out)).graph.node}


@pytest.mark.nightly
def test_a_loop_of_any_length_is_exported_to_pt2(tmp_path: Path) -> None:
    assert write(network(lstm, "T"), "pt2", tmp_path / "x.pt2")["verified"] is True
