"""The tabs of a project's graphs by mouse and keys."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.gui.graph_tabs import GraphTabs
from tests.gui.window_hand import LEFT, WindowHand, settle

CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


@pytest.fixture
def tabs(hand: WindowHand) -> GraphTabs:
    """Networks main, second and third, and the step train."""
    hand.open()
    for name in ("second", "third"):
        hand.bench.tabs.add("network")
        settle()
        hand.bench.tabs.rename()
        write(hand.bench.tabs, name)
    return hand.bench.tabs


def write(tabs: GraphTabs, name: str, end: Qt.Key = Qt.Key.Key_Return) -> None:
    """Type over the name in the field of a tab."""
    assert QApplication.focusWidget() is tabs.renamer
    QTest.keyClicks(tabs.renamer, name)
    QTest.keyClick(tabs.renamer, end)
    settle()


def names(tabs: GraphTabs) -> list[str]:
    return [tabs.bar.tabText(at) for at in range(tabs.bar.count())]


def at(tabs: GraphTabs, name: str) -> QPoint:
    return tabs.bar.tabRect(names(tabs).index(name)).center()


def drag(tabs: GraphTabs, name: str, to: QPoint) -> None:
    start = at(tabs, name)
    QTest.mousePress(tabs.bar, LEFT, pos=start)
    for share in (0.2, 0.5, 0.8, 1.0):
        QTest.mouseMove(tabs.bar, start + (to - start) * share)
        settle()
    QTest.mouseRelease(tabs.bar, LEFT, pos=to)
    settle()


def test_a_click_shows_a_graph(hand: WindowHand, tabs: GraphTabs) -> None:
    assert names(tabs) == ["main", "second", "third", "train"]
    QTest.mouseClick(tabs.bar, LEFT, pos=at(tabs, "train"))
    settle()
    assert hand.session.graph.name == "train"


def test_a_double_click_renames_in_place(hand: WindowHand, tabs: GraphTabs) -> None:
    QTest.mouseDClick(tabs.bar, LEFT, pos=at(tabs, "main"))
    settle()
    write(tabs, "encoder")
    assert names(tabs)[0] == "encoder"
    step = hand.session.document.of_kind("step")[0]
    calls = {node.params.get("network") for node in step.nodes.values()} - {None}
    assert calls == {"encoder"}, "calls follow"
    hand.session.history.undo()
    settle()
    assert names(tabs)[0] == "main"


def test_a_name_that_is_taken_is_refused_while_typing(hand: WindowHand, tabs: GraphTabs) -> None:
    QTest.mouseDClick(tabs.bar, LEFT, pos=at(tabs, "main"))
    settle()
    write(tabs, "third")
    assert tabs.renamer.isVisible(), "Enter keeps the field open"
    assert tabs.renamer.property("invalid")
    assert "another network" in hand.window.status.notice.text()
    QTest.keyClick(tabs.renamer, Qt.Key.Key_Escape)
    settle()
    assert names(tabs)[0] == "main"


def test_a_tab_is_dragged_to_another_place(hand: WindowHand, tabs: GraphTabs) -> None:
    drag(tabs, "third", at(tabs, "main") - QPoint(12, 0))
    assert names(tabs) == ["third", "main", "second", "train"]
    assert [g.name for g in hand.session.document.of_kind("network")] == ["third", "main", "second"]
    assert hand.session.history.undo() == "Move third"
    settle()
    assert names(tabs) == ["main", "second", "third", "train"]


def test_kinds_stay_together(hand: WindowHand, tabs: GraphTabs) -> None:
    state = hand.session.history.state
    drag(tabs, "train", at(tabs, "main") - QPoint(12, 0))
    assert names(tabs) == ["main", "second", "third", "train"]
    assert hand.session.history.state == state
    drag(tabs, "main", at(tabs, "train") + QPoint(12, 0))
    assert names(tabs) == ["second", "third", "main", "train"]
    assert hand.session.graph.name == "main"


def test_keys_go_from_graph_to_graph_and_move_them(hand: WindowHand, tabs: GraphTabs) -> None:
    hand.session.show(hand.session.document.of_kind("network")[0].id)
    settle()
    hand.key(Qt.Key.Key_PageDown, CTRL)
    assert hand.session.graph.name == "second"
    hand.key(Qt.Key.Key_PageUp, CTRL)
    hand.key(Qt.Key.Key_PageUp, CTRL)
    assert hand.session.graph.name == "train"
    hand.key(Qt.Key.Key_PageDown, CTRL)
    hand.key(Qt.Key.Key_PageDown, CTRL | SHIFT)
    assert names(tabs) == ["second", "main", "third", "train"]
    hand.key(Qt.Key.Key_PageUp, CTRL | SHIFT)
    assert names(tabs) == ["main", "second", "third", "train"]


def test_shift_f2_renames_the_graph(hand: WindowHand, tabs: GraphTabs) -> None:
    hand.key(Qt.Key.Key_F2, SHIFT)
    write(tabs, "decoder")
    assert "decoder" in names(tabs)


def test_a_copy_is_shown_and_can_be_undone(hand: WindowHand, tabs: GraphTabs) -> None:
    main = hand.session.document.of_kind("network")[0]
    hand.session.show(main.id)
    settle()
    hand.command("graph.duplicate")
    assert names(tabs)[0] == "main"
    assert hand.session.graph.name == names(tabs)[1]
    assert set(hand.bench.canvas.canvas.nodes) == set(main.nodes)
    hand.session.history.undo()
    settle()
    assert names(tabs) == ["main", "second", "third", "train"]


def test_who_still_calls_a_removed_network_is_told(hand: WindowHand, tabs: GraphTabs) -> None:
    hand.session.show(hand.session.document.of_kind("network")[0].id)
    settle()
    hand.command("graph.remove")
    assert names(tabs) == ["second", "third", "train"]
    assert hand.window.status.notice.text() == "main is gone and is still called in train."
    hand.session.history.undo()
    settle()
    assert names(tabs)[0] == "main"


def test_the_menu_of_a_tab_works_on_that_tab(hand: WindowHand, tabs: GraphTabs) -> None:
    tabs.bar.customContextMenuRequested.emit(at(tabs, "second"))
    settle()
    menu = QApplication.activePopupWidget()
    assert menu is not None
    actions = {action.text(): action for action in menu.actions()}
    actions["Move left"].trigger()
    settle()
    assert names(tabs)[:2] == ["second", "main"]
    menu.close()
    settle()


def test_the_flow_turns_in_all_graphs_as_one_step(hand: WindowHand, tabs: GraphTabs) -> None:
    hand.session.show(hand.session.document.of_kind("network")[0].id)
    settle()
    before = hand.session.document.copy()
    assert hand.window.commands.commands["arrange.flow"].words() == "Let data flow right"
    hand.command("arrange.flow")
    assert hand.session.document.project.flow == "right"
    for graph in hand.session.document.graphs.values():
        for wire in graph.wires.values():
            source, target = graph.nodes[wire.source], graph.nodes[wire.target]
            assert source.x < target.x, "data goes right"
    assert hand.window.commands.commands["arrange.flow"].words() == "Let data flow down"
    assert hand.session.history.undo() == "Let data flow right"
    assert hand.session.document == before
