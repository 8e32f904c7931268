"""A merge that git left to a person: said at opening, settled by keys and by mouse, told to git."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from netbuilder.app import git_stages, templates
from netbuilder.engine import overrides
from netbuilder.graph.disputed import words
from netbuilder.graph.merging import merge
from netbuilder.gui.comparing.merge_window import MergeWindow
from netbuilder.gui.comparing.row_list import DONE
from netbuilder.storage import files
from tests.git_repository import Repository, repository
from tests.gui.window_hand import WindowHand, settle, wait_for

__all__ = ["repository"]

OURS = {"main.conv1.out_channels": 8, "main.dropout.p": 0.1, "training.epochs": 3}
THEIRS = {"main.conv1.out_channels": 9, "main.dropout.p": 0.2, "main.conv2.stride": 2}
CONV = "'conv1': out_channels 8 here, 9 in theirs"
DROPOUT = "'dropout': p 0.1 here, 0.2 in theirs"


@pytest.fixture
def project(repository: Repository) -> str:
    """A file in the middle of a merge that git could not end."""
    path = repository.place / "digits.netb"
    base = templates.open_template("digits_cnn")
    ours, theirs = (overrides.apply(base, values) for values in (OURS, THEIRS))
    files.save(base, path)
    repository.git("add", ".")
    repository.git("commit", "-qm", "base")
    for branch, side in (("wide", theirs), ("mine", ours)):
        repository.git("checkout", "-qb", branch, "main")
        files.save(side, path)
        repository.git("commit", "-qam", f"The {branch} one")
    repository.git("merge", "wide", fails=True)
    files.save(merge(base, ours, theirs).document, path)
    return str(path)


def _window(hand: WindowHand) -> MergeWindow:
    wait_for(lambda: hand.window.findChildren(MergeWindow), 60)
    dialog = hand.window.findChildren(MergeWindow)[-1]
    QTest.qWaitForWindowExposed(dialog)
    settle()
    return dialog


def _listed(dialog: MergeWindow) -> list[str]:
    """The rows on the screen."""
    return [item.text(0) for item in dialog.list.rows_shown()]


def test_a_merge_is_settled_by_keys_and_git_is_told(
    hand: WindowHand, project: str, repository: Repository
) -> None:
    path = repository.place / "digits.netb"
    assert hand.window.open_path(path)
    wait_for(lambda: hand.window.banners.shown("merge"), 60)
    banner = hand.window.banners.shown("merge")
    assert banner is not None
    assert "2 things were changed by both sides" in banner.text.text()
    hand.open()
    assert hand.window.banners.shown("merge") is None
    assert hand.window.open_path(path)
    wait_for(lambda: hand.window.banners.shown("merge"), 60)
    banner = hand.window.banners.shown("merge")
    assert banner is not None
    hand.press(banner.choices[0])
    dialog = _window(hand)
    assert dialog.left.accessibleName() == "Theirs: The wide one"
    assert [words(row) for row in dialog.rows] == [CONV, DROPOUT]
    assert not dialog.resolve.isEnabled()
    steps, history = hand.session.history.state, hand.session.history
    alt, control = Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.ControlModifier
    QTest.keyClick(dialog.list, Qt.Key.Key_T, alt)
    settle()
    conv = hand.session.graph.named("conv1")
    assert conv is not None
    assert conv.params["out_channels"] == 9
    assert [words(row) for row in dialog.rows] == [DROPOUT]
    QTest.keyClick(dialog.list, Qt.Key.Key_Z, control)
    settle()
    assert history.state == steps
    assert [words(row) for row in dialog.rows] == [CONV, DROPOUT]
    dialog.list.go_to(0)
    QTest.keyClick(dialog.list, Qt.Key.Key_K, alt)
    settle()
    assert dialog.list.at == 1, "on to what waits"
    assert _listed(dialog)[0].startswith(DONE)
    assert not dialog.resolve.isEnabled()
    QTest.keyClick(dialog.list, Qt.Key.Key_T, alt)
    settle()
    assert dialog.resolve.isEnabled()
    dialog.resolve.setFocus()
    QTest.keyClick(dialog.resolve, Qt.Key.Key_Space)
    wait_for(lambda: not hand.window.findChildren(MergeWindow), 60)
    assert git_stages.unmerged(path) is None
    assert hand.window.banners.shown("merge") is None
    saved = files.load(path)
    assert saved == hand.session.document
    assert saved.project.training["epochs"] == 3
    values = {node.name: node.params for node in saved.of_kind("network")[0].nodes.values()}
    assert values["conv1"]["out_channels"] == 8
    assert values["dropout"]["p"] == 0.2
    assert values["conv2"]["stride"] == 2
    hand.command("file.merge")
    settle()
    assert not hand.window.findChildren(MergeWindow)


def test_a_merge_is_settled_by_mouse(
    hand: WindowHand, project: str, repository: Repository
) -> None:
    path = repository.place / "digits.netb"
    assert hand.window.open_path(path)
    settle()
    hand.command("file.merge")
    dialog = _window(hand)
    hand.press(dialog.keep)
    dialog.list.go_to(0)
    assert dialog.keep.text() == "Ask again"
    hand.press(dialog.keep)
    assert len(dialog.merging.left) == 2
    hand.press(dialog.keep_all)
    assert dialog.resolve.isEnabled()
    dialog.list.go_to(0)
    hand.press(dialog.keep)
    hand.press(dialog.take_all)
    assert [words(row) for row in dialog.rows] == [DROPOUT], "what was kept stays"
    hand.press(dialog.resolve)
    wait_for(lambda: not hand.window.findChildren(MergeWindow), 60)
    assert git_stages.unmerged(path) is None
