"""What runs but is hardly meant is warned of."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netbuilder.graph import fixes
from netbuilder.graph.model import Node
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing
from tests.layers.telling import network, told

WARNINGS: list[tuple[str, Callable[[Drawing], Node]]] = [
    (
        "LSTM takes dim 0 of N×5×3, the batch, for time.",
        lambda d: d.add("LSTM", d.input(5, 3), hidden_size=4),
    ),
    (
        "dropout acts between the layers of GRU, and there is one layer only.",
        lambda d: d.add("GRU", d.input(5, 3), hidden_size=4, dropout=0.5, batch_first=True),
    ),
    (
        "Linear works on the last dim of N×1×8×8 only (8 numbers).",
        lambda d: d.add("Linear", d.input(1, 8, 8), out_features=4),
    ),
    (
        "Flatten from dim 0 joins the samples of the batch of N×2×3.",
        lambda d: d.add("Flatten", d.input(2, 3), start_dim=0),
    ),
    (
        "Softmax over dim 0 of N×4 mixes the samples of a batch.",
        lambda d: d.add("Softmax", d.input(4), dim=0),
    ),
    (
        "cat along dim 0 puts the batches behind one another.",
        lambda d: d.add("torch.cat", d.input(4), d.input(4)),
    ),
    (
        "multiply of N×1 and N pairs every sample with every other: the result would have 2 "
        "batch dims.",
        lambda d: d.add("torch.mul", d.input(1), d.input()),
    ),
]


@pytest.mark.filterwarnings("ignore:dropout option adds dropout")
@pytest.mark.parametrize(("message", "draw"), WARNINGS, ids=[row[0][:50] for row in WARNINGS])
def test_what_runs_but_is_hardly_meant_is_a_warning(
    message: str, draw: Callable[[Drawing], Node]
) -> None:
    d = network(draw)
    assert told(d) == []
    (problem,) = told(d, "warning")
    assert problem.message == message
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert told(d, "warning") == []
    assert told(d) == []


def test_channels_last_linear_is_no_mistake() -> None:
    d = network(lambda d: d.add("Linear", d.input(7, 7, 96), out_features=384))
    assert told(d, "warning") == []


def test_reshape_that_mixes_samples_is_a_warning() -> None:
    d = network(lambda d: d.add("torch.reshape", d.input(64), shape=(-1, 16)))
    (problem,) = told(d, "warning")
    assert problem.message.endswith("reshape mixes the samples of a batch.")
    tokens = network(lambda d: d.add("torch.reshape", d.input("T", 16), shape=(-1, 16)))
    assert told(tokens, "warning") == []


def test_windows_may_stick_out_with_ceil_mode() -> None:
    def draw(d: Drawing) -> Node:
        return d.add("MaxPool2d", d.input(1, 3, 3), kernel_size=4, stride=2, ceil_mode=True)

    assert told(network(draw)) == []
