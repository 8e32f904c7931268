"""Places that only count 0, 1, 2, … choose nothing: the value itself is drawn, cut and turned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import onnx
import onnx.parser
import pytest
import torch
from torch import nn
from torch.export import Dim

import netbuilder as nb
from netbuilder.exchange.bring import grids, traced
from netbuilder.exchange.bring.counts import never_negative
from netbuilder.exchange.bring.importing import Brought
from netbuilder.exchange.bring.program import Ref
from netbuilder.exchange.onnx_in import bringing

GRID = """<ir_version: 8, opset_import: ["": 17]>
g (float[n, t, 4] x, float[n, m, 4] other) => (float[a, b, c, d] y) {
    zero = Constant <value_int = 0> ()  one = Constant <value_int = 1> ()
    two = Constant <value_int = 2> ()
    front = Constant <value_ints = [0]> ()  second = Constant <value_ints = [1]> ()
    end = Constant <value_ints = [-1]> ()  ahead = Constant <value_ints = [0, 1]> ()
    behind = Constant <value_ints = [1, 2]> ()  around = Constant <value_ints = [0, 2]> ()
    s = Shape (x)
    n = Gather (s, zero)  t = Gather (s, one)  less = Sub (t, one)
    os = Shape (other)  m = Gather (os, one)
    rows = Range (zero, n, one)  columns = Range (zero, t, one)
    GRID
    whole = Shape (wide)
    r = Expand (rr, whole)  c = Expand (cc, whole)
    ri = Unsqueeze (r, end)  ci = Unsqueeze (c, end)
    at = Concat <axis = -1> (ri, ci)
    y = GatherND (x, at)
}"""
USUAL = "rr = Unsqueeze (rows, behind) cc = Unsqueeze (columns, ahead) "
GRIDS = {
    "as it is": USUAL + "wide = Add (rr, cc)",
    "turned": "rr = Unsqueeze (rows, ahead) cc = Unsqueeze (columns, behind) wide = Add (rr, cc)",
    "the first": "first = Range (zero, less, one) rr = Unsqueeze (rows, behind) "
    "cc = Unsqueeze (first, ahead) wide = Add (rr, cc)",
    "for each of others": "rr = Unsqueeze (rows, behind) cc = Unsqueeze (columns, ahead) "
    "many = Range (zero, m, one) each = Unsqueeze (many, around) "
    "sum = Add (rr, cc) wide = Add (sum, each)",
}


def brought(text: str, folder: Path) -> Brought:
    """What comes of a graph in ONNX's text form."""
    path = folder / "m.onnx"
    onnx.save(onnx.parser.parse_model(text), path)
    return bringing.from_onnx(path)


def layers(found: Brought) -> list[str]:
    """The layers of all graphs, without what comes before the last dot."""
    graphs = found.document.graphs.values()
    return [node.layer.rpartition(".")[2] for graph in graphs for node in graph.nodes.values()]


@pytest.mark.parametrize("name", GRIDS)
def test_a_grid_of_counts_is_the_value_itself(name: str, tmp_path: Path) -> None:
    """At any size: two of them are free."""
    found = brought(GRID.replace("GRID", GRIDS[name]), tmp_path)
    assert found.verified, (found.unsupported, found.notes)
    assert len(found.trials) == 4
    assert not {"GatherND", "index", "remainder"} & set(layers(found))


NO_GRIDS = {
    "a diagonal": "rr = Unsqueeze (rows, behind) cc = Unsqueeze (rows, behind) wide = Add (rr, cc)",
    "from the second on": "next = Range (one, t, one) rr = Unsqueeze (rows, behind) "
    "cc = Unsqueeze (next, ahead) wide = Add (rr, cc)",
    "every second": "next = Range (zero, t, two) rr = Unsqueeze (rows, behind) "
    "cc = Unsqueeze (next, ahead) wide = Add (rr, cc)",
    "backwards": "back = Sub (less, columns) rr = Unsqueeze (rows, behind) "
    "cc = Unsqueeze (back, ahead) wide = Add (rr, cc)",
}


