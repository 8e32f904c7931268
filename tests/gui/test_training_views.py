"""Previews through the epochs, classes, the log, and how the Training panel fits its place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QLayout

from netbuilder.app.runs import RunView
from netbuilder.gui.look import theme
from netbuilder.gui.plotting.confusion import ClassTable
from netbuilder.gui.runs.run_log import words_of
from netbuilder.gui.training.preview_history import PreviewHistory
from netbuilder.gui.training.preview_views import CertaintyBars, PointCloud, TextList
from netbuilder.gui.training.training_panel import TrainingPanel
from netbuilder.training.records.events import Event
from tests.gui.window_hand import LEFT, settle, wait_for

PICTURE = [[[0.0] * 4] * 4]
MATRIX = [[8, 2, 0], [1, 9, 0], [0, 0, 0]]


def table() -> dict[str, Any]:
    return {"classes": ["cat", "dog", "owl"], "matrix": MATRIX}


def guesses(*said: int) -> dict[str, Any]:
    """Pictures of three cats, and what they are taken for."""
    return {
        "kind": "class",
        "predicted": list(said),
        "confidence": [0.9] * len(said),
        "target": [0] * len(said),
        "classes": ["cat", "dog", "owl"],
        "input": {"kind": "image", "field": "image", "samples": [PICTURE] * len(said)},
    }


class Follower:
    """A panel that hears of a run in a folder."""

    def __init__(self, path: Path) -> None:
        self.panel = TrainingPanel()
        # In a dock it may be smaller than its parts want; as a window of its own it could not.
        layout = self.panel.layout()
        assert layout is not None
        layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self.panel.resize(1200, 600)
        self.panel.show()
        self.run = RunView(path)
        self.panel.show_run(self.run)
        self._seq = 0

    def tell(self, event: Any, epoch: int = 0, step: int = 0, **values: Any) -> None:
        self._seq += 1
        told = Event(self._seq, 1e9 + self._seq, event, epoch, step, values)
        self.run = self.run.after(told)
        self.panel.add_event(self.run, told)

    def show(self) -> None:
        """Let the panel show what came, as it does by itself after a moment."""
        wait_for(lambda: not self.panel._due.isActive())

    def captions(self) -> list[str]:
        return [found.text() for found in self.panel.previews.grid.findChildren(QLabel)]


@pytest.fixture
def follower(qapp: QApplication, tmp_path: Path) -> Iterator[Follower]:
    result = Follower(tmp_path)
    result.tell("started", epochs=9, steps=90, epoch_steps=10, metrics=["train/loss"])
    yield result
    result.panel.close()
    result.panel.deleteLater()
    settle()


# -- previews -----------------------------------------------------------------------------------


def test_the_slider_leads_back_through_the_epochs(follower: Follower) -> None:
    panel = follower.panel.previews
    for epoch in (1, 2, 3):
        follower.tell("preview", epoch, 10 * epoch, previews={"said": guesses(*[1] * (4 - epoch))})
        follower.show()
    assert panel.moment.text() == "epoch 3"
    assert "said: 0 of 1 right" in follower.captions()
    panel.slider.setFocus()
    QTest.keyClick(panel.slider, Qt.Key.Key_Home)
    assert panel.moment.text() == "epoch 1"
    assert "said: 0 of 3 right" in follower.captions()
    # Who looks back is not interrupted by newer ones; at the end one follows again.
    follower.tell("preview", 4, 40, previews={"said": guesses(0)})
    follower.show()
    assert panel.moment.text() == "epoch 1"
    QTest.keyClick(panel.slider, Qt.Key.Key_End)
    assert panel.moment.text() == "epoch 4"
    assert "said: 1 of 1 right" in follower.captions()
    follower.tell("preview", 5, 50, previews={"said": guesses(0, 0)})
    follower.show()
    assert "said: 2 of 2 right" in follower.captions()


def test_the_history_is_bounded_and_spread_over_the_run() -> None:
    history = PreviewHistory(max_bytes=40_000, max_entries=30)
    random = np.random.default_rng(0)
    for step in range(1, 501):
        history.add(step, step, {"noise": random.random(100).tolist()})
        assert sum(len(m.packed) for m in history._moments) <= 40_000
        assert len(history) <= 30
    steps = [history.moment(at).step for at in range(len(history))]
    assert steps[0] == 1
    assert steps[-1] == 500
    assert len(history) >= 10
    assert max(np.diff(steps)) <= 500 / (len(history) - 2)
    assert len(history.previews(2)["noise"]) == 100
    # A resumed run tells some steps again.
    history.add(9, steps[1], {"again": []})
    assert [history.moment(at).step for at in range(len(history))] == steps[:2]
    assert history.previews(1) == {"again": []}
    history.add(9, steps[1] + 1, {"more": []})
    assert history.previews(len(history) - 1) == {"more": []}


def test_texts_points_and_certainties_have_their_own_views(follower: Follower) -> None:
    plain = {**guesses(0, 1), "input": None}
    points = {
        "kind": "embedding",
        "points": [[0.0, 1.0], [2.0, 0.5], [1.0, 1.0]],
        "target": [0, 1, 1],
        "classes": ["a", "b"],
        "explained": 0.75,
    }
    texts = {"kind": "text", "output": ["<b>x</b>", "two"], "target": ["<b>y</b>", "two"]}
    broken = {"kind": "embedding", "points": [[1.0], "x"], "target": ["?"]}
    shown = {"bars": plain, "latent": points, "words": texts, "broken": broken}
    follower.tell("preview", 1, 10, previews=shown)
    follower.show()
    grid = follower.panel.previews.grid
    bars = grid.findChild(CertaintyBars)
    words = grid.findChild(TextList)
    clouds = grid.findChildren(PointCloud)
    assert isinstance(bars, CertaintyBars)
    assert isinstance(words, TextList)
    assert bars.accessibleDescription() == "cat 90%, dog 90%"
    assert words.accessibleDescription() == "<b>x</b>; two"
    assert [cloud.accessibleDescription() for cloud in clouds] == ["3 points", "0 points"]
    assert {"bars: 1 of 2 right", "latent: 75% of the variance"} <= set(follower.captions())
    for name in ("dark", "light"):
        theme.apply_theme(QApplication.instance(), name)  # type: ignore[arg-type]
        assert not grid.grab().isNull()
    theme.apply_theme(QApplication.instance(), "dark")  # type: ignore[arg-type]


# -- classes ------------------------------------------------------------------------------------


def test_the_figures_by_class_are_those_of_the_counts() -> None:
    found = ClassTable.from_json(table())
    assert found is not None
    assert found.accuracy == 17 / 20
    expected = [[8 / 9, 0.8, 16 / 19, 10], [9 / 11, 0.9, 18 / 21, 10], [np.nan, np.nan, np.nan, 0]]
    np.testing.assert_allclose(found.figures(), expected)
    for broken in (
        None,
        {},
        {"classes": ["a"], "matrix": [[1, 2]]},
        {"classes": 3, "matrix": [[-1]]},
    ):
        assert ClassTable.from_json(broken) is None


def test_the_matrix_grows_and_a_cell_shows_its_examples(follower: Follower) -> None:
    panel = follower.panel.classes
    follower.panel.tabs.setCurrentWidget(panel)
    follower.tell("preview", 1, 10, previews={"said": guesses(0, 1, 1)})
    follower.tell("epoch", 1, 10, tables={"val/accuracy": table()}, **{"val/accuracy": 0.85})
    follower.show()
    assert panel.summary.text() == "85.0% of 20 right"
    QTest.mouseClick(panel.map, LEFT, pos=panel.map.cell_rect(0, 1).center().toPoint())
    assert panel.example_title.text() == "cat taken for dog: 2 (20.0% of 10)"
    assert [text for _, text, _ in panel.examples._images] == ["dog 90%", "dog 90%"]
    QTest.keyClick(panel.map, Qt.Key.Key_Down)
    assert panel.map.accessibleDescription() == "dog: 9 right (90.0% of 10)"
    assert not panel.examples.isVisible()
    QTest.keyClick(panel.map, Qt.Key.Key_Left)
    assert panel.map.accessibleDescription() == "dog taken for cat: 1 (10.0% of 10)"
    grown = {"classes": table()["classes"], "matrix": [[10, 0, 0], [1, 9, 0], [0, 0, 5]]}
    follower.tell("epoch", 2, 20, tables={"val/accuracy": grown})
    follower.show()
    assert panel.summary.text() == "96.0% of 25 right"
    assert not panel.choice.isVisible()


def test_the_table_is_sorted_by_a_click(follower: Follower) -> None:
    panel = follower.panel.classes
    follower.panel.tabs.setCurrentWidget(panel)
    follower.tell("epoch", 1, 10, tables={"val/accuracy": table(), "val/top": table()})
    follower.show()
    assert panel.choice.isVisible()

    def names() -> list[str]:
        items = [panel.table.item(line, 0) for line in range(3)]
        return [item.text() for item in items if item is not None]

    assert names() == ["cat", "dog", "owl"]
    header = panel.table.horizontalHeader()
    middle = QPoint(header.sectionViewportPosition(2) + 12, header.height() // 2)
    QTest.mouseClick(header.viewport(), LEFT, pos=middle)
    assert names() == ["owl", "cat", "dog"]
    QTest.mouseClick(header.viewport(), LEFT, pos=middle)
    assert names() == ["dog", "cat", "owl"]
    # The order stays when the next epoch's figures come.
    worse = {"classes": table()["classes"], "matrix": [[9, 1, 0], [5, 5, 0], [0, 0, 0]]}
    follower.tell("epoch", 2, 20, tables={"val/accuracy": worse, "val/top": worse})
    follower.show()
    assert names() == ["cat", "dog", "owl"]


@pytest.mark.nightly
def test_a_hundred_classes_are_painted_and_found(follower: Follower) -> None:
    panel = follower.panel.classes
    follower.panel.tabs.setCurrentWidget(panel)
    names = [f"class number {number}" for number in range(100)]
    counts = np.eye(100, dtype=int) * 7
    follower.tell("epoch", 1, 10, tables={"val/a": {"classes": names, "matrix": counts.tolist()}})
    follower.show()
    assert not panel.grab().isNull()
    for cell in ((0, 0), (99, 99), (42, 17)):
        assert panel.map.cell_at(panel.map.cell_rect(*cell).center().toPoint()) == cell


# -- the log ----------------------------------------------------------------------------------


def lines(follower: Follower) -> list[str]:
    log = follower.panel.log.lines
    items = [log.topLevelItem(at) for at in range(log.topLevelItemCount())]
    return [item.text(2) for item in items if item is not None]


def test_the_log_lists_what_happened_and_opens_the_folder(
    follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower.tell("metrics", 0, 1, **{"train/loss": 1.0})
    follower.tell("epoch", 1, 10, best=True, **{"val/loss": 1.0})
    follower.tell("epoch", 2, 20, best=True, **{"val/loss": 0.5})
    follower.tell("epoch", 3, 30, best=False, **{"val/loss": 0.6})
    follower.tell("checkpoint", 3, 30, kind="last", path="checkpoints/000001-last")
    follower.tell("warning", 3, 30, code="x", message="val/f1 is <not> finite.")
    follower.tell("finished", 3, 30, status="stopped", reason="stopped", error=None)
    told = lines(follower)
    assert told[1:] == [
        "Best epoch so far: 2",
        "Kept checkpoint in checkpoints/000001-last",
        "val/f1 is <not> finite.",
        "Stopped",
    ]
    warning = follower.panel.log.lines.topLevelItem(3)
    assert warning is not None
    assert warning.foreground(2).color() == theme.current().warning
    opened: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url))
    follower.panel.tabs.setCurrentWidget(follower.panel.log)
    QTest.mouseClick(follower.panel.log.folder, LEFT)
    assert [url.toLocalFile() for url in opened] == [str(follower.run.path)]


def test_a_failure_is_in_the_log_with_what_to_do() -> None:
    error = {"message": "The loss is NaN.", "hint": "Lower the rate."}
    event = Event(1, 0.0, "finished", 0, 3, {"status": "failed", "error": error})
    assert words_of(event) == ("The loss is NaN. Lower the rate.", "error")
    assert words_of(Event(1, 0.0, "preview", 0, 3, {})) is None


# -- room -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "beside"), [((440, 240), False), ((1500, 700), True)])
def test_curves_stand_beside_the_rest_or_in_a_tab(
    follower: Follower, size: tuple[int, int], beside: bool
) -> None:
    panel = follower.panel
    panel.resize(*size)
    settle()
    follower.tell("metrics", 0, 1, **{"train/loss": 1.0, "lr": 0.1, "memory_mb": 2048.0})
    follower.show()
    assert (panel.tabs.indexOf(panel.curves) < 0) == beside
    assert panel.curves.isVisible()
    assert panel.memory.isVisible() == beside
    assert panel.memory.value.text() == "2.0 GB"
    assert panel.curves.log_scale.isVisible()
    inside = panel.rect()
    for part in (panel.train, panel.curves.fit, panel.tabs):
        corner = part.mapTo(panel, part.rect().bottomRight())
        assert inside.contains(corner), part


def test_a_run_is_read_again_from_its_events(follower: Follower) -> None:
    """What another run told before is forgotten."""
    follower.tell("epoch", 1, 10, tables={"val/accuracy": table()}, **{"val/loss": 1.0})
    follower.tell("preview", 1, 10, previews={"said": guesses(0)})
    follower.show()
    follower.run = RunView(follower.run.path / "other")
    follower.panel.show_run(follower.run)
    panel = follower.panel
    assert len(panel.previews.history) == 0
    assert lines(follower) == []
    assert panel.plots is not None
    assert panel.plots.plots == {}
    assert panel.classes.empty.isVisibleTo(panel.classes)


def test_events_can_be_told_to_the_panel_as_they_stand_in_the_file(follower: Follower) -> None:
    """Numbers that JSON could not hold are null there."""
    event = json.loads(json.dumps({"train/loss": None, "lr": 0.1, "grad_norm": None}))
    follower.tell("metrics", 0, 1, **event)
    follower.tell("epoch", 1, 10, tables=None, **{"val/loss": None})
    follower.tell("preview", 1, 10, previews=None)
    follower.show()
    assert follower.panel.grab().width() == 1200
