"""The choice of a data set: found by typing, sorted by what the data is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.data.sources import source_classes
from netbuilder.gui.bringing.source_choice import FOLDER, GROUPS, SourceChoice, group_of, offers
from netbuilder.gui.look.widgets import Switch
from tests.gui.window_hand import WindowHand, settle


def test_every_source_has_a_group() -> None:
    found = {kind.title: group_of(kind) for kind in source_classes().values()}
    assert set(found.values()) <= set(GROUPS)
    assert found["Digits"] == "Pictures"
    assert found["Diabetes"] == "Tables"
    assert found["Sines"] == "Series"
    assert found["Python code"] == "Text"
    assert found["Tones"] == "Sound"
    assert found["Karate club" if "Karate club" in found else "Zachary's karate club"] == "Graphs"
    assert found["Folder of images"] == "Your own"


def test_words_find_a_data_set_by_its_title_or_by_what_it_is() -> None:
    assert offers("digits")[0].data == "netbuilder.Digits"
    assert offers("blood pressure")[0].data == "netbuilder.Diabetes"
    assert offers("xyzzy")[0].data == FOLDER
    everything = [offer.data for offer in offers("")]
    on_disk = {id for id, kind in source_classes().items() if kind.on_disk}
    assert set(source_classes()) - on_disk <= set(everything)
    assert everything[0] == FOLDER


def test_typing_and_enter_choose_a_data_set(hand: WindowHand) -> None:
    hand.open("digits_cnn")
    source = hand.bench.inspector.findChild(SourceChoice, "data.source")
    assert isinstance(source, SourceChoice)
    source.setFocus()
    QTest.keyClick(source, Qt.Key.Key_Space)
    settle()
    assert source.picker is not None
    QTest.keyClicks(source.picker.search, "sines")
    QTest.keyClick(source.picker.search, Qt.Key.Key_Return)
    settle()
    assert hand.session.document.project.data["source"] == "netbuilder.Sines"
    assert QApplication.activePopupWidget() is None


def test_own_data_is_among_the_choices(hand: WindowHand) -> None:
    hand.open("digits_cnn")
    source = hand.bench.inspector.findChild(SourceChoice, "data.source")
    assert isinstance(source, SourceChoice)
    wanted: list[str] = []
    hand.bench.inspector.settings.own_data_wanted.disconnect()
    hand.bench.inspector.settings.own_data_wanted.connect(wanted.append)
    source.showPopup()
    assert source.picker is not None
    QTest.keyClick(source.picker.search, Qt.Key.Key_Return)
    settle()
    assert wanted == [FOLDER]
    assert hand.session.document.project.data["source"] == "netbuilder.Digits"


def test_windows_of_a_series_are_a_switch(hand: WindowHand) -> None:
    hand.open("digits_cnn")
    inspector = hand.bench.inspector
    assert inspector.findChild(Switch, "data.windows") is None, "pictures are no series"
    hand.open("mlp_regression")
    switch = inspector.findChild(Switch, "data.windows")
    assert switch is not None
    switch.click()
    settle()
    data = hand.session.document.project.data
    assert data["windows"] == {"length": 32}
    assert data["split_by"] == "time"
    hand.report()
    assert "windows" in inspector.settings._forms["data"].groups
    switch = inspector.findChild(Switch, "data.windows")
    assert switch is not None
    assert switch.isChecked()
    switch.click()
    settle()
    assert "windows" not in hand.session.document.project.data
    hand.session.history.undo()
    hand.session.history.undo()
    settle()
    assert "split_by" not in hand.session.document.project.data
