"""Templates over graphs on a graph of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netbuilder.app import fitting
from netbuilder.data import places
from netbuilder.data.proposals import proposing
from netbuilder.engine import planning, tasks

NETWORKS = ["gcn", "graphsage", "gin", "gat"]


@pytest.fixture
def proposal(tmp_path: Path) -> dict[str, Any]:
    """A ring of 30 nodes, three classes of ten neighbours each."""
    ring = "\n".join(f"n{at} n{(at + 1) % 30}" for at in range(30))
    nodes = "\n".join(f"n{at} {'abc'[at // 10]}" for at in range(30))
    (tmp_path / "ring.edges").write_text(ring)
    (tmp_path / "ring.nodes").write_text(nodes)
    return proposing.propose(tmp_path / "ring.edges").to_json()


def test_all_of_them_are_offered(proposal: dict[str, Any]) -> None:
    assert fitting.choose(proposal) == NETWORKS


@pytest.mark.parametrize("template", NETWORKS)
def test_they_take_its_nodes_edges_and_classes(
    proposal: dict[str, Any], template: str, tmp_path: Path
) -> None:
    document = fitting.begin(template, proposal)
    assert tasks.analyse(document, source=False).problems == ()
    with places.given(places.Places(None, (str(tmp_path),))):
        made = planning.make(document)
    batch = {name: made.dataset.train[name] for name in made.dataset.train}
    step = made.steps[0]
    given = step.arguments(batch, made.dataset.shared)
    _, metrics, shown = step.module(**given, previews=True)
    count = len(batch["label"])
    assert metrics["accuracy"][0].shape == (count, 3)
    wide = {"gat": 64}.get(template, 16)
    assert shown["map"][0].shape == (count, wide)
