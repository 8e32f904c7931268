"""Every template's networks leave as ONNX, come in again, and leave again: both files are equal.

One is tried in every test run, all of them by `pytest -m templates`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app.templates import open_template, templates
from netbuilder.engine import exporting, tasks
from netbuilder.exchange.options import ExportOptions
from netbuilder.graph.document import Document
from tests.exchange.around import Around, go_around, layers

IDS = [info.id for info in templates()]
TOLERANCE = 1e-5
"""Of the second file against the first: both are run by ONNX Runtime."""
READ = {
    "digits_lstm": {"LSTM": 1, "Linear": 1},
    "gru_sequence": {"GRU": 1, "Linear": 1},
    "lstm_text": {"Embedding": 1, "LSTM": 1, "Linear": 1},
    "rnn_text": {"Embedding": 1, "RNN": 1, "Linear": 1},
}
"""How often layers with weights are in what came in: as often as in the original."""
NO_SHAPES = frozenset({"lstm_text", "rnn_text"})
"""What has nothing but layers with weights."""


def _leave(document: Document, network: str, path: Path) -> None:
    answer = tasks.export(document, ExportOptions("onnx", network), path)
    assert answer["verified"], answer


def _holds(id: str, network: str, found: Around) -> None:
    assert len(found.errors) >= 2, found.errors
    assert max(found.errors.values()) < TOLERANCE, (network, found.errors)
    kinds = Counter(layer.rpartition(".")[2] for layer in layers(found.brought))
    for kind, count in READ.get(id, {}).items():
        assert kinds[kind] == count, (network, kinds)
    if id in NO_SHAPES:
        assert sum(kinds.values()) == sum(READ[id].values()), kinds


def test_a_template_goes_around(tmp_path: Path) -> None:
    document = open_template("lenet5")
    found = go_around(document, "main", tmp_path)
    _holds("lenet5", "main", found)
    original = document.network("main")
    assert original is not None
    kinds = {"Conv2d", "Linear"}
    for kind in kinds:
        before = sum(node.layer == f"torch.nn.{kind}" for node in original.nodes.values())
        assert layers(found.brought).count(f"torch.nn.{kind}") == before


@pytest.mark.templates
@pytest.mark.timeout(1800)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("id", IDS)
def test_its_networks_go_around(id: str, tmp_path: Path) -> None:
    document = open_template(id)
    for network in document.of_kind("network"):
        folder = tmp_path / network.name
        folder.mkdir()
        real: Any = exporting.samples_of(exporting.untrained(document, network.name))
        found = go_around(document, network.name, folder, _leave, real)
        _holds(id, network.name, found)
