"""Accumulation, clipping, parts, averages and precision of a step's updates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from netbuilder.training.checkpointing import checkpoints
from netbuilder.training.optimisation import parts
from netbuilder.training.optimisation.averaging import Averages, in_use
from netbuilder.training.plan import Plan
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.run import Run
from netbuilder.training.settings import PartSettings
from tests.training.standins import plan, run, weights

SGD = {"kind": "SGD", "lr": 0.1}


def linear() -> nn.Sequential:
    """Without running averages and chance: equal sums of gradients are equal updates."""
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def close(first: Plan, second: Plan, tolerance: float = 1e-6) -> bool:
    ours, theirs = weights(first), weights(second)
    return all(torch.allclose(ours[name], theirs[name], 0, tolerance) for name in ours)


@pytest.mark.parametrize("batch", [(16, 1, 8, 2), (12, 1, 3, 4), (20, 1, 10, 2)])
@pytest.mark.parametrize("optimizer", [SGD, {"kind": "AdamW", "lr": 0.01}], ids=str)
def test_accumulated_batches_count_as_one_large_one(
    tmp_path: Path, batch: tuple[int, int, int, int], optimizer: dict[str, Any]
) -> None:
    # 48 samples: also what is left at the end of an epoch (of 20: 8) weighs by its samples.
    common: dict[str, Any] = {"epochs": 3, "optimizer": optimizer, "make": linear}
    large = plan(batch_size=batch[0], accumulate=batch[1], **common)
    small = plan(batch_size=batch[2], accumulate=batch[3], **common)
    assert run(large, tmp_path / "large").status == "finished"
    result = run(small, tmp_path / "small")
    assert close(large, small)
    assert result.steps > 3 * (48 // batch[0])


def test_an_epoch_leaves_no_gradient_waiting(tmp_path: Path) -> None:
    made = plan(batch_size=7, accumulate=100, epochs=2, optimizer=SGD, make=linear)
    before = [p.clone() for p in made.networks["main"].parameters()]
    run(made, tmp_path / "run")
    after = list(made.networks["main"].parameters())
    assert all(not torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_clipping_by_norm_and_value(tmp_path: Path) -> None:
    for name, limit in (("clip_norm", 0.01), ("clip_value", 0.001)):
        made = plan(
            batch_size=48,
            epochs=1,
            optimizer={"kind": "SGD", "lr": 1.0},
            make=linear,
            step={name: limit},
        )
        before = [p.detach().clone() for p in made.networks["main"].parameters()]
        run(made, tmp_path / name)
        moved = [
            a.detach() - b for a, b in zip(made.networks["main"].parameters(), before, strict=True)
        ]
        if name == "clip_norm":
            total = torch.linalg.vector_norm(torch.cat([m.flatten() for m in moved]))
            assert float(total) == pytest.approx(limit, rel=1e-3)
        else:
            assert max(float(m.abs().max()) for m in moved) == pytest.approx(limit, rel=1e-4)


def test_parts_have_their_own_rate_and_frozen_ones_rest(tmp_path: Path) -> None:
    def network() -> nn.Sequential:
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))

    settings = {"parts": [{"part": "main.0", "frozen": True}, {"part": "main.1", "frozen": True}]}
    made = plan(epochs=2, batch_size=16, optimizer=SGD, make=network, step=settings)
    before = {k: v.clone() for k, v in weights(made).items()}
    assert run(made, tmp_path / "frozen").status == "finished"
    after = weights(made)
    kept = {name for name in after if torch.equal(after[name], before[name])}
    # Also the running averages of the frozen normalisation.
    assert kept == {name for name in after if name.startswith(("0.", "1."))}

    slow = {"parts": [{"part": "main.0", "lr": 0.0}]}
    made = plan(epochs=1, batch_size=16, optimizer=SGD, make=network, step=slow)
    before = {k: v.clone() for k, v in weights(made).items()}
    run(made, tmp_path / "slow")
    after = weights(made)
    assert torch.equal(after["0.weight"], before["0.weight"])
    assert not torch.equal(after["1.running_mean"], before["1.running_mean"])


def test_the_longest_part_counts() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    chosen = (
        PartSettings(part="main", lr=0.5),
        PartSettings(part="main.1", lr=2.0, weight_decay=0.0),
        PartSettings(part="main.1.1", frozen=True),
    )
    resting = parts.freeze({"main": network}, chosen)
    assert resting == [network[1][1]]  # type: ignore[index]
    groups = parts.groups({"main": network}, ("main",), chosen)
    assert [(g["factor"], g.get("weight_decay"), len(g["params"])) for g in groups] == [
        (0.5, None, 2),
        (2.0, 0.0, 2),
    ]
    assert parts.unknown({"main": network}, [PartSettings(part="main.10")]) == ["main.10"]


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    from netbuilder.errors import ProblemsError

    made = plan(step={"parts": [{"part": "main.stem", "frozen": True}]})
    with pytest.raises(ProblemsError, match=r"main\.stem"):
        run(made, tmp_path / "run")


def test_averages_follow_the_weights() -> None:
    weight = nn.Parameter(torch.tensor([1.0]))
    averages = Averages([weight], 0.9)
    expected = 1.0
    for number in range(1, 60):
        with torch.no_grad():
            weight.copy_(torch.tensor([float(number)]))
        averages.update()
        decay = min(0.9, (1 + number) / (10 + number))
        expected = decay * expected + (1 - decay) * number
    with in_use([averages]):
        assert weight.item() == pytest.approx(expected, rel=1e-5)
    assert weight.item() == 59.0


def test_averages_are_the_weights_until_their_first_update() -> None:
    """A step whose turn comes later may average what others train before."""
    weight = nn.Parameter(torch.zeros(3))
    averages = Averages([weight], 0.9)
    with torch.no_grad():
        weight.fill_(5.0)
    with in_use([averages]):
        assert torch.equal(weight, torch.full((3,), 5.0))
    assert torch.equal(weight, torch.full((3,), 5.0))
    averages.update()
    with torch.no_grad():
        weight.fill_(6.0)
    with in_use([averages]):
        assert torch.equal(weight, torch.full((3,), 5.0))


def test_averaged_weights_are_judged_and_kept(tmp_path: Path) -> None:
    made = plan(epochs=3, batch_size=16, optimizer=SGD, make=linear, step={"ema": 0.9})
    result = run(made, tmp_path / "run")
    checkpoint, _ = RunFolder(tmp_path / "run").read_checkpoint("last")
    kept = checkpoints.networks(checkpoint)["main"]
    raw = weights(made)
    assert not torch.equal(kept["0.weight"], raw["0.weight"])
    # An evaluation with what was kept gives what was told.
    again = plan(epochs=3, batch_size=16, optimizer=SGD, make=linear)
    again.networks["main"].load_state_dict(kept)
    other = evaluated(again, tmp_path)
    assert other["val/loss"] == result.metrics["val/loss"]


def evaluated(made: Plan, folder: Path) -> dict[str, float]:
    """The metrics of the validation part by these weights."""
    from netbuilder.training.control import Control
    from netbuilder.training.records.reporter import Reporter

    target = RunFolder.create(folder / "other", b"{}")
    report = Reporter(target, lambda event: None)
    return Run(made, target, Control(), report, torch.device("cpu")).evaluate()


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_learns(tmp_path: Path, precision: str) -> None:
    made = plan(epochs=8, batch_size=16, precision=precision)
    result = run(made, tmp_path / "run")
    assert result.status == "finished"
    assert {p.dtype for p in made.networks["main"].parameters()} == {torch.float32}
    exact = run(plan(epochs=8, batch_size=16), tmp_path / "exact")
    assert result.metrics["train/loss"] != exact.metrics["train/loss"]
    assert result.metrics["train/loss"] == pytest.approx(exact.metrics["train/loss"], abs=0.05)


def images() -> nn.Sequential:
    return nn.Sequential(
        nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 4, 2), nn.ReLU(), nn.Flatten(), nn.Linear(4, 3)
    )


def test_images_by_pixel_compute_the_same(tmp_path: Path) -> None:
    plain = plan(epochs=2, optimizer=SGD, make=images)
    by_pixel = plan(epochs=2, optimizer=SGD, make=images, channels_last=True)
    run(plain, tmp_path / "plain")
    run(by_pixel, tmp_path / "by_pixel")
    weight = by_pixel.networks["main"].get_parameter("1.weight")
    assert weight.is_contiguous(memory_format=torch.channels_last)
    assert close(plain, by_pixel)


def test_without_a_compiler_the_plain_module_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compile(module: nn.Module) -> Any:
        def call(**fields: Any) -> Any:
            raise RuntimeError("no C++ compiler here\nand more")

        return call

    monkeypatch.setattr(torch, "compile", compile)
    made = plan(epochs=2, compile=True)
    result = run(made, tmp_path / "run")
    assert result.status == "finished"
    assert [w for w in result.warnings if "no C++ compiler here" in w and "more" not in w]
    plain = plan(epochs=2)
    run(plain, tmp_path / "plain")
    assert close(plain, made, 0)


@pytest.mark.nightly
@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")  # Deprecations inside the compiler.
def test_a_compiled_step_computes_the_same(tmp_path: Path) -> None:
    made = plan(epochs=2, compile=True, make=linear, optimizer=SGD)
    result = run(made, tmp_path / "run")
    assert (result.status, result.warnings) == ("finished", ())
    plain = plan(epochs=2, make=linear, optimizer=SGD)
    run(plain, tmp_path / "plain")
    assert close(plain, made, 1e-5)
