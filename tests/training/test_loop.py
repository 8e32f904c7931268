"""What a training tells and makes when all goes well."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from netbuilder.data.loading import Dataset
from netbuilder.training import randomness, threads
from netbuilder.training.batches import Batches
from netbuilder.training.control import Control
from netbuilder.training.observing import meters
from netbuilder.training.observing.meters import Meter
from netbuilder.training.observing.previews import show
from netbuilder.training.plan import Plan, StepPlan
from netbuilder.training.records.folder import RunFolder, read_events
from netbuilder.training.settings import read_step, read_training
from tests.training.standins import Heard, accuracy, dataset, losses, plan, run, same, weights


def test_a_network_learns_and_the_folder_tells_all_of_it(tmp_path: Path) -> None:
    heard = Heard()
    made = plan(epochs=30, optimizer={"kind": "AdamW", "lr": 0.05})
    result = run(made, tmp_path / "r", listen=heard)
    assert (result.status, result.reason, result.epochs, result.steps) == (
        "finished",
        "epochs",
        30,
        90,
    )
    assert result.metrics["val/accuracy"] > 0.6
    assert result.metrics["train/loss"] < np.mean(losses(made)[:3])
    assert result.seconds > 0
    assert result.samples_per_second > 0
    folder = RunFolder.open(tmp_path / "r")
    told, _ = read_events(folder.path)
    assert [e.to_json() for e in told] == [e.to_json() for e in heard]
    assert [e.seq for e in told] == list(range(1, len(told) + 1))
    assert told[0].event == "started"
    assert told[0].values["metrics"] == [
        "train/loss",
        "train/accuracy",
        "val/loss",
        "val/accuracy",
    ]
    assert told[-1].event == "finished"
    assert [e.epoch for e in heard.of("epoch")] == list(range(1, 31))
    assert heard.of("metrics")[0].step == 1
    status = folder.status()
    assert status["status"] == "finished"
    assert status["metrics"] == result.metrics
    assert status["best"] == result.best
    assert (status["step"], status["steps"]) == (90, 90)
    environment = json.loads((folder.path / "environment.json").read_text())
    assert environment["torch"] == torch.__version__
    assert (environment["threads"], environment["device"], environment["seed"]) == (1, "cpu", 0)
    assert json.loads((folder.path / "data.json").read_text())["parts"]["train"] == 48


def test_metrics_are_those_of_the_losses_and_predictions(tmp_path: Path) -> None:
    heard = Heard()
    made = plan(epochs=2, batch_size=7)
    result = run(made, tmp_path / "r", listen=heard)
    sizes = [7] * 6 + [6]
    last = losses(made)[7:]
    mean = sum(loss * size for loss, size in zip(last, sizes, strict=True)) / 48
    assert result.metrics["train/loss"] == pytest.approx(mean, rel=1e-12)
    main = made.networks["main"].eval()
    part = made.dataset.validation
    with torch.no_grad():
        logits = main(part["x"])
    right = (logits.argmax(1) == part["label"]).float().mean().item()
    assert result.metrics["val/accuracy"] == pytest.approx(right)
    loss = nn.functional.cross_entropy(logits, part["label"]).item()
    assert result.metrics["val/loss"] == pytest.approx(loss, rel=1e-6)


def test_equal_runs_are_equal_and_other_seeds_differ(tmp_path: Path) -> None:
    first, again, other = plan(), plan(), plan(seed=1)
    results = [run(made, tmp_path / str(i)) for i, made in enumerate((first, again, other))]
    assert losses(first) == losses(again)
    assert same(weights(first), weights(again))
    assert results[0].metrics == results[1].metrics
    assert losses(first) != losses(other)


def test_evaluation_and_previews_leave_training_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noise(nn.Module):
        """Draws random numbers in evaluation too, like a network that samples."""

        def forward(self, x: Tensor) -> Tensor:
            return x + torch.randn_like(x)

    def made(validation: float) -> Plan:
        randomness.seed_all(3)
        return plan(
            net=nn.Sequential(nn.Linear(4, 3), Noise()),
            data=dataset(60, 0.2),
            monitor="train/loss",
            epochs=3,
        )

    with_part, without = made(0.2), made(0.2)
    without.dataset.__dict__["validation"] = {}
    run(with_part, tmp_path / "a")
    run(without, tmp_path / "b")
    assert losses(with_part) == losses(without)


def test_the_best_epoch_is_kept(tmp_path: Path) -> None:
    heard = Heard()
    climb = {"kind": "SGD", "lr": 0.05, "maximize": True}
    made = plan(epochs=3, optimizer=climb, net=nn.Linear(4, 3), checkpoint_s=0.0)
    result = run(made, tmp_path / "r", listen=heard)
    assert result.best is not None
    assert (result.best["epoch"], result.best["monitor"]) == (1, "val/loss")
    assert [e.values["best"] for e in heard.of("epoch")] == [True, False, False]
    kept, _ = RunFolder.open(tmp_path / "r").read_checkpoint()
    assert (kept.info["kind"], kept.info["epoch"]) == ("best", 1)


def test_a_larger_accuracy_is_better(tmp_path: Path) -> None:
    made = plan(epochs=12, monitor="val/accuracy", optimizer={"kind": "AdamW", "lr": 0.05})
    heard = Heard()
    result = run(made, tmp_path / "r", listen=heard)
    assert result.best is not None
    values = [e.values["val/accuracy"] for e in heard.of("epoch")]
    assert values[0] < max(values)
    assert result.best["value"] == max(values)


def test_without_validation_the_training_loss_is_watched(tmp_path: Path) -> None:
    result = run(plan(data=dataset(60, 0.0), epochs=2), tmp_path / "r")
    assert result.best is not None
    assert result.best["monitor"] == "train/loss"
    assert set(result.metrics) == {"train/loss", "train/accuracy"}


def test_stop_before_the_start_still_leaves_a_checkpoint(tmp_path: Path) -> None:
    control = Control()
    control.stop()
    result = run(plan(), tmp_path / "r", control=control)
    assert (result.status, result.steps) == ("stopped", 1)
    assert RunFolder.open(tmp_path / "r").checkpoints("last")


class Two(nn.Module):
    """A step over one of two networks."""

    def __init__(self, used: nn.Module) -> None:
        super().__init__()
        self.used = used
        self.calls = 0

    def forward(self, x: Tensor, label: Tensor) -> tuple[Tensor, Any, Any]:
        self.calls += self.training
        logits = self.used(x)
        return nn.functional.cross_entropy(logits, label), {"accuracy": (logits, label)}, {}


def test_several_steps_run_in_turn(tmp_path: Path) -> None:
    networks = {"a": nn.Linear(4, 3), "b": nn.Linear(4, 3)}
    settings = {"a": {"every": 1}, "b": {"every": 2}}
    steps = tuple(
        StepPlan(
            name, Two(net), ("x", "label"), (name,), read_step(settings[name]), {"acc": accuracy}
        )
        for name, net in networks.items()
    )
    steps = tuple(
        StepPlan(s.name, s.module, s.fields, s.updates, s.settings, {"accuracy": accuracy})
        for s in steps
    )
    training = read_training(
        {"epochs": 2, "batch_size": 16, "monitor": "val/b/loss", "threads": 1, "device": "cpu"}
    )
    before = networks["b"].weight.clone()
    result = run(Plan(networks, steps, dataset(), training), tmp_path / "r")
    assert result.status == "finished"
    assert [step.module.calls for step in steps] == [6, 3]
    assert not torch.equal(before, networks["b"].weight)
    assert {"train/a/loss", "val/b/accuracy"} <= set(result.metrics)
    kept, _ = RunFolder.open(tmp_path / "r").read_checkpoint("last")
    assert set(kept.info["networks"]) == {"a", "b"}


# -- batches -------------------------------------------------------------------------------


def test_every_sample_comes_once_an_epoch_in_a_new_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netbuilder.training.batches.GATHERED_BYTES", 100)
    part = {"x": torch.arange(33.0)[:, None], "y": torch.arange(33)}
    batches = Batches(part, 8, seed=1)
    assert batches.sizes == [8, 8, 8, 9]
    orders = []
    for epoch in range(3):
        seen = list(batches.epoch(epoch))
        assert [len(b["x"]) for b in seen] == batches.sizes
        assert all(torch.equal(b["x"][:, 0].long(), b["y"]) for b in seen)
        order = torch.cat([b["y"] for b in seen]).tolist()
        assert sorted(order) == list(range(33))
        assert batches.indices(epoch, 2) == seen[2]["y"].tolist()
        rest = list(batches.epoch(epoch, 3))
        assert [b["y"].tolist() for b in rest] == [seen[3]["y"].tolist()]
        orders.append(order)
    assert orders[0] != orders[1] != orders[2]
    assert Batches(part, 8, seed=2).indices(0, 0) != batches.indices(0, 0)


@pytest.mark.parametrize(
    ("count", "size", "sizes"),
    [(1, 1, [1]), (4, 4, [4]), (5, 4, [5]), (6, 4, [4, 2]), (3, 1, [1, 1, 1])],
)
def test_sizes_of_batches(count: int, size: int, sizes: list[int]) -> None:
    assert Batches({"x": torch.zeros(count)}, size, 0).sizes == sizes


# -- meters --------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_meters_are_exact_however_batches_are_put_together(
    monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(meters, "PENDING_BATCHES", limit)
    meter = Meter({"accuracy": accuracy}, torch.device("cpu"))
    logits, labels = torch.randn(23, 3), torch.randint(0, 3, (23,))
    for a, b in zip(torch.split(logits, 5), torch.split(labels, 5), strict=True):
        meter.add(0.5, {"accuracy": (a, b)}, len(a))
    expected = (logits.argmax(1) == labels).float().mean().item()
    assert meter.result() == {"loss": 0.5, "accuracy": pytest.approx(expected)}


def test_what_waits_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "PENDING_BYTES", 1000)
    meter = Meter({"accuracy": accuracy}, torch.device("cpu"))
    most = 0
    for _ in range(50):
        meter.add(0.0, {"accuracy": (torch.zeros(10, 3), torch.zeros(10).long())}, 10)
        most = max(most, len(meter._waiting))
    # 200 bytes a batch: five make 1,000, and the fifth empties the queue.
    assert most == 4


# -- threads, randomness, previews ---------------------------------------------------------


class Alone(nn.Module):
    """A step that only runs a network."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Any:
        return self.network(x)


