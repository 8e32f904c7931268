"""What exporters take apart is one layer again; what only looks like it stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest
from onnx import numpy_helper

from netbuilder.exchange.bring.importing import Brought
from netbuilder.exchange.onnx_in import bringing, lifting
from netbuilder.exchange.onnx_in.graph import OnnxModule

_random = np.random.default_rng(3)
NORM = "m = ReduceMean<axes=[-1]>(x) d = Sub(x, m) "
SCALED = "q = Div(d, r) s = Mul(q, w6) y = Add(s, b6)"
VARIANCE = "p = Pow(d, two) v = ReduceMean<axes=[-1]>(p) "
ROOT = "e = Add(v, eps) r = Sqrt(e) "
ERF = "a = Div(x, root) b = Erf(a) c = Add(b, one) "
SPLIT = "q = Transpose<perm=[0,2,1,3]>(x) k = Transpose<perm=[0,2,3,1]>(x) "
FIXED: dict[str, object] = {
    "two": 2.0,
    "three": 3.0,
    "eps": 1e-5,
    "root": 2**0.5,
    "near": 1.4,
    "one": 1.0,
    "half": 0.5,
    "six": 6.0,
    "zero": 0.0,
    "cube": 0.044715,
    "tau": (2 / np.pi) ** 0.5,
    "eight": 8.0,
    "w6": (6,),
    "b6": (6,),
    "w56": (5, 6),
    "b56": (5, 6),
    "w64": (6, 4),
    "b4": (4,),
    "c4": (4, 1, 1),
    "d4": (4, 1, 1),
    "ones2": np.ones(2),
    "zeros2": np.zeros(2),
    "parts": np.array([0, 2, -1]),
    "shuffled": np.array([0, 2, 2, 5, 6]),
    "mask": (6, 6),
}


def model(nodes: str, shape: str, further: dict[str, object] | None = None) -> onnx.ModelProto:
    """A model of nodes in ONNX's own text form, `x` to `y`, with what they read of `FIXED`."""
    fixed = FIXED | (further or {})
    text = (
        f'<ir_version: 8, opset_import: ["" : 13]> g (float[{shape}] x) => (float y) {{ {nodes} }}'
    )
    made = onnx.parser.parse_model(text)
    made.graph.output[0].type.tensor_type.ClearField("shape")
    read = {name for node in made.graph.node for name in node.input}
    for name in sorted(read & fixed.keys()):
        given = fixed[name]
        array = _random.normal(size=given) if isinstance(given, tuple) else np.array(given)
        whole = array.dtype.kind == "i"
        array = array if whole else array.astype(np.float32)
        made.graph.initializer.append(numpy_helper.from_array(array, name))
    return made


def layers(found: Brought) -> list[str]:
    """The layers of `main` that are no ends, without what comes before the last dot."""
    graph = found.document.network("main")
    assert graph is not None
    nodes = [node.layer for node in graph.ordered() if not node.layer.startswith("netbuilder.")]
    return [layer.rpartition(".")[2] for layer in nodes]


FOUND = {
    "Linear": ("m = MatMul(x, w64) y = Add(m, b4)", "n, 5, 6"),
    "Linear, the bias first": ("m = MatMul(x, w64) y = Add(b4, m)", "n, 5, 6"),
    "LayerNorm": (
        NORM + VARIANCE + ROOT + "q = Div(d, r) s = Mul(q, w6) y = Add(s, b6)",
        "n, 5, 6",
    ),
    "LayerNorm, squared by a product": (
        NORM
        + "p = Mul(d, d) v = ReduceMean<axes=[-1]>(p) "
        + ROOT
        + "i = Reciprocal(r) q = Mul(d, i) s = Mul(w6, q) y = Add(b6, s)",
        "n, 5, 6",
    ),
    "LayerNorm, the mean last": (
        NORM + VARIANCE + ROOT + "i = Reciprocal(r) s = Mul(i, w6) u = Mul(x, s) t = Mul(m, s) "
        "o = Sub(b6, t) y = Add(u, o)",
        "n, 5, 6",
    ),
    "RMSNorm": (
        "p = Pow(x, two) v = ReduceMean<axes=[-1]>(p) " + ROOT + "q = Div(x, r) y = Mul(w6, q)",
        "n, 5, 6",
    ),
    "InstanceNorm2d": (
        "m = ReduceMean<axes=[2,3]>(x) d = Sub(x, m) p = Pow(d, two) "
        "v = ReduceMean<axes=[2,3]>(p) " + ROOT + "q = Div(d, r) s = Mul(q, c4) y = Add(s, d4)",
        "n, 4, 5, 6",
    ),
    "GroupNorm": (
        "h = Shape(x) g = Reshape(x, parts) i = InstanceNormalization(g, ones2, zeros2) "
        "w = Reshape(i, h) s = Mul(w, c4) y = Add(s, d4)",
        "n, 4, 5, 6",
    ),
    "GELU": (ERF + "g = Mul(x, c) y = Mul(g, half)", "n, 6"),
    "GELU, halved first": (ERF + "h = Mul(half, x) y = Mul(h, c)", "n, 6"),
    "GELU, of tanh": (
        "p = Pow(x, three) q = Mul(p, cube) s = Add(x, q) u = Mul(s, tau) t = Tanh(u) "
        "c = Add(t, one) h = Mul(x, half) y = Mul(h, c)",
        "n, 6",
    ),
    "SiLU": ("s = Sigmoid(x) y = Mul(x, s)", "n, 6"),
    "Mish": ("s = Softplus(x) t = Tanh(s) y = Mul(x, t)", "n, 6"),
    "Hardswish": ("s = HardSigmoid<alpha=0.16666667>(x) y = Mul(s, x)", "n, 6"),
    "Hardswish, clipped": (
        "s = Add(x, three) t = Clip(s, zero, six) u = Mul(x, t) y = Div(u, six)",
        "n, 6",
    ),
    "AdaptiveAvgPool2d": ("y = ReduceMean<axes=[2,3]>(x)", "n, 4, 5, 6"),
    "ChannelShuffle": (
        "h = Shape(x) s = Reshape(x, shuffled) t = Transpose<perm=[0,2,1,3,4]>(s) "
        "y = Reshape(t, h)",
        "n, 4, 5, 6",
    ),
}
"""Nodes by the layer that they are, and maybe words about them."""


