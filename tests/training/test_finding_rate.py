"""The learning-rate finder: where the loss falls, where it explodes, what it leaves alone."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from netbuilder.errors import NetbuilderError
from netbuilder.training import randomness
from netbuilder.training.control import Control
from netbuilder.training.trials import finding_rate
from netbuilder.training.trials.finding_rate import has_exploded, smooth, suggest, sweep
from tests.training.standins import plan, same, weights


def test_the_suggestion_trains() -> None:
    found = sweep(plan(optimizer={"kind": "SGD"}, net=torch.nn.Linear(4, 3)))
    assert found.suggestion is not None
    assert 1e-3 <= found.suggestion <= 3.0
    assert list(found.rates) == sorted(found.rates)
    assert len(found.rates) == len(found.losses) == len(found.smoothed)


def test_the_steepest_place_of_a_known_curve() -> None:
    rates = np.geomspace(1e-6, 1.0, 61)
    # A slope whose middle, and so its steepest place, is at 1e-3.
    losses = 2.0 - np.tanh((np.log10(rates) + 3.0) * 3.0)
    assert suggest(list(rates), list(losses)) == pytest.approx(1e-3, rel=0.3)


def test_a_loss_that_never_falls_suggests_nothing() -> None:
    rates = list(np.geomspace(1e-6, 1.0, 40))
    assert suggest(rates, [1.0 + at * 0.01 for at in range(40)]) is None
    assert suggest(rates, [1.0] * 40) is None
    assert suggest(rates[:5], [5.0, 4.0, 3.0, 2.0, 1.0]) is None


@pytest.mark.parametrize("seed", range(8))
def test_noise_suggests_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    losses = [2.3 + 0.1 * float(random.standard_normal()) for _ in range(100)]
    assert suggest(list(np.geomspace(1e-7, 10.0, 100)), losses) is None


def test_not_a_number_ends_it_and_is_not_in_the_answer() -> None:
    def spoil(number: int, loss: Tensor) -> Tensor:
        return loss * math.nan if number == 30 else loss

    found = sweep(plan(spoil=spoil))
    assert found.ended == "not finite"
    assert len(found.losses) == 30
    assert all(math.isfinite(loss) for loss in (*found.losses, *found.smoothed))


def test_an_explosion_ends_it() -> None:
    def spoil(number: int, loss: Tensor) -> Tensor:
        return loss * 10.0 ** max(0, number - 40)

    found = sweep(plan(spoil=spoil))
    assert found.ended == "exploded"
    assert 40 < len(found.losses) < 60


def test_noise_is_no_explosion() -> None:
    random = np.random.default_rng(0)
    losses: list[float] = []
    for _ in range(200):
        losses.append(2.3 + 0.2 * float(random.standard_normal()))
        assert not has_exploded(smooth(losses))


def test_it_can_be_stopped() -> None:
    control = Control()

    def tell(number: int, rate: float, loss: float) -> None:
        if number == 5:
            control.stop()

    found = sweep(plan(), control=control, tell=tell)
    assert (found.ended, len(found.losses)) == ("stopped", 6)


def test_nothing_of_the_plan_or_of_chance_is_changed() -> None:
    made = plan()
    before, state = weights(made), torch.get_rng_state()
    mode = made.steps[0].module.training
    sweep(made, points=20)
    assert same(before, weights(made))
    assert torch.equal(state, torch.get_rng_state())
    assert made.steps[0].module.training == mode
    randomness.seed_all(0)


def test_accumulated_batches_are_one_point() -> None:
    seen: list[int] = []

    def spoil(number: int, loss: Tensor) -> Tensor:
        seen.append(number)
        return loss

    made = plan(accumulate=3, batch_size=8, spoil=spoil)
    found = sweep(made, points=12)
    assert len(seen) == 3 * len(found.rates)


@pytest.mark.parametrize(
    "options", [{"lowest": 0.0}, {"lowest": 1.0, "highest": 0.1}, {"points": 3}, {"step": "other"}]
)
def test_what_cannot_be_swept_is_refused(options: dict[str, float]) -> None:
    with pytest.raises(NetbuilderError):
        sweep(plan(), **options)  # type: ignore[arg-type]


def test_the_answer_is_json() -> None:
    import json

    answer = finding_rate.sweep(plan(), points=15).to_json()
    assert json.loads(json.dumps(answer, allow_nan=False))["step"] == "train"
