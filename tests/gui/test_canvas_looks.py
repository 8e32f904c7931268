"""What a node's states look like: each can be told from the others by more than colour."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QFontMetricsF, QImage, QPainter
from PySide6.QtWidgets import QApplication

from netbuilder.app.events import RunChanged
from netbuilder.app.runs import RunView
from netbuilder.compiler.report import GraphReport, NodeReport, Report
from netbuilder.graph import edits
from netbuilder.graph.model import Node
from netbuilder.gui.canvas import brushes
from netbuilder.gui.canvas.node_shape import DOT_SIDE
from netbuilder.gui.look import theme
from netbuilder.storage import files
from tests.drawing import Drawing
from tests.gui.canvas_hand import Hand
from tests.gui.window_hand import WindowHand, settle


def _shot(hand: Hand, node: Node) -> QImage:
    """The node alone, as it is painted at full size, on the canvas's ground."""
    hand.view.canvas.settle_all()
    item = hand.view.canvas.nodes[node.id]
    image = QImage(420, 120, QImage.Format.Format_RGB32)
    image.fill(theme.current().surface)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    hand.view.canvas.render(
        painter, QRectF(0, 0, 420, 120), QRectF(item.x() - 40, item.y() - 40, 420, 120)
    )
    painter.end()
    return image


@pytest.fixture
def hand(qapp: QApplication) -> Hand:
    drawing = Drawing()
    drawing.add("Conv2d", name="conv", out_channels=4, kernel_size=3)
    return Hand(drawing)


@pytest.fixture
def window(qapp: QApplication, home: Path) -> Iterator[WindowHand]:
    result = WindowHand()
    yield result
    result.close()


def _only(hand: Hand) -> Node:
    return next(iter(hand.drawing.graph.nodes.values()))


def test_states_look_different(hand: Hand) -> None:
    node, view = _only(hand), hand.view
    past, graph = hand.drawing.history, hand.drawing.graph
    shots = {"plain": _shot(hand, node)}
    for state in ("selected", "hovered", "dimmed", "running"):
        view.canvas.nodes[node.id].set_state(**{state: True})
        shots[state] = _shot(hand, node)
        view.canvas.nodes[node.id].set_state(**{state: False})
    for field, value in (("mute", "muted"), ("mute", "bypassed"), ("collapsed", True)):
        edits.set_node(past, graph, node.id, **{field: value})
        shots[str(value)] = _shot(hand, node)
        past.undo()
    edits.set_node(past, graph, node.id, note="Ask Ada")
    shots["noted"] = _shot(hand, node)
    names = list(shots)
    same = [
        (one, other)
        for at, one in enumerate(names)
        for other in names[at + 1 :]
        if shots[one] == shots[other]
    ]
    assert same == []
    hand.close()


def test_a_block_is_a_stack_and_tells_how_often(qapp: QApplication) -> None:
    drawing = Drawing()
    block = drawing.add_graph("block", "residual")
    drawing.output(drawing.add("netbuilder.BlockInput", name="input"), name="output")
    drawing.add_graph("network", "main")
    once = drawing.add("netbuilder.Block", name="a", block=block.name)
    often = drawing.add("netbuilder.Block", name="a2", block=block.name, repeat=12)
    hand = Hand(drawing)
    faces = hand.view.canvas.nodes
    assert (faces[once.id].face.kind, faces[once.id].face.repeat) == ("stack", 1)
    assert faces[often.id].face.repeat == 12
    _shot(hand, often)
    texts = faces[often.id].texts
    assert texts is not None
    assert texts.times is not None
    assert texts.times[0].text() == "×12"
    # It stays inside of the card.
    end = texts.times[1].x() + texts.times[0].size().width()
    assert end <= faces[often.id].width
    hand.close()


def test_inside_a_block_nodes_show_the_values_of_the_use_that_is_shown(
    window: WindowHand, tmp_path: Path
) -> None:
    drawing = Drawing()
    block = drawing.add_graph("block", "wide", parameters=({"name": "channels", "default": 8},))
    conv = drawing.add("Conv2d", name="conv", out_channels="=2*channels", kernel_size=3)
    main = drawing.add_graph("network", "main")
    use = drawing.add("netbuilder.Block", name="use", block="wide", values={"channels": 32})
    files.save(drawing.document, tmp_path / "wide.netb")
    window.window.open_path(tmp_path / "wide.netb")
    session = window.session
    session.show(block.id)
    settle()
    canvas = window.bench.canvas.canvas
    assert "16" in canvas.nodes[conv.id].face.subtitle
    session.show(main.id)
    session.enter(use.id)
    settle()
    assert session.graph.id == block.id
    assert "64" in canvas.nodes[conv.id].face.subtitle


