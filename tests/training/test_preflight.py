"""What is refused before the first step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from netbuilder.errors import ProblemsError
from netbuilder.training import preflight
from netbuilder.training.optimisation.updating import Updating
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.settings import read_step, read_training
from tests.training.standins import Classify, dataset, network, plan


def two_steps(first: dict[str, Any], second: dict[str, Any]) -> Plan:
    """Two steps over the same network."""
    main = network()
    steps = tuple(
        StepPlan(
            name,
            Classify(main),
            ("x", "label"),
            tuple(settings.get("updates", ["main"])),
            read_step({"updates": ["main"], **settings}),
        )
        for name, settings in (("one", first), ("two", second))
    )
    return Plan(
        {"main": main}, steps, dataset(), read_training({"device": "cpu", "batch_size": 16})
    )


def test_two_steps_can_not_average_the_same_weights() -> None:
    """A checkpoint holds one average of each weight: a resumed run would mix them up."""
    with pytest.raises(ProblemsError, match=r"'one' and 'two' both average 'main\.0\.weight'"):
        preflight.check(two_steps({"ema": 0.9}, {"ema": 0.99}))
    preflight.check(two_steps({"ema": 0.9}, {}))


def test_weights_that_are_frozen_have_no_average() -> None:
    resting = {"ema": 0.9, "parts": [{"part": "main", "frozen": True}]}
    made = two_steps(
        {**resting, "updates": ["main", "left"]}, {**resting, "updates": ["main", "right"]}
    )
    own = {"left": nn.Linear(2, 2), "right": nn.Linear(2, 2)}
    assert preflight.find_problems(replace(made, networks={**made.networks, **own})) == []


class Words(nn.Module):
    """An embedding with sparse gradients, of classes that the data's numbers fall in."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Embedding(9, 3, sparse=True)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.table(x[:, 0].long().clamp(-4, 4) + 4)
        return found


def test_sparse_gradients_can_not_wait_for_an_update() -> None:
    sparse: dict[str, Any] = {"make": Words, "optimizer": {"kind": "SGD", "lr": 0.1}}
    with pytest.raises(ProblemsError, match="sparse gradients of an embedding can't be accum"):
        preflight.check(plan(**sparse, accumulate=2))
    preflight.check(plan(**sparse))


def test_lbfgs_never_updates_without_a_batch_to_look_at() -> None:
    """Nothing waits for the end of an epoch; what should would not be a plain step."""
    made = plan(optimizer={"kind": "LBFGS"})
    main = made.networks["main"]
    groups = [{"params": list(main.parameters()), "factor": 1.0}]
    training = read_training({"accumulate": 2, "batch_size": 4})
    updating = Updating(made.steps[0].settings, training, groups, torch.device("cpu"), alone=True)
    before = [p.detach().clone() for p in main.parameters()]
    x = torch.ones(4, 4)
    updating.take(main(x).square().mean(), 4, lambda: main(x).square().mean())
    with pytest.raises(AssertionError):
        updating.flush()
    assert all(torch.equal(a, b) for a, b in zip(before, main.parameters(), strict=True))


def test_float16_has_no_recurrent_layers_on_a_cpu() -> None:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            found: Tensor = self.lstm(x)[0]
            return found

    for precision, count in (("fp16", 1), ("bf16", 0)):
        problems = preflight.find_problems(plan(net=Recurrent(), precision=precision))
        assert [problem.message for problem in problems] == count * [
            "'main.lstm' can't be computed in fp16 on a CPU."
        ]
    assert preflight.find_problems(plan(precision="fp16")) == []
