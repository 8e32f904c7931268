"""The plain recurrent layer, for the exporter: the same numbers, in the trace and in the file."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from netbuilder.exchange import plain_rnn

KINDS: list[dict[str, Any]] = [
    {},
    {"nonlinearity": "relu", "bias": False},
    {"num_layers": 2, "bidirectional": True, "batch_first": True},
]


class Around(nn.Module):
    """A network with one such layer."""

    def __init__(self, **params: Any) -> None:
        super().__init__()
        self.rnn = nn.RNN(5, 7, **params)

    def forward(self, x: Tensor, h: Tensor | None = None) -> Any:
        return self.rnn(x) if h is None else self.rnn(x, h)


@pytest.mark.parametrize("params", KINDS)
def test_it_computes_the_same_whole(params: dict[str, Any]) -> None:
    module = Around(**params).eval()
    whole = copy.deepcopy(module)
    plain_rnn.keep_whole(whole)
    x = torch.randn(4, 3, 5)
    layers = module.rnn.num_layers * (2 if module.rnn.bidirectional else 1)
    states = torch.randn(layers, 4 if module.rnn.batch_first else 3, 7)
    for given in ((x,), (x, states), (x[0] if module.rnn.batch_first else x[:, 0],)):
        for one, other in zip(module(*given), whole(*given), strict=True):
            assert one.shape == other.shape
            assert torch.allclose(one, other, atol=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.nightly
@pytest.mark.parametrize("params", KINDS)
def test_the_file_computes_the_same_at_any_length(params: dict[str, Any], tmp_path: Path) -> None:
    module = Around(**params).eval()
    whole = copy.deepcopy(module)
    plain_rnn.keep_whole(whole)
    program = torch.onnx.export(
        whole,
        (torch.randn(3, 6, 5),),
        dynamo=True,
        dynamic_shapes=({0: "A", 1: "B"}, None)[:1],
        verbose=False,
        custom_translation_table=plain_rnn.TRANSLATIONS,
    )
    assert program is not None
    program.save(tmp_path / "rnn.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "rnn.onnx"))
    for shape in ((3, 6, 5), (2, 9, 5), (5, 2, 5)):
        x = torch.randn(shape)
        found = session.run(None, {session.get_inputs()[0].name: x.numpy()})
        for one, other in zip(found, module(x), strict=True):
            assert np.allclose(one, other.detach().numpy(), atol=1e-5)
