"""What constants, positions, gates, capsules and their kin say of what does not suit them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netbuilder.graph import fixes
from netbuilder.graph.model import Node
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing
from tests.layers.telling import network, told

Draw = Callable[[Drawing], Node]


def fed(
    layer: str, *shapes: tuple[int | str, ...], dtype: str = "float32", **params: object
) -> Draw:
    """The layer with an input of each shape (of one sample) at its ports in order."""

    def draw(d: Drawing) -> Node:
        starts = [d.input(*shape, dtype=dtype) for shape in shapes]
        return d.add(layer if "." in layer else f"netbuilder.{layer}", *starts, **params)

    return draw


def alone(layer: str, **params: object) -> Draw:
    """A layer without inputs, added to what comes in."""

    def draw(d: Drawing) -> Node:
        d.input(1, name="unused")
        return d.add(layer, **params)

    return draw


MISTAKES: list[tuple[str, Draw, str]] = [
    (
        "begin 0.5 must be less than end 0.5.",
        alone("netbuilder.Progress", begin=0.5, end=0.5),
        "set_parameter",
    ),
    (
        "The rows of data are not of one length.",
        alone("torch.tensor", data=((1, 2), (3,))),
        "",
    ),
    (
        "From 0 steps of -1 do not lead to 5.",
        alone("torch.arange", end=5, step=-1),
        "set_parameter",
    ),
    (
        "int64 has no fractions, which start, end or step have.",
        alone("torch.arange", end=2, step=0.5, dtype="int64"),
        "set_parameter",
    ),
    (
        "'xavier_normal' needs a shape of two dims or more.",
        alone("netbuilder.LearnableParameter", shape=(4,), init="xavier_normal"),
        "set_parameter",
    ),
    (
        "ClassToken expects N×T×C, gets N×4×5×6 (4 dims).",
        fed("ClassToken", (4, 5, 6)),
        "insert_before",
    ),
    (
        "LayerScale has dim 3, but N×4 has only 2 dims.",
        fed("LayerScale", (4,), channels=4, dim=3),
        "set_parameter",
    ),
    (
        "SinusoidalPositions needs an even number of channels, gets 5.",
        fed("SinusoidalPositions", (7, 5)),
        "",
    ),
    (
        "The last dim of N×4×C varies, so its waves can't be told.",
        fed("SinusoidalPositions", (4, "C")),
        "",
    ),
    (
        "The sequence has 7 positions, max_length is 5.",
        fed("LearnedPositions", (7, 4), max_length=5),
        "set_parameter",
    ),
    (
        "RotaryEmbedding needs an even number of numbers a head, gets 3.",
        fed("RotaryEmbedding", (2, 5, 3), (2, 5, 3)),
        "",
    ),
    (
        "query has 4 numbers a head and key 6.",
        fed("RotaryEmbedding", (2, 5, 4), (2, 5, 6)),
        "",
    ),
    (
        "channels must be even, not 5.",
        fed("TimestepEmbedding", (), channels=5),
        "set_parameter",
    ),
    (
        "TimestepEmbedding expects one number a sample, N, gets N×3.",
        fed("TimestepEmbedding", (3,), channels=4),
        "",
    ),
    (
        "TimestepEmbedding expects one number a sample, N, gets N×1.",
        fed("TimestepEmbedding", (1,), channels=4),
        "insert_before",
    ),
    (
        "CausalMask has dim 2, but N×3 has only 2 dims.",
        fed("CausalMask", (3,), dim=2),
        "set_parameter",
    ),
    (
        "PatchEmbed can't cut a height of 10 into pieces of 4.",
        fed("PatchEmbed", (3, 10, 8), embed_dim=6, patch_size=4),
        "insert_before",
    ),
    (
        "WindowPartition can't cut a width of 9 into pieces of 2.",
        fed("WindowPartition", (8, 9, 3), window_size=2),
        "insert_before",
    ),
    (
        "4 windows of 2×2 do not make up 1×4×8×3.",
        lambda d: d.add(
            "netbuilder.WindowReverse",
            d.input(4, 4, 3, batched=False),
            d.input(1, 4, 8, 3, batched=False),
            window_size=2,
        ),
        "",
    ),
    (
        "A window of 2×2 has 4 places, not 9.",
        fed("WindowReverse", (9, 3), (2, 2, 3), window_size=2),
        "",
    ),
    (
        "shift 4 must be less than window_size 4.",
        fed("ShiftedWindowMask", (8, 8, 3), window_size=4, shift=4),
        "set_parameter",
    ),
    (
        "GatedResidual mixes N×4 with N×5×4: they must have the same shape.",
        fed("GatedResidual", (4,), (5, 4)),
        "",
    ),
    (
        "FiLM expects 3 numbers in condition, gets 5.",
        fed("FiLM", (4, 6), (5,), condition_size=3),
        "unset_parameter",
    ),
    (
        "kernel_size must be odd, not 4.",
        fed("ModulatedConv2d", (3, 8, 8), (5,), out_channels=4, kernel_size=4),
        "set_parameter",
    ),
    (
        "top_k 3 of 2 experts can't be chosen.",
        fed("MixtureOfExperts", (4,), hidden_features=4, num_experts=2, top_k=3),
        "set_parameter",
    ),
    (
        "A kernel of 9 does not fit into 6 pixels.",
        fed("PrimaryCapsules", (3, 6, 6), num_capsules=2, capsule_size=4),
        "set_parameter",
    ),
    (
        "CapsuleRouting expects N×capsules×size, gets N×8 (2 dims).",
        fed("CapsuleRouting", (8,), num_capsules=2, capsule_size=4),
        "insert_before",
    ),
    (
        "VectorQuantizer expects 5 numbers a vector, gets 4.",
        fed("VectorQuantizer", (4, 3), num_codes=6, code_size=5),
        "unset_parameter",
    ),
    (
        "The zero point 200 is no int8: -128 to 127.",
        fed("FakeQuantize", (4,), zero_point=200),
        "set_parameter",
    ),
    (
        "A range that is measured is one for all numbers, and of uint8.",
        fed("FakeQuantize", (4,), measured=True),
        "set_parameter",
    ),
    (
        "FakeQuantize expects 5 places of dim, gets 4.",
        fed("FakeQuantize", (4, 3), channels=5),
        "unset_parameter",
    ),
    (
        "mean is N×4 and logvar is N×5: they must have the same shape.",
        fed("ReparametrisedNormal", (4,), (5,)),
        "",
    ),
    (
        "GaussianNoise needs floating point numbers, gets int64.",
        fed("GaussianNoise", (4,), dtype="int64"),
        "insert_before",
    ),
    (
        "GradientReversal needs floating point numbers, gets int64.",
        fed("GradientReversal", (4,), dtype="int64"),
        "insert_before",
    ),
    (
        "The weights of SwiGLU are float32, float64 comes in.",
        fed("SwiGLU", (4,), dtype="float64", hidden_features=4),
        "insert_before",
    ),
]


@pytest.mark.parametrize(
    ("message", "draw", "operation"), MISTAKES, ids=[row[0][:50] for row in MISTAKES]
)
def test_a_mistake_is_told_once_and_mended_by_its_fix(
    message: str, draw: Draw, operation: str
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


def test_a_rank_beyond_the_matrix_is_a_warning() -> None:
    d = network(fed("LoRALinear", (4,), out_features=6, rank=8))
    assert told(d) == []
    (problem,) = told(d, "warning")
    assert problem.message == "A rank of 8 is more than a matrix of 6×4 can have."
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert told(d, "warning") == []


def test_windows_are_put_together_where_the_batch_is_a_symbol() -> None:
    def draw(d: Drawing) -> Node:
        image = d.input(4, 6, 3)
        cut = d.add("netbuilder.WindowPartition", image, window_size=2)
        return d.add("netbuilder.WindowReverse", cut, image, window_size=2)

    assert told(network(draw)) == []
