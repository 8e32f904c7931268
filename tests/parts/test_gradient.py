"""Numbers stay as they are, and gradients become what is asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from netbuilder.parts.gradient import (
    GradientClip,
    GradientReversal,
    GradientScale,
    StraightThrough,
)


def through(layer: nn.Module, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """The gradient of a weighted sum of what the layer gives."""
    x = x.clone().requires_grad_()
    (layer(x) * weights).sum().backward()
    assert x.grad is not None
    return x.grad


X = torch.tensor([-1.5, -0.2, 0.0, 0.3, 2.5])
WEIGHTS = torch.tensor([1.0, -3.0, 0.5, 0.0, 7.0])


@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_reversal_multiplies_the_gradient_by_the_negative(scale: float) -> None:
    layer = GradientReversal(scale)
    assert torch.equal(layer(X), X)
    assert torch.equal(through(layer, X, WEIGHTS), -scale * WEIGHTS)


def test_scale_and_clip() -> None:
    assert torch.equal(through(GradientScale(0.5), X, WEIGHTS), 0.5 * WEIGHTS)
    assert torch.equal(through(GradientScale(0.0), X, WEIGHTS), 0 * WEIGHTS)
    assert torch.equal(through(GradientClip(2.0), X, WEIGHTS), WEIGHTS.clamp(-2, 2))
    assert torch.equal(GradientScale(0.5)(X), X)
    assert torch.equal(GradientClip(0.5)(X), X)


def test_a_discriminator_and_its_features_pull_in_opposite_directions() -> None:
    torch.manual_seed(0)
    features, judge = nn.Linear(3, 4), nn.Linear(4, 1)
    x = torch.randn(8, 3)
    judge(features(x)).mean().backward()
    plain = [w.grad for w in features.parameters()]
    head = [w.grad for w in judge.parameters()]
    features.zero_grad()
    judge.zero_grad()
    judge(GradientReversal()(features(x))).mean().backward()
    for w, before in zip(features.parameters(), plain, strict=True):
        assert w.grad is not None
        assert before is not None
        assert torch.equal(w.grad, -before)
    for w, before in zip(judge.parameters(), head, strict=True):
        assert w.grad is not None
        assert before is not None
        assert torch.equal(w.grad, before)


@pytest.mark.parametrize(("function", "right"), [("round", torch.round), ("sign", torch.sign)])
def test_straight_through_is_exact_and_passes_gradients(
    function: str, right: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    layer = StraightThrough(function)
    x = torch.randn(1000) * 10
    assert torch.equal(layer(x), right(x))
    assert torch.equal(through(layer, X, WEIGHTS), WEIGHTS)
