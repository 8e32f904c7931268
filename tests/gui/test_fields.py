"""What may be typed for a parameter, for every field of every layer and setting."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import BaseModel

from netbuilder.data.settings import DataSettings
from netbuilder.graph.document import Graph
from netbuilder.graph.model import GraphInfo, freeze
from netbuilder.gui.inspecting.fields import (
    FieldSpec,
    common,
    declared,
    hint_of,
    specs,
    text_of,
    title_of,
)
from netbuilder.gui.inspecting.typed import Unreadable, parse, refusal, typed, worth
from netbuilder.layers.catalogue import layers
from netbuilder.training.settings import StepSettings, TrainingSettings
from tests.layers.cases import case

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
    assert len(specs(StepSettings)["optimizer"].models) == 15


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


def test_numbers_say_what_they_count() -> None:
    training = specs(TrainingSettings)
    assert training["checkpoint_s"].unit == "s"
    assert title_of("checkpoint_s") == "Checkpoint every"
    assert training["batch_size"].unit == "samples"
    assert all(not field.unit for layer in layers().values() for field in specs(layer).values())


def test_rows_of_numbers_are_typed_in_parentheses() -> None:
    data = spec("torch.tensor", "data")
    assert parse(data, "(1, 2), (3, 4)") == ((1, 2), (3, 4))
    assert parse(data, "[[1, 2.5], [3, 4]]") == ((1, 2.5), (3, 4))
    assert parse(data, "((1, 2)), ((3, 4))") == (((1, 2),), ((3, 4),))
    assert parse(data, "(1, 2)") == (1, 2)
    assert parse(data, "0.5") == 0.5
    value = ((1, 2), (3, 4))
    assert parse(data, text_of(value)) == value
    for wrong in ("(1, 2", "1, (2", "(1, x), (3, 4)"):
        with pytest.raises(Unreadable):
            parse(data, wrong)


def test_expressions_are_told_from_values() -> None:
    size = replace(spec("torch.nn.Conv2d", "kernel_size"), expressions=True)
    assert parse(size, "=2*k") == "=2*k"
    assert parse(size, " =k, 3 ") == ("=k", 3)
    assert parse(size, "=min(a, b), =max(a, (b))") == ("=min(a, b)", "=max(a, (b))")
    shape = replace(spec("netbuilder.Input", "shape"), expressions=True)
    assert parse(shape, "=sizes") == "=sizes", "a mere name stands for all of it"
    assert parse(shape, "=sizes,") == ("=sizes",)
    for wrong in ("=", "=2*", "=a b", "=min(1)", "=__import__('os')", "=1, 2, 3", "=f(1)"):
        with pytest.raises(Unreadable):
            parse(size, wrong)
    with pytest.raises(Unreadable, match="whole number"):
        parse(spec("torch.nn.Conv2d", "kernel_size"), "=2")


def test_expressions_are_checked_by_what_they_come_to() -> None:
    conv = layers()["torch.nn.Conv2d"]
    scope = {"c": 8, "wide": True, "name": "zeros"}
    set_ = {"out_channels": "=c", "kernel_size": 3, "groups": "=gone"}
    assert refusal(conv, set_, "stride", 2, scope) == "", "what is wrong elsewhere is told there"
    assert refusal(conv, set_, "out_channels", "=c//2", scope) == ""
    assert "with a fraction" in refusal(conv, set_, "out_channels", "=c/2", scope)
    assert "greater than or equal" in refusal(conv, set_, "out_channels", "=c-8", scope)
    assert "no parameter 'd'" in refusal(conv, set_, "out_channels", "=d", scope)
    assert refusal(conv, set_, "bias", "=wide", scope) == ""
    assert refusal(conv, set_, "padding_mode", "=name", scope) == ""
    assert refusal(conv, set_, "padding_mode", "=c", scope)
    assert worth(("=c", 3), scope) == "8, 3"
    assert worth(("=d", 3), scope) == worth(5, scope) == ""


def test_a_block_declares_fields() -> None:
    info = GraphInfo(
        id="g",
        kind="block",
        name="b",
        settings=freeze(
            {
                "parameters": [
                    {"name": "channels", "default": 64, "help": "Filters."},
                    {"name": "rate", "default": 0.5},
                    {"name": "flag", "default": False},
                    {"name": "act", "default": "relu"},
                    {"name": "sizes", "default": [1, 2]},
                    {"name": "free", "default": None},
                    {"default": 1},
                    7,
                ]
            }
        ),
    )
    found = declared(Graph(info))
    assert {name: field.editor for name, field in found.items()} == {
        "channels": "number",
        "rate": "number",
        "flag": "bool",
        "act": "text",
        "sizes": "text",
        "free": "text",
    }
    assert found["channels"].help == "Filters."
    with pytest.raises(Unreadable):
        parse(found["channels"], "1.5")
    assert parse(found["rate"], "1.5") == 1.5
    assert parse(found["sizes"], "4, 5, 6") == (4, 5, 6)
    assert parse(found["free"], "true") is True
    assert parse(found["channels"], "=2*c") == "=2*c"


def test_layers_have_fields_in_common() -> None:
    conv1, conv2 = layers()["torch.nn.Conv1d"], layers()["torch.nn.Conv2d"]
    both = common([conv1, conv2])
    assert {"in_channels", "out_channels", "groups", "bias"} <= set(both)
    assert "kernel_size" not in both
    norms = common([layers()["torch.nn.BatchNorm2d"], layers()["torch.nn.LayerNorm"]])
    assert "eps" in norms
    assert common([conv1, layers()["torch.nn.ReLU"]]) == {}


def test_words_beside_numbers_and_lists_of_one() -> None:
    value = spec("torch.masked_fill", "value")
    assert parse(value, "-inf") == "-inf"
    assert parse(value, "-2") == -2
    assert isinstance(parse(value, "0.5"), float)
    cuts = spec("torch.tensor_split", "indices_or_sections")
    for cut in (2, (2,), (2, 4)):
        assert parse(cuts, typed(cuts, cut)) == cut
    assert typed(spec("torch.flip", "dims"), (1,)) == "1"


def test_what_the_cases_try_can_be_typed() -> None:
    for id, kind in layers().items():
        fields = specs(kind)
        for name, value in case(id, 0).params.items():
            field, given = fields[name], freeze(value)
            if field.editor in ("number", "text") and not isinstance(given, float):
                assert parse(field, typed(field, given)) == given, f"{id} {name}"
