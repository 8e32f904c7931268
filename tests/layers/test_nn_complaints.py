"""What recurrent, attention and transformer layers, tables and losses say of what does not suit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netbuilder.compiler.analyse import analyse
from netbuilder.errors import Problem
from netbuilder.graph import fixes
from netbuilder.graph.model import Node
from netbuilder.layers.base import TensorType
from netbuilder.layers.catalogue import ports_of
from netbuilder.layers.dims import symbol
from tests.drawing import Drawing
from tests.layers.cases.common import N, batch

T = symbol("T")
Draw = Callable[[Drawing], Node]


def told(d: Drawing, fields: dict[str, TensorType], severity: str) -> list[Problem]:
    return [p for p in analyse(d.document, fields).problems if p.severity == severity]


def ids(d: Drawing, *shape: int, high: int = 10, **more: object) -> Node:
    return d.input(*shape, dtype="int64", high=high, **more)


def wired(d: Drawing, layer: str, inputs: dict[str, Node], **params: object) -> Node:
    node = d.add(layer, **params)
    for port, source in inputs.items():
        d.wire(source, node, port)
    return node


def attention(**more: tuple[tuple[int, ...], str]) -> Draw:
    """Self-attention of N×5×8 with masks of these sizes and dtypes."""

    def draw(d: Drawing) -> Node:
        x = d.input(5, 8)
        inputs = {"query": x, "key": x, "value": x}
        for port, (shape, dtype) in more.items():
            if port.endswith("mask"):
                inputs[port] = d.input(*shape, dtype=dtype, batched=port.startswith("key"))
        causal = {"is_causal": True} if "is_causal" in more else {}
        return wired(d, "MultiheadAttention", inputs, num_heads=2, batch_first=True, **causal)

    return draw


def bag(**params: object) -> Draw:
    def draw(d: Drawing) -> Node:
        inputs = {"input": ids(d, 4), "per_sample_weights": d.input(4)}
        return wired(d, "EmbeddingBag", inputs, embedding_dim=3, **params)

    return draw


NETWORKS: list[tuple[str, Draw, str]] = [
    (
        "EmbeddingBag looks rows up by ids (int64), gets float32.",
        lambda d: d.add("EmbeddingBag", d.input(4), num_embeddings=10, embedding_dim=3),
        "",
    ),
    (
        "Ids up to 9 come in, but EmbeddingBag has only 5 rows.",
        lambda d: d.add("EmbeddingBag", ids(d, 4), num_embeddings=5, embedding_dim=3),
        "unset_parameter",
    ),
    (
        "EmbeddingBag gets one row of ids (N) and not where each bag begins.",
        lambda d: d.add("EmbeddingBag", ids(d), embedding_dim=3),
        "",
    ),
    (
        "The rows of N×4 are the bags already: offsets have no place.",
        lambda d: wired(
            d, "EmbeddingBag", {"input": ids(d, 4), "offsets": ids(d)}, embedding_dim=3
        ),
        "",
    ),
    (
        "The ids are int64 and offsets int32: they must be alike.",
        lambda d: wired(
            d,
            "EmbeddingBag",
            {"input": ids(d, 12, batched=False), "offsets": d.input(dtype="int32")},
            embedding_dim=3,
        ),
        "insert_before",
    ),
    (
        "per_sample_weights go with mode 'sum' only, the mode is 'mean'.",
        bag(),
        "set_parameter",
    ),
    (
        "sparse is not possible with mode 'max'.",
        lambda d: d.add("EmbeddingBag", ids(d, 4), embedding_dim=3, mode="max", sparse=True),
        "set_parameter",
    ),
    (
        "GRUCell takes a single step N×features, gets N×5×3.",
        lambda d: d.add("GRUCell", d.input(5, 3), hidden_size=4),
        "insert_before",
    ),
    (
        "RNNCell expects hx as N×4, gets N×3.",
        lambda d: d.add("RNNCell", d.input(3), d.input(3), hidden_size=4),
        "",
    ),
    (
        "LSTMCell gets c_0 without h_0.",
        lambda d: wired(d, "LSTMCell", {"input": d.input(3), "c_0": d.input(4)}, hidden_size=4),
        "",
    ),
    (
        "GRU expects h_0 as 2×N×4, gets 1×N×4.",
        lambda d: wired(
            d,
            "GRU",
            {"input": d.input(5, 3), "h_0": d.input(1, "N", 4, batched=False)},
            hidden_size=4,
            batch_first=True,
            bidirectional=True,
        ),
        "",
    ),
    (
        "The weights of RNN are float32, float64 comes in.",
        lambda d: d.add("RNN", d.input(5, 3, dtype="float64"), hidden_size=4, batch_first=True),
        "insert_before",
    ),
    (
        "embed_dim 8 can't be split into 3 heads.",
        lambda d: d.add("MultiheadAttention", *[d.input(5, 8)] * 3, num_heads=3, batch_first=True),
        "set_parameter",
    ),
    (
        "key_padding_mask must be bool (true for what is left out), gets int64.",
        attention(key_padding_mask=((5,), "int64")),
        "insert_before",
    ),
    ("attn_mask is 4×5, but 5×5 is needed.", attention(attn_mask=((4, 5), "bool")), ""),
    (
        "is_causal hides the future of one sequence, but query has 4 elements and key 5.",
        lambda d: d.add(
            "MultiheadAttention",
            d.input(4, 8),
            *[d.input(5, 8)] * 2,
            num_heads=2,
            batch_first=True,
            is_causal=True,
        ),
        "set_parameter",
    ),
    (
        "d_model 6 can't be split into 4 heads.",
        lambda d: d.add("TransformerEncoderLayer", d.input(5, 6), nhead=4, batch_first=True),
        "set_parameter",
    ),
    (
        "TransformerEncoder expects N×T×features, gets N×6 (2 dims).",
        lambda d: d.add(
            "TransformerEncoder",
            d.input(6),
            nhead=2,
            batch_first=True,
            num_layers=1,
            enable_nested_tensor=False,
        ),
        "insert_before",
    ),
    (
        "TransformerDecoderLayer expects 6 features in memory, gets 8.",
        lambda d: d.add(
            "TransformerDecoderLayer", d.input(5, 6), d.input(5, 8), nhead=2, batch_first=True
        ),
        "",
    ),
    (
        "Transformer expects 512 features in src, gets 16.",
        lambda d: d.add("Transformer", *[d.input(5, 16)] * 2, batch_first=True),
        "set_parameter",
    ),
    (
        "CosineSimilarity gets N×3 and N×4: they must have the same shape.",
        lambda d: d.add("CosineSimilarity", d.input(3), d.input(4)),
        "",
    ),
    (
        "CosineSimilarity has dim 1, but N has only 1 dims.",
        lambda d: d.add("CosineSimilarity", d.input(), d.input()),
        "",
    ),
    (
        "cutoffs (5, 3) must rise and stay below n_classes 8.",
        lambda d: d.add(
            "AdaptiveLogSoftmaxWithLoss", d.input(8), ids(d, high=8), n_classes=8, cutoffs=(5, 3)
        ),
        "",
    ),
    (
        "4 features divided 2 times by div_value 4 leave none for the last cluster.",
        lambda d: d.add(
            "AdaptiveLogSoftmaxWithLoss", d.input(4), ids(d, high=8), n_classes=8, cutoffs=(2, 5)
        ),
        "",
    ),
    (
        "The target has 10 classes, but num_classes is 8.",
        lambda d: d.add("LinearCrossEntropyLoss", d.input(4), ids(d), num_classes=8),
        "set_parameter",
    ),
]


@pytest.mark.parametrize(
    ("message", "draw", "operation"), NETWORKS, ids=[row[0][:50] for row in NETWORKS]
)
def test_layers_tell_what_does_not_fit(message: str, draw: Draw, operation: str) -> None:
    d = Drawing()
    d.output(draw(d))
    (problem,) = told(d, {}, "error")
    assert problem.message == message
    if operation:
        assert problem.fixes[0].operation == operation
        fixes.apply_fix(d.history, problem.fixes[0], ports_of)
        assert told(d, {}, "error") == []


def encoder(**params: object) -> Draw:
    return lambda d: d.add(
        "TransformerEncoder",
        d.input(5, 6),
        **{"nhead": 2, "num_layers": 1, "batch_first": True} | params,
    )


WARNINGS: list[tuple[str, Draw, bool]] = [
    (
        "TransformerEncoderLayer takes dim 0 of N×5×6, the batch, for time.",
        lambda d: d.add("TransformerEncoderLayer", d.input(5, 6), nhead=2),
        True,
    ),
    (
        "enable_nested_tensor does nothing here, since norm_first is on.",
        encoder(norm_first=True),
        True,
    ),
    (
        "enable_nested_tensor does nothing here, since the activation is silu.",
        encoder(activation="silu"),
        True,
    ),
    (
        "is_causal says that attn_mask hides the future and nothing else; what else is in it may "
        "not count.",
        attention(attn_mask=((5, 5), "bool"), is_causal=((), "")),
        True,
    ),
    (
        "key_padding_mask is bool and attn_mask float32: PyTorch is about to refuse such pairs.",
        attention(key_padding_mask=((5,), "bool"), attn_mask=((5, 5), "float32")),
        False,
    ),
    (
        "dropout acts between the layers of RNN, and there is one layer only.",
        lambda d: d.add("RNN", d.input(5, 3), hidden_size=4, dropout=0.5, batch_first=True),
        True,
    ),
]


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.filterwarnings("ignore:dropout option adds dropout")
@pytest.mark.parametrize(("message", "draw", "fixed"), WARNINGS, ids=[r[0][:50] for r in WARNINGS])
def test_what_runs_but_is_hardly_meant_is_a_warning(message: str, draw: Draw, fixed: bool) -> None:
    d = Drawing()
    d.output(draw(d))
    assert told(d, {}, "error") == []
    (problem,) = told(d, {}, "warning")
    assert problem.message == message
    assert bool(problem.fixes) == fixed
    if fixed:
        fixes.apply_fix(d.history, problem.fixes[0], ports_of)
        assert told(d, {}, "warning") == []
        assert told(d, {}, "error") == []


# -- losses ------------------------------------------------------------------------------------

FIELDS = {
    "x": batch(4),
    "y": batch(4),
    "column": batch(1),
    "value": batch(),
    "precise": TensorType((N, 4), "float64"),
    "label": batch(dtype="int64", high=10),
    "flags": batch(4, dtype="int64", high=2),
    "steps": batch(7, 10),
    "time_first": TensorType((T, N, 10)),
    "words": batch(3, dtype="int64", high=10),
    "many_words": batch(3, dtype="int64", high=20),
    "lengths": batch(dtype="int64"),
    "float_lengths": batch(),
}
Loss = Callable[[Drawing, dict[str, Node]], Node]

LOSSES: list[tuple[str, Loss, str]] = [
    (
        "HuberLoss compares N×1 with N: they must have the same shape. PyTorch would compare "
        "every sample with every other.",
        lambda d, f: d.add("HuberLoss", f["column"], f["value"]),
        "insert_before",
    ),
    (
        "MSELoss needs one dtype, gets float32 and float64.",
        lambda d, f: d.add("MSELoss", f["x"], f["precise"]),
        "insert_before",
    ),
    (
        "BCELoss takes zeros and ones as float32, gets class numbers.",
        lambda d, f: d.add("BCELoss", f["x"], f["flags"]),
        "insert_before",
    ),
    (
        "HingeEmbeddingLoss takes -1 and 1 as float32, gets class numbers.",
        lambda d, f: d.add("HingeEmbeddingLoss", f["x"], f["flags"]),
        "insert_before",
    ),
    (
        "GaussianNLLLoss compares N×4 with N×1: they must have the same shape.",
        lambda d, f: d.add("GaussianNLLLoss", f["x"], f["y"], f["column"]),
        "",
    ),
    (
        "weight has 3 numbers for 4 labels.",
        lambda d, f: d.add("BCELoss", f["x"], f["y"], weight=(1.0, 2.0, 3.0)),
        "",
    ),
    (
        "CosineEmbeddingLoss gets pairs N×4 with a target N×1.",
        lambda d, f: d.add("CosineEmbeddingLoss", f["x"], f["y"], f["column"]),
        "insert_before",
    ),
    (
        "TripletMarginLoss compares N×4 with N×1: they must have the same shape.",
        lambda d, f: d.add("TripletMarginLoss", f["x"], f["y"], f["column"]),
        "",
    ),
    (
        "MultiLabelMarginLoss expects label numbers (int64) as target, gets float32.",
        lambda d, f: d.add("MultiLabelMarginLoss", f["x"], f["y"]),
        "",
    ),
    (
        "MultiMarginLoss expects N×classes, gets N×7×10 (3 dims).",
        lambda d, f: d.add("MultiMarginLoss", f["steps"], f["label"]),
        "insert_before",
    ),
    (
        "CTCLoss takes dim 0 of N×7×10, the batch, for time.",
        lambda d, f: d.add("CTCLoss", f["steps"], f["words"], f["lengths"], f["lengths"]),
        "insert_before",
    ),
    (
        "The target has 20 classes, but there are scores for 10 only.",
        lambda d, f: d.add("CTCLoss", f["time_first"], f["many_words"], *[f["lengths"]] * 2),
        "",
    ),
    (
        "blank is 10, but there are only 10 classes.",
        lambda d, f: d.add("CTCLoss", f["time_first"], f["words"], *[f["lengths"]] * 2, blank=10),
        "",
    ),
    (
        "CTCLoss expects whole numbers (int64) as input_lengths, gets float32.",
        lambda d, f: d.add(
            "CTCLoss", f["time_first"], f["words"], f["float_lengths"], f["lengths"]
        ),
        "insert_before",
    ),
    (
        "CTCLoss expects target_lengths as N, gets N×3.",
        lambda d, f: d.add("CTCLoss", f["time_first"], f["words"], f["lengths"], f["words"]),
        "",
    ),
]


def step(draw: Loss) -> Drawing:
    """A step with a node for each of `FIELDS`; what `draw` gives is the loss."""
    d = Drawing()
    d.output(d.add("Identity", d.input(4)))
    d.add_graph("step", "train", updates=["main"])
    fields = {name: d.add("netbuilder.DataField", name=name, field=name) for name in FIELDS}
    d.add("netbuilder.Preview", d.add("netbuilder.NetworkCall", fields["x"], network="main"))
    d.add("netbuilder.Objective", draw(d, fields), name="objective")
    return d


@pytest.mark.parametrize(
    ("message", "draw", "operation"), LOSSES, ids=[row[0][:50] for row in LOSSES]
)
def test_losses_tell_what_does_not_fit(message: str, draw: Loss, operation: str) -> None:
    d = step(draw)
    (problem,) = told(d, FIELDS, "error")
    assert problem.message == message
    if operation:
        fix = next(fix for fix in problem.fixes if fix.operation == operation)
        fixes.apply_fix(d.history, fix, ports_of)
        assert told(d, FIELDS, "error") == []


def test_the_mean_of_a_divergence_is_hardly_meant() -> None:
    d = step(lambda d, f: d.add("KLDivLoss", f["x"], f["y"], reduction="mean"))
    problem = next(p for p in told(d, FIELDS, "warning") if p.code == "loss.batchmean")
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert all(p.code != "loss.batchmean" for p in told(d, FIELDS, "warning"))


def test_cells_begin_with_zeros_without_a_state() -> None:
    for cell in ("RNNCell", "LSTMCell", "GRUCell"):
        d = Drawing()
        node = d.add(cell, d.input(3), hidden_size=4)
        d.output(node)
        assert told(d, {}, "error") == []
