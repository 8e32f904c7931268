"""Which data feeds a network's inputs, and which its outputs are compared with."""

from __future__ import annotations

import pytest

from netbuilder.app.templates import open_template
from netbuilder.engine import meaning
from netbuilder.engine.meaning import Meaning
from netbuilder.graph import edits
from netbuilder.graph.history import History
from netbuilder.layers.catalogue import ports_of


@pytest.mark.parametrize(
    ("template", "inputs", "targets"),
    [
        ("digits_cnn", {"image": "image"}, {"logits": "label"}),
        ("mlp_regression", {"features": "features"}, None),
        ("autoencoder", None, None),
    ],
)
def test_templates(
    template: str, inputs: dict[str, str] | None, targets: dict[str, str] | None
) -> None:
    found = meaning.of_network(open_template(template), "main")
    assert found.inputs
    assert found.targets
    assert inputs in (None, found.inputs)
    assert targets in (None, found.targets)


def test_what_rows_are_chosen_of_a_graph_is_known() -> None:
    found = meaning.of_network(open_template("gcn"), "main")
    assert found.inputs == {"features": "features", "edge_index": "edge_index"}
    assert found.targets == {"logits": "label"}
    assert found.rows == {"logits": "node", "hidden": "node"}


def test_a_network_that_no_step_calls_means_nothing() -> None:
    assert meaning.of_network(open_template("digits_cnn"), "other") == Meaning()


def test_a_dot_in_a_wire_changes_nothing() -> None:
    document = open_template("digits_cnn")
    (step,) = document.of_kind("step")
    history = History(document)
    for wire in list(step.wires.values()):
        dot = edits.add_node(history, step, "netbuilder.Reroute")
        edits.insert_on_wire(history, step, wire.id, dot.id, ports_of)
    assert meaning.of_network(document, "main") == meaning.of_network(
        open_template("digits_cnn"), "main"
    )


def test_a_network_hands_its_input_on_to_those_in_it() -> None:
    document = open_template("detector_small")
    assert meaning.of_network(document, "boxes") == Meaning(inputs={"image": "image"})
