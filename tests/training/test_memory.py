"""Memory that is not enough: a friendly end, a way out by one click, and an exact way back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from netbuilder.engine import protocol
from netbuilder.errors import Fix, RunError
from netbuilder.graph import fixes
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.layers import catalogue
from netbuilder.training import failures
from netbuilder.training.checkpointing import sealed
from netbuilder.training.optimisation.updating import Updating
from netbuilder.training.records.events import Event
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.settings import TrainingSettings, read_training
from tests.training.resuming import train_with
from tests.training.standins import Heard, plan, run

SIZE: dict[str, Any] = {"batch_size": 7, "epochs": 3, "checkpoint_s": 1e6, "checkpoint_steps": 2}
FULL = "CUDA out of memory. Tried to allocate 2.00 GiB"


def full_at(step: int) -> Callable[[int, Tensor], Tensor]:
    def spoil(number: int, loss: Tensor) -> Tensor:
        if number == step - 1:
            raise torch.OutOfMemoryError(FULL)
        return loss

    return spoil


def full_in_validation(module: nn.Module) -> None:
    def hook(module: nn.Module, arguments: Any) -> None:
        if not module.training:
            raise torch.OutOfMemoryError(FULL)

    module.register_forward_pre_hook(hook)


@pytest.mark.parametrize("step", [1, 9, 20])
def test_at_a_step(tmp_path: Path, step: int) -> None:
    result = run(plan(**SIZE, spoil=full_at(step)), tmp_path / "r")
    assert (result.status, result.steps) == ("failed", step - 1)
    assert result.error is not None
    assert result.error["message"] == ("Out of memory, with batches of 7 samples and 83 weights.")
    assert result.error["hint"].startswith("Set batch_size to 3 and accumulate to 2, or make")
    folder = RunFolder.open(tmp_path / "r")
    # What a broken-off batch left of the weights and gradients is of no step.
    kept = [sealed.read(each.path).info["step"] for each in folder.checkpoints("last")]
    assert bool(kept) == (step > 2)
    # One is begun at every second batch unless the one before is still being written.
    assert all(2 <= number < step for number in kept)
    assert folder.status()["error"] == result.error


def test_in_the_first_update(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def step(self: Any, closure: Any = None) -> None:
        raise torch.OutOfMemoryError(FULL)

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", step)
        result = run(plan(**SIZE), tmp_path / "r")
    assert (result.status, result.steps) == ("failed", 0)
    assert "Out of memory" in (result.error or {})["message"]
    # Not again by itself, and well once there is room.
    assert run(plan(**SIZE), tmp_path / "r", resume=True).status == "finished"


def test_in_validation(tmp_path: Path) -> None:
    made = plan(**SIZE)
    full_in_validation(made.steps[0].module)
    result = run(made, tmp_path / "r")
    assert (result.status, result.steps, result.epochs) == ("failed", 7, 0)
    assert "Out of memory while evaluating" in (result.error or {})["message"]
    # Nothing is lost: the batches were made, the evaluation is to come.
    assert RunFolder.open(tmp_path / "r").read_checkpoint("last")[0].info["step"] == 7


@pytest.mark.parametrize("where", ["step 1", "step 9", "validation", "update"])
@pytest.mark.parametrize("settings", [{}, {"accumulate": 3}], ids=["", "accumulated"])
def test_the_way_back_is_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, settings: dict[str, Any]
) -> None:
    arguments = {**SIZE, **settings}
    whole = train_with(plan, tmp_path / "whole", **arguments)
    made = plan(**arguments, spoil=full_at(int(where[5:])) if where[:4] == "step" else None)
    if where == "validation":
        full_in_validation(made.steps[0].module)
    with monkeypatch.context() as patch:
        if where == "update":
            original, count = Updating._update, iter(range(100))

            def update(self: Updating, again: Any) -> None:
                if next(count) == 3:
                    # As when there was no room for the second half of the moments.
                    self.optimizers[0].state.popitem()
                    self.parameters[0].data.add_(1.0)
                    raise torch.OutOfMemoryError(FULL)
                original(self, again)

            patch.setattr(Updating, "_update", update)
        assert run(made, tmp_path / "r").status == "failed"
    rest = plan(**arguments)
    run(rest, tmp_path / "r", resume=True)
    kept = {f"main.{name}": tensor for name, tensor in rest.networks["main"].state_dict().items()}
    assert all(torch.equal(kept[name], whole.weights[name]) for name in kept)


def test_the_fix_halves_the_batch_in_the_project(tmp_path: Path) -> None:
    heard = Heard()
    run(plan(**SIZE, spoil=full_at(3)), tmp_path / "r", listen=heard)
    told: Event = heard.of("finished")[0]
    (fix,) = Fix.read(told.values["error"]["fixes"])
    assert fix.title == "Halve the batch and accumulate 2"
    document = Document()
    history = History(document)
    with history.step("Set"):
        from netbuilder.graph import edits

        edits.set_project(history, training={"batch_size": 7, "epochs": 3})
    fixes.apply_fix(history, fix, catalogue.ports_of)
    chosen = read_training(document.project.training)
    assert (chosen.batch_size, chosen.accumulate, chosen.epochs) == (3, 2, 3)
    history.undo()
    assert document.project.training == {"batch_size": 7, "epochs": 3}


def test_a_batch_of_one_can_not_be_halved() -> None:
    error = failures.explain(torch.OutOfMemoryError(FULL), TrainingSettings(batch_size=1), 10)
    assert error.fixes == ()
    assert error.hint == "Make the network smaller."


def test_fixes_travel_with_an_error() -> None:
    error = failures.explain(MemoryError(), TrainingSettings(batch_size=64, accumulate=2), 10)
    back = protocol.error_from_json(protocol.error_to_json(error))
    assert isinstance(back, RunError)
    assert back.fixes == error.fixes
    assert back.fixes[0].arguments == {"values": {"batch_size": 32, "accumulate": 4}}


@pytest.mark.parametrize(
    "text",
    [
        "CUDA error: device-side assert triggered\nmore",
        "CUDA error: an illegal memory access was encountered",
    ],
)
def test_a_device_that_fails_offers_the_cpu(tmp_path: Path, text: str) -> None:
    def spoil(number: int, loss: Tensor) -> Tensor:
        raise RuntimeError(text)

    result = run(plan(**SIZE, spoil=spoil), tmp_path / "r")
    assert result.error is not None
    assert result.error["message"] == f"The device failed: {text.splitlines()[0]}"
    (fix,) = Fix.read(result.error["fixes"])
    assert fix.arguments == {"values": {"device": "cpu"}}
    # Nothing is left behind that would keep another run from going well.
    assert run(plan(**SIZE), tmp_path / "again").status == "finished"
