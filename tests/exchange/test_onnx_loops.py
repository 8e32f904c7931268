"""Loops of ONNX files over as many steps as a free size says: a block, and a node that loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
from onnx import numpy_helper

from netbuilder.exchange.onnx_in import bringing

SCANS = """<ir_version: 8, opset_import: ["": 17]>
g (float[n, t, 4] rows, float[n, 4] x)
    => (float[n, 4] last, float[t, n, 4] all, float[n, t, 3] seen, float[n, 4] total,
        float[t, n, 4] each, float[n, 4] sum) {
    three = Constant <value_ints = [3]> ()
    none = Constant <value_ints = [0]> ()
    axis = Constant <value_ints = [1]> ()
    last, all, seen = Scan <num_scan_inputs = 2, scan_input_axes = [1, 1],
            scan_input_directions = [1, 0], scan_output_axes = [0, 1],
            scan_output_directions = [0, 1],
            body = one (float[n, 4] h, float[n, 4] r, float[n, 4] s)
                => (float[n, 4] now, float[n, 4] out, float[n, 3] part) {
        p = MatMul (h, weight)
        q = Add (p, bias)
        sum_q = Add (q, r)
        now = Tanh (sum_q)
        m = Mul (s, x)
        out = Add (now, m)
        part = Slice (now, none, three, axis)
    }> (x, rows, rows)
    sizes = Shape (rows)
    middle = Constant <value_int = 1> ()
    often = Gather (sizes, middle)
    yes = Constant <value = bool {1}> ()
    total, each = Loop (often, yes, x) <body = two (int64 at, bool on, float[n, 4] was)
            => (bool go, float[n, 4] then, float[n, 4] row) {
        go = Identity (on)
        row = Gather <axis = 1> (rows, at)
        half = Constant <value_float = 0.5> ()
        less = Mul (was, half)
        then = Add (less, row)
    }>
    turned = Transpose <perm = [1, 0, 2]> (rows)
    sum = Scan <num_scan_inputs = 1, body = three (float[n, 4] so_far, float[n, 4] more)
            => (float[n, 4] after) {
        squares = Scan <num_scan_inputs = 1, body = four (float[n, 4] a, float[n, 4] b)
                => (float[n, 4] c) { d = Mul (b, b) c = Add (a, d) }> (so_far, turned)
        after = Add (squares, more)
    }> (x, turned)
}"""


def test_loops_over_free_lengths_are_loops_over_a_block(tmp_path: Path) -> None:
    """Forwards and backwards, along any dim, counted, one in another."""
    model = onnx.parser.parse_model(SCANS)
    random = np.random.default_rng(0)
    for name, shape in (("weight", (4, 4)), ("bias", (4,))):
        made = (random.standard_normal(shape) / 3).astype(np.float32)
        model.graph.initializer.append(numpy_helper.from_array(made, name))
    path = tmp_path / "loops.onnx"
    onnx.save(model, path)
    found = bringing.from_onnx(path)
    assert found.unsupported == ()
    assert found.verified, (found.notes, found.max_rel_error)
    nodes = [node for graph in found.document.graphs.values() for node in graph.nodes.values()]
    loops = [node for node in nodes if node.layer == "netbuilder.Loop"]
    assert len(loops) == 4
    # Along the dim that sequences have, without turning them.
    assert sorted(loop.params.get("dim", 1) for loop in loops) == [0, 1, 1, 1]
    # A count is no place from the end.
    assert not {"torch.where", "torch.lt"} & {node.layer for node in nodes}
    # The product in the first is a layer with its weights, inside.
    (product,) = (node for node in nodes if node.layer == "torch.nn.Linear")
    assert product.params.get("bias", True)
