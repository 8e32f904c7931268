"""Constants move, parameters learn, buffers are saved."""

from __future__ import annotations

import pytest
import torch

from netbuilder.parts.constants import (
    Buffer,
    ClassToken,
    Constant,
    LayerScale,
    LearnableParameter,
)


def test_a_constant_moves_and_is_not_saved() -> None:
    constant = Constant(torch.arange(3))
    assert constant().tolist() == [0, 1, 2]
    assert constant.state_dict() == {}
    assert list(constant.parameters()) == []
    assert constant.to("meta")().device.type == "meta"


def test_a_buffer_is_saved_and_not_trained() -> None:
    buffer = Buffer((2, 3), "normal")
    assert list(buffer.parameters()) == []
    other = Buffer((2, 3), "normal")
    assert not torch.equal(buffer(), other())
    other.load_state_dict(buffer.state_dict())
    assert torch.equal(buffer(), other())


@pytest.mark.parametrize("kind", [LearnableParameter, Buffer])
def test_one_copy_for_each_sample(kind: type[Buffer]) -> None:
    layer = kind((2, 3), "normal")
    copies = layer(torch.empty(5, 7))
    assert copies.shape == (5, 2, 3)
    assert all(torch.equal(copy, layer()) for copy in copies)


def test_a_parameter_learns_from_all_its_copies() -> None:
    layer = LearnableParameter((3,), "zeros")
    layer(torch.empty(5)).sum().backward()
    assert layer.weight.grad is not None
    assert layer.weight.grad.tolist() == [5.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("init", "spread"),
    [
        ("zeros", 0.0),
        ("ones", 0.0),
        ("normal", 0.5),
        ("uniform", 0.5 / 3**0.5),
        ("xavier_uniform", (2 / 600) ** 0.5),
        ("xavier_normal", (2 / 600) ** 0.5),
        ("kaiming_uniform", (2 / 400) ** 0.5),
        ("kaiming_normal", (2 / 400) ** 0.5),
        ("orthogonal", 400**-0.5),
    ],
)
def test_ways_to_begin(init: str, spread: float) -> None:
    torch.manual_seed(0)
    weight = LearnableParameter((200, 400), init, 0.5).weight.detach()
    assert weight.std().item() == pytest.approx(spread, rel=0.02, abs=1e-9)
    assert weight.mean().item() == pytest.approx(1.0 if init == "ones" else 0.0, abs=0.01)
    if init == "orthogonal":
        torch.testing.assert_close(weight @ weight.T, torch.eye(200), rtol=0, atol=1e-5)
    if init == "uniform":
        assert weight.abs().max() <= 0.5


def test_tokens_come_first() -> None:
    token = ClassToken(4, 2)
    x = torch.randn(3, 5, 4)
    got = token(x)
    assert got.shape == (3, 7, 4)
    assert torch.equal(got[:, 2:], x)
    assert all(torch.equal(row, token.weight) for row in got[:, :2])


@pytest.mark.parametrize(("shape", "dim"), [((2, 5, 3), -1), ((2, 3, 5, 4), 1), ((2, 3), 1)])
def test_each_channel_has_its_scale(shape: tuple[int, ...], dim: int) -> None:
    scale = LayerScale(3, 0.5, dim)
    with torch.no_grad():
        scale.weight.copy_(torch.tensor([1.0, 2.0, 3.0]))
    x = torch.randn(shape)
    for c in range(3):
        assert torch.equal(scale(x).select(dim, c), (c + 1) * x.select(dim, c))