@pytest.mark.parametrize("name", NO_GRIDS)
def test_what_only_looks_like_a_grid_chooses(name: str, tmp_path: Path) -> None:
    """That is done for sizes that are known; what is drawn computes the same at those."""
    found = brought(GRID.replace("GRID", NO_GRIDS[name]), tmp_path)
    assert "index_select" in layers(found)
    assert found.verified, (found.unsupported, found.notes)


class Looked(nn.Module):
    """A mask looked up place by place, as transformers do it."""

    def forward(self, mask: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        rows = torch.arange(mask.shape[0])[:, None, None, None]
        places = torch.arange(mask.shape[1])[None, None, None, :]
        return x.masked_fill(~mask[rows, places], 0.0)


def test_a_module_keeps_its_free_sizes() -> None:
    mask, x = torch.ones(2, 5, dtype=torch.bool), torch.randn(2, 3, 4, 5)
    n, t = Dim("n"), Dim("t")
    shapes = {"mask": {0: n, 1: t}, "x": {0: n, 3: t}}
    project = nb.from_module(Looked(), (mask, x), dynamic_shapes=shapes)
    assert project.imported["unsupported"] == []
    assert project.imported["verified"], project.imported["notes"]
    mask, x = torch.rand(3, 7) > 0.5, torch.randn(3, 3, 4, 7)
    assert torch.equal(project.module("main")(mask, x), Looked()(mask, x))


class EverySecond(nn.Module):
    """Places that count in steps of two."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[torch.arange(x.shape[0])[:, None], torch.arange(0, 4, 2)[None]]


def test_steps_of_two_are_not_cut() -> None:
    project = nb.from_module(EverySecond(), torch.randn(2, 5))
    assert project.imported["unsupported"] == []
    assert project.imported["verified"], project.imported["notes"]


def the_end(x: torch.Tensor) -> torch.Tensor:
    """A dim counted from the end."""
    chosen: torch.Tensor = torch.ops.aten.slice.Tensor(torch.arange(6), -1, 2, 5)
    return x[chosen]


def one_for_all(x: torch.Tensor) -> torch.Tensor:
    """A count of one place, read for three."""
    return x[torch.arange(6).unsqueeze(1).expand(6, 3), torch.arange(1)]


def overlapping(x: torch.Tensor) -> torch.Tensor:
    """Windows that are longer than the way from one to the next."""
    places = torch.arange(5)[:, None] * 3 + torch.arange(6)
    return x.reshape(-1).index_select(0, places.reshape(-1)).reshape(5, 6)


@pytest.mark.parametrize("choose", [the_end, one_for_all, overlapping])
def test_what_only_counts_somewhere_else_chooses(
    choose: Callable[[torch.Tensor], torch.Tensor],
) -> None:
    class Chosen(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return choose(x)

    project = nb.from_module(Chosen(), torch.randn(6, 3))
    assert project.imported["verified"], project.imported


class Sure(nn.Module):
    """Whole numbers and truths of which not all is as sure as it looks."""

    def forward(
        self, x: torch.Tensor, ids: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        less = torch.add(ids, torch.ones_like(ids), alpha=2)
        bits = torch.bitwise_and(torch.tensor([2, 2, 2]), x > 0)
        return less, torch.clamp(ids, 0, -1), torch.clamp(ids, 0, 4), bits


def test_what_may_be_negative_is_not_taken_as_it_is() -> None:
    inputs = torch.randn(3, 3), torch.tensor([1, 2, 0])
    program = grids.plainer(traced.trace(Sure(), inputs))
    less, none, some, bits = (value.name for _, value in program.outputs if isinstance(value, Ref))
    assert not never_negative(program, less)
    assert not never_negative(program, none)
    assert never_negative(program, some)
    assert any(each.base == "bitwise_and" and bits in each.outputs for each in program.operations)
