"""A step's settings: kinds with all their fields, the curve that follows, and parts."""

from __future__ import annotations

from typing import Any

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLineEdit, QPushButton, QToolButton, QWidget

from netbuilder.gui.inspecting.editors import NumberEditor
from netbuilder.gui.look.widgets import Switch
from netbuilder.gui.plotting.schedule_curve import ScheduleCurve, ticks
from netbuilder.gui.training.step_settings import StepForm
from netbuilder.training.optimisation.optimizer_settings import OptimizerSettings, kinds
from netbuilder.training.optimisation.schedule_settings import ScheduleSettings
from tests.gui.window_hand import WindowHand, settle


@pytest.fixture
def form(hand: WindowHand) -> StepForm:
    hand.open()
    hand.session.show(hand.session.document.of_kind("step")[0].id)
    settle()
    found = hand.bench.inspector.settings.step
    assert found is not None
    return found


def settings(hand: WindowHand) -> dict[str, Any]:
    return dict(hand.session.document.of_kind("step")[0].info.settings)


def choose(form: QWidget, group: str, kind: str) -> None:
    box = form.findChild(QComboBox, f"field.{group}.kind")
    assert box is not None
    at = box.findData(kind)
    assert at >= 0
    box.setFocus()
    box.setCurrentIndex(at)
    box.activated.emit(at)
    settle()


def line(form: QWidget, name: str) -> QLineEdit:
    editor = form.findChildren(NumberEditor, name)[-1]
    return editor.lineEdit()


def write(hand: WindowHand, field: QLineEdit, text: str) -> None:
    hand.type(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)
    settle()


@pytest.mark.parametrize(
    ("group", "union"), [("optimizer", OptimizerSettings), ("schedule", ScheduleSettings)]
)
def test_every_kind_has_a_form_with_all_its_fields(
    hand: WindowHand, form: StepForm, group: str, union: Any
) -> None:
    before: Any = settings(hand).get(group)
    for kind, model in kinds(union).items():
        choose(form, group, kind)
        now: Any = settings(hand).get(group, before)
        assert now["kind"] == kind
        inner = form.first.groups[group].form
        assert inner is not None
        assert set(inner.rows) == set(model.model_fields) - {"kind"}
        assert all(row.editor.toolTip() for row in inner.rows.values())
        assert form.curve.rates
    hand.command("edit.undo")
    assert settings(hand)[group]["kind"] != kind


def test_further_fields_are_folded_away_until_wanted(hand: WindowHand, form: StepForm) -> None:
    inner = form.first.groups["optimizer"].form
    assert inner is not None
    assert inner.fold is not None
    assert not inner.rows["eps"].editor.isVisibleTo(form)
    assert inner.rows["lr"].editor.isVisibleTo(form)
    QTest.mouseClick(inner.fold.head, Qt.MouseButton.LeftButton)
    assert inner.rows["eps"].editor.isVisibleTo(form)
    write(hand, line(form, "field.eps"), "1e-6")
    assert settings(hand)["optimizer"]["eps"] == 1e-6
    assert "1 set" in inner.fold.head.text()


def test_an_error_opens_the_fold(form: StepForm) -> None:
    inner = form.first.groups["optimizer"].form
    assert inner is not None
    assert inner.fold is not None
    assert not inner.fold.is_open
    inner.set_errors({"eps": "Wrong."})
    assert inner.fold.is_open


def test_the_curve_follows_edits_and_undo(hand: WindowHand, form: StepForm) -> None:
    choose(form, "schedule", "linear")
    write(hand, line(form, "field.lr"), "0.5")
    assert form.curve.rates[0] == pytest.approx(0.5)
    assert form.curve.rates[-1] == pytest.approx(0.0, abs=1e-6)
    write(hand, line(form, "field.warmup"), "4")
    assert form.curve.rates[0] == 0.0
    hand.command("edit.undo")
    assert form.curve.rates[0] == pytest.approx(0.5)
    assert "Learning rate over 20 epochs" in form.curve.accessibleDescription()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [("lr", "0.0015", 0.0015), ("betas", "0.9, 0.9995", (0.9, 0.9995)), ("first_epoch", "11", 11)],
)
def test_what_begins_like_the_default_can_be_typed(
    hand: WindowHand, form: StepForm, name: str, text: str, value: object
) -> None:
    """On the way it is the default, which the document leaves out."""
    write(hand, line(form, f"field.{name}"), text)
    known = settings(hand)
    assert {**known["optimizer"], **known}[name] == value


def test_a_default_that_was_typed_becomes_a_hint(hand: WindowHand, form: StepForm) -> None:
    field = line(form, "field.first_epoch")
    hand.type(field, "1")
    assert field.text() == "1"
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert (field.text(), field.placeholderText()) == ("", "1")
    assert "first_epoch" not in settings(hand)


