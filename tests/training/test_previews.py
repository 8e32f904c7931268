"""Previews of texts and of points in a plane."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from netbuilder.data.sources import Field
from netbuilder.training.observing.previews import POINTS, SAMPLES, show
from tests.training.standins import Classify, Heard, plan, run

LETTERS = Field("text", (5,), "int64", high=3, classes=("a", "b", "c"))
LABEL = Field("label", (), "int64", high=2, classes=("no", "yes"))


def test_points_lie_in_the_plane_of_principal_components() -> None:
    random = np.random.default_rng(0)
    values = random.normal(size=(300, 6)) * [5, 3, 1, 0.2, 0.1, 0.1]
    labels = torch.arange(300) % 2
    shown = show(torch.tensor(values), "embedding", (LABEL,), {"label": labels})
    points = np.array(shown["points"])
    assert points.shape == (POINTS, 2)
    fitted = PCA(2).fit(values[:POINTS])
    expected = fitted.transform(values[:POINTS])
    np.testing.assert_allclose(np.abs(points), np.abs(expected), atol=1e-3)
    assert shown["explained"] == pytest.approx(fitted.explained_variance_ratio_.sum())
    assert shown["target"][:4] == [0, 1, 0, 1]
    assert shown["classes"] == ["no", "yes"]


def test_an_embedding_does_not_turn_over_from_epoch_to_epoch() -> None:
    """Which way an axis points is anybody's choice; here the largest value is positive."""
    for seed in range(20):
        values = torch.randn(40, 5, generator=torch.Generator().manual_seed(seed)).double()
        points = np.array(show(values, "embedding", (), {})["points"])
        assert (points.max(axis=0) >= -points.min(axis=0)).all()


@pytest.mark.parametrize("shape", [(1, 8), (6, 1), (6, 2), (6, 2, 3)])
def test_few_samples_and_few_dimensions_are_points_too(shape: tuple[int, ...]) -> None:
    values = torch.randn(shape)
    shown = show(values, "embedding", (), {})
    assert np.array(shown["points"]).shape == (shape[0], 2)
    if shape == (6, 2):
        np.testing.assert_allclose(shown["points"], values.numpy(), atol=1e-3)


def test_values_that_are_no_numbers_do_not_end_an_embedding() -> None:
    values = torch.randn(6, 4)
    values[2, 1], values[3, 0] = torch.nan, torch.inf
    assert np.isfinite(show(values, "embedding", (), {})["points"]).all()


def test_scores_of_letters_are_read_as_the_most_likely_text() -> None:
    ids = torch.tensor([[0, 1, 2, 1, 0]])
    scores = torch.nn.functional.one_hot(ids, 3).float()
    for output in (ids, scores, scores.transpose(1, 2)):
        shown = show((output, ids), "text", (LETTERS,), {})
        assert shown["output"] == shown["target"] == ["abcba"]


def test_an_embedding_sees_more_samples_than_other_previews(tmp_path: Path) -> None:
    made = plan(epochs=1)
    made = replace(made, steps=(replace(made.steps[0], previews={"shown": "embedding"}),))
    heard = Heard()
    run(made, tmp_path, listen=heard)
    shown = heard.of("preview")[0].values["previews"]["shown"]
    assert len(shown["points"]) == 12 < SAMPLES
    assert len(shown["target"]) == 12


class Two(Classify):
    """Shows one thing more."""

    def forward(self, x: Tensor, label: Tensor) -> tuple[Tensor, Any, Any]:
        loss, outputs, shown = super().forward(x, label)
        return loss, outputs, {**shown, "own": shown["shown"][0]}


def test_previews_of_one_name_in_two_steps_are_both_shown(tmp_path: Path) -> None:
    made = plan(epochs=1, monitor="val/first/loss")
    (step,) = made.steps
    assert isinstance(step.module, Classify)
    first = replace(step, name="first", previews={"shown": "class"})
    previews = {"shown": "class", "own": "class"}
    second = replace(first, name="second", module=Two(step.module.main), previews=previews)
    heard = Heard()
    result = run(replace(made, steps=(first, second)), tmp_path / "r", listen=heard)
    assert result.error is None
    shown = heard.of("preview")[-1].values["previews"]
    assert sorted(shown) == ["first/shown", "own", "second/shown"]
