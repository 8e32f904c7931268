"""Own layers in the window: added, restricted, trusted after they were read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from netbuilder.app import trust
from netbuilder.app.trust import TrustStore
from netbuilder.compiler.own_files import TRUST
from netbuilder.errors import Fix, Problem
from netbuilder.graph import edits
from netbuilder.gui.asking import dialogs, trust_dialog
from netbuilder.gui.asking.forget_dialog import NONE as NOTHING
from netbuilder.gui.asking.forget_dialog import ForgetDialog
from netbuilder.gui.asking.plugins_dialog import NONE, SAFE, PluginsDialog
from netbuilder.gui.asking.trust_dialog import TrustDialog, visible
from netbuilder.gui.canvas.entries import ENTRY
from netbuilder.gui.canvas.face import face_of
from netbuilder.layers.plugins import Plugin
from netbuilder.layers.trusted import Trust, digest
from netbuilder.storage import code_files, files
from netbuilder.storage.code_files import Found
from tests.gui.window_hand import WindowHand, settle
from tests.own_files import GATE, written

RESTRICTED = {
    "problems": [Problem("warning", "code.restricted", "my_layers.py is code.").to_json()]
}


def opened(hand: WindowHand, folder: Path, source: str = GATE, **params: object) -> Path:
    path = written(folder / "work", source, **params)
    hand.window.open_path(path)
    settle()
    hand.report(RESTRICTED)
    return path


def answer(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[Found]:
    """What the person says to each question; what they were asked about."""
    asked: list[Found] = []
    waiting = list(answers)

    class Answered(TrustDialog):
        def __init__(self, found: Found, where: str, **rest: object) -> None:
            super().__init__(found, where, **rest)  # type: ignore[arg-type]
            asked.append(found)

        def ask(self) -> trust_dialog.Answer:
            self.deleteLater()
            return waiting.pop(0)  # type: ignore[return-value]

    monkeypatch.setattr(trust_dialog, "TrustDialog", Answered)
    return asked


def titles(hand: WindowHand) -> list[str]:
    model = hand.bench.palette_panel.model
    entries = (model.index(row, 0).data(ENTRY) for row in range(model.rowCount()))
    return [entry.title for entry in entries if entry is not None]


# -- adding --------------------------------------------------------------------------------------


def test_a_command_adds_layers_as_one_undoable_edit(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand.open("digits_mlp")
    hand.session.save(tmp_path / "a.netb")
    (tmp_path / "mine.py").write_text(GATE)
    monkeypatch.setattr(dialogs, "ask_code", lambda parent, folder: tmp_path / "mine.py")
    hand.command("file.own_layers")
    assert "Gate" in titles(hand)
    assert list(hand.session.document.project.code) == ["mine.py"]
    hand.report()
    hand.command("edit.undo")
    assert hand.session.document.project.code == {}
    hand.bench.palette_panel.refresh()
    assert "Gate" not in titles(hand)
    hand.session.history.mark_saved(hand.session.history.state)


def test_a_project_without_a_file_is_saved_first(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand.open("digits_mlp")
    (tmp_path / "mine.py").write_text(GATE)
    monkeypatch.setattr(dialogs, "ask_save_path", lambda parent, path: None)
    assert not hand.window.own_code.add(tmp_path / "mine.py")
    monkeypatch.setattr(dialogs, "ask_save_path", lambda parent, path: tmp_path / "a.netb")
    assert hand.window.own_code.add(tmp_path / "mine.py")
    hand.session.history.mark_saved(hand.session.history.state)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("../outside.py", GATE, "not in the project's folder"),
        ("empty.py", "x = 1\n", "has no layers"),
        ("broken.py", "class (\n", "Python can't read it"),
        ("torch.py", GATE, "would hide the library 'torch'"),
        ("my-file.py", GATE, "can't be imported by its name"),
        ("again.py", GATE, "has a class 'Gate' already"),
    ],
)
def test_what_can_not_be_added_is_told(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    name: str, text: str, told: str,
) -> None:  # fmt: skip
    path = opened(hand, tmp_path)
    (path.parent / name).write_text(text)
    said: list[str] = []
    monkeypatch.setattr(dialogs, "tell_error", lambda parent, title, error: said.append(str(error)))
    assert not hand.window.own_code.add(path.parent / name)
    assert told in said[0]
    assert list(hand.session.document.project.code) == ["my_layers.py"]


def test_a_python_file_can_be_dropped(hand: WindowHand, tmp_path: Path) -> None:
    path = opened(hand, tmp_path)
    (path.parent / "more.py").write_text(GATE.replace("Gate", "More"))
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path.parent / "more.py"))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(300, 300), Qt.DropAction.CopyAction, data, buttons, keys)
    # Over the canvas, which leaves it to the window.
    QApplication.sendEvent(hand.bench.canvas.viewport(), enter)
    assert enter.isAccepted()
    drop = QDropEvent(QPointF(300, 300), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(hand.bench.canvas.viewport(), drop)
    settle()
    assert "more.py" in hand.session.document.project.code
    hand.session.history.mark_saved(hand.session.history.state)


# -- restricted ----------------------------------------------------------------------------------


def test_a_banner_tells_of_restricted_code_and_opening_asks_nothing(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch)
    opened(hand, tmp_path)
    banner = hand.window.banners.shown("code")
    assert banner is not None
    assert "my_layers.py" in banner.text.text()
    assert asked == []
    hand.press(banner.choices[1])
    assert hand.window.banners.shown("code") is None


def test_a_card_tells_the_class_once(hand: WindowHand, tmp_path: Path) -> None:
    opened(hand, tmp_path)
    project = hand.session.document
    gate = hand.session.graph.named("gate")
    assert gate is not None
    assert face_of(project, hand.session.graph, gate, None, ()).subtitle == "8"
    edits.rename(hand.session.history, hand.session.graph, gate.id, "weighing")
    gate = hand.session.graph.named("weighing")
    assert gate is not None
    assert face_of(project, hand.session.graph, gate, None, ()).subtitle == "Gate · 8"


def test_requests_bring_no_code_that_is_not_trusted(hand: WindowHand, tmp_path: Path) -> None:
    path = written(tmp_path / "work")
    hand.window.open_path(path)
    settle()
    for _, params, _ in hand.client.waiting("analyse"):
        assert Trust.from_json(params.get("code")).sources == {}
    hand.report(RESTRICTED)
    hand.session.trust_code(hand.session.code.restricted()[0])
    settle()
    (_, params, _) = hand.client.waiting("analyse")[-1]
    assert list(Trust.from_json(params["code"]).sources) == [digest(GATE.encode())]
    hand.report()
    assert hand.window.banners.shown("code") is None


def test_keeping_it_restricted_runs_nothing(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch, "", "")
    opened(hand, tmp_path)
    monkeypatch.setattr(hand.session, "obstacle", lambda: "")
    hand.command("run.train")
    assert hand.session.run is None
    hand.window.runner.export()
    settle()
    assert [found.file.path for found in asked] == ["my_layers.py", "my_layers.py"]
    assert TrustStore().records == ()


def test_training_asks_once_and_goes_on(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch, "code")
    path = opened(hand, tmp_path)
    monkeypatch.setattr(hand.session, "obstacle", lambda: "")
    hand.command("run.train")
    assert len(asked) == 1
    (_, params, _) = hand.client.waiting("train")[0]
    assert list(Trust.from_json(params["code"]).sources) == [digest(GATE.encode())]
    assert TrustStore().known(digest(GATE.encode()), path)
    hand.client.answer("train", error=None, result={})
    hand.report()


def test_resuming_a_run_asks_as_training_does(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch, "", "code")
    opened(hand, tmp_path)
    run = tmp_path / "work" / "runs" / "a"
    hand.bench.runs.resume_wanted.emit(run)
    settle()
    assert [found.file.path for found in asked] == ["my_layers.py"]
    assert hand.session.run is None
    hand.bench.runs.resume_wanted.emit(run)
    settle()
    assert len(asked) == 2
    (_, params, _) = hand.client.waiting("train")[0]
    assert (params["run"], params["resume"]) == (str(run), True)
    assert list(Trust.from_json(params["code"]).sources) == [digest(GATE.encode())]
    # A training is under way: that is said, and nothing is asked.
    hand.session.code.store.forget()
    hand.bench.runs.resume_wanted.emit(run)
    settle()
    assert len(asked) == 2
    assert len(hand.client.waiting("train")) == 1
    hand.client.answer("train", error=None, result={})
    hand.report()


def test_the_fix_of_the_problem_asks(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = answer(monkeypatch, "")
    opened(hand, tmp_path)
    hand.bench.problems.fix_wanted.emit(Fix("Trust…", TRUST, {"file": "my_layers.py"}))
    settle()
    assert len(asked) == 1
    assert hand.session.document.project.code


def test_what_was_shown_is_what_is_trusted(
    hand: WindowHand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Swapped while the person reads: the new bytes are not trusted by the answer."""
    path = opened(hand, tmp_path)
    (found,) = hand.session.code.restricted()
    code = path.parent / "my_layers.py"
    code.write_text(GATE + "\nimport os\n")
    hand.session.trust_code(found)
    assert [each.state for each in hand.session.code.standing()] == ["changed"]
    assert TrustStore().known(digest(GATE.encode()), code)
    assert not TrustStore().known(digest(code.read_bytes()), code)
    (_, params, _) = hand.client.waiting("analyse")[-1]
    assert Trust.from_json(params["code"]).sources == {}
    hand.report(RESTRICTED)


