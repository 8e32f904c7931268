"""Weights that several nodes use."""

from __future__ import annotations

import pytest

from netbuilder.errors import ChangeError
from netbuilder.graph import edits, sharing
from netbuilder.graph.model import Node
from tests.drawing import Drawing
from tests.graph import invariants


def three() -> tuple[Drawing, list[Node]]:
    d = Drawing()
    x = d.input(4)
    nodes = [d.add("Linear", x, name=f"fc{i}", out_features=i + 1) for i in range(3)]
    return d, nodes


def shares(d: Drawing) -> dict[str, str]:
    names = {node.id: node.name for node in d.graph.nodes.values()}
    return {n.name: names[n.shares] for n in d.graph.nodes.values() if n.shares}


def test_the_first_of_the_nodes_is_the_owner() -> None:
    d, nodes = three()
    assert sharing.share(d.history, d.graph, [nodes[2].id, nodes[0].id]).name == "fc0"
    assert shares(d) == {"fc2": "fc0"}


def test_there_are_no_chains() -> None:
    d, nodes = three()
    sharing.share(d.history, d.graph, [nodes[1].id, nodes[2].id])
    sharing.share(d.history, d.graph, [nodes[0].id, nodes[1].id])
    assert shares(d) == {"fc1": "fc0", "fc2": "fc0"}
    d.history.undo()
    assert shares(d) == {"fc2": "fc1"}
    # The owner comes first even if the nodes that use it are chosen.
    extra = d.add("Linear", name="fc3", out_features=3)
    sharing.share(d.history, d.graph, [nodes[2].id, extra.id])
    assert shares(d) == {"fc2": "fc1", "fc3": "fc1"}


def test_what_has_its_own_weights_again_keeps_the_parameters_that_counted() -> None:
    d, nodes = three()
    sharing.share(d.history, d.graph, [node.id for node in nodes])
    assert sharing.part(d.history, d.graph, [node.id for node in nodes]) == 2
    assert shares(d) == {}
    assert {n.params.get("out_features") for n in d.graph.nodes.values()} == {None, 1}


def test_weights_stay_with_the_others_when_their_owner_is_deleted() -> None:
    d, nodes = three()
    sharing.share(d.history, d.graph, [node.id for node in nodes])
    before = invariants.fingerprint(d.document)
    edits.delete(d.history, d.graph, [nodes[0].id])
    assert shares(d) == {"fc2": "fc1"}
    assert d.graph.nodes[nodes[1].id].params == {"out_features": 1}
    d.history.undo()
    assert invariants.fingerprint(d.document) == before
    edits.delete(d.history, d.graph, [nodes[0].id, nodes[1].id])
    assert shares(d) == {}
    assert d.graph.nodes[nodes[2].id].params == {"out_features": 1}


def test_nodes_of_several_layers_are_refused() -> None:
    d, nodes = three()
    relu = d.add("ReLU")
    with pytest.raises(ChangeError, match="one layer"):
        sharing.share(d.history, d.graph, [nodes[0].id, relu.id])
    with pytest.raises(ChangeError, match="two or more"):
        sharing.share(d.history, d.graph, [nodes[0].id])
