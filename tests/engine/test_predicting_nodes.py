"""A network over a whole graph, asked about one of its nodes and about all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from netbuilder.app.templates import open_template
from netbuilder.engine import describing, exporting, planning, tasks, trained
from netbuilder.exchange import interface, samples
from netbuilder.storage import format
from netbuilder.training.control import Control
from netbuilder.training.loop import train
from netbuilder.training.records.folder import RunFolder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    document = open_template("gcn")
    made = planning.make(document)
    settings = made.settings.model_copy(update={"epochs": 80, "threads": 1})
    folder = RunFolder.create(tmp_path_factory.mktemp("run") / "r", format.dumps(document).encode())
    result = train(replace(made, settings=settings), folder, Control(), lambda event: None)
    assert result.status == "finished"
    return folder.path


def test_a_sample_is_a_node(run: Path) -> None:
    part = planning.make(open_template("gcn")).dataset.validation
    right = 0
    for row in range(10):
        answer = tasks.predict(run, [f"sample:{row}"])
        assert len(answer["outputs"]["logits"]) == 1
        assert answer["expected"]["logits"] == ("Mr. Hi", "Officer")[int(part["label"][row])]
        (said,) = answer["classes"]["logits"]
        right += said["class"] == answer["expected"]["logits"]
    assert right >= 8


def test_given_a_graph_all_nodes_are_answered(run: Path) -> None:
    data = planning.make(open_template("gcn")).dataset
    given = {name: data.shared[name].tolist() for name in ("features", "edge_index")}
    answer = tasks.predict(run, given)
    assert len(answer["outputs"]["logits"]) == len(answer["classes"]["logits"]) == 34
    assert "expected" not in answer
    number = int(data.validation["node"][3])
    one = tasks.predict(run, ["sample:3"])["outputs"]["logits"][0]
    assert answer["outputs"]["logits"][number] == pytest.approx(one)


def test_an_export_is_compared_on_the_graph_itself(run: Path) -> None:
    model = trained.load(run, None)
    specs = interface.of_network(model.document, "main").inputs
    given = exporting.samples_of(model)
    assert {name: tuple(tensor.shape) for name, tensor in given.items()} == {
        "features": (34, 34),
        "edge_index": (2, 156),
    }
    trials = dict(samples.trials(model.module, specs, given))
    assert list(trials) == ["the data", "random inputs"]
    assert torch.equal(trials["the data"][1], given["edge_index"])
    assert trials["random inputs"][1].max() < 34
    assert describing.metadata(model, None)["classes"] == '["Mr. Hi", "Officer"]'
