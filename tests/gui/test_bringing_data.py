"""Data dropped on the window: looked at, and with few clicks trained on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPoint, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QTableWidget, QWidget

from netbuilder.app import templates
from netbuilder.app.runs import RunView
from netbuilder.data.images import ImageFolder
from netbuilder.engine.protocol import Reply
from netbuilder.errors import NetbuilderError
from netbuilder.graph import edits
from netbuilder.gui.bringing import data_samples
from netbuilder.gui.bringing.data_dialog import DataDialog
from netbuilder.gui.main_window import MainWindow
from netbuilder.storage import files
from tests.gui.test_whole_way import RealHand
from tests.gui.window_hand import LEFT, WindowHand, settle, wait_for

BUTTON, NOTHING = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def drag(window: MainWindow, *paths: Path, drop: bool = True) -> bool:
    """What the system sends for files dragged over the window and let go; whether it may be."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    middle, copy = QPoint(300, 300), Qt.DropAction.CopyAction
    enter = QDragEnterEvent(middle, copy, mime, BUTTON, NOTHING)
    QApplication.sendEvent(window, enter)
    if not drop:
        QApplication.sendEvent(window, QDragLeaveEvent())
    elif enter.isAccepted():
        QApplication.sendEvent(window, QDropEvent(middle.toPointF(), copy, mime, BUTTON, NOTHING))
    settle()
    return enter.isAccepted()


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """A folder of pictures in two classes: bright above or bright below."""
    random = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        for number in range(20):
            pixels = random.integers(0, 60, (40, 40, 3), dtype=np.uint8)
            half = slice(0, 20) if name == "cats" else slice(20, 40)
            pixels[half] += 150
            Image.fromarray(pixels).save(tmp_path / "pets" / name / f"{number}.png")
    return tmp_path / "pets"


@pytest.fixture
def real(qapp: QApplication, home: Path) -> Iterator[RealHand]:
    hand = RealHand()
    yield hand
    hand.close()


def _children(widget: QWidget) -> list[QWidget]:
    return widget.findChildren(QWidget)


class Clicks:
    """Counts what a person does."""

    def __init__(self) -> None:
        self.count = 0

    def press(self, widget: QWidget) -> None:
        assert widget.isVisible()
        assert widget.isEnabled()
        self.count += 1
        QTest.mouseClick(widget, LEFT)
        settle()


@pytest.mark.timeout(240)
def test_a_dropped_folder_of_images_is_trained_on_with_four_clicks(
    real: RealHand, pets: Path
) -> None:
    clicks = Clicks()
    window = real.window
    assert drag(window, pets)
    dialog = window.findChild(DataDialog)
    assert isinstance(dialog, DataDialog)
    real.wait(dialog.new.isEnabled, 60)
    words = " ".join(found.text() for found in dialog.findChildren(QLabel))
    assert "40 samples" in words
    assert "2 classes" in words
    assert dialog.chosen is not None
    real.wait(
        lambda: any("cats" in w.accessibleDescription() for w in dialog.findChildren(QWidget))
    )
    clicks.press(dialog.new)
    real.wait(window.runner.can_train, 60)
    assert real.session.document.project.data["source"] == ImageFolder.id
    # The person sees their own pictures, and nothing asks for anything.
    real.wait(lambda: real.bench.data._stack.currentIndex() == 2, 60)
    button = window.bar.widgetForAction(window.commands.actions["run.train"])
    assert isinstance(button, QWidget)
    clicks.press(button)

    def run() -> RunView:
        assert real.session.run is not None
        return real.session.run

    real.wait(lambda: run().epoch >= 1 or not run().active, 60)
    assert run().fault is None
    assert clicks.count <= 4
    real.session.stop()
    real.wait(lambda: not run().active, 60)
    assert run().status in ("stopped", "finished")
    real.session.history.mark_saved()


# -- with a worker that answers by hand ---------------------------------------------------------


def proposal(pets: Path, **more: Any) -> dict[str, Any]:
    """What the worker says of the folder."""
    params = {"folder": str(pets), "classes": ["cats", "dogs"], "height": 32, "width": 32}
    source = ImageFolder.model_validate(
        {**params, "classes": tuple(params["classes"])}  # type: ignore[arg-type]
    )
    return {
        "source": ImageFolder.id,
        "params": params,
        "title": "pets",
        "count": 40,
        "fields": [field.to_json() for field in source.fields()],
        "task": "classification",
        "settings": {},
        "templates": [],
        "notes": ["3 files are no images."],
        "problems": [],
        **more,
    }


