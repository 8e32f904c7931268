"""Rare classes: drawn as often as the others, weighed in the loss, and exact when resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from netbuilder.data.loading import Dataset, assemble
from netbuilder.data.sources import Field
from netbuilder.data.splits import split
from netbuilder.errors import NetbuilderError, ProblemsError
from netbuilder.training import balancing
from netbuilder.training.batches import Batches
from tests.training.standins import plan, run
from tests.training.test_resume import SIZE, resumed_differs


def rare() -> Dataset:
    """Sixty samples: 42 of class a, 12 of b, 6 of c."""
    label = np.array([0] * 42 + [1] * 12 + [2] * 6)
    random = np.random.default_rng(2)
    x = random.standard_normal((60, 4)).astype(np.float32)
    fields = (Field("x", (4,)), Field("label", (), "int64", high=3, classes=("a", "b", "c")))
    contents: dict[str, Any] = {"x": x, "label": label}
    return assemble(fields, contents, split(60, 0.2, 0.0, 0, label))


def test_every_class_comes_equally_often() -> None:
    data = rare()
    batches = Batches(data.train, 7, 3, "label")
    for epoch in range(4):
        labels = data.train["label"][batches.order(epoch)]
        counts = torch.bincount(labels, minlength=3).tolist()
        assert sum(counts) == len(data.train["label"])
        assert max(counts) - min(counts) <= 1


def test_no_sample_comes_again_before_all_of_its_class_came() -> None:
    data = rare()
    times = torch.bincount(Batches(data.train, 7, 3, "label").order(0), minlength=48)
    for value in range(3):
        own = times[data.train["label"] == value]
        assert int(own.max()) - int(own.min()) <= 1


def test_the_order_follows_from_seed_and_epoch() -> None:
    data = rare()
    orders = [Batches(data.train, 7, seed, "label").order(e) for seed in (0, 1) for e in (0, 1)]
    again = [Batches(data.train, 9, seed, "label").order(e) for seed in (0, 1) for e in (0, 1)]
    assert all(torch.equal(a, b) for a, b in zip(orders, again, strict=True))
    assert len({tuple(order.tolist()) for order in orders}) == 4


def test_a_class_that_is_not_there_is_not_drawn() -> None:
    labels = torch.tensor([0, 0, 0, 2])
    drawn = balancing.draw(labels, torch.Generator().manual_seed(0))
    assert sorted(labels[drawn].tolist()) == [0, 0, 2, 2]


def test_weights_make_every_class_count_alike() -> None:
    numbers = [34, 9, 5, 0]
    weights = balancing.class_weights(numbers)
    products = [n * w for n, w in zip(numbers[:3], weights[:3], strict=True)]
    assert products == pytest.approx([16.0, 16.0, 16.0])
    assert weights[3] == 1.0
    told = balancing.answer(rare())
    assert told["field"] == "label"
    assert told["classes"] == ["a", "b", "c"]
    assert sum(told["counts"]) == 48


def test_a_balanced_run_resumes_exactly(tmp_path: Path) -> None:
    assert resumed_differs(tmp_path, [10, 24], data=rare(), balance="label", **SIZE) == []


def test_changing_the_balance_is_told(tmp_path: Path) -> None:
    run(plan(data=rare(), **SIZE), tmp_path / "r")
    result = run(
        plan(data=rare(), balance="label", **{**SIZE, "epochs": 5}), tmp_path / "r", resume=True
    )
    assert any("balance was None, is label" in text for text in result.warnings)


@pytest.mark.parametrize(("name", "text"), [("x", "'x' holds no classes"), ("y", "'y' holds")])
def test_a_field_without_classes_is_refused_before_it_starts(
    tmp_path: Path, name: str, text: str
) -> None:
    with pytest.raises(ProblemsError, match=text):
        run(plan(data=rare(), balance=name, **SIZE), tmp_path / "r")
    with pytest.raises(NetbuilderError) as caught:
        balancing.find(rare(), name)
    assert caught.value.hint == "Fields of classes: label."
