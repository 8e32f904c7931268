"""What a layer says of inputs that do not suit it, and that its fixes mend it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from netbuilder.graph import fixes
from netbuilder.graph.model import Node
from netbuilder.layers.base import TensorType
from netbuilder.layers.catalogue import layers, ports_of
from netbuilder.layers.checks import differ
from netbuilder.layers.dims import Dim, symbol
from tests.drawing import Drawing
from tests.layers.cases import CASES, case
from tests.layers.cases.common import N
from tests.layers.telling import network, told

T = symbol("T")


NETWORKS: list[tuple[str, Callable[[Drawing], Node], str]] = [
    (
        "Linear expects 512 features, gets 256.",
        lambda d: d.add("Linear", d.input(256), in_features=512, out_features=2),
        "unset_parameter",
    ),
    (
        "Linear expects 32 features, gets 4.",
        lambda d: d.add("Linear", d.input(2, 4, 4), in_features=32, out_features=2),
        "insert_before",
    ),
    (
        "Linear needs floating point numbers, gets int64.",
        lambda d: d.add("Linear", d.input(4, dtype="int64"), out_features=2),
        "insert_before",
    ),
    (
        "The weights of Linear are float32, float64 comes in.",
        lambda d: d.add("Linear", d.input(4, dtype="float64"), out_features=2),
        "insert_before",
    ),
    (
        "Linear expects 7 features, gets T.",
        lambda d: d.add("Linear", d.input("T"), in_features=7, out_features=2),
        "",
    ),
    (
        "Conv2d expects N×C×H×W, gets N×8×8 (3 dims).",
        lambda d: d.add("Conv2d", d.input(8, 8), out_channels=2, kernel_size=3),
        "insert_before",
    ),
    (
        "Conv1d expects N×C×L, gets N×2×8×8 (4 dims).",
        lambda d: d.add("Conv1d", d.input(2, 8, 8), out_channels=2, kernel_size=3),
        "replace_layer",
    ),
    (
        "Conv2d expects 3 channels, gets 1.",
        lambda d: d.add("Conv2d", d.input(1, 8, 8), in_channels=3, out_channels=2, kernel_size=3),
        "unset_parameter",
    ),
    (
        "ConvTranspose2d expects 3 channels, gets 1.",
        lambda d: d.add(
            "ConvTranspose2d", d.input(1, 8, 8), in_channels=3, out_channels=2, kernel_size=2
        ),
        "unset_parameter",
    ),
    (
        "The 5×5 window of Conv2d is larger than its input of 3×3.",
        lambda d: d.add("Conv2d", d.input(1, 3, 3), out_channels=2, kernel_size=5),
        "set_parameter",
    ),
    (
        "The 3×3 window of MaxPool2d is larger than its input of 2×2.",
        lambda d: d.add("MaxPool2d", d.input(1, 2, 2), kernel_size=3),
        "set_parameter",
    ),
    (
        "The 5 window of MaxPool1d is larger than its input of 2 (padded by 1).",
        lambda d: d.add("MaxPool1d", d.input(1, 2), kernel_size=5, padding=1),
        "set_parameter",
    ),
    (
        "padding 2 is more than half of the kernel size 3.",
        lambda d: d.add("MaxPool2d", d.input(1, 8, 8), kernel_size=3, padding=2),
        "set_parameter",
    ),
    (
        "3 in_channels can't be split into 2 groups.",
        lambda d: d.add("Conv2d", d.input(3, 8, 8), out_channels=4, kernel_size=3, groups=2),
        "set_parameter",
    ),
    (
        "3 out_channels can't be split into 2 groups.",
        lambda d: d.add("Conv2d", d.input(4, 8, 8), out_channels=3, kernel_size=3, groups=2),
        "set_parameter",
    ),
    (
        "padding 'same' works with stride 1 only.",
        lambda d: d.add(
            "Conv2d", d.input(1, 8, 8), out_channels=2, kernel_size=3, padding="same", stride=2
        ),
        "set_parameter",
    ),
    (
        "padding 2 is too much for an input of 2 with padding_mode 'reflect'.",
        lambda d: d.add(
            "Conv1d",
            d.input(1, 2),
            out_channels=2,
            kernel_size=3,
            padding=2,
            padding_mode="reflect",
        ),
        "set_parameter",
    ),
    (
        "output_padding 1 must be less than the stride or the dilation (1, 1).",
        lambda d: d.add(
            "ConvTranspose2d", d.input(1, 4, 4), out_channels=2, kernel_size=2, output_padding=1
        ),
        "set_parameter",
    ),
    (
        "With padding 3 nothing is left of an input of 2: the size would be -2.",
        lambda d: d.add("ConvTranspose1d", d.input(1, 2), out_channels=2, kernel_size=3, padding=3),
        "set_parameter",
    ),
    (
        "BatchNorm1d expects N×C or N×C×L, gets N×2×8×8 (4 dims).",
        lambda d: d.add("BatchNorm1d", d.input(2, 8, 8)),
        "replace_layer",
    ),
    (
        "LayerNorm expects the last dims 9, gets N×8.",
        lambda d: d.add("LayerNorm", d.input(8), normalized_shape=9),
        "unset_parameter",
    ),
    (
        "6 channels can't be split into 4 groups.",
        lambda d: d.add("GroupNorm", d.input(6, 4), num_groups=4),
        "set_parameter",
    ),
    (
        "embed_dim 10 can't be split into 4 heads.",
        lambda d: (lambda x: d.add("MultiheadAttention", x, x, x, num_heads=4, batch_first=True))(
            d.input(5, 10)
        ),
        "set_parameter",
    ),
    (
        "attn_mask is 4×4, but 5×5 is needed.",
        lambda d: (
            lambda x: d.add(
                "MultiheadAttention",
                *(x, x, x, d.input(5)),
                d.input(4, 4, batched=False),
                num_heads=2,
                batch_first=True,
            )
        )(d.input(5, 6)),
        "",
    ),
    (
        "LSTM expects N×T×features, gets N×64 (2 dims).",
        lambda d: d.add("LSTM", d.input(64), hidden_size=4, batch_first=True),
        "insert_before",
    ),
    (
        "proj_size 4 must be less than hidden_size 4.",
        lambda d: d.add("LSTM", d.input(5, 3), hidden_size=4, proj_size=4, batch_first=True),
        "set_parameter",
    ),
    (
        "Embedding looks rows up by ids (int64), gets float32.",
        lambda d: d.add("Embedding", d.input(5), num_embeddings=9, embedding_dim=4),
        "set_parameter",
    ),
    (
        "Ids up to 99 come in, but Embedding has only 50 rows.",
        lambda d: d.add(
            "Embedding", d.input(5, dtype="int64", high=100), num_embeddings=50, embedding_dim=4
        ),
        "unset_parameter",
    ),
    (
        "padding_idx is 9, but there are only 9 rows.",
        lambda d: d.add(
            "Embedding",
            d.input(5, dtype="int64"),
            num_embeddings=9,
            embedding_dim=4,
            padding_idx=9,
        ),
        "unset_parameter",
    ),
    (
        "cat can't join N×3×8×8 and N×3×4×8: dim 2 is 8 and 4.",
        lambda d: d.add("torch.cat", d.input(3, 8, 8), d.input(3, 4, 8), dim=1),
        "set_parameter",
    ),
    (
        "add can't combine N×3×8×8 with N×4×8×8: dim -3 is 3 and 4.",
        lambda d: d.add("torch.add", d.input(3, 8, 8), d.input(4, 8, 8)),
        "insert_before",
    ),
    (
        "add can't combine N×3 with T×3: dim -2 is N and T.",
        lambda d: d.add("torch.add", d.input(3), d.input("T", 3, batched=False)),
        "",
    ),
    (
        "matmul can't multiply N×4×5 by N×4×5: 5 columns meet 4 rows.",
        lambda d: d.add("torch.matmul", d.input(4, 5), d.input(4, 5)),
        "insert_before",
    ),
    (
        "Softmax has no dim: PyTorch would guess one, and warn.",
        lambda d: d.add("Softmax", d.input(4)),
        "set_parameter",
    ),
    (
        "Softmax has dim 2, but N×4 has only 2 dims.",
        lambda d: d.add("Softmax", d.input(4), dim=2),
        "set_parameter",
    ),
    (
        "N×64 has 64 numbers a sample, ·×1×5×5 has 25: reshape does not come out even.",
        lambda d: d.add("torch.reshape", d.input(64), shape=(-1, 1, 5, 5)),
        "",
    ),
    (
        "reshape makes 2×32 of N×64: that fits one batch size only.",
        lambda d: d.add("torch.reshape", d.input(64), shape=(2, 32)),
        "set_parameter",
    ),
    (
        "permute needs each of the 3 dims of N×3×4 once, has 0, 1.",
        lambda d: d.add("torch.permute", d.input(3, 4), dims=(0, 1)),
        "",
    ),
    (
        "Dim 1 of N×3 has no index 3.",
        lambda d: d.add("torch.select", d.input(3), dim=1, index=3),
        "set_parameter",
    ),
    (
        "Unflatten can't split T into ·×4.",
        lambda d: d.add("Unflatten", d.input("T"), dim=1, unflattened_size=(-1, 4)),
        "",
    ),
    (
        "Unflatten can't split 10 into 3×4.",
        lambda d: d.add("Unflatten", d.input(10), dim=1, unflattened_size=(3, 4)),
        "",
    ),
]


@pytest.mark.parametrize(
    ("message", "draw", "operation"), NETWORKS, ids=[row[0][:50] for row in NETWORKS]
)
def test_a_mistake_is_told_once_and_mended_by_its_fix(
    message: str, draw: Callable[[Drawing], Node], operation: str
) -> None:
    d = network(draw)
    (problem,) = told(d)
    assert problem.message == message
    assert problem.hint
    assert bool(problem.fixes) == bool(operation)
    if operation:
        assert problem.fixes[0].operation == operation
        fixes.apply_fix(d.history, problem.fixes[0], ports_of)
        assert told(d) == []


def test_one_state_of_two_is_told() -> None:
    d = Drawing()
    lstm = d.add("LSTM", d.input(5, 3), hidden_size=4, batch_first=True)
    d.wire(d.input(1, "N", 4, name="h", batched=False), lstm, "h_0")
    d.output(lstm)
    (problem,) = told(d)
    assert problem.message == "LSTM gets h_0 without c_0."


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (3, 3, False),
        (3, 4, True),
        (N, N, False),
        (N, T, True),
        (N, 1, True),
        (N, N - 2, True),
        ((T // 2) // 2, T // 4, False),
        (N * T, T * N, False),
    ],
)
def test_sizes_differ_only_if_that_is_certain(left: Dim, right: Dim, expected: bool) -> None:
    assert differ(left, right) is expected
    assert differ(right, left) is expected


SOME: list[Dim] = [1, 2, N, T]


def odd(r: Random, tensor: TensorType) -> TensorType:
    """The type with something changed: rank, a size, the dtype."""
    sizes: list[Dim] = list(tensor.shape)
    match r.randrange(5):
        case 0 if sizes:
            sizes.pop(r.randrange(len(sizes)))
        case 1:
            sizes.insert(r.randrange(len(sizes) + 1), r.choice(SOME))
        case 2 if sizes:
            sizes[r.randrange(len(sizes))] = r.choice([1, 2, 7, T, 2 * T - 1])
        case 3:
            return TensorType(tensor.shape, r.choice(["int64", "float64", "bool"]))
        case 4:
            sizes = sizes[: r.randrange(len(sizes) + 1)]
    return TensorType(tuple(sizes), tensor.dtype, tensor.high)


ANYTHING = (
    *("Tensor.contiguous", "square", "sqrt", "rsqrt", "reciprocal", "sign", "exp", "exp2"),
    *("expm1", "log", "log2", "log10", "log1p", "sin", "cos", "tan"),
    *("atan", "sinh", "cosh", "erf", "clamp", "nan_to_num", "isnan", "isinf"),
    *("isfinite", "logical_not", "real", "angle"),
)
"""Functions of each number."""


TOLERANT = {
    "netbuilder.Input",
    "netbuilder.Output",
    "netbuilder.DataField",
    "netbuilder.NetworkCall",
    "netbuilder.Reroute",
    "netbuilder.Block",
    "netbuilder.BlockInput",
    "netbuilder.Loop",
    "torch.nn.Identity",
    "netbuilder.Preview",
    "torch.Tensor.detach",
    "torch.Tensor.to",
    "torch.full_like",
    "torch.ones_like",
    "torch.sum",
    "torch.zeros_like",
    *(f"torch.{name}" for name in ANYTHING),
}
"""Layers that take everything, or nearly."""


@pytest.mark.parametrize("id", list(CASES))
def test_no_input_makes_a_layer_raise(id: str) -> None:
    kind = layers()[id]
    told_something = 0
    for seed in range(60):
        r = Random(seed)
        usual = case(id, seed % 5)
        layer = kind.model_validate(usual.params)
        inputs = {
            port: odd(r, odd(r, tensor))
            for port, tensor in usual.inputs.items()
            if r.random() < 0.9
        }
        values = {k: v for k, v in layer.infer(inputs).items() if k in layer.open_sizes()}
        layer = layer.with_values(values)
        for complaint in layer.complaints(inputs):
            assert complaint.message.endswith(".")
            assert complaint.hint.endswith(".")
            assert complaint.port in ("", *inputs) or complaint.code == "port.unwired"
            told_something += 1
    assert told_something or id in TOLERANT or not kind.inputs
