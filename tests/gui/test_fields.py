"""What may be typed for a parameter, for every field of every layer and setting."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

from netbuilder.data.settings import DataSettings
from netbuilder.gui.fields import FieldSpec, hint_of, specs, text_of, title_of
from netbuilder.gui.typed import Unreadable, parse, refusal
from netbuilder.layers.catalogue import layers
from netbuilder.training.settings import StepSettings, TrainingSettings

MODELS: list[type[BaseModel]] = [
    *layers().values(),
    DataSettings,
    TrainingSettings,
    *(kind for spec in specs(StepSettings).values() for kind in spec.models),
]


def spec(layer: str, name: str) -> FieldSpec:
    return specs(layers()[layer])[name]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_default_can_be_typed(model: type[BaseModel]) -> None:
    for field in specs(model).values():
        if field.editor in ("number", "text") and not field.required and field.name != "params":
            assert parse(field, text_of(field.default)) == field.default, field.name


def test_kinds_of_editor() -> None:
    conv = specs(layers()["torch.nn.Conv2d"])
    assert conv["bias"].editor == "bool"
    assert conv["padding_mode"].editor == "choice"
    assert "reflect" in conv["padding_mode"].choices
    assert conv["kernel_size"].editor == "number"
    assert conv["in_channels"].inferred
    assert conv["in_channels"].optional
    assert specs(StepSettings)["optimizer"].editor == "model"
    assert len(specs(StepSettings)["optimizer"].models) == 3


def test_numbers_and_tuples() -> None:
    size = spec("torch.nn.Conv2d", "kernel_size")
    assert parse(size, "3") == 3
    assert parse(size, "3, 5") == (3, 5)
    assert parse(size, "3×5") == (3, 5)
    assert parse(size, "(3, 5)") == (3, 5)
    for wrong in ("3, 5, 7", "three", "3.5", "3, x"):
        with pytest.raises(Unreadable):
            parse(size, wrong)
    assert parse(spec("torch.nn.Conv2d", "in_channels"), "") is None


def test_a_shape_may_have_symbols() -> None:
    shape = spec("netbuilder.Input", "shape")
    assert parse(shape, "T, 16") == ("T", 16)
    assert parse(shape, "1, 8, 8") == (1, 8, 8)
    assert parse(shape, "10") == (10,)


def test_a_whole_number_is_not_a_fraction() -> None:
    rate = specs(TrainingSettings)["checkpoint_s"]
    assert parse(rate, "3e1") == 30.0
    with pytest.raises(Unreadable, match="whole number"):
        parse(specs(TrainingSettings)["epochs"], "1.5")


def test_digits_without_end_are_refused() -> None:
    with pytest.raises(Unreadable):
        parse(specs(TrainingSettings)["epochs"], "9" * 5000)


def test_refusals_name_the_limit() -> None:
    conv = layers()["torch.nn.Conv2d"]
    set_ = {"out_channels": 4, "kernel_size": 3}
    assert "greater than or equal to 1" in refusal(conv, set_, "kernel_size", 0)
    assert refusal(conv, set_, "kernel_size", 5) == ""
    assert refusal(layers()["torch.nn.Dropout"], {}, "p", 1.5)


def test_another_field_in_error_is_no_refusal() -> None:
    conv = layers()["torch.nn.Conv2d"]
    assert refusal(conv, {"kernel_size": 0}, "out_channels", 8) == ""


def test_hints_say_what_empty_means() -> None:
    training = specs(TrainingSettings)
    assert hint_of(training["patience"]) == "never"
    assert hint_of(training["epochs"]) == "20"


def test_titles() -> None:
    assert title_of("batch_size") == "Batch size"
    assert title_of("lr") == "Learning rate"