def open_dialog(hand: WindowHand, pets: Path, **more: Any) -> DataDialog:
    """The dialog after the worker has answered."""
    drag(hand.window, pets)
    hand.client.answer("propose_data", result=proposal(pets, **more))
    settle()
    dialog = hand.window.findChild(DataDialog)
    assert isinstance(dialog, DataDialog)
    wait_for(dialog.new.isEnabled, 60)
    return dialog


def test_templates_that_fit_are_pictures_to_choose_from_by_keys(
    hand: WindowHand, pets: Path
) -> None:
    dialog = open_dialog(hand, pets)
    assert len(dialog.rows) >= 2
    assert dialog.chosen is dialog.rows[0]
    known = {info.id: info for info in templates.templates()}
    assert all("classification" in known[each.info.id].task.lower() for each in dialog.rows)
    wait_for(lambda: all(each.picture._document is not None for each in dialog.rows), 60)
    QTest.keyClick(dialog.rows[0], Qt.Key.Key_Down)
    assert dialog.chosen is dialog.rows[1]
    QTest.mouseClick(dialog.rows[0], LEFT)
    assert dialog.chosen.info.id == dialog.rows[0].info.id
    texts = [found.text() for found in dialog.findChildren(QLabel)]
    assert "3 files are no images." in texts
    # Enter takes what stands out.
    second = dialog.rows[1]
    QTest.mouseClick(second, LEFT)
    QTest.keyClick(second, Qt.Key.Key_Return)
    settle()
    assert hand.window.has_project()
    assert hand.session.document.project.title == "pets"
    assert hand.session.document.project.data["source"] == ImageFolder.id


def test_what_cannot_be_used_says_why(hand: WindowHand, tmp_path: Path) -> None:
    drag(hand.window, tmp_path)
    error = NetbuilderError("There is nothing in the folder.", "Choose another.")
    hand.client.answer("propose_data", error=error)
    settle()
    dialog = hand.window.findChild(DataDialog)
    assert isinstance(dialog, DataDialog)
    assert "There is nothing in the folder." in dialog.waiting.text.text()
    assert not dialog.new.isEnabled()
    QTest.mouseClick(dialog.cancel, LEFT)
    settle()
    assert hand.window.findChild(DataDialog) is None


def test_a_problem_of_the_data_stands_against_a_project(hand: WindowHand, pets: Path) -> None:
    problem = {
        "severity": "error",
        "code": "data.one_class",
        "message": "There is one class.",
        "hint": "Add another.",
    }
    drag(hand.window, pets)
    hand.client.answer("propose_data", result=proposal(pets, problems=[problem]))
    settle()
    dialog = hand.window.findChild(DataDialog)
    assert isinstance(dialog, DataDialog)
    wait_for(lambda: dialog.proposal is not None, 60)
    assert not dialog.new.isEnabled()
    assert "There is one class. Add another." in [x.text() for x in dialog.findChildren(QLabel)]
    dialog.close()


def test_an_answer_after_the_dialog_was_closed_is_nobodys(hand: WindowHand, pets: Path) -> None:
    drag(hand.window, pets)
    dialog = hand.window.findChild(DataDialog)
    assert isinstance(dialog, DataDialog)
    ((_, _, on_reply),) = hand.client.waiting("propose_data")
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    settle()
    on_reply(Reply(1, result=proposal(pets)))
    settle()
    wait_for(lambda: not any(each.name == "fitting" for each in threading.enumerate()), 60)
    settle()
    assert hand.window.findChild(DataDialog) is None


def test_data_without_a_template_begins_a_project_of_its_own(hand: WindowHand, pets: Path) -> None:
    dialog = open_dialog(hand, pets, task="forecast")
    assert dialog.rows == []
    QTest.mouseClick(dialog.new, LEFT)
    settle()
    assert hand.session.document.project.data["source"] == ImageFolder.id
    assert hand.session.document.of_kind("network")[0].nodes == {}


def test_the_present_project_takes_the_data_as_one_edit(hand: WindowHand, pets: Path) -> None:
    hand.open("digits_cnn")
    before = hand.session.document.copy()
    dialog = open_dialog(hand, pets)
    assert dialog.use.isVisible()
    QTest.mouseClick(dialog.use, LEFT)
    settle()
    project = hand.session.document.project
    assert project.data["source"] == ImageFolder.id
    (network,) = hand.session.document.of_kind("network")
    image = next(node for node in network.nodes.values() if node.layer == "netbuilder.Input")
    assert tuple(image.params["shape"]) == (3, 32, 32)
    hand.command("edit.undo")
    assert hand.session.document == before


