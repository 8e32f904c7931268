"""Losses between representations and between networks, and sums of losses."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from netbuilder.parts.contrast import (
    DistillationLoss,
    EnergyDistance,
    InfoNCELoss,
    NTXentLoss,
    PairAccuracy,
)
from netbuilder.parts.penalties import gradient_penalty
from netbuilder.parts.sums import WeightedSum


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_info_nce_by_hand() -> None:
    a, b = torch.randn(4, 3), torch.randn(4, 3)
    terms = []
    for one, other in ((a, b), (b, a)):
        for i in range(4):
            scores = torch.stack([F.cosine_similarity(one[i], other[j], 0) / 0.2 for j in range(4)])
            terms.append(-(scores[i] - scores.logsumexp(0)))
    torch.testing.assert_close(InfoNCELoss(0.2)(a, b), torch.stack(terms).mean())
    torch.testing.assert_close(InfoNCELoss(0.2, False)(a, b), torch.stack(terms[:4]).mean())
    torch.testing.assert_close(InfoNCELoss()(3 * a, b / 7), InfoNCELoss()(a, b))


def test_nt_xent_by_hand() -> None:
    a, b = torch.randn(3, 5), torch.randn(3, 5)
    views = torch.cat((a, b))
    terms = []
    for i in range(6):
        scores = torch.stack([F.cosine_similarity(views[i], v, 0) / 0.5 for v in views])
        others = torch.cat((scores[:i], scores[i + 1 :]))
        terms.append(others.logsumexp(0) - scores[(i + 3) % 6])
    torch.testing.assert_close(NTXentLoss()(a, b), torch.stack(terms).mean())


def test_distillation_is_the_divergence_times_the_squared_temperature() -> None:
    student, teacher = torch.randn(5, 4), torch.randn(5, 4)
    p, q = torch.softmax(teacher / 3, 1), torch.softmax(student / 3, 1)
    expected = 9 * (p * (p.log() - q.log())).sum(1).mean()
    torch.testing.assert_close(DistillationLoss(3.0)(student, teacher), expected)
    assert DistillationLoss()(teacher, teacher + 5).item() == pytest.approx(0, abs=1e-6)


def test_the_energy_distance_is_zero_for_the_same_and_grows() -> None:
    cloud = torch.randn(200, 2, 3)
    far = EnergyDistance()
    assert far(cloud, cloud).item() == pytest.approx(0.0, abs=1e-5)
    near, away = far(cloud, torch.randn(200, 2, 3)), far(cloud, torch.randn(200, 2, 3) + 2)
    assert 0 < near.item() < 0.1 < away.item()
    single = far(torch.zeros(2, 1), torch.ones(2, 1))
    assert single.item() == pytest.approx(2.0)


def test_pairs_that_are_nearest_count() -> None:
    a = torch.eye(3)
    b = torch.tensor([[1.0, 0.1, 0.0], [1.0, 0.5, 0.0], [0.0, 0.0, 2.0]])
    assert PairAccuracy()(a, b).item() == pytest.approx(1.0)
    assert PairAccuracy()(b, a).item() == pytest.approx(2 / 3)
    assert PairAccuracy(2)(b, a).item() == pytest.approx(1.0)
    twins = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    assert PairAccuracy()(twins, twins).item() == 1.0


def test_weights_stand_for_their_terms() -> None:
    a, b, c = torch.tensor(1.0), torch.tensor(10.0), torch.tensor([100.0, 200.0])
    assert WeightedSum((2.0, -1.0))((a, b)).item() == -8
    assert WeightedSum((0.5,))((a, b, c)).tolist() == [110.5, 210.5]
    assert WeightedSum()((a,)).item() == 1


class Slope(nn.Module):
    """A score whose slope is known."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([3.0, 4.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight


def test_the_penalty_is_that_of_the_slope_and_teaches() -> None:
    network, x = Slope(), torch.randn(6, 2)
    penalty = gradient_penalty(network, x, torch.randn(6, 2))
    assert penalty.item() == pytest.approx(16.0)
    penalty.backward()  # type: ignore[no-untyped-call]
    # d/dw (|w| - 1)^2 = 2 (|w| - 1) w / |w|
    assert network.weight.grad is not None
    torch.testing.assert_close(network.weight.grad, torch.tensor([4.8, 6.4]))
    assert gradient_penalty(network, x, x, norm=0.0).item() == pytest.approx(25.0)


def test_the_penalty_is_there_where_gradients_are_off() -> None:
    network, x = Slope(), torch.randn(6, 2)
    with torch.no_grad():
        penalty = gradient_penalty(network, x, x + 1)
    assert penalty.item() == pytest.approx(16.0)
    assert not penalty.requires_grad


def test_points_lie_between_real_and_fake() -> None:
    seen = []

    class Looking(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            seen.append(x.detach())
            return x.square().sum(1)

    gradient_penalty(Looking(), torch.zeros(500, 3), torch.ones(500, 3))
    (points,) = seen
    assert torch.equal(points.amin(1), points.amax(1)), "one place for a whole sample"
    assert points.mean().item() == pytest.approx(0.5, abs=0.05)
    assert points.std().item() == pytest.approx(12**-0.5, abs=0.03)
