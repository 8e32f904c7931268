"""Masks of attentions in ONNX files: which port they go to, and what only looks like one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from netbuilder.exchange.bring.importing import Brought
from netbuilder.exchange.onnx_in import bringing
from netbuilder.graph.model import Node

_random = np.random.default_rng(5)
MHA = "torch.nn.MultiheadAttention"
SDPA = "torch.nn.functional.scaled_dot_product_attention"
CONSTANTS = """
    parts = Constant <value_ints = [0, 5, 2, 3]> ()
    flat = Constant <value_ints = [0, 5, 6]> ()
    root = Constant <value_float = 1.7320508> ()
    zero = Constant <value_float = 0.0> ()
    none = Constant <value = float {-inf}> ()
    far = Constant <value_float = -3.4028235e38> ()
    one = Constant <value_float = 1.0> ()
    heads = Constant <value_ints = [1]> ()
    both = Constant <value_ints = [1, 2]> ()
    ends = Constant <value_ints = [1, 3]> ()
    yes = Constant <value = bool {1}> ()
"""
HEADS = """
    q = MatMul (x, wq)  k = MatMul (x, wk)  v = MatMul (x, wv)
    rq = Reshape (q, parts)  rk = Reshape (k, parts)  rv = Reshape (v, parts)
    qh = Transpose <perm = [0, 2, 1, 3]> (rq)
    kt = Transpose <perm = [0, 2, 3, 1]> (rk)
    vh = Transpose <perm = [0, 2, 1, 3]> (rv)
    products = MatMul (qh, kt)
    scores = Div (products, root)
    {mask}
    masked = Add (scores, mask)
    shares = Softmax <axis = -1> (masked)
    {guard}
    seen = MatMul (weights, vh)
    turned = Transpose <perm = [0, 2, 1, 3]> (seen)
    whole = Reshape (turned, flat)
    y = MatMul (whole, wo)