def test_a_changed_file_is_declared_anew_when_it_is_trusted(
    hand: WindowHand, tmp_path: Path
) -> None:
    path = opened(hand, tmp_path)
    hand.session.trust_code(hand.session.code.restricted()[0])
    hand.report()
    new = GATE.replace("reduction: int = 2", "reduction: int = 4")
    (path.parent / "my_layers.py").write_text(new)
    hand.session.look_at_code()
    settle()
    hand.report(RESTRICTED)
    banner = hand.window.banners.shown("code")
    assert banner is not None
    (found,) = hand.session.code.restricted()
    assert (found.state, found.sha256) == ("changed", digest(new.encode()))
    hand.session.trust_code(found)
    settle()
    assert [each.state for each in hand.session.code.standing()] == ["trusted"]
    hand.report()
    assert hand.session.undo() == "Read my_layers.py again"
    settle()
    hand.report(RESTRICTED)
    hand.session.history.mark_saved(hand.session.history.state)


def test_a_file_that_is_gone_is_told_and_the_drawing_stays(
    hand: WindowHand, tmp_path: Path
) -> None:
    path = opened(hand, tmp_path)
    (path.parent / "my_layers.py").unlink()
    hand.session.look_at_code()
    settle()
    hand.report(RESTRICTED)
    banner = hand.window.banners.shown("code")
    assert banner is not None
    assert "not beside the project" in banner.text.text()
    assert files.load(path) == hand.session.document