@pytest.mark.parametrize("name", FOUND)
def test_what_was_taken_apart_is_one_layer(name: str, tmp_path: Path) -> None:
    """And computes what ONNX Runtime says."""
    onnx.save(model(*FOUND[name]), tmp_path / "m.onnx")
    found = bringing.from_onnx(tmp_path / "m.onnx")
    assert found.verified, found.notes
    assert layers(found) == [name.partition(",")[0]]


ATTENTION = {
    "divided": SPLIT + "s = MatMul(q, k) t = Div(s, two) a = Softmax(t) y = MatMul(a, q)",
    "both scaled": SPLIT
    + "u = Mul(q, half) w = Mul(k, eight) s = MatMul(u, w) a = Softmax(s) y = MatMul(a, q)",
    "masked": SPLIT
    + "s = MatMul(q, k) t = Div(s, two) u = Add(t, mask) a = Softmax(u) y = MatMul(a, q)",
}


@pytest.mark.parametrize("name", ATTENTION)
def test_attention(name: str, tmp_path: Path) -> None:
    """The scale is a parameter where it is another one than usual."""
    onnx.save(model(ATTENTION[name], "n, 6, 3, 4"), tmp_path / "m.onnx")
    found = bringing.from_onnx(tmp_path / "m.onnx")
    assert found.verified, found.notes
    there = layers(found)
    assert there.count("scaled_dot_product_attention") == 1
    assert not {"Softmax", "matmul", "div", "mul"} & set(there)


NEAR = {
    "another root": (
        "a = Div(x, near) b = Erf(a) c = Add(b, one) g = Mul(x, c) y = Mul(g, half)",
        "n, 6",
    ),
    "not halved": (ERF + "y = Mul(x, c)", "n, 6"),
    "of another value": ("z = Neg(x) s = Sigmoid(z) y = Mul(x, s)", "n, 6"),
    "read by others": ("s = Sigmoid(x) t = Mul(x, s) y = Add(t, s)", "n, 6"),
    "a line of another slope": ("s = HardSigmoid<alpha=0.2>(x) y = Mul(s, x)", "n, 6"),
    "a bias with a dim more": ("m = MatMul(x, w64) y = Add(m, c4)", "4, 6"),
    "over other dims": (
        "m = ReduceMean<axes=[1]>(x) d = Sub(x, m) p = Pow(d, two) v = ReduceMean<axes=[1]>(p) "
        + ROOT
        + "q = Div(d, r) s = Mul(q, w6) y = Add(s, b6)",
        "n, 5, 6",
    ),
    "means over unlike dims": (
        NORM
        + "p = Pow(d, two) v = ReduceMean<axes=[1]>(p) "
        + ROOT
        + "q = Div(d, r) s = Mul(q, w6) y = Add(s, b6)",
        "n, 5, 6",
    ),
    "squares over more dims": (
        NORM + "p = Pow(d, two) v = ReduceMean<axes=[1,2]>(p) " + ROOT + SCALED,
        "n, 5, 6",
    ),
    "weights by rows": (
        NORM + VARIANCE + ROOT + "q = Div(d, r) s = Mul(q, c4) y = Add(s, d4)",
        "4, 5, 6",
    ),
    "cubed": (
        NORM
        + "p = Pow(d, three) v = ReduceMean<axes=[-1]>(p) "
        + ROOT
        + "q = Div(d, r) s = Mul(q, w6) y = Add(s, b6)",
        "n, 5, 6",
    ),
    "groups with weights": (
        "h = Shape(x) g = Reshape(x, parts) i = InstanceNormalization(g, zeros2, ones2) "
        "w = Reshape(i, h) s = Mul(w, c4) y = Add(s, d4)",
        "n, 4, 5, 6",
    ),
    "softmax over other rows": (
        SPLIT + "s = MatMul(q, k) a = Softmax<axis=2>(s) y = MatMul(a, q)",
        "n, 6, 3, 4",
    ),
    "scores that are read": (
        SPLIT + "s = MatMul(q, k) a = Softmax(s) b = MatMul(a, q) c = ReduceMean<axes=[3]>(a) "
        "y = Add(b, c)",
        "n, 6, 3, 4",
    ),
    "channels left in order": (
        "h = Shape(x) s = Reshape(x, shuffled) t = Transpose<perm=[0,1,2,4,3]>(s) "
        "u = Transpose<perm=[0,1,2,4,3]>(t) y = Reshape(u, h)",
        "n, 4, 5, 6",
    ),
    "columns alone": ("y = ReduceMean<axes=[3]>(x)", "n, 4, 5, 6"),
}