"""
PLAIN = "weights = Identity (shares)"
GUARDED = "blind = IsNaN (shares) weights = Where (blind, zero, shares)"
Fixed = dict[str, object]
LATER = np.triu(np.full((5, 5), -np.inf, np.float32), 1)


def brought(
    folder: Path,
    mask: str,
    given: str = "",
    guard: str = PLAIN,
    fixed: Fixed | None = None,
    steps: int | str = 5,
) -> Brought:
    """What comes of attention with two heads over `x` of n, steps, 6, with a mask."""
    head = '<ir_version: 8, opset_import: ["": 17]>'
    body = CONSTANTS + HEADS.format(mask=mask, guard=guard)
    more = f", {given}" if given else ""
    text = f"{head} g (float[n, {steps}, 6] x{more}) => (float[n, {steps}, 6] y) {{{body}}}"
    if steps != 5:
        text = text.replace("[0, 5, 2, 3]", "[0, 0, 2, 3]").replace("[0, 5, 6]", "[0, 0, 6]")
    made = onnx.parser.parse_model(text)
    weights: dict[str, object] = dict.fromkeys(("wq", "wk", "wv", "wo"))
    for name, value in (weights | (fixed or {})).items():
        array = _random.normal(size=(6, 6)) if value is None else np.asarray(value)
        whole = array.astype(np.float32) if array.dtype == np.float64 else array
        made.graph.initializer.append(numpy_helper.from_array(whole, name))
    path = folder / "m.onnx"
    onnx.save(made, path)
    found = bringing.from_onnx(path)
    assert found.unsupported == ()
    assert found.verified, (found.notes, found.max_rel_error)
    return found


def nodes(found: Brought, layer: str) -> list[Node]:
    """The nodes of a layer."""
    graph = found.document.network("main")
    assert graph is not None
    return [node for node in graph.nodes.values() if node.layer == layer]


def wired(found: Brought) -> set[str]:
    """The ports of the one attention that are wired, besides query, key and value."""
    (node,) = nodes(found, MHA)
    graph = found.document.network("main")
    assert graph is not None
    ports = {wire.target_port for wire in graph.wires.values() if wire.target == node.id}
    return ports - {"query", "key", "value"}


PORTS: dict[str, tuple[str, str, dict[str, object], set[str], bool]] = {
    "numbers for keys": (
        "mask = Unsqueeze (m, both)", "float[n, 5] m", {}, {"key_padding_mask"}, False,
    ),
    "truths for keys": (
        "t = Unsqueeze (m, both) mask = Where (t, zero, none)", "bool[n, 5] m", {},
        {"key_padding_mask"}, False,
    ),
    "what is hidden of keys": (
        "t = Unsqueeze (m, both) mask = Where (t, none, zero)", "bool[n, 5] m", {},
        {"key_padding_mask"}, False,
    ),
    "numbers that hide, of keys": (
        "t = Unsqueeze (m, both) mask = Where (t, zero, far)", "bool[n, 5] m", {},
        {"key_padding_mask"}, False,
    ),
    "nothing": (
        "s = Shape (scores) t = Expand (yes, s) mask = Where (t, zero, far)", "", {}, set(), False,
    ),
    "numbers for both": ("mask = Identity (m)", "float[5, 5] m", {}, {"attn_mask"}, False),
    "what comes later": ("mask = Identity (later)", "", {"later": LATER}, set(), True),
    "what comes later, and keys": (
        "u = Unsqueeze (m, both) t = Where (u, none, zero) mask = Add (t, later)", "bool[n, 5] m",
        {"later": LATER},
        {"key_padding_mask"}, True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PORTS)
def test_a_mask_has_its_port(name: str, tmp_path: Path) -> None:
    mask, given, fixed, ports, causal = PORTS[name]
    found = brought(tmp_path, mask, given, fixed=fixed)
    (node,) = nodes(found, MHA)
    assert wired(found) == ports
    assert bool(node.params.get("is_causal")) == causal


OTHERS: dict[str, tuple[str, str, dict[str, object]]] = {
    "another mask for each head": ("mask = Identity (m)", "float[n, 2, 5, 5] m", {}),
    "for who looks": ("mask = Unsqueeze (m, ends)", "float[n, 5] m", {}),
    "for each sample and place": ("mask = Unsqueeze (m, heads)", "float[n, 5, 5] m", {}),
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_mask_without_a_port_stays_with_the_function(name: str, tmp_path: Path) -> None:
    mask, given, fixed = OTHERS[name]
    found = brought(tmp_path, mask, given, fixed=fixed)
    assert not nodes(found, MHA)
    assert len(nodes(found, SDPA)) == 1


NOT_LATER: dict[str, object] = {
    "numbers for what was": np.where(LATER < 0, LATER, np.float32(0.5)),
    "what was, hidden": np.tril(np.full((5, 5), -np.inf, np.float32), -1),
    "some of what comes later": np.where(np.eye(5, k=4) > 0, np.float32(0), LATER),
}


@pytest.mark.parametrize("name", NOT_LATER)
def test_what_hides_something_else_is_no_future(name: str, tmp_path: Path) -> None:
    found = brought(tmp_path, "mask = Identity (some)", fixed={"some": NOT_LATER[name]})
    (node,) = nodes(found, MHA)
    assert not node.params.get("is_causal")
    assert wired(found) == {"attn_mask"}


WINDOW = """
    size = Shape (x) t = Gather (size, heads) whole_size = Concat <axis = 0> (t, t)
    all = Expand (yes, whole_size)
    before = Trilu <upper = 0> (all) near = Trilu <upper = 1> (all, back)
    seen_at = And (before, near) mask = Where (seen_at, zero, none)
"""


@pytest.mark.parametrize("wide", [True, False])
def test_a_window_wider_than_what_is_tried_is_no_future(wide: bool, tmp_path: Path) -> None:
    """At 8 and 16 steps a mask of 20 is the one of all that was; at 21 it is not."""
    mask = WINDOW if wide else WINDOW.replace("(before, near)", "(before, before)")
    found = brought(tmp_path, mask, fixed={"back": np.array(-20)}, steps="t")
    (node,) = [*nodes(found, MHA), *nodes(found, SDPA)]
    assert bool(node.params.get("is_causal")) is not wide


@pytest.mark.parametrize(("hidden", "layer"), [("none", SDPA), ("far", MHA)])
def test_the_guard_of_what_may_look_at_nothing_goes(
    hidden: str, layer: str, tmp_path: Path
) -> None:
    """The function gives zeros there as well, the module nothing: rows hidden whole are tried."""
    mask = f"t = Unsqueeze (m, both) mask = Where (t, zero, {hidden})"
    found = brought(tmp_path, mask, "bool[n, 5] m", GUARDED)
    assert [len(nodes(found, each)) for each in (SDPA, MHA)] == [layer == SDPA, layer == MHA]
    assert found.trials[-1] == bringing.BLIND


def test_another_guard_stays(tmp_path: Path) -> None:
    """Where it puts anything but zeros."""
    guard = GUARDED.replace("zero", "one")
    mask = "t = Unsqueeze (m, both) mask = Where (t, zero, none)"
    found = brought(tmp_path, mask, "bool[n, 5] m", guard)
    assert not nodes(found, MHA)
    assert not nodes(found, SDPA)
