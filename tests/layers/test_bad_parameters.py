"""Impossible parameters give a complaint at their node: never an exception, never memory."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest

from netbuilder.graph.model import Node
from netbuilder.layers.base import MAX_SIZE, Complaint, Layer
from netbuilder.layers.catalogue import layers, read
from tests.layers.cases import case

NAN, INFINITY = float("nan"), float("inf")
NOT_NUMBERS: list[Any] = [NAN, INFINITY, -INFINITY, "64", "NaN", {}, {"a": 1}, "x" * 100_000]
HUGE: list[Any] = [2**63, 10**12, 10**4301, -(10**4301)]
ODD: list[Any] = [None, True, False, (), ((),), (1, 2, 3, 4, 5, 6, 7), -1, 0, 1, 0.5, 1e308, -0.0]


def scalars(annotation: Any) -> set[Any]:
    """The scalar types in an annotation."""
    if get_origin(annotation) is Annotated:
        return scalars(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType, tuple):
        return set().union(*(scalars(part) for part in get_args(annotation)))
    if get_origin(annotation) is Literal:
        return {str}
    return {annotation}


def numeric(kind: type[Layer]) -> list[str]:
    return [n for n, f in kind.model_fields.items() if {int, float} & scalars(f.annotation)]


def reading(kind: type[Layer], **values: Any) -> Layer | tuple[Complaint, ...] | None:
    return read(Node(id="n", layer=kind.id, name="n", params={**kind.starting, **values}))


def refused(kind: type[Layer], name: str, value: Any) -> bool:
    """Whether this value gives complaints; they are told in few words and name the parameter."""
    found = reading(kind, **{name: value})
    assert found is not None
    if isinstance(found, Layer):
        return False
    assert len(found) == 1
    assert name in found[0].message
    assert found[0].hint
    assert len(found[0].message) < 300
    return True


EVERY = [(id, name) for id, kind in layers().items() for name in numeric(kind)]


def test_there_are_numbers_to_try() -> None:
    assert len(EVERY) > 120
    assert ("torch.nn.Conv2d", "kernel_size") in EVERY
    assert ("torch.nn.Conv2d", "bias") not in EVERY


@pytest.mark.parametrize(("id", "name"), EVERY)
def test_what_is_no_number_is_refused(id: str, name: str) -> None:
    kind = layers()[id]
    types_ = scalars(kind.model_fields[name].annotation)
    for value in NOT_NUMBERS:
        if not (str in types_ and isinstance(value, str)):
            assert refused(kind, name, value), value
    assert bool in types_ or refused(kind, name, True)


@pytest.mark.parametrize(("id", "name"), EVERY)
def test_huge_whole_numbers_are_refused(id: str, name: str) -> None:
    kind = layers()[id]
    if float not in scalars(kind.model_fields[name].annotation):
        for value in HUGE:
            assert refused(kind, name, value)


@pytest.mark.parametrize(
    ("id", "name"), [(id, name) for id, name in EVERY if name.endswith(("features", "channels"))]
)
def test_sizes_are_at_least_one(id: str, name: str) -> None:
    for value in (0, -1, -MAX_SIZE, 1.0):
        assert refused(layers()[id], name, value)


@pytest.mark.parametrize(("id", "name"), EVERY)
def test_whatever_is_accepted_can_be_looked_at(id: str, name: str) -> None:
    """Odd values that pass the limits still give complaints, code and texts without a raise."""
    kind = layers()[id]
    inputs = case(id, 0).inputs
    for value in [*NOT_NUMBERS, *HUGE, *ODD, MAX_SIZE, -MAX_SIZE]:
        layer = reading(kind, **{name: value})
        if not isinstance(layer, Layer):
            continue
        layer.ports()
        layer.subtitle()
        layer.constructor()
        layer.infer(inputs)
        layer.onnx_refusal()
        for complaint in [*layer.complaints({}), *layer.complaints(inputs)]:
            assert complaint.message


@pytest.mark.parametrize("id", list(layers()))
@pytest.mark.parametrize(
    "name", ["__class__", "__init__", "__dict__", "forward", "state_dict", "self", "model_config"]
)
def test_names_that_python_knows_are_unknown_parameters(id: str, name: str) -> None:
    found = reading(layers()[id], **{name: "x"})
    assert isinstance(found, tuple)
    assert [c.code for c in found] == ["parameter.unknown"]


def test_equal_keys_of_different_types_are_different_parameters() -> None:
    kind = layers()["torch.nn.Linear"]
    assert isinstance(reading(kind, out_features=1), Layer)
    assert isinstance(reading(kind, out_features=True), tuple)
    assert isinstance(reading(kind, out_features=1.0), tuple)


def test_a_union_gives_one_complaint_that_fits_the_value() -> None:
    kind = layers()["torch.nn.Conv2d"]

    def told(value: Any) -> str:
        found = reading(kind, kernel_size=value)
        assert isinstance(found, tuple)
        (complaint,) = found
        return complaint.message

    assert told(0) == "'kernel_size' must be at least 1, not 0."
    assert told((3, 0)) == "'kernel_size' must be at least 1, not (3, 0)."
    assert told("3") == "'kernel_size' must be a whole number or a list of numbers, not '3'."
    assert told(10**4301).endswith("not a number of more than 40 digits.")


def test_a_missing_parameter_can_be_set_by_a_click() -> None:
    found = read(Node(id="n", layer="torch.nn.Linear", name="n"))
    assert isinstance(found, tuple)
    (complaint,) = found
    assert complaint.message == "Linear needs a value for 'out_features'."
    assert complaint.fixes[0].arguments == {"name": "out_features", "value": 64}
