"""Sizes that may hold symbols: `N`, `2*T`, `(T - 1)//2 + 1`.

A `Dim` is an int or a `Symbolic`: a polynomial with integer coefficients over symbols and
floor divisions. Arithmetic folds constants, so equal formulas compare equal and a
symbolic size that becomes constant is an int again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Union

Dim = Union[int, "Symbolic"]
Shape = tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class FloorDiv:
    """`numerator // divisor` where that can't be simplified; divisor > 1."""

    numerator: Symbolic
    divisor: int

    def __str__(self) -> str:
        return f"({self.numerator})//{self.divisor}"


Atom = str | FloorDiv
Monomial = tuple[Atom, ...]


def _key(monomial: Monomial) -> tuple[int, tuple[str, ...]]:
    return (-len(monomial), tuple(str(atom) for atom in monomial))


@dataclass(frozen=True, slots=True)
class Symbolic:
    """A sum of monomials with coefficients, in canonical order; the empty monomial is 1."""

    terms: tuple[tuple[Monomial, int], ...]

    def _parts(self) -> dict[Monomial, int]:
        return dict(self.terms)

    def __add__(self, other: Dim) -> Dim:
        parts = self._parts()
        for monomial, factor in _terms(other):
            parts[monomial] = parts.get(monomial, 0) + factor
        return _make(parts)

    __radd__ = __add__

    def __mul__(self, other: Dim) -> Dim:
        parts: dict[Monomial, int] = {}
        for left, a in self.terms:
            for right, b in _terms(other):
                monomial = tuple(sorted(left + right, key=str))
                parts[monomial] = parts.get(monomial, 0) + a * b
        return _make(parts)

    __rmul__ = __mul__

    def __neg__(self) -> Dim:
        return self * -1

    def __sub__(self, other: Dim) -> Dim:
        return self + -other

    def __rsub__(self, other: Dim) -> Dim:
        return -self + other

    def __floordiv__(self, divisor: int) -> Dim:
        if divisor == 1:
            return self
        whole = {m: a // divisor for m, a in self.terms if m and a % divisor == 0}
        rest = {m: a for m, a in self.terms if not (m and a % divisor == 0)}
        remainder = _make(rest)
        if isinstance(remainder, int):
            return _make(whole) + remainder // divisor
        return _make({(FloorDiv(remainder, divisor),): 1}) + _make(whole)

    def symbols(self) -> frozenset[str]:
        """The names in the formula."""
        found: set[str] = set()
        for monomial, _ in self.terms:
            for atom in monomial:
                found |= {atom} if isinstance(atom, str) else atom.numerator.symbols()
        return frozenset(found)

    def at(self, values: Mapping[str, Dim]) -> Dim:
        """The size with symbols replaced; names that `values` lacks stay."""
        total: Dim = 0
        for monomial, factor in self.terms:
            product: Dim = factor
            for atom in monomial:
                if isinstance(atom, str):
                    product = product * values.get(atom, symbol(atom))
                else:
                    product = product * (at(atom.numerator, values) // atom.divisor)
            total = total + product
        return total

    def __str__(self) -> str:
        text = ""
        for monomial, factor in self.terms:
            body = "*".join(str(atom) for atom in monomial)
            if not monomial:
                piece = str(abs(factor))
            elif abs(factor) == 1:
                piece = body
            else:
                piece = f"{abs(factor)}*{body}"
            if not text:
                text = piece if factor > 0 else f"-{piece}"
            else:
                text += f" + {piece}" if factor > 0 else f" - {piece}"
        return text


def _terms(dim: Dim) -> tuple[tuple[Monomial, int], ...]:
    if isinstance(dim, int):
        return (((), dim),) if dim else ()
    return dim.terms


def _make(parts: Mapping[Monomial, int]) -> Dim:
    left = {monomial: factor for monomial, factor in parts.items() if factor}
    if not left:
        return 0
    if set(left) == {()}:
        return left[()]
    return Symbolic(tuple(sorted(left.items(), key=lambda term: _key(term[0]))))


def symbol(name: str) -> Symbolic:
    """The size that stands for itself: `symbol("N")`."""
    return Symbolic((((name,), 1),))


def at(dim: Dim, values: Mapping[str, Dim]) -> Dim:
    """`dim` with symbols replaced."""
    return dim if isinstance(dim, int) else dim.at(values)


def concrete(shape: Iterable[Dim], values: Mapping[str, int]) -> tuple[int, ...]:
    """The shape at these sizes; `KeyError` if a symbol has none."""
    result = []
    for dim in shape:
        value = at(dim, values)
        if not isinstance(value, int):
            raise KeyError(", ".join(sorted(value.symbols() - set(values))))
        result.append(value)
    return tuple(result)


def symbols(shape: Iterable[Dim]) -> frozenset[str]:
    """All names in a shape."""
    found: frozenset[str] = frozenset()
    for dim in shape:
        if isinstance(dim, Symbolic):
            found |= dim.symbols()
    return found


def product(shape: Iterable[Dim]) -> Dim:
    """The number of elements."""
    dims = list(shape)
    result: Dim = prod(dim for dim in dims if isinstance(dim, int))
    for dim in dims:
        if not isinstance(dim, int):
            result = result * dim
    return result


def to_json(dim: Dim) -> int | str:
    """An int, or the formula as text."""
    return dim if isinstance(dim, int) else str(dim)


def text(shape: Iterable[Dim]) -> str:
    """The shape as people write it: `N×64×56×56`, `scalar` for none."""
    return _text(tuple(shape))


@lru_cache(maxsize=20_000)
def _text(shape: Shape) -> str:
    parts = [str(dim) if isinstance(dim, int) else _short(dim) for dim in shape]
    return "×".join(parts) or "scalar"


def _short(dim: Symbolic) -> str:
    formula = str(dim).replace(" ", "")
    single = len(dim.terms) == 1 or formula.startswith("(")
    return formula.replace("*", "·") if single else f"({formula.replace('*', '·')})"