def test_data_that_fits_nothing_is_taken_and_its_problems_told(
    hand: WindowHand, pets: Path
) -> None:
    hand.open("gpt_small")
    dialog = open_dialog(hand, pets)
    QTest.mouseClick(dialog.use, LEFT)
    settle()
    assert hand.session.document.project.data["source"] == ImageFolder.id
    assert "See Problems" in hand.window.status.notice.text()


def test_unsaved_work_is_asked_about_first(hand: WindowHand, pets: Path) -> None:
    hand.open("digits_cnn")
    edits.set_project(hand.session.history, "Rename", title="Mine")
    assert hand.session.dirty
    dialog = open_dialog(hand, pets)
    asked: list[str] = []

    def answer() -> None:
        question = hand.dialog()
        assert question is not None
        asked.append(question.title.text())
        question.reject()

    QTimer.singleShot(0, hand.window, answer)
    QTest.mouseClick(dialog.new, LEFT)
    settle()
    assert len(asked) == 1
    assert hand.session.document.project.data["source"] == "netbuilder.Digits"


# -- drops -------------------------------------------------------------------------------------


def test_a_dropped_project_is_opened(hand: WindowHand, tmp_path: Path) -> None:
    path = tmp_path / "mine.netb"
    files.save(templates.open_template("digits_mlp"), path)
    assert drag(hand.window, path)
    assert hand.session.path == path


def test_several_files_are_refused_in_words(hand: WindowHand, tmp_path: Path) -> None:
    assert drag(hand.window, tmp_path / "a.png", tmp_path / "b.png")
    assert "the folder that they all are in" in hand.window.status.notice.text()
    assert hand.client.waiting("propose_data") == []


def target(hand: WindowHand) -> QWidget | None:
    return hand.window.bring_data._target


def test_what_a_drop_would_do_is_shown_while_it_hovers(hand: WindowHand, tmp_path: Path) -> None:
    drag(hand.window, tmp_path, drop=False)
    assert target(hand) is None
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(tmp_path))])
    enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, mime, BUTTON, NOTHING)
    QApplication.sendEvent(hand.window, enter)
    veil = target(hand)
    assert veil is not None
    assert veil.size() == hand.window.size()
    hand.window.grab()
    QApplication.sendEvent(hand.window, QDragLeaveEvent())
    settle()
    assert target(hand) is None
    text = QMimeData()
    text.setText("no file")
    enter = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, text, BUTTON, NOTHING)
    QApplication.sendEvent(hand.window, enter)
    assert target(hand) is None


def test_places_outside_are_read_once_they_are_allowed(hand: WindowHand, pets: Path) -> None:
    hand.open("digits_cnn")
    hand.session.data.take(proposal(pets))
    hand.bench.show_panel("data")
    settle()
    blank = {
        "title": "Folder of images",
        "help": "Images.",
        "fields": [],
        "count": 0,
        "parts": {},
        "classes": {},
        "shown": {},
        "consent": [str(pets)],
        "problems": [],
    }
    while hand.client.waiting("sample"):
        hand.client.answer("sample", result=blank)
        settle()
    allow = next(b for b in hand.bench.data.findChildren(QPushButton) if b.text() == "Allow")
    QTest.mouseClick(allow, LEFT)
    settle()
    params = hand.client.answer("sample", result={**blank, "consent": []})
    assert str(pets) in params["places"]["allowed"]
    settle()
    assert not [b for b in hand.bench.data.findChildren(QPushButton) if b.text() == "Allow"]


def test_dates_of_a_table_are_read_as_dates(qapp: QApplication) -> None:
    field = {"name": "time", "kind": "id", "meaning": "seconds since 1970, of the column time"}
    number = {"name": "load", "kind": "id", "meaning": "the column load"}
    moments = [1704193200, 1704153600, 5, None, 10**30]
    sample = {"fields": [field, number], "shown": {"time": moments, "load": moments}}
    [(_, table)] = data_samples.sections(sample)
    assert isinstance(table, QTableWidget)
    model = table.model()
    cells = [[model.index(line, at).data() for line in range(5)] for at in range(2)]
    assert cells[0] == ["2024-01-02 11:00", "2024-01-02", "1970-01-01 00:00:05", *cells[1][3:]]
    assert cells[1][:2] == ["1704193200", "1704153600"]
    table.deleteLater()
