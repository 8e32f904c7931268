"""Drawings of the table that take more than a line."""

from __future__ import annotations

from typing import Any

from netbuilder.graph import edits
from netbuilder.graph.changes import Added
from netbuilder.graph.model import Node, Wire
from tests.drawing import Drawing
from tests.mistakes.base import mlp, step, tidy


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


# -- steps ------------------------------------------------------------------------------------


def measured(d: Drawing, y: Node, f: dict[str, Node]) -> Node:
    d.add("torchmetrics.Accuracy", y, f["label"], name="accuracy", task="binary")
    return d.add("CrossEntropyLoss", y, f["label"], name="ce")


def measured_one(d: Drawing, y: Node, f: dict[str, Node]) -> Node:
    d.add("torchmetrics.Accuracy", y, f["flag"], name="accuracy", task="multiclass")
    return d.add("BCEWithLogitsLoss", y, f["column"], name="bce")


def measured_top(d: Drawing, y: Node, f: dict[str, Node]) -> Node:
    d.add("torchmetrics.Accuracy", y, f["label"], name="accuracy", task="multiclass", top_k=20)
    return d.add("CrossEntropyLoss", y, f["label"], name="ce")


def _squared(d: Drawing, y: Node, f: dict[str, Node]) -> Node:
    return d.add("MSELoss", y, f["column"], name="mse")


def batch_of_one() -> Drawing:
    def inside(d: Drawing) -> Node:
        x = d.add("Linear", d.input(16, name="row"), name="fc", out_features=8, bias=False)
        x = d.add("ReLU", d.add("BatchNorm1d", x, name="norm"), name="relu")
        return d.add("Linear", x, name="head", out_features=1)

    d = step(
        inside, lambda d, y, f: d.add("MSELoss", y, f["column"], name="mse"), "row", "column"
    )()
    edits.set_project(d.history, training={"batch_size": 1})
    return d


def _regression(**settings: Any) -> Drawing:
    """A network and a step that is right as it stands, but for its settings."""
    d = step(
        lambda d: mlp(d, 1),
        _squared,
        "row",
        "column",
    )()
    if settings:
        edits.set_graph(d.history, d.graph, settings=settings)
    return d


def _node(d: Drawing, name: str) -> Node:
    found = d.graph.named(name)
    assert found is not None
    return found


def no_loss() -> Drawing:
    d = _regression()
    edits.delete(d.history, d.graph, [_node(d, "loss").id])
    return d


def two_losses() -> Drawing:
    d = _regression()
    other = d.add("L1Loss", _node(d, "main"), _node(d, "column"), name="mae")
    d.add("netbuilder.Objective", other, name="loss2")
    return tidy(d)


def no_updates() -> Drawing:
    d = _regression()
    edits.set_graph(d.history, d.graph, settings={})
    return d


def wrong_updates() -> Drawing:
    d = _regression()
    step_graph = d.graph
    d.add_graph("network", "other")
    d.output(mlp(d, 1))
    edits.set_graph(d.history, step_graph, settings={"updates": ["other"]})
    d.graph = step_graph
    return tidy(d)


def gan() -> Drawing:
    """The step of the critic, with the generator as what it updates."""
    d = Drawing()
    d.output(mlp(d, 16), name="fake")
    d.add_graph("network", "critic")
    d.output(mlp(d, 1), name="score")
    d.add_graph("step", "train", updates=["main"])
    row = d.add("netbuilder.DataField", name="row", field="row")
    column = d.add("netbuilder.DataField", name="column", field="column")
    fake = d.add("netbuilder.NetworkCall", row, name="generator", network="main")
    score = d.add("netbuilder.NetworkCall", row, name="judge", network="critic")
    d.add("netbuilder.Preview", fake, name="fakes")
    loss = d.add("BCEWithLogitsLoss", score, column, name="bce")
    d.add("netbuilder.Objective", loss, name="loss")
    return tidy(d)


