"""Formulas for output sizes: fitted to probes, or read off PyTorch's symbolic shapes.

PyTorch settles some sizes by their hints when it works with symbols: its formulas count only
if they hold at the probes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import torch

from netbuilder.layers import dims
from netbuilder.layers.dims import Dim, Shape, Symbolic, symbol

Sizes = Mapping[str, int]
Probe = tuple[Sizes, tuple[int, ...]]
Value = tuple[Sizes, int]

SMALL, LARGE = 61, 1031
"""Where probing begins: beyond usual kernels, and beyond unusual ones."""
_CHECKS = (16, 29, 47)
_BATCH_CHECK = (19,)
FAR = 4001
"""How far away a size is tried as well: beyond the strides of audio."""
_LONGEST = 32
"""The longest period for which steps of any height are looked at."""


def probe_sizes(names: Sequence[str], start: int = SMALL) -> list[Sizes]:
    """Sizes of the symbols at which to run a layer; the first is the base of the fit.

    The batch `N` begins at 3, others at `start` and apart, so that no two are equal. The
    last ones are not needed for the fit and check it.
    """
    if not names:
        return [{}]
    base = {name: 3 if name == "N" else start + 6 * i for i, name in enumerate(names)}
    points: list[Sizes] = [base]
    points += [{**base, name: base[name] + 1} for name in names]
    points += [{**base, a: base[a] + 1, b: base[b] + 1} for a, b in combinations(names, 2)]
    # Layers run on each sample alone, so one further batch size checks the fit in N.
    for step in _CHECKS if set(names) != {"N"} else _BATCH_CHECK:
        points.append({name: base[name] + step + 5 * i for i, name in enumerate(names)})
    return points


def far(base: Sizes) -> Sizes:
    """Much larger sizes but for the batch: large strides look like no change from nearby."""
    return {name: size if name == "N" else size + FAR for name, size in base.items()}


def follows_batch(one: Probe, other: Probe) -> bool:
    """Whether all sizes are constant or multiples of the batch, as at two batches of different
    parity they can hardly be by chance."""
    (at, few), (far_at, many) = one, other
    return len(few) == len(many) and all(
        a == b or a * far_at["N"] == b * at["N"] for a, b in zip(few, many, strict=True)
    )


def shape(probes: Sequence[Probe], names: Sequence[str]) -> Shape | None:
    """The shape as formulas that hold at every probe, or None."""
    ranks = {len(sizes) for _, sizes in probes}
    if len(ranks) != 1:
        return None
    found: list[Dim] = []
    for i in range(ranks.pop()):
        dim = polynomial([(at, sizes[i]) for at, sizes in probes], names)
        if dim is None:
            return None
        found.append(dim)
    return tuple(found)


def polynomial(values: Sequence[Value], names: Sequence[str]) -> Dim | None:
    """A polynomial of degree one in each symbol, from finite differences around the base."""
    base, origin = values[0]
    if all(value == origin for _, value in values):
        return origin
    if len(values) == 2:
        # Of a size that `follows_batch`.
        return symbol(names[0]) * (origin // base[names[0]])
    singles = {name: values[1 + i][1] - origin for i, name in enumerate(names)}
    result: Dim = origin
    shifted: dict[str, Dim] = {name: symbol(name) - base[name] for name in names}
    for name in names:
        result = result + shifted[name] * singles[name]
    for i, (a, b) in enumerate(combinations(names, 2)):
        joint = values[1 + len(names) + i][1] - origin - singles[a] - singles[b]
        if joint:
            result = result + shifted[a] * shifted[b] * joint
    return result if holds(result, values) else None


def holds(dim: Dim, values: Sequence[Value]) -> bool:
    """Whether a formula gives what was measured."""
    return all(dims.at(dim, at) == value for at, value in values)


def stepped(measure: Callable[[Sizes], int], base: Sizes, names: Sequence[str]) -> Dim | None:
    """A size that rises in even steps with one symbol: `(p*T + r)//q + c`, or None.

    `measure` tells the size at any sizes of the symbols.
    """
    origin = measure(base)
    moving = [n for n in names if measure({**base, n: base[n] + FAR}) != origin]
    if len(moving) != 1:
        return None
    (name,) = moving
    start = base[name]

    def at(value: int) -> int:
        return measure({**base, name: value})

    run = [at(start + i) for i in range(2 * _LONGEST)]
    for period in range(1, _LONGEST + 1):
        rises = {later - now for now, later in zip(run, run[period:], strict=False)}
        if len(rises) == 1 and rises != {0}:
            return _even_steps(name, start, run, rises.pop(), period)
    first = _next_step(at, start)
    return _even_steps(name, first, [at(first)], 1, _next_step(at, first) - first)


def of_one(values: Sequence[Value], given: Sequence[Symbolic]) -> Dim | None:
    """A multiple of one of the sizes that come in, with a number added, or None.

    It is believed where it holds at three of that size, whatever formula that is of the symbols.
    """
    for size in given:
        pairs = sorted({(dims.concrete((size,), at)[0], value) for at, value in values})
        (low, first), (high, last) = pairs[0], pairs[-1]
        if len(pairs) < 3 or low == high or (last - first) % (high - low):
            continue
        factor = (last - first) // (high - low)
        found = size * factor + (first - low * factor)
        if holds(found, values):
            return found
    return None


def _even_steps(name: str, start: int, run: Sequence[int], rise: int, period: int) -> Dim | None:
    # What has to be added before the division for each of the measured sizes.
    added = [size * period - rise * (start + i) for i, size in enumerate(run)]
    if max(added) >= min(added) + period:
        return None
    rest = max(added)
    dim: Dim = symbol(name) * rise + rest % period
    return dim // period + rest // period


def _next_step(at: Callable[[int], int], start: int) -> int:
    """Where the size that is measured next differs."""
    value, low, step = at(start), start, 1
    while at(low + step) == value and step <= FAR:
        low, step = low + step, 2 * step
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if at(middle) == value else (low, middle)
    return high


def exact(runner: Any, inputs: Mapping[str, Any], path: tuple[int, ...], fallback: str) -> Shape:
    """Output sizes from PyTorch's symbolic shapes, for what no polynomial fits.

    Each different symbolic size that comes in is a symbol to PyTorch; its formulas are
    translated back. A size that can't be translated becomes a symbol of its own, named
    after the port `fallback`.
    """
    from torch._subclasses.fake_tensor import FakeTensorMode
    from torch.fx.experimental.symbolic_shapes import (
        DimDynamic,
        ShapeEnv,
        StatelessSymbolicContext,
    )

    different: list[Symbolic] = []
    for tensor in inputs.values():
        different += [d for d in tensor.shape if isinstance(d, Symbolic) and d not in different]
    hints = {dim: 1031 + 64 * i for i, dim in enumerate(different)}
    env = ShapeEnv()
    mode = FakeTensorMode(shape_env=env, allow_non_fake_inputs=True)
    fakes = []
    meanings: dict[Any, Symbolic] = {}
    for tensor in inputs.values():
        sizes = [d if isinstance(d, int) else hints[d] for d in tensor.shape]
        kinds = [
            DimDynamic.STATIC if isinstance(d, int) else DimDynamic.DYNAMIC for d in tensor.shape
        ]
        real = torch.empty(sizes, dtype=getattr(torch, tensor.dtype), device="meta")
        context: Any = StatelessSymbolicContext(dynamic_sizes=kinds)
        fake: Any = mode.from_tensor(real, symbolic_context=context)
        for dim, size in zip(tensor.shape, fake.shape, strict=True):
            if isinstance(dim, Symbolic):
                meanings[size.node.expr] = dim
        fakes.append(fake)
    with mode, torch.no_grad():
        result = runner(*fakes)
    for i in path:
        result = result[i]
    found: list[Dim] = []
    for i, size in enumerate(result.shape):
        formula = size.node.expr if isinstance(size, torch.SymInt) else int(size)
        try:
            found.append(_translate(formula, meanings))
        except ValueError:
            found.append(symbol(f"{fallback}_{i}"))
    return tuple(found)


def _translate(formula: Any, meanings: Mapping[Any, Symbolic]) -> Dim:
    """A sympy expression of PyTorch's as a size; `ValueError` if it has other functions."""
    if isinstance(formula, int) or getattr(formula, "is_Integer", False):
        return int(formula)
    if formula in meanings:
        return meanings[formula]
    kind = type(formula).__name__
    parts = [_translate(part, meanings) for part in formula.args]
    if kind == "Add":
        return sum(parts[1:], parts[0])
    if kind == "Mul":
        return dims.product(parts)
    if kind == "Pow" and isinstance(parts[1], int) and 1 <= parts[1] <= 4:
        return dims.product([parts[0]] * parts[1])
    if kind in ("FloorDiv", "CleanDiv") and isinstance(parts[1], int) and parts[1] > 0:
        return parts[0] // parts[1]
    raise ValueError(kind)
