"""The check of exact resume as a job of the worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from netbuilder.engine.client import WorkerClient
from netbuilder.errors import RunError
from tests.engine.workers import Asked, Ears, waves

CPU = {"training.device": "cpu"}


@pytest.fixture(scope="module")
def client() -> Iterator[WorkerClient]:
    made = WorkerClient(Ears(), back_off_s=())
    made.start()
    yield made
    made.close()


def test_the_check_counts_as_a_training(client: WorkerClient) -> None:
    params = {"project": waves(), "steps": 6, "overrides": CPU}
    first = Asked(client, "verify_resume", params)
    second = Asked(client, "verify_resume", params).reply()
    assert isinstance(second.error, RunError)
    answer = first.reply().result
    assert (answer["exact"], answer["steps"]) == (True, 6)
    # And again, now that it is over.
    assert Asked(client, "verify_resume", params).reply().result["exact"]


def test_it_can_be_called_off(client: WorkerClient) -> None:
    params = {"project": waves(), "steps": 100_000, "overrides": CPU}
    asked = Asked(client, "verify_resume", params)
    assert Asked(client, "stop").reply().result == {"running": True}
    error = asked.reply().error
    assert error is not None
    assert "called off" in str(error)