def test_a_dot_is_small_and_its_ports_lie_on_the_way(qapp: QApplication) -> None:
    drawing = Drawing()
    dot = drawing.add("netbuilder.Reroute", drawing.input(1, 8, 8))
    hand = Hand(drawing)
    item = hand.view.canvas.nodes[dot.id]
    assert (item.width, item.height) == (DOT_SIDE, DOT_SIDE)
    assert item.ports[False, "input"].x() == item.ports[True, "output"].x() == DOT_SIDE / 2
    assert item.ports[False, "input"].y() < DOT_SIDE / 2 < item.ports[True, "output"].y()
    edits.set_project(drawing.history, flow="right")
    hand.view.canvas.settle_all()
    assert item.ports[False, "input"].x() < DOT_SIDE / 2 < item.ports[True, "output"].x()
    hand.close()


def test_shared_weights_tell_whose_they_are(hand: Hand) -> None:
    drawing, owner = hand.drawing, _only(hand)
    other = drawing.add("Conv2d", name="again", out_channels=4, kernel_size=3)
    edits.set_node(drawing.history, drawing.graph, other.id, shares=owner.id)
    report = Report(graphs={drawing.graph.id: GraphReport({owner.id: NodeReport(parameters=40)})})
    hand.view.set_report(report)
    hand.view.canvas.settle_all()
    assert hand.view.canvas.nodes[owner.id].face.count == "40"
    assert hand.view.canvas.nodes[other.id].face.count == "= conv"
    edits.rename(drawing.history, drawing.graph, owner.id, "first")
    hand.view.canvas.settle_all()
    assert hand.view.canvas.nodes[other.id].face.count == "= first"
    hand.close()


def test_a_collapsed_node_is_smaller_and_keeps_its_ports(hand: Hand) -> None:
    node = _only(hand)
    item = hand.view.canvas.nodes[node.id]
    before = (item.width, item.height, set(item.ports))
    edits.set_node(hand.drawing.history, hand.drawing.graph, node.id, collapsed=True)
    hand.view.canvas.settle_all()
    assert item.width < before[0]
    assert item.height < before[1]
    assert set(item.ports) == before[2]
    assert hand.view.canvas.places.box(node.id) == item.box
    hand.close()


def test_nodes_with_weights_show_that_they_are_trained(window: WindowHand) -> None:
    window.open()
    items = window.bench.canvas.canvas.nodes
    graph = window.session.graph
    conv = next(node.id for node in graph.nodes.values() if node.layer == "torch.nn.Conv2d")
    relu = next(node.id for node in graph.nodes.values() if node.layer == "torch.nn.ReLU")
    report = Report(graphs={graph.id: GraphReport({conv: NodeReport(parameters=40)})})
    window.bench.canvas.set_report(report)
    window.bench.hear(RunChanged(RunView(Path("run"), "running")))
    assert (items[conv].running, items[relu].running) == (True, False)
    window.bench.hear(RunChanged(RunView(Path("run"), "finished")))
    assert not items[conv].running


@pytest.mark.parametrize("tokens", [theme.DARK, theme.LIGHT], ids=lambda tokens: tokens.name)
def test_texts_in_a_familys_colour_can_be_read(tokens: theme.Theme) -> None:
    for family in tokens.families:
        assert theme.contrast(tokens.family_text(family), tokens.card) >= 4.5


def test_of_an_endless_text_no_more_is_looked_at_than_a_line_shows(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[int] = []

    class Measures(QFontMetricsF):
        def elidedText(self, text: str, *more: Any) -> str:
            measured.append(len(text))
            return super().elidedText(text, *more)

    monkeypatch.setattr(brushes, "QFontMetricsF", Measures)
    kind = brushes.Type(qapp.font())
    assert len(kind.elided("w" * 1_000_000, 200.0)) < 100
    assert kind.elided("short", 200.0) == "short"
    assert measured == [brushes.MOST, 5]
