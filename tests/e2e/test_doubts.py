"""What the add list and a drawn wire doubt, against what PyTorch says of whole projects."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtWidgets import QApplication

from netbuilder.app.templates import open_template
from netbuilder.compiler.report import Report
from netbuilder.engine import tasks
from netbuilder.graph.document import Document
from netbuilder.graph.history import History
from netbuilder.graph.rules import End
from netbuilder.gui.canvas import offers
from netbuilder.gui.canvas.edit import LooseEnd, Spot
from netbuilder.gui.canvas.view import CanvasView
from netbuilder.gui.look import theme


@pytest.fixture(scope="module")
def app() -> QApplication:
    app = QApplication.instance() or QApplication(["netbuilder"])
    assert isinstance(app, QApplication)
    theme.apply_theme(app, "dark")
    return app


@pytest.fixture
def view(app: QApplication) -> Iterator[CanvasView]:
    view = CanvasView()
    yield view
    view.close()
    view.deleteLater()


def opened(id: str) -> tuple[Document, Report]:
    document = open_template(id)
    return document, tasks.analyse(document)


@pytest.mark.parametrize("id", ["digits_cnn", "digits_lstm", "autoencoder"])
def test_no_wire_of_a_sound_project_is_doubted(view: CanvasView, id: str) -> None:
    document, report = opened(id)
    assert report.ok
    view.set_report(report)
    known = 0
    for graph in document.graphs.values():
        view.set_graph(document, History(document), graph)
        for wire in graph.wires.values():
            source = End(wire.source, wire.source_port)
            found = offers.misfit(view, source, End(wire.target, wire.target_port))
            assert not found, (graph.nodes[wire.source].name, graph.nodes[wire.target].name)
            known += offers.incoming(view, Spot(wire=wire.id)) is not None
    assert known > 6, "shapes were known"
    view.set_graph(None, None, None)


def test_after_a_flattened_vector_images_are_doubted(view: CanvasView) -> None:
    document, report = opened("digits_cnn")
    network = document.of_kind("network")[0]
    view.set_report(report)
    view.set_graph(document, History(document), network)
    flat = network.named("flatten")
    assert flat is not None
    offered = offers.offered(view, Spot(ends=(LooseEnd(flat.id, "output", True),)))
    doubted = {entry.title for entry in offered if entry.doubt}
    assert {"Conv2d", "MaxPool2d", "BatchNorm2d"} <= doubted
    assert not {"Linear", "ReLU", "Dropout", "BatchNorm1d", "add", "Output"} & doubted
    view.set_graph(None, None, None)
