"""Batches of a training part that is varied: how they are drawn, told and resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from netbuilder.data import loading, settings
from netbuilder.data.augmenting import Augmenter
from netbuilder.errors import ProblemsError
from netbuilder.training import preflight
from netbuilder.training.batches import Batches, in_order
from netbuilder.training.parallel.distributed import Group
from netbuilder.training.parallel.shares import Share
from tests.training.resuming import SIZE, Moment, differences, varied
from tests.training.standins import Heard, dataset, plan, run


def varying(**kind: Any) -> loading.Dataset:
    augment = settings.read({"augment": [kind or {"kind": "noise", "deviation": 0.5}]}).augment
    return loading.augmented(dataset(), augment, 0)


def batches(data: loading.Dataset, seed: int = 3) -> Batches:
    return Batches(data.train, 7, seed, augmenter=data.augmenter)


def test_each_epoch_and_batch_is_varied_anew_and_only_batches_are() -> None:
    data = varying()
    plain = Batches(data.train, 7, 3)
    noises = [
        torch.cat([a["x"] - b["x"] for a, b in zip(varies, same, strict=True)])
        for varies, same in ((batches(data).epoch(e), plain.epoch(e)) for e in (0, 1))
    ]
    assert all(noise.std() > 0.4 for noise in noises)
    assert len(set(torch.cat(noises).flatten().tolist())) == 2 * 48 * 4
    given = dataset()
    assert torch.equal(data.train["x"], given.train["x"])
    (whole,) = in_order(data.validation, 100)
    assert torch.equal(whole["x"], given.validation["x"])


@pytest.mark.parametrize("start", [0, 3, 6])
def test_an_epoch_from_its_middle_has_the_same_batches(start: int) -> None:
    data = varying()
    whole = list(batches(data).epoch(2))
    rest = list(batches(data).epoch(2, start))
    assert all(torch.equal(a["x"], b["x"]) for a, b in zip(whole[start:], rest, strict=True))
    other = next(batches(data, seed=4).epoch(2))
    assert not torch.equal(other["x"], whole[0]["x"])


def test_processes_draw_their_own_and_know_their_shares() -> None:
    data = varying()

    class Half(Group):
        def __init__(self, rank: int) -> None:
            self.rank, self.size = rank, 2

    def halves(augmenter: Augmenter | None) -> list[Any]:
        made = (Batches(data.train, 8, 3, None, Half(rank), augmenter) for rank in (0, 1))
        return [next(each.epoch(0)) for each in made]

    parts, plain = halves(data.augmenter), halves(None)
    assert all(isinstance(part, Share) for part in parts)
    assert [(part.counted, part.whole) for part in parts] == [(4, 8), (4, 8)]
    noises = [a["x"] - b["x"] for a, b in zip(parts, plain, strict=True)]
    assert not torch.allclose(noises[0], noises[1], atol=1e-3)


@pytest.mark.parametrize("moment", [Moment(7), Moment(11), Moment(9, killed=True)], ids=str)
def test_a_run_on_varied_samples_goes_on_exactly(tmp_path: Path, moment: Moment) -> None:
    settings = {**SIZE, "checkpoint_steps": 4}
    assert differences(planned=varied, path=tmp_path, moments=[moment], **settings) == []


def test_another_augmentation_is_told_when_a_run_goes_on(tmp_path: Path) -> None:
    run(varied(epochs=1), tmp_path / "run")
    heard = Heard()
    run(plan(epochs=2), tmp_path / "run", resume=True, listen=heard)
    texts = [event.values["message"] for event in heard.of("warning")]
    assert any("does not go on exactly as before: augment" in text for text in texts), texts


def test_mixed_labels_must_be_read_by_a_step() -> None:
    made = plan(data=varying(kind="mixup"))
    with pytest.raises(ProblemsError, match="no step reads 'label_soft'"):
        preflight.check(made)


def test_training_sees_varied_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop trains on what the augmenter gives, never on the samples as they are."""
    seen: list[int] = []
    original = Augmenter.__call__

    def call(self: Augmenter, batch: Any, *key: int) -> Any:
        seen.append(key[2])
        return original(self, batch, *key)

    monkeypatch.setattr(Augmenter, "__call__", call)
    run(varied(epochs=1, batch_size=16), tmp_path / "run")
    assert seen == [0, 1, 2]
