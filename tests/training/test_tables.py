"""Confusion matrices of a validation, and the figures that a run tells of its inside."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torchmetrics
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix
from torch import Tensor, nn
from torchmetrics.classification import BinaryAccuracy, MulticlassAccuracy

from netbuilder.data.sources import Field
from netbuilder.training.best import larger_is_better
from netbuilder.training.observing.tables import MAX_CELLS, Tables, spacing
from netbuilder.training.plan import StepPlan
from tests.training.resuming import adversarial
from tests.training.standins import Heard, losses, plan, run

LETTERS = Field("label", (), "int64", high=3, classes=("a", "b", "c"))


def step_plan(
    metrics: Mapping[str, Any], previews: Mapping[str, str], asks: bool = False
) -> StepPlan:
    base = plan().steps[0]
    return replace(base, metrics=metrics, previews=previews, asks=asks)


def multiclass(classes: int = 3) -> Any:
    return lambda: MulticlassAccuracy(num_classes=classes)


@settings(max_examples=40, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 30), min_size=1, max_size=4),
    seed=st.integers(0, 2**32 - 1),
    inner=st.sampled_from([(), (2,), (2, 3)]),
)
def test_counts_are_those_of_scikit_learn(
    sizes: list[int], seed: int, inner: tuple[int, ...]
) -> None:
    """Over several batches, one a sample or one a pixel, with labels that are no class."""
    generator = torch.Generator().manual_seed(seed)
    tables = Tables(step_plan({"accuracy": multiclass()}, {}), (LETTERS,))
    said, right = [], []
    for size in sizes:
        scores = torch.randn((size, 3, *inner), generator=generator)
        labels = torch.randint(-1, 4, (size, *inner), generator=generator)
        tables.add({"accuracy": (scores, labels)}, {})
        said.append(scores.argmax(1).flatten())
        right.append(labels.flatten())
    guesses, truth = torch.cat(said).numpy(), torch.cat(right).numpy()
    known = (truth >= 0) & (truth < 3)
    expected = np.zeros((3, 3), int)
    if known.any():
        expected = confusion_matrix(truth[known], guesses[known], labels=[0, 1, 2])
    table = tables.result()["accuracy"]
    assert table["classes"] == ["a", "b", "c"]
    assert table["matrix"] == expected.tolist()


@pytest.mark.parametrize("scale", [1.0, 9.0])
def test_two_classes_are_read_as_torchmetrics_reads_them(scale: float) -> None:
    """Probabilities if all lie between 0 and 1, else logits."""
    scores = torch.rand(200, generator=torch.Generator().manual_seed(0))
    scores = scores if scale == 1.0 else (scores - 0.5) * scale
    labels = torch.arange(200) % 2
    metric = BinaryAccuracy()
    tables = Tables(step_plan({"right": BinaryAccuracy}, {}), ())
    tables.add({"right": (scores, labels)}, {})
    matrix = torch.tensor(tables.result()["right"]["matrix"])
    assert float(matrix.trace()) / 200 == pytest.approx(float(metric(scores, labels)))


def test_what_is_compared_twice_is_counted_once_and_what_is_no_class_never() -> None:
    scores, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 0, 1])
    metrics = {
        "accuracy": multiclass(),
        "again": multiclass(),
        "mae": torchmetrics.MeanAbsoluteError,
    }
    tables = Tables(step_plan(metrics, {"shown": "class", "curve": "curve"}), (LETTERS,))
    pair = (scores, labels)
    tables.add({"accuracy": pair, "again": pair, "mae": (torch.randn(5), labels)}, {"shown": pair})
    assert list(tables.result()) == ["accuracy"]
    tables.reset()
    assert tables.result() == {}
    wide = torch.randn(5, 101), labels
    tables.add({"accuracy": wide, "again": wide, "mae": wide}, {"curve": pair})
    assert tables.result() == {}


def test_a_preview_of_classes_is_enough_unless_it_is_made_when_asked_only() -> None:
    pair = (torch.randn(5, 3), torch.tensor([0, 1, 2, 0, 1]))
    tables = Tables(step_plan({}, {"shown": "auto"}), ())
    tables.add({}, {"shown": pair})
    assert tables.result()["shown"]["classes"] == ["0", "1", "2"]
    tables = Tables(step_plan({}, {"shown": "auto"}, asks=True), ())
    tables.add({}, {"shown": pair})
    assert tables.result() == {}


def test_large_tables_are_told_less_often() -> None:
    table = {"classes": ["x"] * 100, "matrix": []}
    assert spacing({}, 10**6) == 1
    assert spacing({"val/a": table}, 200) == 1
    assert spacing({"val/a": table}, 201) == 2
    assert 10**4 * (1000 // spacing({"val/a": table}, 1000)) <= MAX_CELLS


# -- in a run ---------------------------------------------------------------------------------


def test_each_epoch_tells_its_table(tmp_path: Path) -> None:
    heard = Heard()
    run(plan(epochs=3), tmp_path, listen=heard)
    for event in heard.of("epoch"):
        table = event.values["tables"]["val/accuracy"]
        matrix = torch.tensor(table["matrix"])
        assert int(matrix.sum()) == 12
        recalls = matrix.diagonal() / matrix.sum(1)
        assert float(matrix.trace()) / 12 == pytest.approx(event.values["val/accuracy"], abs=1e-6)
        assert recalls.shape == (3,)


def test_the_gradient_norm_is_that_of_the_last_update(tmp_path: Path) -> None:
    made = plan(epochs=1, steps=1)
    heard = Heard()
    run(made, tmp_path, listen=heard)
    gradients = [p.grad for p in made.networks["main"].parameters() if p.grad is not None]
    expected = torch.linalg.vector_norm(torch.cat([g.flatten() for g in gradients]))
    values = heard.of("metrics")[-1].values
    assert values["grad_norm"] == pytest.approx(float(expected), rel=1e-5)
    assert values["lr"] == 0.02
    assert values["memory_mb"] > 10


def test_gradients_that_still_add_up_are_told_as_a_mean(tmp_path: Path) -> None:
    """After one of four batches of an update the norm is that of the one batch."""
    norms = []
    for accumulate, folder in ((1, "one"), (4, "four")):
        heard = Heard()
        made = plan(epochs=1, steps=1, accumulate=accumulate, make=lambda: nn.Linear(4, 3))
        run(made, tmp_path / folder, listen=heard)
        norms.append(heard.of("metrics")[0].values["grad_norm"])
    assert norms[0] == pytest.approx(norms[1], rel=1e-5)


def test_several_steps_tell_rates_and_gradients_by_name(tmp_path: Path) -> None:
    heard = Heard()
    run(adversarial(), tmp_path, listen=heard)
    rates = {key for key in heard.of("metrics")[0].values if key.startswith("lr")}
    assert rates == {"lr", "lr/discriminate", "lr/generate"}
    norms = {key for key in heard.of("metrics")[-1].values if key.startswith("grad_norm")}
    assert norms == {"grad_norm/discriminate", "grad_norm/generate"}


def test_a_run_of_a_moment_tells_its_last_loss(tmp_path: Path) -> None:
    """All batches pass before it is time to tell: the last are told at the end."""
    made = plan(epochs=2)
    heard = Heard()
    run(made, tmp_path, listen=heard)
    metrics = heard.of("metrics")
    assert metrics[0].step == 1
    assert metrics[-1].step == 6
    told = metrics[-1].values["train/loss"]
    assert min(losses(made)) <= told <= max(losses(made))
    kinds = [event.event for event in heard]
    assert kinds.index("epoch") < len(kinds) - 1 - kinds[::-1].index("metrics")


class Spoilt(torchmetrics.Metric):
    """NaN on the validation part only, which is small."""

    higher_is_better: bool | None = True
    seen: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("seen", torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, scores: Tensor, right: Tensor) -> None:
        self.seen = self.seen + len(right)

    def compute(self) -> Tensor:
        return torch.where(self.seen > 20, self.seen, torch.tensor(math.nan))


def test_a_metric_that_is_nan_in_every_epoch_is_told_once(tmp_path: Path) -> None:
    made = plan(epochs=4)
    made = replace(made, steps=(replace(made.steps[0], metrics={"accuracy": Spoilt}),))
    heard = Heard()
    run(made, tmp_path, listen=heard)
    warnings = [event.values["message"] for event in heard.of("warning")]
    assert warnings == ["val/accuracy is not a finite number."]


def test_nobody_knows_whether_a_mean_is_to_be_large(tmp_path: Path) -> None:
    assert larger_is_better(torchmetrics.PearsonCorrCoef()) is True
    assert larger_is_better(torchmetrics.MeanAbsoluteError()) is False
    assert larger_is_better(torchmetrics.MeanMetric()) is None

    class Mean(Spoilt):
        higher_is_better = None

    made = plan(epochs=1, monitor="train/accuracy")
    made = replace(made, steps=(replace(made.steps[0], metrics={"accuracy": Mean}),))
    heard = Heard()
    assert run(made, tmp_path, listen=heard).status == "finished"
    warnings = [event.values["message"] for event in heard.of("warning")]
    assert any("smallest" in text for text in warnings)