def alone(network: nn.Module) -> StepPlan:
    return StepPlan("train", Alone(network), ("x",), ("main",))


def test_small_work_takes_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    data = Dataset((), {"x": torch.zeros(128, 64, 128)}, {})
    dense = alone(nn.Linear(128, 256))
    assert threads.work([dense], data, 16) == 2 * 128 * 256 * 64 * 16
    lstm = alone(nn.LSTM(128, 32, batch_first=True))
    assert threads.work([lstm], data, 16) == 2 * (128 * 128 + 32 * 128) * 64 * 16
    assert threads.work([dense, lstm], data, 1) > threads.work([dense], data, 1)
    assert threads.choose([dense], data, 1) == 1
    assert threads.choose([dense], data, 16) == 8


def test_counting_the_work_changes_nothing_and_never_fails() -> None:
    network = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5))
    step, ones = alone(network), Dataset((), {"x": torch.ones(8, 4)}, {})
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    assert threads.work([step], ones, 8) == 0.0
    assert torch.equal(torch.rand(1), expected)
    assert step.module.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert threads.work([alone(nn.Linear(3, 3))], ones, 8) == 0.0


def test_the_number_of_threads_is_kept_for_a_resumed_run(tmp_path: Path) -> None:
    run(plan(threads=2, epochs=1), tmp_path / "r")
    result = run(plan(threads=None, epochs=2), tmp_path / "r", resume=True)
    assert result.warnings == ()
    environment = json.loads((tmp_path / "r" / "environment.json").read_text())
    assert environment["threads"] == 2


