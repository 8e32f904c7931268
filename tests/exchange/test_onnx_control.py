"""Control flow and lists of ONNX files: taken apart where sizes decide, else nodes that tell."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.parser
import pytest
import torch
from onnx import numpy_helper

import netbuilder as nb
from netbuilder.errors import NetbuilderError
from netbuilder.exchange.bring import importing
from netbuilder.exchange.bring.program import BringError, Program
from netbuilder.exchange.bring.proof import Reference
from netbuilder.exchange.onnx_in import bringing
from netbuilder.exchange.onnx_in.graph import OnnxModule
from netbuilder.exchange.onnx_in.runtime import Runtime

HEAD = '<ir_version: 8, opset_import: ["": 17]>'


def parsed(
    text: str, **fixed: np.ndarray[tuple[int, ...], np.dtype[np.float32]]
) -> onnx.ModelProto:
    """A model of this graph, with these constants."""
    model = onnx.parser.parse_model(HEAD + text)
    model.graph.initializer.extend(numpy_helper.from_array(a, name) for name, a in fixed.items())
    return model


def whys(model: onnx.ModelProto, *inputs: torch.Tensor) -> list[str]:
    """What has no counterpart when the graph runs on these, and why."""
    module = OnnxModule(model)
    module(*inputs)
    return [f"{step.call.op}: {step.why}" for step in module.every if step.why]


_WEIGHT = np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32)
DECIDED = """
g (float[n, 4] x, float[n, 5, 4] rows)
    => (float[n, 4] h, float[m, n, 4] all, float[n, 4] small, float[n, 4] total,
        float[n, 3, 5] steps, float[n, 4] chosen, float[n, 4] one, float[n, 4] two,
        float[n, k, 4] back) {
    times = Constant <value_int = 3> ()
    yes = Constant <value = bool {1}> ()
    h, all = Loop (times, yes, x) <body = turn (int64 at, bool on, float[n, 4] was)
            => (bool go, float[n, 4] now, float[n, 4] out) {
        go = Identity (on)
        product = MatMul (was, weight)
        number = Cast <to = 1> (at)
        now = Add (product, number)
        out = Tanh (now)
    }>
    small = Loop ("", yes, x) <body = count (int64 at, bool on, float[n, 4] was)
            => (bool go, float[n, 4] now) {
        end = Constant <value_int = 2> ()
        go = Less (at, end)
        two = Constant <value_float = 2.0> ()
        now = Div (was, two)
    }>
    total, steps = Scan <num_scan_inputs = 1, scan_input_axes = [1], scan_input_directions = [1],
            scan_output_axes = [2], body = add (float[n, 4] sum, float[n, 4] row)
            => (float[n, 4] after, float[n, 3] seen) {
        after = Add (sum, row)
        from = Constant <value_ints = [0]> ()
        to = Constant <value_ints = [3]> ()
        axis = Constant <value_ints = [1]> ()
        seen = Slice (after, from, to, axis)
    }> (x, rows)
    sizes = Shape (rows)
    middle = Constant <value_int = 1> ()
    length = Gather (sizes, middle)
    five = Constant <value_int = 5> ()
    fits = Equal (length, five)
    chosen = If (fits) <
        then_branch = a () => (float[n, 4] r) {
            c = Constant <value = float[4] {2.0, 1, 1, 1}> () r = Mul (x, c) },
        else_branch = b () => (float[n, 4] r) {
            c = Constant <value = float[4] {3.0, 1, 1, 1}> () r = Sub (x, c) }>
    one = If (yes) <
        then_branch = a () => (float[n, 4] r) {
            c = Constant <value = float[4] {5.0, 1, 1, 1}> () r = Mul (x, c) },
        else_branch = b () => (float[n, 4] r) {
            c = Constant <value = float[4] {7.0, 1, 1, 1}> () r = Sub (x, c) }>
    no = Not (yes)
    two = If (no) <
        then_branch = a () => (float[n, 4] r) {
            c = Constant <value = float[4] {11.0, 1, 1, 1}> () r = Mul (x, c) },
        else_branch = b () => (float[n, 4] r) {
            c = Constant <value = float[4] {13.0, 1, 1, 1}> () r = Sub (x, c) }>
    cut = Constant <value_ints = [2, 3]> ()
    parts = SplitToSequence <axis = 1> (rows, cut)
    last = Constant <value_int = -1> ()
    tail = SequenceAt (parts, last)
    first = Constant <value_int = 0> ()
    other = SequenceInsert (parts, tail, first)
    less = SequenceErase (other, last)
    back = ConcatFromSequence <axis = 1> (less)
}
"""


def test_what_sizes_decide_is_drawn(tmp_path: Path) -> None:
    """Loops are unrolled, branches chosen, lists taken apart; names in branches may be the same."""
    path = tmp_path / "m.onnx"
    onnx.save(parsed(DECIDED, weight=_WEIGHT), path)
    found = bringing.from_onnx(path)
    assert found.unsupported == ()
    assert found.verified, (found.notes, found.max_rel_error)
    graph = found.document.network("main")
    assert graph is not None
    products = [node for node in graph.nodes.values() if node.layer == "torch.nn.Linear"]
    assert len(products) == 3
    assert [bool(node.shares) for node in products].count(True) == 2


LOOP = """
g (float[n, 4] x, float[n, t, 4] rows, int64 often, bool truth)
    => (float[n, 4] y) {{
    {}
}}
"""
BODY = """<body = b (int64 at, bool on, float[n, 4] was) => (bool go, float[n, 4] now) {
    go = Identity (on)
    now = Relu (was)
}>"""
MANY = "many = Constant <value_int = 1000000000000> () yes = Constant <value = bool {1}> ()"
UNDECIDED = {
    "If: what it chooses depends on the numbers that come in": """
        y = If (truth) <then_branch = a () => (float[n, 4] r) { r = Relu (x) },
                        else_branch = b () => (float[n, 4] r) { r = Tanh (x) }>""",
    "Loop: how often it runs depends on the numbers that come in": f"""
        y = Loop (often, "", x) {BODY}""",
    "Loop: it comes to more than 2,048 steps": f"{MANY} y = Loop (many, yes, x) {BODY}",
    "Loop: whether it goes on depends on the numbers that come in": """
        sizes = Shape (rows) one = Constant <value_int = 1> () count = Gather (sizes, one)
        y = Loop (count, "", x) <body = b (int64 at, bool on, float[n, 4] was)
                => (bool go, float[n, 4] now) {
            most = ReduceMax <keepdims = 0> (was)
            three = Constant <value_float = 3.0> ()
            go = Less (most, three)
            now = Relu (was)
        }>""",
}


@pytest.mark.parametrize("why", UNDECIDED)
def test_what_numbers_decide_is_a_node_that_tells(why: str, tmp_path: Path) -> None:
    """It is drawn as a node of an unknown layer, and the project can be saved and read again."""
    path = tmp_path / "m.onnx"
    onnx.save(parsed(LOOP.format(UNDECIDED[why])), path)
    found = bringing.from_onnx(path)
    op = why.partition(":")[0]
    assert {"op": f"onnx.{op}", "count": 1} in found.unsupported
    assert not found.verified
    assert f"{why}." in found.notes
    project = nb.Project(found.document)
    project.save(tmp_path / "m.netb")
    graph = nb.load(tmp_path / "m.netb").document.network("main")
    assert graph is not None
    assert [n.layer for n in graph.nodes.values() if n.layer == f"onnx.{op}"] == [f"onnx.{op}"]


@pytest.mark.parametrize("stopped", [False, True])
def test_nothing_of_a_file_runs_on_once_it_came_in(
    stopped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loop without end would keep the process for ever, also where the import stopped."""
    path = tmp_path / "m.onnx"
    onnx.save(parsed(LOOP.format(UNDECIDED["Loop: it comes to more than 2,048 steps"])), path)
    bring, begun = importing.bring, threading.Event()
    before = set(threading.enumerate())

    def bringing_beside(program: Program, reference: Reference, **named: Any) -> importing.Brought:
        runtime = reference.run
        assert isinstance(runtime, Runtime)
        runtime.begin(reference.trials)
        begun.set()
        if stopped:
            raise BringError("It stopped.")
        return bring(program, reference, **named)

    monkeypatch.setattr(importing, "bring", bringing_beside)
    with pytest.raises(BringError) if stopped else contextlib.nullcontext():
        bringing.from_onnx(path)
    assert begun.is_set()
    for thread in set(threading.enumerate()) - before:
        if thread.name.startswith("ONNX Runtime"):
            thread.join(60)
            assert not thread.is_alive()