def test_the_curve_is_that_of_the_epochs_in_which_the_step_runs(
    hand: WindowHand, form: StepForm
) -> None:
    choose(form, "schedule", "linear")
    write(hand, line(form, "field.first_epoch"), "11")
    assert "over 10 epochs after the first 10" in form.curve.accessibleDescription()
    write(hand, line(form, "field.last_epoch"), "14")
    assert "over 4 epochs after the first 10" in form.curve.accessibleDescription()
    assert form.curve.rates[-1] == pytest.approx(0.0, abs=1e-6)
    write(hand, line(form, "field.warmup"), "5")
    assert "warm-up of 5 epochs is longer than the run of 4" in form.warning.text()


def test_a_warm_up_that_is_longer_than_the_run_is_told(hand: WindowHand, form: StepForm) -> None:
    choose(form, "schedule", "none")
    assert form.warning.isHidden()
    write(hand, line(form, "field.warmup"), "25")
    assert "longer than the run of 20" in form.warning.text()
    assert not form.warning.isHidden()
    write(hand, line(form, "field.warmup"), "2")
    assert form.warning.isHidden()


def test_the_mouse_reads_the_curve(hand: WindowHand, form: StepForm) -> None:
    curve = form.curve
    QTest.mouseMove(curve, QPointF(curve.width() / 2, 50).toPoint())
    settle()
    assert not curve.grab().isNull()


def test_an_empty_curve_paints() -> None:
    curve = ScheduleCurve()
    curve.resize(240, 112)
    curve.show_schedule(None, 0.0, 0.0)
    assert not curve.grab().isNull()
    assert curve.rates == []


@pytest.mark.parametrize(("length", "most"), [(1, 5), (20, 5), (20, 1), (0.5, 4), (300, 7)])
def test_ticks_are_few_and_inside(length: float, most: int) -> None:
    found = ticks(length, most)
    assert found[0] == 0
    assert found[-1] <= length * 1.001
    assert len(found) <= most + 1


# -- parts -------------------------------------------------------------------------------------


def test_parts_are_added_edited_removed_and_undone(hand: WindowHand, form: StepForm) -> None:
    add = form.findChild(QPushButton, "parts.add")
    assert add is not None
    QTest.mouseClick(add, Qt.MouseButton.LeftButton)
    settle()
    assert settings(hand)["parts"] == ({"part": "main"},)
    part = form.findChild(QComboBox, "parts.0.part")
    assert part is not None
    names = [part.itemText(at) for at in range(part.count())]
    assert names[0] == "main"
    assert "main.conv1" in names
    part.setCurrentIndex(names.index("main.conv1"))
    part.activated.emit(names.index("main.conv1"))
    settle()
    write(hand, line(form, "parts.0.lr"), "0.1")
    frozen = form.findChild(Switch, "parts.0.frozen")
    assert frozen is not None
    QTest.mouseClick(frozen, Qt.MouseButton.LeftButton)
    settle()
    assert settings(hand)["parts"] == ({"part": "main.conv1", "lr": 0.1, "frozen": True},)
    hand.command("edit.undo")
    assert settings(hand)["parts"] == ({"part": "main.conv1", "lr": 0.1},)
    remove = form.findChild(QToolButton, "parts.0.remove")
    assert remove is not None
    QTest.mouseClick(remove, Qt.MouseButton.LeftButton)
    settle()
    assert "parts" not in settings(hand)
    hand.command("edit.undo")
    assert settings(hand)["parts"] == ({"part": "main.conv1", "lr": 0.1},)


def test_a_wrong_rate_of_a_part_is_told_and_changes_nothing(
    hand: WindowHand, form: StepForm
) -> None:
    add = form.findChild(QPushButton, "parts.add")
    assert add is not None
    QTest.mouseClick(add, Qt.MouseButton.LeftButton)
    settle()
    write(hand, line(form, "parts.0.lr"), "-1")
    assert "lr" not in settings(hand)["parts"][0]
    assert not form.parts.error.isHidden()


# -- training ----------------------------------------------------------------------------------


def test_balance_offers_the_fields_of_classes(hand: WindowHand, form: StepForm) -> None:
    box = hand.bench.inspector.settings.findChild(QComboBox, "field.balance")
    assert box is not None
    assert [box.itemText(at) for at in range(box.count())] == ["as they come", "label"]
    box.setCurrentIndex(1)
    box.activated.emit(1)
    settle()
    assert hand.session.document.project.training["balance"] == "label"
    hand.command("edit.undo")
    assert "balance" not in hand.session.document.project.training