def detached() -> Drawing:
    def loss(d: Drawing, y: Node, f: dict[str, Node]) -> Node:
        still = d.add("torch.Tensor.detach", y, name="detach")
        return d.add("MSELoss", still, f["column"], name="mse")

    return step(lambda d: mlp(d, 1), loss, "row", "column")()


def apart() -> Drawing:
    def loss(d: Drawing, y: Node, f: dict[str, Node]) -> Node:
        d.add("netbuilder.Preview", y, name="preview")
        return d.add("MSELoss", f["price"], f["grade"], name="mse")

    return step(lambda d: mlp(d, 1), loss, "row", "price", "grade")()


def frozen() -> Drawing:
    d = _regression()
    edits.set_parameters(d.history, d.graph, [_node(d, "main").id], {"mode": "frozen"})
    return d


def weightless() -> Drawing:
    def inside(d: Drawing) -> Node:
        return d.add("torch.mean", d.input(16, name="row"), name="mean", dim=1, keepdim=True)

    return step(
        inside, lambda d, y, f: d.add("MSELoss", y, f["column"], name="mse"), "row", "column"
    )()


def no_network() -> Drawing:
    d = _regression()
    call = _node(d, "main")
    edits.set_parameters(d.history, d.graph, [call.id], {"network": "mian"})
    edits.set_graph(d.history, d.graph, settings={"updates": ["main"]})
    return d


def no_field() -> Drawing:
    d = _regression()
    edits.set_parameters(d.history, d.graph, [_node(d, "row").id], {"field": "rows"})
    return d


def misfit() -> Drawing:
    return step(
        lambda d: d.add("Linear", d.input(8, name="row"), name="head", out_features=1),
        _squared,
        "row",
        "column",
    )()


def misfit_dtype() -> Drawing:
    def inside(d: Drawing) -> Node:
        x = d.add("torch.Tensor.to", d.input(16, name="row", dtype="float64"), dtype="float32")
        return d.add("Linear", x, name="head", out_features=1)

    return step(
        inside, lambda d, y, f: d.add("MSELoss", y, f["column"], name="mse"), "row", "column"
    )()


def preview() -> Drawing:
    def loss(d: Drawing, y: Node, f: dict[str, Node]) -> Node:
        d.add("netbuilder.Preview", y, name="preview", kind="image")
        return d.add("MSELoss", y, f["column"], name="mse")

    return step(lambda d: mlp(d, 1), loss, "row", "column")()


def not_a_loss() -> Drawing:
    d = _regression()
    edits.delete(d.history, d.graph, [_node(d, "loss").id])
    label = d.add("netbuilder.DataField", name="label", field="label")
    d.add("netbuilder.Objective", label, name="loss")
    d.add("netbuilder.Preview", _node(d, "mse"), name="shown")
    return tidy(d)


def language_model(d: Drawing, **params: Any) -> Node:
    """Words in, scores for the next word at each step out."""
    words = d.input(11, dtype="int64", high=50, name="tokens")
    x = d.add("Embedding", words, name="embed", embedding_dim=8)
    x = d.add("TransformerEncoderLayer", x, name="block", nhead=2, batch_first=True, **params)
    return d.add("Linear", x, name="head", out_features=50)


def next_word(**params: Any) -> Drawing:
    """The step of a language model: each word is to be told from those before it."""
    d = Drawing()
    d.output(language_model(d, **params), name="y")
    d.add_graph("step", "train", updates=["main"])
    tokens = d.add("netbuilder.DataField", name="tokens", field="tokens")
    given = d.add("torch.narrow", tokens, name="given", dim=1, start=0, length=11)
    wanted = d.add("torch.narrow", tokens, name="wanted", dim=1, start=1, length=11)
    call = d.add("netbuilder.NetworkCall", given, name="main", network="main")
    scores = d.add("torch.transpose", call, name="scores", dim0=1, dim1=2)
    d.add("netbuilder.Objective", d.add("CrossEntropyLoss", scores, wanted, name="ce"), name="loss")
    return tidy(d)
