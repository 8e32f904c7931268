"""Pictures of a graph: complete, in light colours, whatever the window shows at the moment."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QApplication, QFileDialog

from netbuilder.compiler.report import GraphReport, NodeReport, Report, TensorReport
from netbuilder.errors import NetbuilderError, Problem
from netbuilder.graph import edits
from netbuilder.graph.model import Frame
from netbuilder.gui.canvas import picture
from netbuilder.gui.canvas.wire_item import Screen
from netbuilder.gui.look import theme
from tests.drawing import Drawing, classifier
from tests.gui.canvas_hand import Hand
from tests.gui.window_hand import WindowHand


def _texts(svg: bytes) -> list[str]:
    root = ElementTree.fromstring(svg)
    return [(element.text or "").strip() for element in root.iter() if element.tag.endswith("text")]


def _report(drawing: Drawing) -> Report:
    shape = TensorReport(("N", 4, 8, 8), "float32", "N×4×8×8")
    nodes = {id: NodeReport(outputs={"output": shape}) for id in drawing.graph.nodes}
    wrong = Problem("error", "test", "Something.", graph=drawing.graph.id, node=next(iter(nodes)))
    return Report((wrong,), {drawing.graph.id: GraphReport(nodes)})


def test_an_svg_holds_every_name_and_shape_as_text(qapp: QApplication) -> None:
    drawing = classifier()
    edits.add_frame(drawing.history, drawing.graph, Frame(id="f", title="Head & <tail>"))
    svg = picture.render(drawing.document, drawing.graph, _report(drawing), "svg")
    texts = _texts(svg)
    assert {node.name for node in drawing.graph.nodes.values()} <= set(texts)
    assert "Head & <tail>" in texts
    assert "N×4×8×8" in texts
    assert b"<image" not in svg, "icons are lines, not pixels"
    assert b"sans-serif" in svg
    assert b"Something" not in svg
    assert theme.DARK.card.name().encode() not in svg


def test_a_pdf_is_a_pdf_with_fonts_and_no_pixels(qapp: QApplication) -> None:
    drawing = classifier()
    pdf = picture.render(drawing.document, drawing.graph, None, "pdf")
    assert pdf.startswith(b"%PDF")
    assert b"/FontFile" in pdf
    assert b"/Subtype /Image" not in pdf


def test_a_png_is_light_and_sharp(qapp: QApplication) -> None:
    drawing = classifier()
    png = picture.render(drawing.document, drawing.graph, None, "png")
    image = QImage.fromData(png)
    assert image.width() > 2 * 192
    assert image.pixelColor(2, 2) == QColor("white")
    dark = picture.render(drawing.document, drawing.graph, None, "png", dark=True)
    assert QImage.fromData(dark).pixelColor(2, 2) == theme.DARK.surface


def test_a_selection_is_shown_alone(qapp: QApplication) -> None:
    drawing = classifier()
    names = {node.name: node.id for node in drawing.graph.nodes.values()}
    only = [names["conv1"], names["relu1"]]
    svg = picture.render(drawing.document, drawing.graph, None, "svg", only)
    texts = set(_texts(svg))
    assert {"conv1", "relu1"} <= texts
    assert not {"image", "flatten", "head", "logits"} & texts


def test_a_picture_leaves_the_window_as_it_is(qapp: QApplication) -> None:
    hand = Hand(classifier())
    before = hand.view.grab().toImage()
    listeners = len(hand.drawing.document._listeners)
    picture.render(hand.drawing.document, hand.drawing.graph, None, "svg")
    hand.view.viewport().update()
    hand.settle()
    assert hand.view.grab().toImage() == before
    assert theme.current() is theme.DARK
    assert (Screen.ratio, Screen.vector) == (1.0, False)
    assert len(hand.drawing.document._listeners) == listeners
    hand.close()


def test_an_empty_graph_has_no_picture(qapp: QApplication) -> None:
    drawing = Drawing()
    with pytest.raises(NetbuilderError, match="nothing to show"):
        picture.render(drawing.document, drawing.graph, None, "png")


@pytest.mark.parametrize(
    ("chosen", "kept", "expected", "head"),
    [
        ("net.svg", "", "net.svg", b"<?xml"),
        ("net", "PNG, for chats (*.png)", "net.png", b"\x89PNG"),
        ("v1.2", "PDF, for papers (*.pdf)", "v1.2.pdf", b"%PDF"),
        ("net.mmd", "", "net.mmd", b"flowchart"),
        ("net", "TikZ, for LaTeX (*.tex)", "net.tex", b"\\documentclass"),
    ],
)
def test_the_command_saves_what_was_asked(
    hand: WindowHand,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    chosen: str,
    kept: str,
    expected: str,
    head: bytes,
) -> None:
    hand.open()
    answer = (str(tmp_path / chosen), kept)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: answer)
    hand.window.commands.commands["file.picture"].run()
    assert (tmp_path / expected).read_bytes().startswith(head)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [expected]


def test_the_selections_command_waits_for_one(hand: WindowHand) -> None:
    hand.open()
    command = hand.window.commands.commands["file.picture_selection"]
    assert not command.enabled()
    hand.bench.canvas.select_all()
    assert command.enabled()
