"""What all samples share comes whole to every place that runs a step."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from netbuilder.app.templates import open_template
from netbuilder.engine import finding_batch, planning
from netbuilder.training import placing, threads
from netbuilder.training.control import Control
from netbuilder.training.observing import previews
from netbuilder.training.observing.instruments import Instruments
from netbuilder.training.placing import Hosted
from netbuilder.training.records.folder import RunFolder
from netbuilder.training.trials import finding_rate, replaying, verifying
from tests.training import sharing
from tests.training.standins import Heard, losses, network, run, same, weights

SIZE: dict[str, Any] = {"batch_size": 7, "epochs": 2, "checkpoint_s": 1e6}


def test_it_trains_as_if_every_sample_had_its_own(tmp_path: Path) -> None:
    found = []
    for name, make in (("plain", sharing.plain), ("shared", sharing.shared)):
        torch.manual_seed(5)
        made = make(network(), **SIZE)
        heard = Heard()
        result = run(made, tmp_path / name, listen=heard)
        shown = heard.of("preview")[-1].values["previews"]["shown"]
        found.append((losses(made), weights(made), result.metrics, shown))
    (first, second) = found
    assert first[0] == second[0]
    assert same(first[1], second[1])
    assert first[2] == second[2]
    assert first[3]["confidence"] == second[3]["confidence"]


def test_a_stopped_run_goes_on_exactly() -> None:
    def make() -> Any:
        torch.manual_seed(5)
        return sharing.shared(network(), **SIZE)

    assert verifying.verify(make, 9)["exact"]


def test_the_instruments_and_previews_see_it(tmp_path: Path) -> None:
    made = sharing.shared(network(), **SIZE)
    data = made.dataset
    batch = {name: tensor[:5] for name, tensor in data.train.items()}
    looking = Instruments(made.steps, tmp_path, data.shared)
    assert looking.look(batch, 0) == {"nodes": {}}
    made.steps[0].module.eval()
    shown = previews.of_step(made.steps[0], data)["shown"]
    assert len(shown["predicted"]) == len(data.validation["label"])
    assert shown["input"] is None


def test_it_goes_to_the_device_though_the_samples_stay_on_the_host() -> None:
    data = sharing.shared(network()).dataset
    placed = placing.place(data, torch.device("meta"), limit=0)
    assert isinstance(placed.train, Hosted)
    assert not placed.train["label"].is_meta
    assert placed.shared["table"].is_meta


def test_a_bad_batch_is_replayed_with_it(tmp_path: Path) -> None:
    def spoil(number: int, loss: Tensor) -> Tensor:
        return loss * float("nan") if number == 3 else loss

    def make() -> Any:
        torch.manual_seed(5)
        made = sharing.shared(network(), **SIZE)
        step = made.steps[0]
        return replace(
            made, steps=(replace(step, module=sharing.Rows(made.networks["main"], spoil)),)
        )

    assert run(make(), tmp_path / "r").status == "failed"
    folder = RunFolder.open(tmp_path / "r")
    assert set(replaying.read(folder).fields) == {"node", "label"}
    answer = replaying.replay(make(), folder)
    assert answer["step"] == 4
    assert answer["losses"]["train"] > 0


def test_its_size_does_not_grow_with_the_batch() -> None:
    made = sharing.shared(network(), **SIZE)
    plain = sharing.plain(network(), **SIZE)
    few, many = (threads.work(made.steps, made.dataset, count) for count in (2, 16))
    assert (few, many) == tuple(threads.work(plain.steps, plain.dataset, n) for n in (2, 16))


def test_a_search_for_a_batch_runs_on_it() -> None:
    made = planning.make(open_template("gcn"))
    answer = finding_batch.find(made)
    assert answer["largest"] == 4
    assert all(row["measured"] is not None for row in answer["table"])


def test_a_search_for_a_rate_runs_on_it() -> None:
    made = sharing.shared(network(), **SIZE)
    found = finding_rate.sweep(made, points=10, control=Control())
    assert len(found.losses) == 10
