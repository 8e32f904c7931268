"""The example of docs/adding-a-layer.md is the layer of the catalogue, word for word."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from netbuilder.layers import catalogue
from netbuilder.layers.base import Layer
from tests.layers.cases import CASES, case

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-layer.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.S | re.M)


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """The names that the class and its cases on the page define."""
    names: dict[str, Any] = {"__name__": "docs_example"}
    exec(compile("\n".join(BLOCKS[:2]), str(PAGE), "exec", dont_inherit=True), names)  # noqa: S102
    return names


@pytest.fixture(scope="module")
def kind() -> type[Layer]:
    return catalogue.layers()["torch.nn.GroupNorm"]


def test_the_class_is_the_one_of_the_catalogue(kind: type[Layer]) -> None:
    imports, _, body = BLOCKS[0].partition("\n\n\n")
    assert body == inspect.getsource(kind)
    assert all(
        line.startswith(("from ", "import ", " ", ")")) for line in imports.split("\n") if line
    )


def test_the_cases_are_those_of_the_harness(kind: type[Layer]) -> None:
    assert BLOCKS[1].partition("\n\n\n")[2] == inspect.getsource(CASES[kind.id])


def test_the_page_imports_all_that_its_code_needs(
    example: dict[str, Any], kind: type[Layer]
) -> None:
    shown: type[Layer] = example["GroupNorm"]
    told = 0
    for seed in range(20):
        made = example["group_norm"](Random(f"{kind.id} {seed}"))
        assert made == case(kind.id, seed)
        layer = shown.model_validate(made.params)
        filled = layer.with_values(layer.infer(made.inputs))
        assert list(filled.complaints(made.inputs)) == []
        one_group_too_many = filled.with_values({"num_groups": 97})
        told += len(list(one_group_too_many.complaints(made.inputs)))
    assert told == 20


def test_the_page_names_what_there_is() -> None:
    text = PAGE.read_text("utf-8")
    for path in re.findall(r"`((?:netbuilder|tests)/[a-z_./]+)`", text):
        assert (PAGE.parents[1] / path).exists(), path
    base = (PAGE.parents[1] / "netbuilder" / "layers" / "base.py").read_text("utf-8")
    for name in ("starting", "positional", "infer", "complaints", "onnx_refusal", "start_with"):
        assert f"`{name}" in text
        assert name in base
