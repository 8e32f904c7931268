"""Training steps of the table that take more than a line."""

from __future__ import annotations

from typing import Any

from netbuilder.graph import edits
from netbuilder.graph.model import Node
from tests.drawing import Drawing
from tests.mistakes.base import mlp, step, tidy


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


def language_model(d: Drawing, *, masked: bool = False, **params: Any) -> Node:
    """Words in, scores for the next word at each step out; `masked` wires a causal mask."""
    words = d.input(11, dtype="int64", high=50, name="tokens")
    x = d.add("Embedding", words, name="embed", embedding_dim=8)
    block = d.add("TransformerEncoderLayer", x, name="block", nhead=2, batch_first=True, **params)
    if masked:
        d.wire(d.add("netbuilder.CausalMask", x, name="mask"), block, "src_mask")
    return d.add("Linear", block, name="head", out_features=50)


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