def test_saved_elsewhere_the_file_comes_along(hand: WindowHand, tmp_path: Path) -> None:
    opened(hand, tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    hand.session.save(other / "b.netb")
    assert (other / "my_layers.py").read_text() == GATE
    assert [each.state for each in hand.session.code.standing()] == ["restricted"]
    # What has the place already stays.
    (tmp_path / "third").mkdir()
    (tmp_path / "third" / "my_layers.py").write_text("mine")
    hand.session.save(tmp_path / "third" / "c.netb")
    assert (tmp_path / "third" / "my_layers.py").read_text() == "mine"
    hand.report(RESTRICTED)


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


def test_forgetting_is_a_command_and_restricts_at_once(hand: WindowHand, tmp_path: Path) -> None:
    opened(hand, tmp_path)
    hand.session.trust_code(hand.session.code.restricted()[0])
    hand.report()
    assert hand.window.banners.shown("code") is None
    hand.command("help.trusted")
    dialog = hand.window.findChild(ForgetDialog)
    assert dialog is not None
    dialog.all.click()
    settle()
    assert [each.state for each in hand.session.code.standing()] == ["restricted"]
    assert hand.window.banners.shown("code") is not None
    (_, params, _) = hand.client.waiting("analyse")[-1]
    assert Trust.from_json(params["code"]).sources == {}
    hand.report(RESTRICTED)
    dialog.close()
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
