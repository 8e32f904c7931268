"""Encodings and masks against the papers' formulas and properties, written a second time."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from netbuilder.parts.positions import (
    AlibiBias,
    CausalMask,
    LearnedPositions,
    Positions,
    RelativePositionBias,
    RotaryEmbedding,
    SinusoidalPositions,
    TimestepEmbedding,
)


@pytest.mark.parametrize("base", [10000.0, 100.0])
def test_sinusoidal_positions_are_the_papers_table(base: float) -> None:
    table = SinusoidalPositions(base, add=False)(torch.empty(2, 7, 6))
    for t in range(7):
        for i in range(3):
            angle = t / base ** (2 * i / 6)
            assert table[t, 2 * i].item() == pytest.approx(math.sin(angle), abs=1e-6)
            assert table[t, 2 * i + 1].item() == pytest.approx(math.cos(angle), abs=1e-6)


def test_sinusoidal_positions_are_added_in_the_inputs_dtype() -> None:
    x = torch.randn(2, 5, 4, dtype=torch.float64)
    table = SinusoidalPositions(add=False)(x)
    assert table.dtype == torch.float64
    torch.testing.assert_close(SinusoidalPositions()(x), x + table)


def test_learned_positions_are_rows_of_the_table() -> None:
    positions = LearnedPositions(9, 4)
    x = torch.randn(2, 5, 4)
    torch.testing.assert_close(positions(x), x + positions.embedding.weight[:5])
    with pytest.raises(IndexError):
        positions(torch.randn(2, 10, 4))


@pytest.mark.parametrize("interleaved", [False, True])
def test_rotary_products_depend_on_the_distance_alone(interleaved: bool) -> None:
    rotary = RotaryEmbedding(interleaved=interleaved)
    q, k = torch.randn(8, dtype=torch.float64), torch.randn(8, dtype=torch.float64)
    query, key = rotary(q.expand(1, 1, 12, 8), k.expand(1, 1, 12, 8))
    scores = (query @ key.mT)[0, 0]
    for offset in range(-11, 12):
        along = torch.diagonal(scores, offset)
        torch.testing.assert_close(along, along[:1].expand_as(along), rtol=0, atol=1e-5)
    assert scores.std() > 0.1
    torch.testing.assert_close(scores[0, 0], q @ k)


@pytest.mark.parametrize("interleaved", [False, True])
def test_rotary_turns_pairs_as_complex_numbers(interleaved: bool) -> None:
    x = torch.randn(2, 3, 5, 8, dtype=torch.float64)
    turned, _ = RotaryEmbedding(100.0, interleaved)(x, x)
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    rates = torch.tensor([100.0 ** (-2 * i / 8) for i in range(4)], dtype=torch.float64)
    angles = torch.arange(5.0, dtype=torch.float64)[:, None] * rates
    if interleaved:
        pairs = torch.view_as_complex(x.reshape(2, 3, 5, 4, 2))
    else:
        pairs = torch.complex(x[..., :4], x[..., 4:])
    right = pairs * torch.polar(torch.ones_like(angles), angles)
    if interleaved:
        expected = torch.view_as_real(right).flatten(-2)
    else:
        expected = torch.cat((right.real, right.imag), -1)
    torch.testing.assert_close(turned, expected, rtol=1e-5, atol=1e-6)


def test_timestep_embedding_is_cosines_and_sines() -> None:
    steps = torch.tensor([0, 1, 500])
    made = TimestepEmbedding(6)(steps)
    assert made.dtype == torch.float32
    for row, t in zip(made.tolist(), steps.tolist(), strict=True):
        angles = [t * math.exp(-math.log(10000) * i / 3) for i in range(3)]
        expected = [math.cos(a) for a in angles] + [math.sin(a) for a in angles]
        assert row == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("kind", ["additive", "blocked", "allowed"])
def test_causal_masks_are_pytorchs_own(kind: str) -> None:
    mask = CausalMask(kind=kind)(torch.empty(2, 4, 8))
    blocked = torch.ones(4, 4, dtype=torch.bool).triu(1)
    own = nn.Transformer.generate_square_subsequent_mask(4)
    right = {"additive": own, "blocked": blocked, "allowed": ~blocked}[kind]
    assert mask.dtype == right.dtype
    assert torch.equal(mask, right)


def test_causal_masks_hide_the_future_in_attention() -> None:
    q, k, v = torch.randn(3, 2, 5, 4).unbind()
    right = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    for kind in ("additive", "allowed"):
        got = F.scaled_dot_product_attention(q, k, v, attn_mask=CausalMask(kind=kind)(q))
        torch.testing.assert_close(got, right)
    attention = nn.MultiheadAttention(4, 2, batch_first=True).eval()
    masks = [CausalMask(kind=kind)(q) for kind in ("additive", "blocked")]
    torch.testing.assert_close(*(attention(q, q, q, attn_mask=mask)[0] for mask in masks))


@pytest.mark.parametrize(("dim", "count"), [(1, 4), (-1, 8), (0, 2)])
def test_positions_count_from_0_along_a_dim(dim: int, count: int) -> None:
    found = Positions(dim)(torch.full((2, 4, 8), torch.nan))
    assert found.dtype is torch.int64
    assert found.tolist() == list(range(count))


def test_alibi_slopes_are_the_papers() -> None:
    assert AlibiBias(8).slopes.tolist() == [2.0**-k for k in range(1, 9)]
    twelve = AlibiBias(12).slopes.tolist()
    assert twelve[:8] == [2.0**-k for k in range(1, 9)]
    assert twelve[8:] == pytest.approx([2.0 ** -(k / 2) for k in (1, 3, 5, 7)])
    assert AlibiBias(1).slopes.tolist() == [2.0**-8]


def test_alibi_falls_with_the_distance() -> None:
    x = torch.empty(2, 4, 3)
    causal, both = AlibiBias(2)(x), AlibiBias(2, causal=False)(x)
    for head, slope in enumerate((2.0**-4, 2.0**-8)):
        for i in range(4):
            for j in range(4):
                assert both[head, i, j] == -slope * abs(i - j)
                assert causal[head, i, j] == (-slope * (i - j) if j <= i else -math.inf)


def test_relative_positions_share_an_entry_by_offset() -> None:
    bias = RelativePositionBias((2, 3), 2)
    made = bias()
    assert made.shape == (2, 6, 6)
    by_offset: dict[tuple[int, int], set[float]] = {}
    for i in range(6):
        for j in range(6):
            offset = (i // 3 - j // 3, i % 3 - j % 3)
            by_offset.setdefault(offset, set()).add(made[0, i, j].item())
    assert len(by_offset) == 3 * 5 == len(bias.table)
    assert all(len(values) == 1 for values in by_offset.values())
    assert len(set.union(*by_offset.values())) == 15
