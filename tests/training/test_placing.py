"""Data that does not fit its device stays on the host and gives the same batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from netbuilder.training import batches, placing
from netbuilder.training.batches import Batches, in_order
from netbuilder.training.placing import Hosted, ahead, place
from tests.training.standins import Heard, dataset, losses, plan, run, same, weights

CPU = torch.device("cpu")


def bytes_of_all() -> int:
    parts = dataset().parts.values()
    return sum(tensor.nbytes for part in parts for tensor in part.values())


def test_data_lies_on_the_device_up_to_a_limit() -> None:
    data = dataset()
    assert not isinstance(place(data, CPU).train, Hosted)
    assert not isinstance(place(data, CPU, bytes_of_all()).train, Hosted)
    placed = place(data, CPU, bytes_of_all() - 1)
    assert all(isinstance(part, Hosted) for part in placed.parts.values())
    assert placed.fingerprint == data.fingerprint


@pytest.mark.parametrize("start", [0, 3])
def test_batches_from_the_host_are_the_same(start: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "GATHERED_BYTES", 400)  # groups of two batches
    data = dataset()
    hosted = place(data, CPU, 0)
    ours = list(Batches(hosted.train, 7, seed=3).epoch(2, start))
    theirs = list(Batches(data.train, 7, seed=3).epoch(2, start))
    assert len(ours) == 7 - start
    assert all(same(a, b) for a, b in zip(ours, theirs, strict=True))
    ours, theirs = (list(in_order(each.validation, 5)) for each in (hosted, data))
    assert all(same(a, b) for a, b in zip(ours, theirs, strict=True))


def test_a_run_with_data_on_the_host_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, hosted = plan(batch_size=7), plan(batch_size=7)
    run(whole, tmp_path / "whole")
    monkeypatch.setattr(placing, "place", lambda data, device: place(data, device, 0))
    sent: list[int] = []
    original = Hosted.sent

    def send(self: Hosted, columns: dict[str, Tensor]) -> dict[str, Tensor]:
        sent.append(1)
        return original(self, columns)

    monkeypatch.setattr(Hosted, "sent", send)
    heard = Heard()
    assert run(hosted, tmp_path / "hosted", listen=heard).error is None
    assert heard.of("preview")
    assert len(sent) >= 4 * 2 + 1  # training and evaluation of each epoch, and previews
    assert losses(hosted) == losses(whole)
    assert same(weights(hosted), weights(whole))


def test_one_group_is_under_way_ahead() -> None:
    begun: list[int] = []

    def groups() -> Iterator[dict[str, Tensor]]:
        for number in range(3):
            begun.append(number)
            yield {"x": torch.tensor(number)}

    taken = [(int(group["x"]), len(begun)) for group in ahead(groups())]
    assert taken == [(0, 2), (1, 3), (2, 3)]
    assert list(ahead(iter(()))) == []
