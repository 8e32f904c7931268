"""What functions hand on: ids stay ids, numbers stand for tensors, sizes are exact formulas."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from netbuilder.compiler.build import build_network, network_source
from netbuilder.compiler.probe import run_layer
from netbuilder.layers.base import TensorType
from netbuilder.layers.catalogue import layers, ports_of
from netbuilder.layers.dims import symbol
from tests.drawing import Drawing

N, T, H, W = (symbol(name) for name in "NTHW")
HANN = {"window": "hann"}
ONE_PART = "(x,) = torch.split(data, 6, dim=1)"
ONE = {"in_channels": 1, "out_channels": 1}
IDS = TensorType((N, 6), "int64", 10)


def outputs(id: str, *inputs: TensorType, **params: Any) -> dict[str, TensorType]:
    layer = layers()[id].model_validate(params)
    ports = [port.name for port in layer.ports().inputs]
    if ports == ["tensors"]:
        ports = [f"tensors_{i}" for i in range(len(inputs))]
    outcome = run_layer(layer, dict(zip(ports, inputs, strict=True)))
    assert not outcome.refusal
    return dict(outcome.outputs)


@pytest.mark.parametrize(
    ("id", "params", "high"),
    [
        ("torch.reshape", {"shape": (-1, 2, 3)}, 10),
        ("torch.select", {"dim": 1, "index": 0}, 10),
        ("torch.Tensor.__getitem__", {"index": ":, 1:"}, 10),
        ("torch.permute", {"dims": (1, 0)}, 10),
        ("torch.flip", {"dims": (1,)}, 10),
        ("torch.amax", {"dim": 1}, 10),
        ("torch.Tensor.repeat", {"repeats": (1, 2)}, 10),
        ("torch.nn.functional.pad", {"pad": (1, 0)}, 10),
        ("torch.nn.functional.pad", {"pad": (1, 0), "value": 10}, 11),
        ("torch.nn.functional.pad", {"pad": (1, 0), "value": -100}, None),
        ("torch.add", {"other": 1}, None),
        ("torch.mul", {"other": 2}, None),
        ("torch.cumsum", {"dim": 1}, None),
        ("torch.argmax", {"dim": 1}, 6),
        ("torch.nn.functional.one_hot", {"num_classes": 10}, 2),
        ("torch.Tensor.to", {"dtype": "int32"}, 10),
        ("torch.Tensor.to", {"dtype": "float32"}, None),
    ],
)
def test_ids_keep_their_number_where_they_only_move(
    id: str, params: dict[str, Any], high: int | None
) -> None:
    assert outputs(id, IDS, **params)["output" if id != "torch.max" else "values"].high == high


def test_several_inputs_and_outputs_have_bounds_of_their_own() -> None:
    more = TensorType((N, 3), "int64", 20)
    assert outputs("torch.cat", IDS, more, dim=1)["output"].high == 20
    unknown = TensorType((N, 3), "int64")
    assert outputs("torch.cat", IDS, unknown, dim=1)["output"].high is None
    found = outputs("torch.topk", IDS, k=2)
    assert (found["values"].high, found["indices"].high) == (10, 6)
    mask = TensorType((N, 6), "bool")
    assert outputs("torch.where", mask, IDS, other=12)["output"].high == 13
    assert outputs("torch.where", mask, IDS, other=-1)["output"].high is None
    assert outputs("torch.masked_fill", IDS, mask, value=0)["output"].high == 10


@pytest.mark.parametrize(
    ("id", "shape", "params", "expected"),
    [
        ("torch.fft.rfft", (N, 4, T), {}, "N×4×(T)//2+1"),
        ("torch.fft.rfft2", (N, 4, H, W), {}, "N×4×H×(W)//2+1"),
        (
            "torch.stft",
            (N, T),
            {"n_fft": 400, "hop_length": 160, "window": "hann"},
            "N×201×(T)//160+1",
        ),
        (
            "torch.nn.Conv1d",
            (N, 1, T),
            {"in_channels": 1, "out_channels": 2, "kernel_size": 400, "stride": 320},
            "N×2×(T-400)//320+1",
        ),
        ("torch.tensor_split", (N, T), {"dim": 1, "indices_or_sections": 3}, "N×(T+2)//3"),
        ("torch.Tensor.__getitem__", (N, T, 4), {"index": ":, 1::2"}, "N×(T)//2×4"),
        ("torch.Tensor.unfold", (N, T), {"dimension": 1, "size": 4, "step": 2}, "N×(T)//2-1×4"),
        ("torch.repeat_interleave", (N, T), {"repeats": 3, "dim": 1}, "N×3·T"),
        ("torch.nn.functional.pad", (N, T), {"pad": (2, 1)}, "N×(T+3)"),
    ],
)
def test_sizes_are_exact_formulas(
    id: str, shape: tuple[Any, ...], params: dict[str, Any], expected: str
) -> None:
    first, *_ = outputs(id, TensorType(shape), **params).values()
    assert str(first) == expected


def test_a_number_takes_the_place_of_a_wire() -> None:
    kind = layers()["torch.mul"]
    assert [p.name for p in kind.model_validate({}).ports().inputs] == ["input", "other"]
    assert [p.name for p in kind.model_validate({"other": 2}).ports().inputs] == ["input"]
    assert kind.model_validate({"other": 2}) != kind.model_validate({"other": 2.0})
    assert outputs("torch.mul", IDS, other=2)["output"].dtype == "int64"
    assert outputs("torch.mul", IDS, other=2.0)["output"].dtype == "float32"


def code(*rows: tuple[str, dict[str, Any]]) -> str:
    """The body of a network that is a chain of these layers."""
    d = Drawing()
    x = d.input(6, name="data")
    for layer, params in rows:
        x = d.add(layer, x, **params)
    d.output((x, ports_of(d.document, d.graph, x).outputs[0].name))
    return network_source(d.document, "main").text


@pytest.mark.parametrize(
    ("layer", "params", "line"),
    [
        ("torch.mul", {"other": 0.5}, "data * 0.5"),
        ("torch.rsub", {"other": 1}, "1 - data"),
        ("torch.pow", {"exponent": 2}, "data**2"),
        ("torch.gt", {"other": 0}, "data > 0"),
        ("torch.add", {"other": 1, "alpha": 2.0}, "torch.add(data, 1, alpha=2.0)"),
        ("torch.Tensor.__getitem__", {"index": "..., ::2"}, "data[..., ::2]"),
        ("torch.Tensor.__getitem__", {"index": ":, None, [0, 2]"}, "data[:, None, [0, 2]]"),
        ("torch.Tensor.view", {"size": (-1, 2, 3)}, "data.view(-1, 2, 3)"),
        (
            "torch.split",
            {"split_size_or_sections": 6, "dim": 1, "count": 1},
            ONE_PART,
        ),
        ("torch.chunk", {"chunks": 2, "dim": 1}, "x, _ = torch.chunk(data, 2, dim=1)"),
        ("torch.max", {"dim": 1}, "x, _ = torch.max(data, dim=1)"),
        ("torch.max", {}, "torch.max(data)"),
    ],
)
def test_code_reads_as_people_write_it(layer: str, params: dict[str, Any], line: str) -> None:
    assert line in code((layer, params))


def attention(**params: Any) -> torch.nn.Module:
    d = Drawing()
    tensors = [d.input(2, 3, 4, name=name) for name in ("q", "k", "v")]
    mask = d.input(3, 3, name="mask", dtype="bool", batched=False)
    sdpa = "torch.nn.functional.scaled_dot_product_attention"
    d.output(d.add(sdpa, *tensors, mask, **params))
    return build_network(d.document, "main")


def test_attention_takes_masks_and_drops_in_training_only() -> None:
    torch.manual_seed(0)
    q, k, v = torch.randn(3, 5, 2, 3, 4)
    mask = torch.eye(3, dtype=torch.bool)
    model = attention(dropout_p=0.5)
    torch.testing.assert_close(model.eval()(q, k, v, mask), v)
    dropped = model.train()(q, k, v, mask)
    assert ((dropped == 0) | torch.isclose(dropped, 2 * v)).all()
    assert (dropped == 0).any()
