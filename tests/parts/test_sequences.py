"""Language models: what comes next, and writing on."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from netbuilder.parts.sequences import MaskTokens, NextToken, sample_text


class Counting(nn.Module):
    """Scores that make the id after the last one by far the likeliest, the one after it next."""

    def __init__(self, ids: int = 10) -> None:
        super().__init__()
        self.ids = ids
        self.lengths: list[int] = []
        self.modes: list[bool] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.lengths.append(x.shape[1])
        self.modes.append(self.training)
        one = nn.functional.one_hot((x + 1) % self.ids, self.ids).float()
        two = nn.functional.one_hot((x + 2) % self.ids, self.ids).float()
        return 5 * one + 4 * two


def test_the_target_is_one_further() -> None:
    context, target = NextToken()(torch.arange(6)[None])
    assert context.tolist() == [[0, 1, 2, 3, 4]]
    assert target.tolist() == [[1, 2, 3, 4, 5]]
    context, target = NextToken(3)(torch.arange(6)[None])
    assert context.tolist() == [[0, 1, 2]]
    assert target.tolist() == [[3, 4, 5]]


def test_it_writes_on_and_sees_its_context_alone() -> None:
    network = Counting()
    prompt = torch.tensor([[3, 4], [7, 8], [0, 0]])
    text = sample_text(network, prompt, count=2, length=4, temperature=0.0, context=3)
    assert text.tolist() == [[3, 4, 5, 6, 7, 8], [7, 8, 9, 0, 1, 2]]
    assert network.lengths == [2, 3, 3, 3]
    assert network.modes == [False] * 4
    assert network.training


def test_top_k_draws_from_the_likeliest_alone() -> None:
    torch.manual_seed(0)
    prompt = torch.zeros(16, 1, dtype=torch.int64)
    free = sample_text(Counting(), prompt, count=16, length=1, temperature=100.0)[:, 1]
    two = sample_text(Counting(), prompt, count=16, length=20, temperature=100.0, top_k=2)
    assert len(set(free.tolist())) > 4
    steps = (two[:, 1:] - two[:, :-1]) % 10
    assert set(steps.flatten().tolist()) == {1, 2}


def test_a_low_temperature_takes_the_likeliest() -> None:
    torch.manual_seed(0)
    prompt = torch.zeros(4, 1, dtype=torch.int64)
    text = sample_text(Counting(), prompt, length=6, temperature=0.05)
    assert text.tolist() == [[0, 1, 2, 3, 4, 5, 6]] * 4


def test_ids_are_hidden_as_in_bert() -> None:
    torch.manual_seed(0)
    ids = torch.randint(0, 1000, (200, 500))
    before = ids.clone()
    masked, target = MaskTokens(1000, mask_id=3, first_id=10, probability=0.2)(ids)
    assert torch.equal(ids, before)
    chosen = target != -100
    assert chosen[ids < 10].sum() == 0
    assert chosen[ids >= 10].float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert torch.equal(masked[~chosen], ids[~chosen])
    assert torch.equal(target[chosen], ids[chosen])
    hidden = masked[chosen]
    assert (hidden == 3).float().mean().item() == pytest.approx(0.8, abs=0.01)
    assert (hidden == ids[chosen]).float().mean().item() == pytest.approx(0.1, abs=0.01)
    drawn = hidden[(hidden != 3) & (hidden != ids[chosen])]
    assert len(drawn) / len(hidden) == pytest.approx(0.1, abs=0.01)
    assert drawn.min().item() >= 10
    assert len(drawn.unique()) > 600


def test_nothing_or_all_of_a_text_may_be_chosen() -> None:
    ids = torch.arange(12).view(2, 6)
    masked, target = MaskTokens(12, 0, probability=0.0)(ids)
    assert torch.equal(masked, ids)
    assert (target == -100).all()
    assert torch.equal(MaskTokens(12, 0, probability=1.0).eval()(ids)[1], ids)
