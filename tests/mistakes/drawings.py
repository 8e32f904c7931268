"""Drawings of the table that take more than a line."""

from __future__ import annotations

from typing import Any

from netbuilder.graph import edits
from netbuilder.graph.changes import Added
from netbuilder.graph.model import Node, Wire
from tests.drawing import Drawing
from tests.mistakes.base import tidy


def chain(d: Drawing, x: Node, *layers: tuple[str, dict[str, Any]]) -> Node:
    """Layers behind one another."""
    for layer, params in layers:
        x = d.add(layer, x, **params)
    return x


# -- networks ---------------------------------------------------------------------------------


def residual(d: Drawing, **params: Any) -> Node:
    """A skip of 8 channels around a convolution with these parameters."""
    stem = d.add("Conv2d", d.input(3, 16, 16), name="stem", out_channels=8, kernel_size=1)
    return d.add("torch.add", d.add("Conv2d", stem, name="conv", **params), stem, name="sum")


def odd_unet(d: Drawing) -> Node:
    """15 pixels halved and doubled again are 14."""
    image = d.input(3, 15, 15, name="image")
    down = d.add("MaxPool2d", image, name="down", kernel_size=2)
    up = d.add("ConvTranspose2d", down, name="up", out_channels=3, kernel_size=2, stride=2)
    return d.add("torch.cat", image, up, name="join", dim=1)


def unpooled(d: Drawing) -> Node:
    """A max pooling and the unpooling that should undo it."""
    pool = d.add("MaxPool2d", d.input(3, 8, 8), name="pool", kernel_size=2)
    return d.add("MaxUnpool2d", pool, name="unpool", kernel_size=2)


def shared() -> Drawing:
    """Two Linear layers with the weights of one, for inputs of two sizes."""
    d = Drawing()
    one = d.add("Linear", d.input(8, name="a"), name="one", out_features=4)
    two = d.add("Linear", d.input(6, name="b"), name="two", out_features=4)
    edits.set_node(d.history, d.graph, two.id, shares=one.id)
    d.output(d.add("torch.add", one, two, name="sum"))
    return tidy(d)


def attention(d: Drawing, port: str, mask: Node) -> Node:
    """Self-attention over six steps with a mask at a port."""
    x = d.input(6, 8, name="x")
    attend = d.add("MultiheadAttention", x, x, x, name="attend", num_heads=2, batch_first=True)
    d.wire(mask, attend, port)
    return attend


def reader(d: Drawing, out: int) -> Node:
    """Words through an LSTM, a Linear on every step."""
    words = d.input(12, dtype="int64", high=50, name="tokens")
    x = d.add("Embedding", words, name="embed", embedding_dim=8)
    x = d.add("LSTM", x, name="lstm", hidden_size=16, batch_first=True)
    return d.add("Linear", x, name="head", out_features=out)


def wrong_state(d: Drawing) -> Node:
    """Two layers with a first state for one."""
    x = d.input(20, 8, name="x")
    gru = d.add("GRU", x, name="gru", hidden_size=32, num_layers=2, batch_first=True)
    d.wire(d.input(1, "N", 32, name="h", batched=False), gru, "h_0")
    return gru


def lone_state(d: Drawing) -> Node:
    """An LSTM with h_0 and without c_0."""
    lstm = d.add("LSTM", d.input(20, 8, name="x"), name="lstm", hidden_size=32, batch_first=True)
    d.wire(d.input(1, "N", 32, name="h", batched=False), lstm, "h_0")
    return lstm


# -- structure --------------------------------------------------------------------------------


def no_output() -> Drawing:
    d = Drawing()
    d.add("Linear", d.input(8), name="head", out_features=2)
    return tidy(d)


def no_input() -> Drawing:
    d = Drawing()
    d.output(d.add("Flatten", name="flatten"))
    return tidy(d)


def unwired() -> Drawing:
    d = Drawing()
    total = d.add("torch.add", d.input(8, name="x"), name="sum")
    d.add("ReLU", d.graph.ordered()[0], name="relu")
    d.output(total)
    return tidy(d)


def dead_end() -> Drawing:
    d = Drawing()
    x = d.input(8)
    d.add("Linear", x, name="side", out_features=2)
    d.output(d.add("Linear", x, name="head", out_features=2))
    return tidy(d)


def unused_input() -> Drawing:
    d = Drawing()
    d.input(4, name="extra")
    d.output(d.add("Linear", d.input(8, name="x"), name="head", out_features=2))
    return tidy(d)


def _as_in_a_file(d: Drawing, *items: Node | Wire) -> Drawing:
    """What a file can hold and no hand can draw."""
    with d.document.editing():
        for item in items:
            d.document.apply(Added(d.graph.id, item))
    return tidy(d)


def _wire(id: str, source: str, target: str, port: str) -> Wire:
    return Wire(id=id, source=source, source_port="output", target=target, target_port=port)


def circle() -> Drawing:
    d = Drawing()
    both = d.add("torch.cat", d.input(8, name="x"), name="join", dim=1)
    fc = d.add("Linear", both, name="fc", out_features=8)
    d.output(fc)
    return _as_in_a_file(d, _wire("back", fc.id, both.id, "tensors_1"))


def bad_name() -> Drawing:
    d = Drawing()
    x = d.input(8, name="x")
    params = {"out_features": 2}
    node = Node(id="odd", layer="torch.nn.Linear", name="1st layer", params=params, order=5)
    wires = _wire("in", x.id, "odd", "input"), _wire("out", "odd", d.output().id, "input")
    return _as_in_a_file(d, node, *wires)


def unknown() -> Drawing:
    d = Drawing()
    x = d.input(8, name="x")
    node = Node(id="odd", layer="mylib.Swish", name="swish", order=5)
    wires = _wire("in", x.id, "odd", "input"), _wire("out", "odd", d.output().id, "input")
    return _as_in_a_file(d, node, *wires)


def _block(d: Drawing, outputs: int) -> None:
    main = d.graph
    d.add_graph("block", "part")
    x = d.add("netbuilder.BlockInput", name="x")
    fc = d.add("Linear", x, name="fc", out_features=8)
    for number in range(outputs):
        d.output(fc, name=f"y{number}")
    d.graph = main


def within_itself() -> Drawing:
    d = Drawing()
    _block(d, 1)
    d.output(d.add("netbuilder.Block", d.input(8, name="x"), name="part", block="part"))
    main, d.graph = d.graph, d.document.of_kind("block")[0]
    inner = d.graph.named("fc")
    assert inner is not None
    d.output(d.add("netbuilder.Block", inner, name="again", block="part"), name="z")
    d.graph = main
    return tidy(d)


def repeated() -> Drawing:
    d = Drawing()
    _block(d, 2)
    part = d.add("netbuilder.Block", d.input(8, name="x"), name="part", block="part", repeat=3)
    d.output((part, "y0"))
    return tidy(d)
