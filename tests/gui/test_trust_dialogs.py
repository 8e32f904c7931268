"""The dialogs about trust: the question, what is trusted, and the packages with layers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from netbuilder.app import trust
from netbuilder.app.trust import TrustStore
from netbuilder.gui.asking.forget_dialog import NONE as NOTHING
from netbuilder.gui.asking.forget_dialog import ForgetDialog
from netbuilder.gui.asking.plugins_dialog import NONE, SAFE, PluginsDialog
from netbuilder.gui.asking.trust_dialog import TrustDialog, visible
from netbuilder.layers.plugins import Plugin
from netbuilder.layers.trusted import digest
from netbuilder.storage import code_files, files
from netbuilder.storage.code_files import Found
from tests.gui.window_hand import WindowHand, settle
from tests.own_files import GATE, written

# -- the question --------------------------------------------------------------------------------


def found_in(folder: Path, source: str) -> Found:
    document = files.load(written(folder, source))
    return code_files.look(document.project, folder)[0]


def dialog(tmp_path: Path, source: str = GATE, *, folder: bool = True) -> TrustDialog:
    return TrustDialog(found_in(tmp_path, source), "/x/my_layers.py", folder=folder, parent=None)


def test_the_question_shows_all_and_keeps_it_restricted_by_default(
    qapp: QApplication, tmp_path: Path
) -> None:
    asked = dialog(tmp_path, f"import os, subprocess\n{GATE}")
    assert asked.source.toPlainText() == f"import os, subprocess\n{GATE}"
    assert "os, subprocess, torch" in asked.imports.text()
    assert "not from malice" in asked.limits.text()
    assert [choice.text() for choice in asked.choices] == [
        "Keep restricted", "Trust this code", "Trust this folder",
    ]  # fmt: skip
    default = [b.text() for b in asked.findChildren(QPushButton) if b.isDefault()]
    assert default == ["Keep restricted"]
    assert [b.text() for b in asked.findChildren(QPushButton) if b.autoDefault()] == [
        "Keep restricted"
    ]
    assert all(
        label.textFormat() == Qt.TextFormat.PlainText for label in asked.findChildren(QLabel)
    )
    asked.deleteLater()
    settle()


def test_a_folder_of_strangers_is_not_offered(qapp: QApplication, tmp_path: Path) -> None:
    asked = dialog(tmp_path, folder=False)
    assert "Trust this folder" not in [choice.text() for choice in asked.choices]
    asked.deleteLater()
    settle()


@pytest.mark.parametrize(("choice", "told"), [(0, ""), (1, "code"), (2, "folder"), (-1, "")])
def test_the_answers(qapp: QApplication, tmp_path: Path, choice: int, told: str) -> None:
    asked = dialog(tmp_path)
    press = asked.reject if choice < 0 else asked.choices[choice].click
    QTimer.singleShot(0, asked, press)
    assert asked.ask() == told
    settle()


def test_letters_that_hide_are_shown() -> None:
    assert visible("a\u202eb\u200b\x1b[31m\ttab\r\n") == "a\\u202eb\\u200b\\u001b[31m\ttab\n"


# -- forgetting ----------------------------------------------------------------------------------


def trusted_things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrustStore:
    monkeypatch.setattr(trust, "may_trust_folder", lambda folder: True)
    store = TrustStore(tmp_path / "trust.json")
    store.trust(b"a = 1", tmp_path / "<b>a&b</b>" / "one\u202eyp.py")
    store.trust(b"b = 2", tmp_path / "two.py")
    store.trust_folder(tmp_path)
    return store


def test_what_is_trusted_is_listed_and_can_be_forgotten(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = trusted_things(tmp_path, monkeypatch)
    dialog = ForgetDialog(store, None)
    heard: list[str] = []
    dialog.forgotten.connect(lambda: heard.append("forgotten"))
    folder, one, _ = dialog.boxes
    assert folder.text() == f"All code in {os.path.realpath(tmp_path)}".replace("&", "&&")
    assert one.text().startswith("one\\u202eyp.py  ·  ")
    labels = dialog.findChildren(QLabel)
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in labels)
    told = "\n".join(label.text() for label in labels)
    for record in store.records:
        assert f"sha256:{record.sha256}" in told
        assert record.date in told
    assert "/<b>a&b</b>/one\\u202eyp.py" in told
    assert [b.text() for b in dialog.findChildren(QPushButton) if b.isDefault()] == ["Close"]
    assert not dialog.some.isEnabled()
    one.setChecked(True)
    folder.setChecked(True)
    dialog.some.click()
    assert [record.sha256 for record in store.records] == [digest(b"b = 2")]
    assert store.folders == ()
    assert [box.text()[:6] for box in dialog.boxes] == ["two.py"]
    dialog.all.click()
    assert TrustStore(store.path).records == ()
    assert heard == ["forgotten", "forgotten"]
    assert dialog.boxes == {}
    assert not dialog.all.isEnabled()
    assert not dialog.some.isEnabled()
    settle()
    assert NOTHING in [label.text() for label in dialog.findChildren(QLabel)]
    dialog.deleteLater()
    settle()


# -- packages ------------------------------------------------------------------------------------


def test_packages_are_listed_with_what_is_wrong(qapp: QApplication) -> None:
    good = Plugin("a", "gates", "1.0", ("gates.Gate",))
    bad = Plugin("b", "<b>bad</b>", "2.0", (), "ImportError: <img src=x>")
    shown = PluginsDialog([good, bad], safe=False, parent=None)
    assert shown.words == [
        "gates 1.0", "gates.Gate", "<b>bad</b> 2.0", "Left out. ImportError: <img src=x>",
    ]  # fmt: skip
    labels = shown.findChildren(QLabel)
    assert all(label.textFormat() == Qt.TextFormat.PlainText for label in labels)
    for safe, told in ((False, NONE), (True, SAFE)):
        empty = PluginsDialog([], safe=safe, parent=None)
        assert empty.words == [told]
        empty.deleteLater()
    shown.deleteLater()
    settle()


def test_the_list_is_a_command(hand: WindowHand) -> None:
    hand.command("help.plugins")
    found = hand.window.findChild(PluginsDialog)
    assert found is not None
    found.close()
    settle()
