"""Loops over time leave the house: an ONNX Scan or a pt2 program for any length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest

from netbuilder.compiler.build import build_network
from netbuilder.exchange import export, interface
from netbuilder.exchange.options import ExportOptions
from tests.compiler.cells import add, gru, lstm
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
        ExportOptions(to),
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


def looking() -> Drawing:
    """A loop whose cell looks at the whole of a memory at each step."""
    d = Drawing()
    main = d.graph
    d.add_graph("block", "look")
    x, h, memory = (d.add("netbuilder.BlockInput", name=name) for name in ("x", "h", "memory"))
    row = d.add("torch.unsqueeze", add(d, x, h, "asked"), name="row", dim=1)
    met = d.add("Tanh", add(d, memory, row, "both"), name="met")
    score = d.add("Linear", met, name="score", out_features=1, bias=False)
    d.output(d.add("torch.squeeze", score, name="seen", dim=-1), name="y")
    d.output(d.add("Linear", h, name="next", out_features=4), name="h_next")
    d.graph = main
    ends = d.input("T", 4, name="x"), d.input(5, 4, name="memory")
    loop = d.add("netbuilder.Loop", name="loop", block="look", constants=("memory",))
    for node, port in zip(ends, ("x", "memory"), strict=True):
        d.wire(node, loop, port)
    d.output((loop, "y"), name="y")
    return d


@pytest.mark.nightly
@pytest.mark.parametrize("to", ["onnx", "pt2"])
def test_a_cell_may_look_at_what_stays_the_same(to: str, tmp_path: Path) -> None:
    assert write(looking(), to, tmp_path / f"x.{to}")["verified"] is True
