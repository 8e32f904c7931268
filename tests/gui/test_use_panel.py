"""The Use panel, by hand: what is drawn, written and turned is asked; answers are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from netbuilder.data import depicting
from netbuilder.errors import NetbuilderError
from netbuilder.gui.samples import ImageGrid
from netbuilder.gui.training.preview_views import CertaintyBars, TextList
from netbuilder.gui.training.previews import PreviewGrid
from netbuilder.gui.using.drawing_pad import DrawingPad
from netbuilder.gui.using.use_fields import (
    ClassField,
    NumbersField,
    PictureField,
    RowFields,
    WordsField,
)
from netbuilder.gui.using.use_knobs import Knobs
from netbuilder.gui.using.use_panel import UsePanel
from netbuilder.gui.using.use_sound import SoundField
from tests.gui.window_hand import settle, wait_for

LEFT, RIGHT, NONE = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.RightButton,
    Qt.KeyboardModifier.NoModifier,
)
GUESSES = [{"name": "7", "probability": 0.8}, {"name": "2", "probability": 0.2}]
CLASSES = {"output": "logits", "kind": "classes", "guesses": GUESSES}
READER = {
    "name": "main",
    "inputs": [{"name": "image", "kind": "image", "shape": [1, 8, 8], "invert": True}],
    "outputs": ["logits"],
    "sample": True,
}
PAINTER = {
    "step": "generate",
    "preview": "samples",
    "prompt": "text",
    "knobs": [
        {"node": "noise", "parameter": "spread", "value": 1.0, "low": 0.0, "high": 2.0},
        {"node": "writer", "parameter": "top_k", "value": 20, "low": 0, "high": 100, "whole": True},
    ],
}


class StandIn:
    """A session whose worker answers when it is told to."""

    def __init__(self, **about: Any) -> None:
        self.about = {"networks": [], "columns": [], "generators": [], **about}
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.waiting: list[Callable[[Any], None]] = []

    def describe_use(self, run: Path, on_done: Callable[[Any], None]) -> None:
        on_done(self.about)

    def use(self, run: Path, wish: Mapping[str, Any], on_done: Callable[[Any], None]) -> None:
        self.asked.append(("use", wish))
        self.waiting.append(on_done)

    def generate(self, run: Path, wish: Mapping[str, Any], on_done: Callable[[Any], None]) -> None:
        self.asked.append(("generate", wish))
        self.waiting.append(on_done)

    def answer(self, value: Any) -> None:
        self.waiting.pop(0)(value)
        settle()


@pytest.fixture
def panel(qapp: QApplication) -> Iterator[UsePanel]:
    made = UsePanel()
    made.resize(900, 500)
    made.show()
    yield made
    made.close()
    made.deleteLater()
    settle()


def use(panel: UsePanel, session: StandIn) -> None:
    panel.show_run(session, Path("run-001"))
    settle()


def stroke(pad: DrawingPad, button: Qt.MouseButton = LEFT) -> None:
    QTest.mousePress(pad, button, NONE, QPoint(40, 60))
    QTest.mouseMove(pad, QPoint(120, 60))
    QTest.mouseRelease(pad, button, NONE, QPoint(120, 60))


def field(panel: UsePanel, kind: type) -> Any:
    found: list[Any] = panel.findChildren(kind)
    assert len(found) == 1
    return found[0]


def asked(session: StandIn, count: int = 1) -> Mapping[str, Any]:
    """The last question once there are so many."""
    wait_for(lambda: len(session.asked) == count)
    return session.asked[-1][1]


def test_a_stroke_is_asked_and_the_answer_is_shown(panel: UsePanel) -> None:
    session = StandIn(networks=[READER])
    use(panel, session)
    pad = field(panel, DrawingPad)
    stroke(pad)
    wish = asked(session)
    pixels = np.array(wish["inputs"]["image"]["pixels"])
    assert pixels.shape == (88, 88)
    assert pixels[30, 40] == 1.0
    assert pixels[60].max() == 0.0
    session.answer({"answers": [CLASSES], "seen": {"image": [[[0.0, 1.0]]]}, "expected": {}})
    assert field(panel, CertaintyBars).accessibleDescription() == "7 80%, 2 20%"
    assert field(panel, ImageGrid)
    # The rubber takes it away; an empty sheet asks nothing.
    stroke(pad, RIGHT)
    assert not np.array(asked(session, 2)["inputs"]["image"]["pixels"]).any()
    QTest.keyClick(pad, Qt.Key.Key_Delete)
    assert pad.empty


def test_what_changes_while_it_thinks_is_asked_once_afterwards(panel: UsePanel) -> None:
    session = StandIn(networks=[READER])
    use(panel, session)
    pad = field(panel, DrawingPad)
    stroke(pad)
    asked(session)
    for _ in range(3):
        stroke(pad)
        wait_for(lambda: not panel._timer.isActive())
    assert len(session.asked) == 1
    session.answer({"answers": [CLASSES]})
    assert len(session.asked) == 2
    session.answer({"answers": [CLASSES]})
    assert len(session.asked) == 2


def test_an_answer_of_before_is_not_shown(panel: UsePanel) -> None:
    session = StandIn(networks=[READER, {**READER, "name": "other"}])
    use(panel, session)
    stroke(field(panel, DrawingPad))
    asked(session)
    panel.what.setCurrentIndex(1)
    session.answer({"answers": [CLASSES]})
    assert not panel.findChildren(CertaintyBars)


def test_what_is_drawn_on_a_dark_ground_is_not_turned_around(
    panel: UsePanel, tmp_path: Path
) -> None:
    session = StandIn(networks=[READER])
    use(panel, session)
    picture = field(panel, PictureField)
    for name, ground, turned in (("night", 20, False), ("paper", 240, True)):
        image = QImage(90, 60, QImage.Format.Format_Grayscale8)
        image.fill(ground)
        image.setPixel(45, 30, 255 - ground)
        image.save(str(tmp_path / f"{name}.png"))
        picture.show_file(str(tmp_path / f"{name}.png"))
        assert picture.invert.isChecked() == turned
    # Where the data counts no ink nothing is turned around, whatever the ground.
    plain = PictureField(invert=False)
    plain.show_file(str(tmp_path / "paper.png"))
    assert not plain.invert.isChecked()
    plain.deleteLater()


def test_names_are_whole_in_a_narrow_panel(panel: UsePanel) -> None:
    use(panel, StandIn(networks=[READER]))
    for width in (360, 440, 900):
        panel.resize(width, 220)
        QApplication.processEvents()
        assert panel.title.width() >= panel.title.sizeHint().width()
        right = panel.title.mapTo(panel, QPoint(panel.title.width(), 0)).x()
        assert right <= width / 2


def test_a_file_in_place_of_a_drawing(panel: UsePanel) -> None:
    session = StandIn(networks=[READER])
    use(panel, session)
    picture = field(panel, PictureField)
    picture.show_file("/some/where/one.png")
    assert asked(session)["inputs"]["image"] == {"path": "/some/where/one.png", "invert": True}
    assert picture.file.text() == "one.png"
    session.answer(NetbuilderError("'one.png' can't be used.", "Choose another."))
    assert panel.verdict.text() == "'one.png' can't be used. Choose another."
    stroke(picture.pad)
    assert "pixels" in asked(session, 2)["inputs"]["image"]
    session.answer({"answers": [CLASSES]})
    assert panel.verdict.isHidden()


def drop(panel: UsePanel, path: str) -> bool:
    """Drag a file over the panel and let it go; whether it may be."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path)])
    at, copy = QPoint(40, 40), Qt.DropAction.CopyAction
    enter = QDragEnterEvent(at, copy, mime, LEFT, NONE)
    QApplication.sendEvent(panel, enter)
    if enter.isAccepted():
        QApplication.sendEvent(panel, QDropEvent(at.toPointF(), copy, mime, LEFT, NONE))
    return enter.isAccepted()


