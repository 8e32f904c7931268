"""What layers of functions say of inputs and parameters that don't suit, and that fixes mend it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from netbuilder.compiler.build import build_network
from netbuilder.graph import fixes
from netbuilder.graph.model import Node
from netbuilder.layers.catalogue import ports_of
from tests.drawing import Drawing
from tests.layers.telling import network, told

Draw = Callable[[Drawing], Node]


def pair(layer: str, *shapes: tuple[Any, ...], **params: Any) -> Draw:
    return lambda d: d.add(layer, *(d.input(*shape) for shape in shapes), **params)


def of(layer: str, *shape: Any, dtype: str = "float32", **params: Any) -> Draw:
    return lambda d: d.add(layer, d.input(*shape, dtype=dtype), **params)


def with_ids(layer: str, *shape: Any, ids: tuple[Any, ...], high: int, **params: Any) -> Draw:
    def draw(d: Drawing) -> Node:
        index = d.input(*ids, dtype="int64", high=high)
        return d.add(layer, d.input(*shape), index, **params)

    return draw


MISTAKES: list[tuple[str, Draw, str]] = [
    (
        "add can't combine N×3×8×8 with N×3: dim -1 is 8 and 3.",
        pair("torch.add", (3, 8, 8), (3,)),
        "insert_chain",
    ),
    (
        "multiply can't combine N×5×4 with N×5: dim -1 is 4 and 5.",
        pair("torch.mul", (5, 4), (5,)),
        "insert_chain",
    ),
    ("divide divides by 0.", of("torch.div", 4, other=0), ""),
    (
        "Whole numbers have no power of -1.",
        of("torch.pow", 4, dtype="int64", exponent=-1),
        "insert_before",
    ),
    (
        "subtract needs numbers, gets true and false.",
        of("torch.sub", 4, dtype="bool", other=1),
        "insert_before",
    ),
    (
        "less can't take complex numbers.",
        of("torch.lt", 4, dtype="complex64", other=1),
        "insert_before",
    ),
    (
        "Linear can't take complex numbers.",
        of("Linear", 4, dtype="complex64", out_features=2),
        "insert_before",
    ),
    ("clamp has neither min nor max.", of("torch.clamp", 4), "set_parameter"),
    ("min 2 is above max 1: all numbers would be 1.", of("torch.clamp", 4, min=2, max=1), ""),
    (
        "where needs true and false as condition, gets float32.",
        pair("torch.where", (4,), (4,), (4,)),
        "insert_before",
    ),
    (
        "bmm expects N×A×B as input, gets N×4.",
        pair("torch.bmm", (4,), (4, 5)),
        "",
    ),
    (
        "bmm can't multiply N×2×4 by N×3×4: 4 columns meet 3 rows.",
        pair("torch.bmm", (2, 4), (3, 4)),
        "insert_before",
    ),
    (
        "'nqd' names 3 dims, N×4 has 2.",
        pair("torch.einsum", (4,), (4, 5), equation="nqd,nkd->nqk"),
        "",
    ),
    (
        "'d' is 4 and 5 in 'nqd,nkd->nqk'.",
        pair("torch.einsum", (2, 4), (3, 5), equation="nqd,nkd->nqk"),
        "",
    ),
    (
        "'equation' can't be 'ij,jk->iz': 'z' of the result 'iz' stands in no operand.",
        pair("torch.einsum", (4,), (4,), equation="ij,jk->iz"),
        "set_parameter",
    ),
    (
        "split has parts of 5 in sum, dim 1 of N×6 has 6.",
        of("torch.split", 6, split_size_or_sections=(2, 3), dim=1),
        "set_parameter",
    ),
    (
        "split makes 3 parts of dim 1 of N×6, not 2.",
        of("torch.split", 6, split_size_or_sections=2, dim=1),
        "set_parameter",
    ),
    (
        "chunk makes 3 parts of dim 1 of N×5, not 4.",
        of("torch.chunk", 5, chunks=4, dim=1),
        "set_parameter",
    ),
    (
        "chunk needs a fixed size, dim 1 of N×T varies: so would the number of parts.",
        of("torch.chunk", "T", chunks=2, dim=1),
        "",
    ),
    ("unbind makes 3 parts of dim 1 of N×3, not 2.", of("torch.unbind", 3, dim=1), "set_parameter"),
    ("Dim 1 of N×3 has no index 5.", of("torch.Tensor.__getitem__", 3, index=":, 5"), ""),
    (
        "[:, 2:1] leaves nothing of dim 1 of N×3.",
        of("torch.Tensor.__getitem__", 3, index=":, 2:1"),
        "",
    ),
    ("[:, 0, 0] is for 3 dims, N×3 has 2.", of("torch.Tensor.__getitem__", 3, index=":, 0, 0"), ""),
    (
        "gather needs whole numbers (int64) as index, gets float32.",
        pair("torch.gather", (4,), (2,), dim=1),
        "insert_before",
    ),
    (
        "gather gets N×4 and indices N: both need as many dims.",
        with_ids("torch.gather", 4, ids=(), high=4, dim=1),
        "insert_before",
    ),
    (
        "Indices up to 9 come in, dim 1 of N×4 has 4.",
        with_ids("torch.gather", 4, ids=(2,), high=10, dim=1),
        "",
    ),
    (
        "masked fill needs true and false as mask, gets float32.",
        pair("torch.masked_fill", (4,), (4,), value=0.0),
        "insert_before",
    ),
    (
        "expand can't make 8 of dim 1 of N×4, which is 4.",
        of("torch.Tensor.expand", 4, size=(-1, 8)),
        "set_parameter",
    ),
    (
        "repeat has 1 numbers for the 2 dims of N×4.",
        of("torch.Tensor.repeat", 4, repeats=(2,)),
        "set_parameter",
    ),
    ("roll has 2 shifts for 1 dims.", of("torch.roll", 4, shifts=(1, 2), dims=(1,)), ""),
    ("topk can't take 9 of dim -1 of N×4, which has 4.", of("torch.topk", 4, k=9), "set_parameter"),
    ("imag needs complex numbers, gets float32.", of("torch.imag", 4), "insert_before"),
    (
        "rfft can't take complex numbers.",
        of("torch.fft.rfft", 4, dtype="complex64"),
        "insert_before",
    ),
    (
        "Pieces of n_fft 400 are too long for signals of 100.",
        of("torch.stft", 100, n_fft=400, window="hann"),
        "set_parameter",
    ),
    (
        "interpolate has neither size nor scale_factor.",
        of("torch.nn.functional.interpolate", 3, 8, 8),
        "set_parameter",
    ),
    (
        "interpolate in mode 'bilinear' can't take N×3×8 (3 dims).",
        of("torch.nn.functional.interpolate", 3, 8, size=4, mode="bilinear"),
        "set_parameter",
    ),
    (
        "pad in mode 'reflect' can't add 3 to a size of 3.",
        of("torch.nn.functional.pad", 2, 3, pad=(3, 1), mode="reflect"),
        "set_parameter",
    ),
    (
        "The weight N×4 takes 4 features, N×5 comes in.",
        pair("torch.nn.functional.linear", (5,), (4,)),
        "",
    ),
]


@pytest.mark.parametrize(
    ("message", "draw", "operation"), MISTAKES, ids=[m[:50] for m, *_ in MISTAKES]
)
def test_a_mistake_is_told_once_and_mended(message: str, draw: Draw, operation: str) -> None:
    d = network(draw)
    (problem,) = told(d)
    assert problem.message == message
    assert problem.hint
    assert bool(problem.fixes) == bool(operation)
    if operation:
        assert operation in [fix.operation for fix in problem.fixes]
        fix = next(fix for fix in problem.fixes if fix.operation == operation)
        fixes.apply_fix(d.history, fix, ports_of)
        assert message not in [p.message for p in told(d)]


WARNINGS: list[tuple[str, Draw]] = [
    ("divide of N×1 and N pairs every sample", pair("torch.div", (1,), ())),
    ("less of N×1 and N pairs every sample", pair("torch.lt", (1,), ())),
    ("maximum of N×1 and N pairs every sample", pair("torch.maximum", (1,), ())),
    ("lerp of N×1 and N pairs every sample", pair("torch.lerp", (1,), (), weight=0.5)),
    ("'nd,nd->d' sums over 'n', the batch", pair("torch.einsum", (4,), (4,), equation="nd,nd->d")),
    ("flip over dim 0 of N×4 changes the order", of("torch.flip", 4, dims=(0,))),
    ("roll without dims moves numbers of N×4", of("torch.roll", 4, shifts=1)),
    ("cumsum over dim 0 of N×4 runs from sample", of("torch.cumsum", 4, dim=0)),
    ("sort over dim 0 of N×4 compares the samples", of("torch.sort", 4, dim=0)),
    ("fft over dim 0 of N×4 mixes the samples", of("torch.fft.fft", 4, dim=0)),
    ("[:2] takes a part of the batch", of("torch.Tensor.__getitem__", 4, index=":2")),
    ("[:, :9] reaches beyond dim 1", of("torch.Tensor.__getitem__", 4, index=":, :9")),
    ("repeat puts copies of the batch", of("torch.Tensor.repeat", 4, repeats=(2, 1))),
    ("pad adds samples to the batch", of("torch.nn.functional.pad", 4, pad=(0, 0, 1, 0))),
    ("std of one number is nan", of("torch.std", 1, dim=1)),
    (
        "grid sample has no align_corners",
        pair("torch.nn.functional.grid_sample", (1, 4, 4), (4, 4, 2)),
    ),
]


@pytest.mark.parametrize(("beginning", "draw"), WARNINGS, ids=[m[:50] for m, _ in WARNINGS])
def test_what_runs_but_is_hardly_meant_is_a_warning(beginning: str, draw: Draw) -> None:
    d = network(draw)
    assert told(d) == []
    assert [p for p in told(d, "warning") if p.message.startswith(beginning)]


def test_a_view_of_a_permute_is_a_warning() -> None:
    d = Drawing()
    turned = d.add("torch.permute", d.input(2, 3), dims=(0, 2, 1), name="turned")
    column = d.add("torch.unsqueeze", turned, dim=1)
    d.output(d.add("torch.Tensor.view", column, size=(-1, 6), name="flat"))
    (problem,) = told(d, "warning")
    assert problem.message.startswith("'flat' is a view of what 'turned' gives")
    model = build_network(d.document, "main")
    with pytest.raises(RuntimeError, match="view size is not compatible"):
        model(torch.zeros(4, 2, 3))
    fixes.apply_fix(d.history, problem.fixes[0], ports_of)
    assert told(d, "warning") == []
    assert build_network(d.document, "main")(torch.zeros(4, 2, 3)).shape == (4, 6)
