"""Cells drawn by hand, loops over them, and PyTorch's weights in them."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from netbuilder.compiler.analyse import compile_document
from netbuilder.errors import Problem
from netbuilder.graph.model import Node
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing

HIDDEN = {"name": "hidden", "default": 8}


def parts(d: Drawing, source: Node, count: int, name: str) -> list[tuple[Node, str]]:
    """A tensor N×(count·hidden) in so many parts."""
    node = d.add("torch.chunk", source, name=name, chunks=count, dim=1)
    ports = ports_of(d.document, d.graph, node).outputs
    if len(ports) < count:
        raise AssertionError(f"chunk shows {len(ports)} of {count} outputs")
    return [(node, port.name) for port in ports[:count]]


def add(d: Drawing, one: Any, other: Any, name: str) -> Node:
    return d.add("torch.add", one, other, name=name)


def mul(d: Drawing, one: Any, other: Any, name: str) -> Node:
    return d.add("torch.mul", one, other, name=name)


def close(d: Drawing) -> None:
    """Back to the first network."""
    d.graph = d.document.of_kind("network")[0]


def gru(d: Drawing, name: str = "gru_cell", *, extra: bool = False) -> None:
    """A block with nn.GRUCell's formulas; with `extra` an output `y` beside its state."""
    d.add_graph("block", name, parameters=(HIDDEN,))
    x, h = d.add("netbuilder.BlockInput", name="x"), d.add("netbuilder.BlockInput", name="h")
    given = d.add("Linear", x, name="input_gates", out_features="=3*hidden")
    past = d.add("Linear", h, name="state_gates", out_features="=3*hidden")
    a, b = parts(d, given, 3, "given"), parts(d, past, 3, "past")
    reset = d.add("Sigmoid", add(d, a[0], b[0], "reset_sum"), name="reset")
    update = d.add("Sigmoid", add(d, a[1], b[1], "update_sum"), name="update")
    new = add(d, a[2], mul(d, reset, b[2], "let_through"), "new_sum")
    new = d.add("Tanh", new, name="new")
    kept = mul(d, update, d.add("torch.sub", h, new, name="change"), "kept")
    out = add(d, new, kept, "state")
    if extra:
        d.output(d.add("Linear", out, name="head", out_features=3), name="y")
    d.output(out, name="h_next")
    close(d)


def lstm(d: Drawing, name: str = "lstm_cell") -> None:
    """A block with nn.LSTMCell's formulas."""
    d.add_graph("block", name, parameters=(HIDDEN,))
    x = d.add("netbuilder.BlockInput", name="x")
    h, c = d.add("netbuilder.BlockInput", name="h"), d.add("netbuilder.BlockInput", name="c")
    given = d.add("Linear", x, name="input_gates", out_features="=4*hidden")
    past = d.add("Linear", h, name="state_gates", out_features="=4*hidden")
    i, f, g, o = parts(d, add(d, given, past, "gates"), 4, "gate")
    kept = mul(d, d.add("Sigmoid", f, name="forget"), c, "kept")
    new = mul(d, d.add("Sigmoid", i, name="input_gate"), d.add("Tanh", g, name="cell"), "added")
    cell = add(d, kept, new, "cell_state")
    out = mul(d, d.add("Sigmoid", o, name="out"), d.add("Tanh", cell, name="squashed"), "hidden")
    d.output(out, name="h_next")
    d.output(cell, name="c_next")
    close(d)


def copy_weights(source: nn.RNNBase, cell: Any) -> None:
    """The weights of one layer of nn.GRU or nn.LSTM."""
    with torch.no_grad():
        cell.input_gates.weight.copy_(source.weight_ih_l0)
        cell.input_gates.bias.copy_(source.bias_ih_l0)
        cell.state_gates.weight.copy_(source.weight_hh_l0)
        cell.state_gates.bias.copy_(source.bias_hh_l0)


def loop(d: Drawing, *sources: Any, block: str, name: str = "rnn", **params: Any) -> Node:
    return d.add("netbuilder.Loop", *sources, name=name, block=block, **params)


def drawn(cell: Any = gru, *shape: int | str, outputs: tuple[str, ...], **params: Any) -> Drawing:
    """A network of one loop over an input."""
    d = Drawing()
    cell(d)
    x = d.input(*(shape or ("T", 4)), name="x")
    node = loop(d, x, block=f"{cell.__name__}_cell", **params)
    for port in outputs:
        d.output((node, port), name=f"out_{port}")
    return d


def problems(d: Drawing) -> list[Problem]:
    return [p for p in compile_document(d.document, {}).problems if p.severity == "error"]


def told(d: Drawing) -> str:
    found = compile_document(d.document, {}).problems
    return "\n".join(problem.message for problem in found)


def attend(d: Drawing) -> None:
    """A block of two sequences, a constant and a running sum."""
    d.add_graph("block", "sum_cell")
    names = ("a", "b", "scale", "total")
    a, b, scale, total = (d.add("netbuilder.BlockInput", name=name) for name in names)
    both = d.add("torch.mul", d.add("torch.add", a, b, name="both"), scale, name="scaled")
    d.output(d.add("torch.add", total, both, name="sum"), name="total_next")
    d.output(both, name="y")
    d.output(a, name="unused")
    close(d)
