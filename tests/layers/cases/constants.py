"""Cases of `netbuilder.layers.constants`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tests.layers.cases.common import Case, Generator, batch, one, shape, some

DTYPES = ["float32", "float64", "int64", "bool"]


def tensor(r: Random) -> Case:
    def row(length: int) -> tuple[float, ...]:
        return tuple(r.choice([-2.5, 0.0, 1.25, 3.0]) for _ in range(length))

    length = r.randint(1, 4)
    data: Any = r.choice(
        [0.5, 3, True, row(length), (1, 2, 3), tuple(row(length) for _ in range(2))]
    )
    return Case({"data": data, **some(r, dtype=DTYPES)})


def filled(**more: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        chosen = {name: r.choice(values) for name, values in more.items()}
        return Case({"size": shape(r, 0), **chosen, **some(r, dtype=DTYPES)})

    return make


def arange(r: Random) -> Case:
    start, step = r.randint(-3, 3), r.choice([1, 2, 0.5, -1])
    whole = isinstance(step, int)
    params = {"end": start + 4 * step, **some(r, dtype=["int64" if whole else "float64"])}
    if start or r.random() < 0.5:
        params["start"] = start
    if step != 1:
        params["step"] = step
    return Case(params)


def linspace(r: Random) -> Case:
    params = {"start": -1.0, "end": r.choice([1.0, 3.5]), "steps": r.randint(1, 9)}
    return Case({**params, **some(r, dtype=["float64"])})


def eye(r: Random) -> Case:
    return Case({"n": r.randint(1, 5), **some(r, m=[1, 3, 6], dtype=DTYPES)})


def hann_window(r: Random) -> Case:
    choices = some(r, periodic=False, dtype=["float32", "float64"])
    return Case({"window_length": r.randint(1, 9), **choices})


def like(**more: Any) -> Callable[[Random], Case]:
    def make(r: Random) -> Case:
        chosen = {name: r.choice(values) for name, values in more.items()}
        return one(batch(*shape(r)), **chosen, **some(r, dtype=DTYPES))

    return make


VALUES = [0.5, 2, True]

CASES: Mapping[str, Generator] = {
    "torch.tensor": tensor,
    "torch.zeros": filled(),
    "torch.ones": filled(),
    "torch.full": filled(fill_value=VALUES),
    "torch.arange": arange,
    "torch.linspace": linspace,
    "torch.eye": eye,
    "torch.hann_window": hann_window,
    "torch.zeros_like": like(),
    "torch.ones_like": like(),
    "torch.full_like": like(fill_value=VALUES),
}
