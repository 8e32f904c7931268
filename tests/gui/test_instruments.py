"""Instruments of a training on the canvas: by the menu, by keys, and while things change."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from netbuilder.app.events import RunChanged
from netbuilder.app.runs import RunView
from netbuilder.gui.canvas.gauge import Gauge
from netbuilder.gui.canvas.shading import Lens, shades
from netbuilder.training.observing.watching import FILE, WATCH
from tests.gui.test_context_menu import choose, open_menu
from tests.gui.window_hand import WindowHand, settle, wait_for

SHIFT = Qt.KeyboardModifier.ShiftModifier


class Trained:
    """An open project whose run shows itself in a folder."""

    def __init__(self, hand: WindowHand, folder: Path) -> None:
        self.hand, self.folder = hand, folder
        self.step = 0
        hand.open()
        hand.bench.canvas.set_zoom(1.0)
        hand.bench.canvas.center_on(hand.select("relu1"))
        self.run("running")

    def run(self, status: Any) -> None:
        assert not self.hand.bench.instruments.wanted or status != "running"
        self.hand.bench.hear(RunChanged(RunView(self.folder, status)))
        settle()

    def id(self, name: str) -> str:
        node = self.hand.session.graph.named(name)
        assert node is not None
        return node.id

    def wire(self, source: str) -> str:
        """The wire that leaves a node."""
        graph = self.hand.session.graph
        return next(w.id for w in graph.wires.values() if w.source == self.id(source))

    def gauge(self, source: str) -> Gauge | None:
        return self.hand.bench.canvas.canvas.wires[self.wire(source)].gauge

    def shows(self, **gradients: float) -> None:
        """The training tells these lengths of gradients, and a mean for each that is ten times."""
        self.step += 1
        tensor = {"shape": [4], "std": 1.0, "min": 0.0, "max": 2.0, "dead": 0.25, "counts": [1, 3]}
        nodes = {
            self.id(name): {
                "gradient": value,
                "outputs": [{**tensor, "mean": 10 * value}],
                "ms": value,
            }
            for name, value in gradients.items()
        }
        told = {"step": self.step, "nodes": {self.hand.session.graph.id: nodes}}
        (self.folder / FILE).write_text(json.dumps(told))
        # Clocks of file systems may be coarse.
        os.utime(self.folder / FILE, ns=(self.step * 10**9, self.step * 10**9))


@pytest.fixture
def trained(hand: WindowHand, tmp_path: Path) -> Trained:
    return Trained(hand, tmp_path)


def middle(trained: Trained, wire: str) -> QPointF:
    """A point on a wire, clear of the nodes."""
    item = trained.hand.bench.canvas.canvas.wires[wire]
    return item.path().pointAtPercent(0.5)


def test_an_instrument_is_put_on_a_wire_by_the_menu_and_taken_off_by_a_key(
    trained: Trained,
) -> None:
    hand = trained.hand
    trained.shows(conv1=0.5)
    # Nobody asks before something is to be seen.
    assert not (trained.folder / WATCH).exists()
    choose(open_menu(hand, middle(trained, trained.wire("conv1"))), "wire.instrument")
    gauge = trained.gauge("conv1")
    assert gauge is not None
    assert (trained.folder / WATCH).exists()
    assert gauge.lines() == ("5 ± 1", "25% dead")
    trained.shows(conv1=0.7)
    wait_for(lambda: gauge.lines()[0] == "7 ± 1")
    canvas = hand.bench.canvas
    canvas.setFocus()
    QTest.keyClick(canvas.viewport(), Qt.Key.Key_I, SHIFT)
    settle()
    assert trained.gauge("conv1") is None
    assert not (trained.folder / WATCH).exists()


def test_a_gauge_moves_with_its_wire_and_comes_back_with_it(trained: Trained) -> None:
    hand = trained.hand
    hand.bench.canvas.select([trained.wire("conv1")])
    hand.command("wire.instrument")
    gauge = trained.gauge("conv1")
    assert gauge is not None
    at = gauge.scenePos()
    hand.bench.canvas.select([trained.id("conv1"), trained.id("norm1")])
    QTest.keyClick(hand.bench.canvas.viewport(), Qt.Key.Key_Right)
    settle()
    assert gauge.scenePos() != at
    hand.bench.canvas.select([trained.wire("conv1")])
    hand.command("edit.delete")
    hand.command("edit.undo")
    again = trained.gauge("conv1")
    assert again is not None
    # Another graph and back: still there.
    step = hand.session.document.of_kind("step")[0]
    here = hand.session.graph.id
    hand.session.show(step.id)
    hand.session.show(here)
    settle()
    assert trained.gauge("conv1") is not None


def test_nodes_are_coloured_and_get_their_own_colours_back(trained: Trained) -> None:
    hand = trained.hand
    items = hand.bench.canvas.canvas.nodes
    trained.shows(conv1=1e-3, conv2=1.0)
    hand.command("view.lens.gradient")
    first, second = items[trained.id("conv1")].shade, items[trained.id("conv2")].shade
    assert first is not None
    assert second is not None
    assert first[0] != second[0]
    assert (first[1], second[1]) == ("∇ 0.001", "∇ 1")
    assert items[trained.id("relu1")].shade is None
    hand.select("conv2")
    assert hand.bench.inspector.page is not None
    facts = hand.bench.inspector.page.facts
    assert facts is not None
    assert facts.lines()["gradient length"] == "1"
    # What was seen last stays when the run is over; another run begins anew.
    trained.run("finished")
    assert items[trained.id("conv2")].shade is not None
    hand.command("view.lens.family")
    assert items[trained.id("conv2")].shade is None


def test_the_checked_entry_is_the_lens_in_use(trained: Trained) -> None:
    hand = trained.hand
    commands = hand.window.commands.commands

    def checked() -> list[str]:
        return [
            id
            for id, command in commands.items()
            if id.startswith("view.lens.") and command.checked is not None and command.checked()
        ]

    assert checked() == ["view.lens.family"]
    hand.command("view.lens.time")
    assert checked() == ["view.lens.time"]
    assert commands["view.instruments_off"].enabled()
    hand.command("view.instruments_off")
    assert checked() == ["view.lens.family"]
    assert not commands["view.instruments_off"].enabled()


def test_equal_figures_are_one_colour_and_small_differences_no_glaring_one() -> None:
    from netbuilder.app.looks import NodeLook

    looks = {"a": NodeLook(gradient=1.0), "b": NodeLook(gradient=1.1), "c": NodeLook(gradient=10.0)}
    near = shades(Lens.GRADIENT, {id: looks[id] for id in "ab"})
    far = shades(Lens.GRADIENT, looks)
    assert near["b"][0] != far["c"][0]
    zero = shades(Lens.GRADIENT, {"a": NodeLook(gradient=0.0)})
    assert zero["a"][1] == "∇ 0"
    assert shades(Lens.TIME, {"a": NodeLook(), "b": NodeLook(ms=0.0)}).keys() == {"b"}


def test_of_several_processes_it_is_said_that_they_show_nothing(
    hand: WindowHand, tmp_path: Path
) -> None:
    hand.open()
    hand.command("run.train")
    hand.event(1, "started", epochs=3, steps=300, processes=2)
    notice = hand.window.status.notice
    hand.command("view.lens.gradient")
    assert "is trained by 2 processes: instruments are off there" in notice.text()
    hand.event(2, "finished", status="finished")
    hand.window.status.notice.setText("")
    hand.command("view.lens.time")
    assert notice.text() == ""
