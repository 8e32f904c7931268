"""The example of docs/adding-a-layer.md is a layer like any other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import pytest

from netbuilder.layers import catalogue
from netbuilder.layers.base import Layer
from tests.layers import harness
from tests.layers.cases.common import Case

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-layer.md"


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The names that the page's Python blocks define."""
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.S | re.M)
    assert len(blocks) == 2
    names: dict[str, Any] = {"__name__": "docs_example"}
    exec(compile("\n".join(blocks), str(PAGE), "exec", dont_inherit=True), names)  # noqa: S102
    return names


@pytest.fixture
def layer(example: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Layer]]:
    """The example's class, in the catalogue for the time of a test."""
    kind: type[Layer] = example["InstanceNorm1d"]
    assert kind.id not in catalogue.layers()
    more = MappingProxyType({**catalogue.layers(), kind.id: kind})
    monkeypatch.setattr(catalogue, "layers", lambda: more)
    yield kind
    catalogue._parse.cache_clear()


@pytest.fixture
def make(example: dict[str, Any]) -> Callable[[Random], Case]:
    made: Callable[[Random], Case] = example["instance_norm"]
    return made


def test_the_class_stands_on_its_own(layer: type[Layer]) -> None:
    harness.check_start(layer)
    harness.check_texts(layer)
    harness.check_signature(layer)


def test_the_layer_holds_against_pytorch(
    layer: type[Layer], make: Callable[[Random], Case]
) -> None:
    affine = 0
    for seed in range(6):
        case = make(Random(seed))
        harness.check_round_trip(layer, case)
        harness.check_network(layer, case)
        harness.check_gradients(layer, case)
        affine += "affine" in case.params
    assert 0 < affine < 6


def test_the_page_names_what_there_is() -> None:
    text = PAGE.read_text("utf-8")
    for path in re.findall(r"`((?:netbuilder|tests)/[a-z_./]+)`", text):
        assert (PAGE.parents[1] / path).exists(), path
    base = (PAGE.parents[1] / "netbuilder" / "layers" / "base.py").read_text("utf-8")
    for name in ("starting", "positional", "infer", "complaints", "onnx_refusal", "start_with"):
        assert f"`{name}" in text
        assert name in base