def test_a_recording_is_dropped_and_shown_as_it_was_heard(panel: UsePanel) -> None:
    ear = {**READER, "inputs": [{"name": "sound", "kind": "sound", "shape": [1, 40, 36]}]}
    session = StandIn(networks=[ear])
    use(panel, session)
    sound = field(panel, SoundField)
    assert "no microphone" in sound.words.text()
    assert not drop(panel, "/some/where/one.png")
    assert drop(panel, "/some/where/One.WAV")
    assert asked(session)["inputs"]["sound"] == {"path": "/some/where/One.WAV"}
    assert sound.file.text() == "One.WAV"
    heard = depicting.sound(np.sin(np.arange(8000, dtype=np.float32))[None])
    heard |= {"seconds": 1.0, "rate": 8000, "own_seconds": 0.5, "own_rate": 44100}
    session.answer({"answers": [CLASSES], "heard": {"sound": heard}})
    assert sound.wave.isVisible()
    assert sound.words.text() == "0.50 s at 44.1 kHz; heard: 1.00 s at 8 kHz, silence follows"
    # Another that can't be read takes the picture of the first away.
    assert drop(panel, "/some/where/two.wav")
    asked(session, 2)
    session.answer(NetbuilderError("'two.wav' can't be used.", ""))
    assert not sound.wave.isVisible()


