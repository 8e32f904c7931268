"""The Data panel: what it shows of each kind of data, as the worker tells it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QPushButton, QTableWidget, QWidget

from netbuilder.data.overview import overview
from netbuilder.data.settings import DataSettings
from netbuilder.errors import RunError
from netbuilder.graph import edits
from netbuilder.gui.bringing.data_panel import DataPanel
from netbuilder.gui.bringing.data_pictures import coloured, unpacked, with_boxes
from netbuilder.gui.bringing.data_samples import Texts
from netbuilder.gui.bringing.data_views import Balance, Distributions, GraphPlot
from netbuilder.gui.look.cells import Curves, Sounds, Variants
from netbuilder.gui.samples import ImageGrid
from tests.gui.window_hand import WindowHand, settle


def _told(source: str, **params: Any) -> dict[str, Any]:
    return overview(DataSettings(source=f"netbuilder.{source}", params=params), 6)


def test_the_data_panel_asks_when_it_is_seen_and_shows_the_answer(hand: WindowHand) -> None:
    hand.open()
    assert hand.client.waiting("sample") == []
    hand.bench.show_panel("data")
    settle()
    hand.client.answer("sample", result=_told("Digits"))
    settle()
    texts = [found.text() for found in hand.bench.data.findChildren(QLabel)]
    assert "1,438 train  ·  359 validation" in texts
    assert "N×1×8×8" in texts
    balance = hand.bench.data.findChild(Balance)
    assert isinstance(balance, Balance)
    assert "3: 183" in balance.accessibleDescription()


@pytest.mark.parametrize(
    ("source", "view", "tabs"),
    [
        ("Shapes", ImageGrid, ["Samples", "Distributions"]),
        ("Scenes", ImageGrid, ["Samples", "Distributions"]),
        ("Sines", Curves, ["Samples", "Distributions"]),
        ("Tones", Sounds, ["Samples", "Distributions"]),
        ("PythonCode", Texts, ["Samples"]),
        ("Iris", QTableWidget, ["Samples", "Distributions"]),
        ("Diabetes", Distributions, ["Samples", "Distributions"]),
        ("KarateClub", GraphPlot, ["Graph", "Samples", "Distributions"]),
    ],
)
def test_each_kind_of_data_has_its_views(
    qapp: QApplication, source: str, view: type[QWidget], tabs: list[str]
) -> None:
    panel = DataPanel()
    panel.resize(900, 500)
    panel.show()
    panel.show_sample(_told(source))
    settle()
    bar = panel.pages
    assert [bar.tabText(n) for n in range(bar.count()) if bar.isTabVisible(n)] == tabs
    assert panel.findChildren(view)
    for at in range(bar.count()):
        bar.setCurrentIndex(at)
        # Everything that paints by hand paints.
        assert not panel.grab().isNull()
    panel.close()
    panel.deleteLater()


def test_many_classes_are_told_in_a_line(qapp: QApplication) -> None:
    balance = Balance()
    balance.show_counts({f"class {number}": 100 - number for number in range(100)})
    assert balance.rest == "and 89 more with 1 to 89 each"
    assert "class 0: 100" in balance.accessibleDescription()
    balance.deleteLater()


def test_uneven_classes_are_said(qapp: QApplication) -> None:
    panel = DataPanel()
    told = {**_told("Iris"), "classes": {"rare": 3, "common": 300, "never": 0}}
    panel.show_sample(told)
    texts = " ".join(found.text() for found in panel.findChildren(QLabel))
    assert "The largest class has 100 times as many samples" in texts
    panel.deleteLater()


def test_what_is_no_picture_is_none() -> None:
    good = {"width": 1, "height": 1, "pixels": "AAAA"}
    assert isinstance(unpacked(good), QImage)
    for wrong in (
        None,
        {**good, "pixels": "AAA="},
        {**good, "pixels": "???"},
        {"width": 0, "height": 1, "pixels": ""},
        {"width": 8192, "height": 1, "pixels": b64encode(bytes(8192)).decode()},
        {"width": 1},
    ):
        assert unpacked(wrong) is None


def test_boxes_lie_where_they_are_and_empty_ones_nowhere(qapp: QApplication) -> None:
    image = QImage(8, 8, QImage.Format.Format_RGB888)
    image.fill(0)
    boxes = [[1, 1, 6, 6], [0, 0, 0, 0], [None, 1, 2, 3], [4, 2, 3, 5], [2, 4, 5, 3]]
    shown = with_boxes(image, boxes, {"shape": [3, 8, 8]})
    scale = shown.width() // 8
    assert shown.pixelColor(scale, 3 * scale).lightness() > 60
    inside = [(x, y) for x in range(2 * scale, 6 * scale) for y in range(2 * scale, 6 * scale)]
    inside = [(x, y) for x, y in inside if max(x, y) < 5.5 * scale]
    assert not any(shown.pixelColor(x, y).lightness() for x, y in inside)
    assert shown.pixelColor(0, 0).lightness() == 0


def test_a_mask_has_a_colour_for_each_class(qapp: QApplication) -> None:
    packed = unpacked({"width": 3, "height": 1, "pixels": "AAEC"})
    assert packed is not None
    mask = coloured(packed)
    assert len({mask.pixelColor(x, 0).rgb() for x in range(3)}) == 3


# -- augmentation ------------------------------------------------------------------------------


def _augmented(source: str, *kinds: dict[str, Any], normalise: tuple[str, ...] = ()) -> Any:
    settings = DataSettings.model_validate(
        {"source": f"netbuilder.{source}", "augment": kinds, "normalise": normalise}
    )
    return overview(settings, 6)["augmented"]


def test_a_preview_shows_what_augmentation_does() -> None:
    told = _augmented("Digits", {"kind": "flip", "probability": 1.0})
    (view,) = told["views"]
    assert (view["field"], view["kind"], told["error"]) == ("image", "image", "")
    for before, after in zip(view["before"], view["after"][0], strict=True):
        image, flipped = unpacked(before), unpacked(after)
        assert image is not None
        assert flipped is not None
        assert image.flipped(Qt.Orientation.Horizontal) == flipped
    assert _augmented("Digits") is None


def test_a_preview_is_in_the_units_of_the_data() -> None:
    """Noise of no strength changes nothing, also where the network sees normalised values."""
    noise = {"kind": "noise", "deviation": 1e-7}
    told = _augmented("Digits", noise, normalise=("image",))
    (view,) = told["views"]
    for before, after in zip(view["before"], view["after"][0], strict=True):
        ours, theirs = b64decode(before["pixels"]), b64decode(after["pixels"])
        assert max(abs(a - b) for a, b in zip(ours, theirs, strict=True)) <= 1


def test_what_cannot_be_varied_says_why() -> None:
    told = _augmented("Iris", {"kind": "flip"})
    assert "flip" in told["error"]
    assert told["views"] == []


@pytest.mark.parametrize(
    ("source", "augment", "view"),
    [
        ("Shapes", {"kind": "rotate"}, Variants),
        ("Scenes", {"kind": "flip", "fields": ("image", "mask")}, Variants),
        ("Sines", {"kind": "noise"}, Curves),
        ("Iris", {"kind": "noise"}, QTableWidget),
        ("PythonCode", {"kind": "token_masking"}, Texts),
        ("Iris", {"kind": "flip"}, QLabel),
    ],
)
def test_the_panel_shows_samples_before_and_after(
    qapp: QApplication, source: str, augment: dict[str, Any], view: type[QWidget]
) -> None:
    panel = DataPanel()
    panel.resize(900, 500)
    panel.show()
    panel.show_sample({**_told(source), "augmented": _augmented(source, augment)})
    assert panel.pages.isTabVisible(3)
    panel.pages.setCurrentIndex(3)
    settle()
    assert panel.pages.currentWidget().findChildren(view)
    assert not panel.grab().isNull()
    panel.close()
    panel.deleteLater()


def test_augmentations_are_added_set_and_removed_by_hand(hand: WindowHand) -> None:
    hand.open()
    form = hand.bench.inspector.settings.augment
    assert form is not None

    def entries() -> list[dict[str, Any]]:
        found = hand.session.document.project.data.get("augment", ())
        return [dict(entry) for entry in found]

    actions = {action.objectName(): action for action in form.add.menu().actions()}
    actions["augment.flip"].trigger()
    settle()
    actions["augment.noise"].trigger()
    settle()
    assert entries() == [{"kind": "flip"}, {"kind": "noise"}]
    editor = form.forms[1].rows["deviation"].editor.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    hand.type(editor, "0.5")
    assert entries() == [{"kind": "flip"}, {"kind": "noise", "deviation": 0.5}]

    def remove(name: str) -> None:
        buttons = form.findChildren(QPushButton)
        hand.press(next(b for b in buttons if b.accessibleName() == f"Remove {name}"))

    remove("Noise")
    assert entries() == [{"kind": "flip"}]
    hand.command("edit.undo")
    remove("Flip")
    assert entries() == [{"kind": "noise", "deviation": 0.5}]
    hand.command("edit.undo")
    hand.command("edit.undo")
    assert [entry["kind"] for entry in entries()] == ["flip", "noise"]
    while entries():
        hand.command("edit.undo")
    assert "augment" not in hand.session.document.project.data


def test_without_data_the_panel_invites_again(hand: WindowHand) -> None:
    hand.open()
    panel = hand.bench.data
    hand.bench.show_panel("data")
    settle()
    hand.client.answer("sample", error=RunError("The file is gone."))
    settle()
    edits.set_project(hand.session.history, data={})
    settle()
    assert panel.empty.title.text() == "No data yet"
    assert "Drop a file or a folder" in panel.empty.text.text()
    menu = panel.empty.action.menu()
    assert [action.text() for action in menu.actions()] == [
        "A folder…",
        "A file…",
        "From the network…",
    ]
