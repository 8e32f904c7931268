"""What the layers for training steps say of what does not suit them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from netbuilder.compiler.analyse import analyse
from netbuilder.graph.model import Node
from tests.drawing import Drawing
from tests.layers.test_parts_complaints import fed


def noisy(shape: tuple[int, ...], time: tuple[int, ...], **params: object) -> Callable[..., Node]:
    """AddNoise of a picture, noise of a shape, and times."""

    def draw(d: Drawing) -> Node:
        x, n = d.input(4, name="x"), d.input(*shape, name="n")
        dtype = str(params.pop("dtype", "int64"))
        more = {"high": 50} if dtype == "int64" else {}
        t = d.input(*time, name="t", dtype=dtype, **more)
        return d.add("netbuilder.AddNoise", x, n, t, steps=50 if not params else 10)

    return draw


def masking(dtype: str = "int64", **params: object) -> Callable[..., Node]:
    """MaskTokens of nine ids."""

    def draw(d: Drawing) -> Node:
        more = {"high": 9} if dtype == "int64" else {}
        return d.add("netbuilder.MaskTokens", d.input(3, dtype=dtype, **more), **params)

    return draw


MISTAKES: list[tuple[str, Callable[[Drawing], Node], str]] = [
    ("The noise is N×5, the samples are N×4: they must", noisy((5,), ()), ""),
    ("timestep must be one number a sample, N, gets N×1.", noisy((4,), (1,)), "insert_before"),
    ("timestep must be whole numbers", noisy((4,), (), dtype="float32"), "insert_before"),
    ("Steps up to 49 come in, AddNoise knows 10.", noisy((4,), (), few=True), "set_parameter"),
    ("WeightedSum can't add N×4 and N×5.", fed("WeightedSum", (4,), (5,)), ""),
    (
        "There are 3 weights for 2 inputs.",
        fed("WeightedSum", (4,), (4,), weights=(1.0, 2.0, 3.0)),
        "set_parameter",
    ),
    ("The sequences have 3 steps: nothing is left 3", fed("NextToken", (3,), shift=3), ""),
    ("NextToken expects sequences N×T, gets N.", fed("NextToken", ()), ""),
    (
        "mask_id 50 is none of the 50 ids from 0 on.",
        masking(mask_id=50, num_ids=50),
        "set_parameter",
    ),
    ("first_id 9 is none of the 9 ids", masking(mask_id=3, first_id=9), "set_parameter"),
    ("9 ids come in, MaskTokens knows 5.", masking(mask_id=3, num_ids=5), "set_parameter"),
    (
        "MaskTokens needs whole numbers (int64) as input, gets float32.",
        masking("float32", mask_id=3, num_ids=9),
        "insert_before",
    ),
]


@pytest.mark.parametrize(
    ("message", "draw", "fix"), MISTAKES, ids=[row[0][:40] for row in MISTAKES]
)
def test_it_is_told(message: str, draw: Callable[[Drawing], Node], fix: str) -> None:
    d = Drawing()
    node = draw(d)
    d.output(node)
    problem = next(p for p in analyse(d.document, {}).problems if p.node == node.id)
    assert message in problem.message
    assert problem.hint
    assert (problem.fixes[0].operation if fix else "") == fix