@pytest.mark.parametrize("name", NEAR)
def test_what_only_looks_like_it_stays(name: str) -> None:
    """Nothing is lifted that would compute anything else."""
    made = model(*NEAR[name])
    program = bringing.traced_program(OnnxModule(made), made)
    _, counts = lifting.lift(program)
    assert not counts


UNLIKE = {
    "by rows": "m = ReduceMean<axes=[1]>(x) d = Sub(x, m) " + VARIANCE + ROOT + SCALED,
    "by columns": NORM
    + "p = Pow(d, two) v = ReduceMean<axes=[1,2]>(p) "
    + ROOT
    + "q = Div(d, r) s = Mul(q, w56) y = Add(s, b56)",
}


@pytest.mark.parametrize("name", UNLIKE)
def test_means_over_unlike_dims(name: str) -> None:
    """They make no LayerNorm; what comes after the difference is an RMSNorm."""
    made = model(UNLIKE[name], "n, 5, 6")
    _, counts = lifting.lift(bringing.traced_program(OnnxModule(made), made))
    assert counts == {"RMS norm": 1}


def test_numbers_stand_in_the_node(tmp_path: Path) -> None:
    """A constant of one number is no node of its own."""
    onnx.save(model("s = Mul(half, x) t = Relu(s) y = Add(t, three)", "n, 6"), tmp_path / "m.onnx")
    found = bringing.from_onnx(tmp_path / "m.onnx")
    assert found.verified
    assert layers(found) == ["mul", "ReLU", "add"]


def test_weights_keep_their_names(tmp_path: Path) -> None:
    """A layer is called what its weights, or the nodes of its scope, are called."""
    made = model(*FOUND["Linear"])
    made.graph.node[0].name = "/head/dense/MatMul"
    onnx.save(made, tmp_path / "m.onnx")
    found = bringing.from_onnx(tmp_path / "m.onnx")
    assert set(found.weights) == {"head_dense.weight", "head_dense.bias"}


def test_repeated_runs_fold_into_blocks(tmp_path: Path) -> None:
    """On request, with their weights; what was folded is what is compared."""
    nodes = "".join(
        f"m{n} = MatMul(h{n}, w{n}) a{n} = Add(m{n}, b{n}) r{n} = Relu(a{n}) "
        f"h{n + 1} = Add(r{n}, h{n}) "
        for n in range(4)
    )
    made = model(f"h0 = Relu(x) {nodes} y = Tanh(h4)", "n, 6")
    for number in range(4):
        for name, shape in (("w", (6, 6)), ("b", (6,))):
            array = _random.normal(size=shape).astype(np.float32)
            made.graph.initializer.append(numpy_helper.from_array(array, f"{name}{number}"))
        product = next(node for node in made.graph.node if node.output[0] == f"m{number}")
        product.name = f"/stack/stack.{number}/dense/MatMul"
    onnx.save(made, tmp_path / "m.onnx")
    found = bringing.from_onnx(tmp_path / "m.onnx", fold=True)
    assert found.verified, found.notes
    assert found.blocks == 1
    main = found.document.network("main")
    assert main is not None
    assert [node.params.get("repeat") for node in main.ordered() if "block" in node.params] == [4]
    assert {key.rpartition(".")[2] for key in found.weights} == {"weight", "bias"}
    assert len(found.weights) == 8
