"""The real worker measures before a training, alone and until it is stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from netbuilder.engine.client import WorkerClient
from netbuilder.errors import RunError
from tests.engine.workers import LONG, Asked, Ears, project


@pytest.fixture(scope="module")
def client() -> Iterator[WorkerClient]:
    made = WorkerClient(Ears(), back_off_s=())
    made.start()
    yield made
    made.close()


def test_it_finds_a_rate_and_weights(client: WorkerClient) -> None:
    found = Asked(client, "find_lr", {"project": project(), "points": 12}).reply()
    assert found.error is None
    assert len(found.result["rates"]) >= 10
    weights = Asked(client, "weigh_classes", {"project": project()}).reply()
    assert weights.error is None
    assert weights.result["losses"]


def test_it_can_be_stopped_with_what_it_has(client: WorkerClient) -> None:
    long = Asked(client, "find_lr", {"project": project(), "points": 100_000, "highest": 1e-6})
    refused = Asked(client, "find_batch", {"project": project()}).reply()
    assert isinstance(refused.error, RunError)
    assert Asked(client, "stop").reply().result["running"]
    answer = long.reply()
    assert answer.error is None
    assert answer.result["ended"] == "stopped"
    again = Asked(client, "find_batch", {"project": project(), "most": 4}).reply()
    assert again.error is None
    assert again.result["largest"] == 4


def test_not_while_it_trains(client: WorkerClient, tmp_path: Path) -> None:
    params = {"project": project(), "run": str(tmp_path / "r"), "overrides": LONG}
    training = Asked(client, "train", params)
    refused = Asked(client, "tune", {"project": project()}).reply()
    assert isinstance(refused.error, RunError)
    Asked(client, "stop").reply()
    assert training.reply().error is None
