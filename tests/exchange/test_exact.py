"""Small numbers of a network are in its file too."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
import torch
from torch import Tensor, nn

from netbuilder.exchange import onnx_export
from netbuilder.exchange.onnx_export import Wanted
from netbuilder.exchange.specs import TensorSpec
from netbuilder.exchange.verify import session

SHAPE = ("N", 3)
INPUT = (TensorSpec("x", SHAPE, "float32"),)
OUTPUT = (TensorSpec("y", SHAPE, "float32"),)


class Small(nn.Module):
    """Every way to add almost nothing, and to do nothing."""

    def forward(self, x: Tensor) -> Tensor:
        kept = torch.sqrt(x * x + 1e-8) + (x - 2e-9) * 1.000001 / 0.999999
        return (kept * 1.0 + 0.0 - 0.0) / 1.0


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exact") / "small.onnx"
    onnx_export.write(Small(), Wanted(INPUT, OUTPUT), {}, out)
    return out


def test_almost_nothing_is_added(path: Path) -> None:
    x = torch.zeros(2, 3)
    (found,) = session(path).run(None, {"x": x.numpy()})
    torch.testing.assert_close(torch.from_numpy(found), Small()(x), rtol=1e-6, atol=0)


def test_only_what_does_nothing_is_left_out(path: Path) -> None:
    kinds = [node.op_type for node in onnx.load(str(path)).graph.node]
    assert sorted(kinds) == ["Add", "Add", "Div", "Mul", "Mul", "Sqrt", "Sub"]
