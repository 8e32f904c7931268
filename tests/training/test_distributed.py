"""Several processes train like one: gloo, two of them, on this machine."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from netbuilder.errors import ProblemsError
from netbuilder.training import preflight
from netbuilder.training.checkpointing.checkpoints import networks
from netbuilder.training.parallel import distributed, shares
from netbuilder.training.records.events import current
from netbuilder.training.records.folder import RunFolder, read_events
from tests.training import processes
from tests.training.processes import EQUAL, EXACT, STOP, chancy, classifier, do
from tests.training.standins import plan

PATIENCE_S = 200.0
pytestmark = pytest.mark.timeout(240)
CLOSE = 1e-5


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which two processes have done all the cases."""
    folder = tmp_path_factory.mktemp("together")
    command = [sys.executable, "-m", "tests.training.processes", str(folder)]
    started = processes.start(command)
    try:
        for each in started:
            out, _ = each.communicate(timeout=PATIENCE_S)
            assert each.returncode == 0, out.decode()[-4000:]
    finally:
        for each in started:
            each.kill()
    return folder


def results(folder: Path, rank: int = 0) -> Any:
    return json.loads((folder / f"{rank}.json").read_text())


def epochs(run: Path) -> list[Any]:
    told = current(read_events(run)[0])
    return [dict(event.values) for event in told if event.event == "epoch"]


def gradient_norms(run: Path) -> dict[str, float]:
    """What was told last of each step."""
    told = [event.values for event in read_events(run)[0] if event.event == "metrics"]
    return {key: value for key, value in told[-1].items() if key.startswith("grad_norm")}


def kept(run: Path) -> dict[str, dict[str, torch.Tensor]]:
    return networks(RunFolder(run).read_checkpoint("last")[0])


def far(left: Any, right: Any) -> float:
    """The largest difference between two runs' weights."""
    assert left.keys() == right.keys()
    return max(float((left[n][k] - right[n][k]).abs().max()) for n in left for k in left[n])


@pytest.mark.parametrize("name", EQUAL)
def test_they_train_like_one(together: Path, tmp_path: Path, name: str) -> None:
    made = EQUAL[name]()
    alone = processes.result_of(made, do(made, tmp_path / "alone"))
    found = results(together)[name]
    assert (found["status"], found["steps"]) == ("finished", alone["steps"])
    curve, expected = epochs(together / name), epochs(tmp_path / "alone")
    assert len(curve) == len(expected) > 1
    for here, there in zip(curve, expected, strict=True):
        assert here.keys() == there.keys()
        assert here.pop("tables", None) == there.pop("tables", None)
        for key in there:
            assert here[key] == pytest.approx(there[key], abs=CLOSE), (name, key)
    assert far(kept(together / name), kept(tmp_path / "alone")) < CLOSE
    norms = gradient_norms(tmp_path / "alone")
    assert norms
    if made.settings.accumulate == 1:  # else the last ones may be of one process's share
        assert gradient_norms(together / name) == pytest.approx(norms, rel=1e-3)
    assert expected[0]["train/loss" if "train/loss" in expected[0] else "train/judge/loss"] != (
        expected[-1].get("train/loss", expected[-1].get("train/judge/loss"))
    ), "it learns something, so that equal curves mean something"


@pytest.mark.parametrize("name", EQUAL)
def test_one_of_them_writes(together: Path, name: str) -> None:
    numbers = [event.seq for event in read_events(together / name)[0]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert results(together, 0)[name]["heard"] == len(numbers)
    assert results(together, 1)[name]["heard"] == 0


@pytest.mark.parametrize("name", EXACT)
def test_a_stopped_run_goes_on_exactly(together: Path, name: str) -> None:
    found = results(together)
    assert found[f"first {name}"] == {"status": "stopped", "steps": STOP}
    whole, parts = found[f"whole {name}"], found[f"parts {name}"]
    assert {**whole, "warnings": []} == {**parts, "warnings": []}
    assert epochs(together / f"whole {name}") == epochs(together / f"parts {name}")
    assert far(kept(together / f"whole {name}"), kept(together / f"parts {name}")) == 0.0
    assert not any("exactly" in warning for warning in parts["warnings"])


@pytest.mark.parametrize("name", ["chancy", "sharded chancy"])
def test_one_process_goes_on_with_a_checkpoint_of_two(
    together: Path, tmp_path: Path, name: str
) -> None:
    state = RunFolder(together / f"parts {name}").read_checkpoint("last")[0]
    assert state.info["epoch"] == 3
    run = tmp_path / "run"
    (together / f"parts {name}").rename(run)
    try:
        result = do(chancy(accumulate=4, epochs=5), run, resume=True)
    finally:
        run.rename(together / f"parts {name}")
    assert (result.status, result.epochs) == ("finished", 5)
    assert any("processes was 2, is 1" in warning for warning in result.warnings)
    assert math.isfinite(result.metrics["val/loss"])


@pytest.mark.parametrize("name", ["spoilt", "sharded spoilt"])
def test_a_loss_that_is_no_number_stops_all_at_the_same_step(together: Path, name: str) -> None:
    first, second = results(together, 0)[name], results(together, 1)[name]
    assert first["status"] == second["status"] == "failed"
    assert first["steps"] == second["steps"] == 4
    assert "at step 5" in first["error"]["message"]
    weights = kept(together / name)["main"]
    assert all(bool(tensor.isfinite().all()) for tensor in weights.values())


def test_batch_norm_on_the_cpu_is_warned_of(together: Path) -> None:
    assert any("BatchNorm" in text for text in results(together)["whole chancy"]["warnings"])


# -- what needs no other process ------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("size", [2, 3, 5])
def test_shares_are_a_partition_and_nobody_holds_nothing(count: int, size: int) -> None:
    bounds = [shares.bounds(count, rank, size) for rank in range(size)]
    assert [i for low, high in bounds for i in range(low, high)] == list(range(count))
    for rank in range(size):
        low, high = shares.held(count, rank, size)
        assert 0 <= low < high <= count
    sizes = [high - low for low, high in bounds]
    assert max(sizes) - min(sizes) <= 1


def test_what_several_processes_can_not_train_is_said_before() -> None:
    with pytest.raises(ProblemsError, match="can't be shared out"):
        preflight.check(classifier(batch_size=2), 3)
    with pytest.raises(ProblemsError, match="single sample"):
        preflight.check(chancy(batch_size=15), 2)
    with pytest.raises(ProblemsError, match="LBFGS"):
        preflight.check(plan(optimizer={"kind": "LBFGS", "lr": 0.1}), 2)


def test_without_torchrun_there_is_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK"):
        monkeypatch.delenv(name, raising=False)
    with distributed.joined() as group:
        assert group.alone
        assert group.first
