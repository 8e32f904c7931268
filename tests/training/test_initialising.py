"""How weights start: distributions by fan, what is left alone, the same by seed."""

from __future__ import annotations

import math
from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn

from netbuilder.app.templates import open_template
from netbuilder.engine import overrides, planning
from netbuilder.training import randomness
from netbuilder.training.optimisation import initialising
from netbuilder.training.settings import Initialisation

SCHEMES: list[Any] = [scheme for scheme in get_args(Initialisation) if scheme != "default"]


def layer(kind: str) -> tuple[nn.Module, str, int, int]:
    """A layer, its weight's name, fan in and fan out."""
    return {
        "linear": (nn.Linear(300, 200), "weight", 300, 200),
        "conv": (nn.Conv2d(40, 50, 5), "weight", 40 * 25, 50 * 25),
    }[kind]


def deviation(scheme: str, fan_in: int, fan_out: int) -> float:
    if scheme.startswith("xavier"):
        return math.sqrt(2.0 / (fan_in + fan_out))
    if scheme.startswith("kaiming"):
        return math.sqrt(2.0 / fan_in)
    # A truncation at two deviations takes the tails.
    return 0.02 * (0.8796 if scheme == "trunc_normal" else 1.0)


@pytest.mark.parametrize("kind", ["linear", "conv"])
@pytest.mark.parametrize("scheme", [scheme for scheme in SCHEMES if scheme != "orthogonal"])
def test_deviations_follow_the_fans(scheme: Any, kind: str) -> None:
    module, name, fan_in, fan_out = layer(kind)
    randomness.seed_all(1)
    initialising.apply(module, scheme)
    weight: Tensor = getattr(module, name).detach()
    assert float(weight.std()) == pytest.approx(deviation(scheme, fan_in, fan_out), rel=0.02)
    if scheme.endswith("uniform"):
        assert float(weight.abs().max()) <= deviation(scheme, fan_in, fan_out) * math.sqrt(3) + 1e-6
    if scheme == "trunc_normal":
        assert float(weight.abs().max()) <= 0.04 + 1e-6


def test_orthogonal_rows() -> None:
    module = nn.Linear(30, 20)
    initialising.apply(module, "orthogonal")
    torch.testing.assert_close(module.weight @ module.weight.T, torch.eye(20), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_every_gate_is_a_matrix_of_its_own(kind: Any, gates: int) -> None:
    module = kind(16, 16)
    initialising.apply(module, "orthogonal")
    for weight in (module.weight_ih_l0, module.weight_hh_l0):
        for matrix in weight.chunk(gates):
            torch.testing.assert_close(matrix @ matrix.T, torch.eye(16), atol=1e-5, rtol=0)


def test_attentions_joined_projection_is_three() -> None:
    module = nn.MultiheadAttention(16, 4)
    initialising.apply(module, "orthogonal")
    assert module.in_proj_weight is not None
    for matrix in module.in_proj_weight.chunk(3):
        torch.testing.assert_close(matrix @ matrix.T, torch.eye(16), atol=1e-5, rtol=0)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_normalisation_and_tables_are_left_alone(scheme: Any) -> None:
    network = nn.Sequential(nn.Embedding(20, 8), nn.LayerNorm((4, 8)), nn.BatchNorm1d(4))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    initialising.apply(network, scheme, zero_biases=True)
    changed = {k for k, v in network.state_dict().items() if not torch.equal(v, before[k])}
    assert changed == ({"0.weight"} if scheme in ("normal", "trunc_normal") else set())


def test_biases_start_at_zero_if_wanted() -> None:
    first = nn.Linear(3, 4)
    network = nn.Sequential(first, nn.LSTM(4, 5))
    weights = first.weight.clone()
    initialising.apply(network, "default", zero_biases=True)
    for name, parameter in network.named_parameters():
        assert ("bias" in name) is not bool(parameter.any())
    assert torch.equal(first.weight, weights)


def test_a_shared_weight_is_filled_once() -> None:
    alone, first, second = (nn.Linear(8, 8, bias=False) for _ in range(3))
    second.weight = first.weight
    tied = nn.Sequential(first, second)
    for network in (alone, tied):
        randomness.seed_all(3)
        initialising.apply(network, "normal")
    assert torch.equal(alone.weight, first.weight)


@pytest.mark.parametrize("scheme", ["default", "xavier_uniform", "orthogonal"])
def test_a_plan_begins_by_the_scheme_and_the_seed(scheme: str) -> None:
    document = overrides.apply(
        open_template("digits_mlp"), {"training.initialisation": scheme, "training.seed": 4}
    )
    left, right = (planning.make(document).networks["main"].state_dict() for _ in "ab")
    assert all(torch.equal(left[name], right[name]) for name in left)
    default = overrides.apply(open_template("digits_mlp"), {"training.seed": 4})
    plain = planning.make(default).networks["main"].state_dict()
    same = all(torch.equal(left[name], plain[name]) for name in left)
    assert same is (scheme == "default")
