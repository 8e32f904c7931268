"""Symbolic sizes compute like the numbers they stand for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from netbuilder.layers import dims
from netbuilder.layers.dims import Dim, symbol

N, T = symbol("N"), symbol("T")

numbers = st.integers(-6, 6)
sizes = st.fixed_dictionaries({"N": st.integers(1, 50), "T": st.integers(1, 50)})


@st.composite
def formulas(draw: st.DrawFn, depth: int = 3) -> Dim:
    """A random formula over N and T."""
    if depth == 0 or draw(st.booleans()):
        return draw(st.one_of(numbers, st.sampled_from([N, T])))
    left = draw(formulas(depth=depth - 1))
    kind = draw(st.sampled_from("+-*/"))
    if kind == "/":
        return left // draw(st.integers(1, 5))
    right = draw(formulas(depth=depth - 1))
    if kind == "+":
        return left + right
    return left - right if kind == "-" else left * right


@given(formulas(), formulas(), st.integers(1, 7), sizes)
def test_arithmetic_holds_at_every_size(a: Dim, b: Dim, divisor: int, at: dict[str, int]) -> None:
    left, right = dims.at(a, at), dims.at(b, at)
    assert isinstance(left, int)
    assert isinstance(right, int)
    assert dims.at(a + b, at) == left + right
    assert dims.at(a - b, at) == left - right
    assert dims.at(a * b, at) == left * right
    assert dims.at(a // divisor, at) == left // divisor


def test_equal_formulas_are_equal_and_constants_fold() -> None:
    assert N * 2 + T - N == T + N
    assert (N + 1) * (N - 1) == N * N - 1
    assert T - T == 0
    assert isinstance((N + 3) - N, int)
    assert (T * 4 + 8) // 4 == T + 2


def test_texts_are_what_people_write() -> None:
    half = (T - 1) // 2 + 1
    assert str(half) == "(T - 1)//2 + 1"
    assert dims.to_json(2 * T) == "2*T"
    assert dims.text((N, 64, T - 2)) == "N×64×(T-2)"
    assert dims.text((N, 4 * T)) == "N×4·T"
    assert dims.text(()) == "scalar"


def test_symbols_are_bound_and_found() -> None:
    shape = (N, T * 2, (T + 1) // 2)
    assert dims.symbols(shape) == {"N", "T"}
    assert dims.concrete(shape, {"N": 3, "T": 5}) == (3, 10, 3)
    assert dims.at(T * 2, {"T": N + 1}) == N * 2 + 2