def test_pictures_and_texts_are_dropped_too(panel: UsePanel, tmp_path: Path) -> None:
    inputs = [{"name": "image", "kind": "image", "shape": [1, 8, 8], "invert": True}]
    inputs.append({"name": "text", "kind": "text", "shape": [9]})
    session = StandIn(networks=[{**READER, "inputs": inputs}])
    use(panel, session)
    (tmp_path / "a.txt").write_text("grüß Gott")
    assert drop(panel, str(tmp_path / "a.txt"))
    assert drop(panel, "/some/where/one.png")
    given = asked(session)["inputs"]
    assert given["text"] == {"text": "grüß Gott"}
    assert given["image"]["path"] == "/some/where/one.png"
    assert not drop(panel, "/some/where/one.wav")


def test_a_sample_says_what_is_right(panel: UsePanel) -> None:
    session = StandIn(networks=[READER])
    use(panel, session)
    QTest.mouseClick(panel.look, LEFT)
    assert asked(session) == {"network": "main", "sample": 0}
    session.answer({"answers": [CLASSES], "expected": {"logits": "2"}})
    assert "In the data: 2" in [each.text() for each in panel.findChildren(QLabel)]


def test_texts_numbers_classes_and_rows(panel: UsePanel) -> None:
    inputs = [
        {"name": "text", "kind": "text", "shape": [9]},
        {"name": "x", "kind": "values", "shape": [2]},
        {"name": "who", "kind": "class", "shape": [], "classes": ["ann", "bob"]},
        {"name": "edges", "kind": "shared", "shape": [2, 4]},
    ]
    session = StandIn(networks=[{"name": "main", "inputs": inputs, "outputs": ["y"]}])
    use(panel, session)
    assert not panel.look.isVisible()
    QTest.keyClicks(field(panel, WordsField).edit, "hi")
    QTest.keyClicks(field(panel, NumbersField).edit, "1, 2.5")
    field(panel, ClassField).choice.setCurrentIndex(1)
    given = asked(session)["inputs"]
    assert given == {
        "text": {"text": "hi"},
        "x": {"values": [1, 2.5]},
        "who": {"class": 1},
        "edges": {},
    }
    session.answer({"answers": [{"output": "y", "values": [1.23456], "count": 9}]})
    assert "1.235, …" in [each.text() for each in panel.findChildren(QLabel)]

    columns = [{"name": "age", "classes": []}, {"name": "town", "classes": ["Ulm", "Bonn"]}]
    row = {"name": "main", "inputs": [{"name": "x", "kind": "row", "shape": [3]}], "outputs": ["y"]}
    session = StandIn(networks=[row], columns=columns)
    use(panel, session)
    form = field(panel, RowFields)
    QTest.keyClicks(form.children()[2], "41")
    assert asked(session) == {"network": "main", "row": {"age": "41", "town": ""}}


def test_a_generator_is_turned(panel: UsePanel) -> None:
    session = StandIn(generators=[PAINTER], networks=[READER])
    use(panel, session)
    assert [panel.what.itemText(at) for at in range(2)] == ["Make samples", "Ask main"]
    assert asked(session) == {"step": "generate", "preview": "samples", "seed": 0, "knobs": {}}
    session.answer({"kind": "text", "output": ["what it wrote"], "target": None})
    assert field(panel, TextList).accessibleDescription() == "what it wrote"
    knobs = field(panel, Knobs)
    spread = knobs.sliders["noise", "spread"]
    spread.setValue(spread.maximum())
    QTest.keyClicks(knobs.prompt.edit, "def")
    wish = asked(session, 2)
    assert (wish["knobs"], wish["prompt"]) == ({"noise": {"spread": 2.0}}, "def")
    session.answer({"kind": "text", "output": ["def it"], "target": None})
    assert field(panel, PreviewGrid)
    (back,) = (each for each in knobs.findChildren(QPushButton) if "project" in each.text())
    QTest.mouseClick(back, LEFT)
    assert asked(session, 3)["knobs"] == {}
    assert knobs.sliders["writer", "top_k"].number() == 20


def test_without_a_run_it_says_what_to_do(panel: UsePanel) -> None:
    wanted: list[bool] = []
    panel.wanted.connect(lambda: wanted.append(True))
    panel.forget()
    assert wanted
    assert panel.empty.isVisible()
    panel.hide()
    session = StandIn(networks=[READER])
    panel.show_run(session, Path("run-001"))
    assert panel.empty.isHidden() or panel._about == {}
    panel.show()
    settle()
    assert not panel.empty.isVisible()
