"""New projects of the usual kinds, from the start page and from the palette of a step."""

from __future__ import annotations

from PySide6.QtGui import QAction

from netbuilder.app.kinds import KINDS
from netbuilder.gui.canvas.search import entries, of_project
from tests.gui.window_hand import WindowHand, settle


def test_the_start_page_begins_each_kind(hand: WindowHand) -> None:
    menu = hand.window.start.kinds.menu()
    assert [action.text() for action in menu.actions()] == [kind.title for kind in KINDS]
    action = menu.findChild(QAction, "kind.adversarial")
    assert action is not None
    action.trigger()
    settle()
    names = [graph.name for graph in hand.session.document.of_kind("step")]
    assert names == ["discriminate", "generate"]
    assert hand.session.document.project.title == "Untitled"


def test_samplers_stand_with_the_layers_and_call_what_the_step_trains(hand: WindowHand) -> None:
    hand.window.projects.new_kind("adversarial")
    settle()
    document = hand.session.document
    step = next(graph for graph in document.of_kind("step") if graph.name == "generate")
    found = {entry.layer: entry for entry in entries(document, step) if not of_project(entry)}
    assert found["netbuilder.TextSampler"].title == "TextSampler"
    assert found["netbuilder.GradientPenalty"].params == {"network": "generator"}
    networks = [of_project(entry) for entry in entries(document, step) if of_project(entry)]
    assert sorted(networks) == ["discriminator", "generator"]
