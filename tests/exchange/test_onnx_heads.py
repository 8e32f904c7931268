"""Attention that an exporter took apart comes in as one MultiheadAttention again.

The graphs are as PyTorch's exporters write them, the steps of a sequence first or second.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from netbuilder.compiler.build import build_network
from netbuilder.exchange.bring.importing import Brought
from netbuilder.exchange.onnx_in import bringing, lifting
from netbuilder.exchange.onnx_in.graph import OnnxModule
from netbuilder.graph.model import Node
from tests.exchange.test_onnx_lifting import layers, model

MHA = "torch.nn.MultiheadAttention"


class Around(nn.Module):
    """Attention between two sequences, or within one, and a layer after it."""

    def __init__(
        self, batch_first: bool, masked: str = "", weights: bool = False, **kind: Any
    ) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(12, 3, batch_first=batch_first, **kind)
        self.head = nn.Linear(12, 2)
        self.masked, self.weights = masked, weights
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.5)

    def forward(self, x: Tensor, y: Tensor | None = None, pad: Tensor | None = None) -> Tensor:
        mask = None
        if self.masked == "future":
            steps = x.shape[1 if self.attn.batch_first else 0]
            mask = torch.ones(steps, steps, dtype=torch.bool).triu(1)
        y = x if y is None else y
        made = self.attn(x, y, y, key_padding_mask=pad, attn_mask=mask, need_weights=self.weights)[
            0
        ]
        answer: Tensor = self.head(made)
        return answer


def written(module: nn.Module, inputs: tuple[Tensor, ...], path: Path, *, new: bool) -> Path:
    """The module as one of PyTorch's two exporters writes it, with a free batch."""
    batch = 0 if module.attn.batch_first else 1  # type: ignore[union-attr]
    names = ["x", "y", "pad"][: len(inputs)]
    free = {name: {batch if name != "pad" else 0: "batch"} for name in names}
    given = tuple(inputs)
    if len(inputs) == 2 and inputs[1].dtype is torch.bool:
        given, names = (inputs[0], None, inputs[1]), ["x", "pad"]  # type: ignore[assignment]
        free = {"x": {batch: "batch"}, "pad": {0: "batch"}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if new:
            shapes = tuple({"x": free["x"], "y": free.get("y"), "pad": free.get("pad")}.values())
            torch.onnx.export(
                module.eval(), given, path, dynamo=True, verbose=False, external_data=False,
                input_names=names, dynamic_shapes=shapes[: len(given)],
            )  # fmt: skip
        else:
            torch.onnx.export(
                module.eval(), given, path, dynamo=False, input_names=names, dynamic_axes=free,
                opset_version=17,
            )  # fmt: skip
    return path


def attention(found: Brought) -> Node:
    """The one attention; all that is drawn besides is the layer after it."""
    assert found.verified, found.notes
    assert sorted(layers(found)) == ["Linear", "MultiheadAttention"]
    graph = found.document.network("main")
    assert graph is not None
    return next(node for node in graph.ordered() if node.layer == MHA)


def _x(batch_first: bool, steps: int = 5, width: int = 12) -> Tensor:
    return torch.randn(*((2, steps) if batch_first else (steps, 2)), width)


CASES: dict[str, Callable[[bool], tuple[Around, tuple[Tensor, ...]]]] = {
    "within one": lambda first: (Around(first), (_x(first),)),
    "between two, with weights": lambda first: (
        Around(first, weights=True),
        (_x(first), _x(first, 4)),
    ),
    "keys of another width": lambda first: (
        Around(first, kdim=7, vdim=7),
        (_x(first), _x(first, 4, 7)),
    ),
    "the future hidden": lambda first: (Around(first, "future"), (_x(first),)),
    "padding": lambda first: (
        Around(first),
        (_x(first), torch.tensor([[False] * 4 + [True], [False] * 5])),
    ),
    "no biases": lambda first: (Around(first, bias=False), (_x(first),)),
}


@pytest.mark.nightly
@pytest.mark.parametrize("first", [True, False], ids=["batch first", "batch second"])
@pytest.mark.parametrize("new", [False, True], ids=["old", "new"])
@pytest.mark.parametrize("case", CASES)
def test_all_ways_to_write_it_come_in(case: str, new: bool, first: bool, tmp_path: Path) -> None:
    """One layer, with the weights as PyTorch keeps them."""
    torch.manual_seed(2)
    module, inputs = CASES[case](first)
    found = bringing.from_onnx(written(module, inputs, tmp_path / "m.onnx", new=new))
    node = attention(found)
    assert node.params["num_heads"] == 3
    assert bool(node.params.get("batch_first")) == first
    assert bool(node.params.get("is_causal")) == (case == "the future hidden")
    for name, own in module.attn.state_dict().items():
        assert torch.equal(found.weights[f"{node.name}.{name}"], own), name
    assert len(found.weights) == len(module.state_dict())


def test_it_is_called_what_its_weights_are_and_trains(tmp_path: Path) -> None:
    module, inputs = Around(True), (_x(True),)
    found = bringing.from_onnx(written(module, inputs, tmp_path / "m.onnx", new=True))
    assert attention(found).name == "attn"
    network = build_network(found.document, "main")
    network.load_state_dict(dict(found.weights))
    network(inputs[0]).square().sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


TURN = "{n}h = Transpose<perm=[0,2,1,3]>(r{n}) "
KEYS = "kt = Transpose<perm=[0,2,3,1]>(rk) "


def graph(turned: str = TURN, scale: float = 3**0.5, end: str = "", out: str = "o") -> str:
    """Attention of two heads of three features over `x` of n, 5, 6, in ONNX's text form."""
    made = f"c = Constant<value_ints=[0, 5, 2, 3]>() sc = Constant<value_float={scale}>() "
    made += "k = MatMul(x, wk) q = MatMul(x, wq) v = MatMul(x, wv) "
    made += "rq = Reshape(q, c) rk = Reshape(k, c) rv = Reshape(v, c) " + KEYS
    made += turned.format(n="q") + turned.format(n="v")
    made += "s = MatMul(qh, kt) d = Div(s, sc) a = Softmax(d) m = MatMul(a, vh) "
    made += "t = Transpose<perm=[0,2,1,3]>(m) e = Constant<value_ints=[0, 5, 6]>() "
    return made + f"f = Reshape(t, e) {out} = MatMul(f, wo) " + (end or "y = Relu(o)")


def lifted(text: str) -> int:
    """How many attentions are found in a graph."""
    made = model(text, "n, 5, 6", dict.fromkeys(("wq", "wk", "wv", "wo"), (6, 6)))
    _, counts = lifting.lift(bringing.traced_program(OnnxModule(made), made))
    return counts["multi-head attention"]


def test_products_around_attention_are_found() -> None:
    assert lifted(graph()) == 1


OTHERS = {
    "another scale": graph(scale=2.0),
    "a product that others read": graph(end="z = Relu(o) y = Add(z, q)"),
    "weights that are read": graph(end="z = ReduceMean<axes=[1,3]>(a) y = Add(o, z)"),
    "heads that are not put back": graph().replace(
        "t = Transpose<perm=[0,2,1,3]>(m)", "t = Identity(m)"
    ),
    "steps first, after it": graph()
    .replace("f = Reshape(t, e)", "u = Transpose<perm=[1,0,2,3]>(t) f = Reshape(u, e)")
    .replace("[0, 5, 6]", "[5, -1, 6]"),
    "values of other heads": graph().replace("rv = Reshape(v, c)", "rv = Reshape(v, c2)").replace(
        "c = Const", "c2 = Constant<value_ints=[0, 2, 5, 3]>() c = Const", 1
    ).replace("vh = Transpose<perm=[0,2,1,3]>(rv)", "vh = Identity(rv)"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_what_only_looks_like_it_stays(name: str) -> None:
    assert lifted(OTHERS[name]) == 0