def test_chance_apart_leaves_no_trace() -> None:
    randomness.seed_all(1)
    expected = torch.rand(3)
    randomness.seed_all(1)
    with randomness.apart(9):
        inside = torch.rand(3)
    assert torch.equal(torch.rand(3), expected)
    with randomness.apart(9):
        assert torch.equal(torch.rand(3), inside)


@pytest.mark.parametrize(
    ("output", "target", "kind", "key"),
    [
        (torch.eye(3), torch.arange(3), "class", "predicted"),
        (torch.rand(20, 1, 8, 8), torch.rand(20, 1, 8, 8), "image", "output"),
        (torch.rand(20, 3, 200, 100), None, "image", "output"),
        (torch.rand(20, 1), torch.rand(20, 1), "value", "output"),
        (torch.rand(20, 2000), None, "curve", "output"),
    ],
)
def test_previews_are_small_and_plain(
    output: Tensor, target: Tensor | None, kind: str, key: str
) -> None:
    data = dataset()
    value = output if target is None else (output, target)
    shown = show(value, "auto", data.fields, data.train)
    assert shown["kind"] == kind
    assert len(shown[key]) == min(16, len(output))
    text = json.dumps(shown, allow_nan=False)
    assert len(text) < 500_000
    if kind == "class":
        assert shown["predicted"] == [0, 1, 2]
        assert shown["classes"] == ["a", "b", "c"]
        assert shown["confidence"][0] == pytest.approx(np.e / (np.e + 2))
    else:
        assert shown["target"] is None or len(shown["target"]) == 16
    assert ("input" in shown) is (kind != "image")
