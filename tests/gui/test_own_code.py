"""Own layers in the window: added, restricted, trusted after they were read."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication

from netbuilder.app.trust import TrustStore
from netbuilder.compiler.own_files import TRUST
from netbuilder.errors import Fix, Problem
from netbuilder.graph import edits
from netbuilder.gui.asking import dialogs, trust_dialog
from netbuilder.gui.asking.forget_dialog import ForgetDialog
from netbuilder.gui.asking.trust_dialog import TrustDialog
from netbuilder.gui.canvas.entries import ENTRY
from netbuilder.gui.canvas.face import face_of
from netbuilder.layers.trusted import Trust, digest
from netbuilder.storage import files
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