EMPTY = """<body = b (int64 at, bool on, float[n, 4] was) => (bool on, float[n, 4] was) {}>"""
INNER = """<body = b (int64 at, bool on, float[n, 4] was) => (bool go, float[n, 4] now) {
    go = Identity (on)
    now = Loop (many, yes, was) <
        body = c (int64 i, bool o, float[n, 4] w) => (bool p, float[n, 4] v) {
            p = Identity (o)
            v = Relu (w)
        }>
}>"""


@pytest.mark.parametrize(
    "loop", [f'{MANY} y = Loop ("", yes, x) {EMPTY}', f"{MANY} y = Loop (many, yes, x) {INNER}"]
)
def test_loops_without_end_are_left(loop: str) -> None:
    """Also where a step costs nothing, and where each loop by itself is short."""
    inputs = (torch.zeros(2, 4), torch.zeros(2, 3, 4), torch.tensor(3), torch.tensor(True))
    told = whys(parsed(LOOP.format(loop.replace("1000000000000", "1000"))), *inputs)
    assert told
    assert all("more than 2,048 steps" in each for each in told)


def test_an_unknown_operator_in_a_loop_is_a_node_for_each_step(tmp_path: Path) -> None:
    """Its place among all steps is found again."""
    body = BODY.replace("Relu (was)", "x.Odd <alpha = 0.5> (was)")
    text = f'three = Constant <value_int = 3> () y = Loop (three, "", x) {body}'
    model = parsed(LOOP.format(text))
    model.opset_import.append(onnx.helper.make_opsetid("x", 1))
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    found = bringing.from_onnx(path)
    assert found.unsupported == ({"op": "x.Odd", "count": 3},)


def test_a_list_is_no_output(tmp_path: Path) -> None:
    """What comes out of a project are tensors."""
    path = tmp_path / "m.onnx"
    onnx.save(parsed("g (float[n, 4] x) => (seq(float) y) { y = SequenceConstruct (x, x) }"), path)
    with pytest.raises(NetbuilderError, match="no tensor"):
        bringing.from_onnx(path)


def test_what_is_drawn_by_chance_is_drawn_and_told(tmp_path: Path) -> None:
    """It has a layer, but two runs give two answers."""
    path = tmp_path / "m.onnx"
    text = "g (float[n, 4] x) => (float[n, 4] y) { y = RandomNormalLike <scale = 2.0> (x) }"
    onnx.save(parsed(text), path)
    found = bringing.from_onnx(path)
    assert found.unsupported == ()
    assert not found.verified
    assert any("random numbers" in note for note in found.notes)
