"""Every module class that PyTorch exports is a layer, or there is a reason why not."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pytest
from torch import nn

from netbuilder.compiler import libraries
from netbuilder.layers.catalogue import layers
from tests.layers.exceptions import NN_EXCEPTIONS

LATER = {"LinearCrossEntropyLoss"}
"""Classes that the oldest PyTorch we run on does not have yet."""
CLASSES = sorted(
    name
    for name, value in vars(nn).items()
    if isinstance(value, type) and issubclass(value, nn.Module)
)


def uncovered(
    classes: Collection[str], known: Collection[str], reasons: Mapping[str, str]
) -> list[str]:
    """What is wrong with a list of exceptions: classes forgotten, in both, or not there."""
    return [
        *(
            f"{name} is neither a layer nor an exception"
            for name in classes
            if name not in known and name not in reasons
        ),
        *(f"{name} is a layer and an exception" for name in reasons if name in known),
        *(f"{name} is an exception but no class" for name in reasons if name not in classes),
        *(f"{name} has no reason" for name, reason in reasons.items() if len(reason) < 20),
    ]


def test_torch_nn_is_complete() -> None:
    known = [id.removeprefix("torch.nn.") for id in layers() if id.startswith("torch.nn.")]
    assert len(CLASSES) > 150
    assert uncovered(CLASSES, known, NN_EXCEPTIONS) == []


def test_no_layer_names_a_class_that_is_not_there() -> None:
    named = {id.removeprefix("torch.nn.") for id in layers() if id.startswith("torch.nn.")}
    modules = {name for name in named if "." not in name}
    later = {name for name in modules if libraries.lacks(f"torch.nn.{name}")}
    assert modules - later <= set(CLASSES)
    assert later <= LATER


@pytest.mark.parametrize(
    ("classes", "known", "reasons", "told"),
    [
        (["A", "B"], ["A"], {}, "B is neither"),
        (["A"], ["A"], {"A": "a reason that is long enough"}, "A is a layer and"),
        (["A"], ["A"], {"B": "a reason that is long enough"}, "B is an exception but"),
        (["A"], [], {"A": "no"}, "A has no reason"),
    ],
)
def test_gaps_are_found(
    classes: list[str], known: list[str], reasons: dict[str, str], told: str
) -> None:
    (found,) = uncovered(classes, known, reasons)
    assert found.startswith(told)
