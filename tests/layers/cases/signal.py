"""Cases of `netbuilder.layers.signal`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.dims import symbol
from tests.layers.cases.arithmetic import operands
from tests.layers.cases.common import Case, Generator, batch, either, one, some

T = symbol("T")
NORMS = ["forward", "backward", "ortho"]


def along(dtype: str, **choices: Any) -> Generator:
    def make(r: Random) -> Case:
        tensor = batch(4, either(r, T, 3, 6), dtype=dtype)
        return one(tensor, **some(r, n=[3, 8], dim=[1, -1], norm=NORMS, **choices))

    return make


def plane(dtype: str) -> Generator:
    def make(r: Random) -> Case:
        tensor = batch(2, either(r, T, 4), 6, dtype=dtype)
        return one(tensor, **some(r, s=[(4, 4), (3, 5)], dim=[(-2, -1), (2, 3)], norm=NORMS))

    return make


def shift(r: Random) -> Case:
    return one(batch(either(r, T, 3), 4), dim=r.choice([-1, (1, 2)]))


def numbers(*dtypes: str) -> Generator:
    return lambda r: one(batch(either(r, T, 3), 2, dtype=r.choice(dtypes)))


def parts(one_: str, two: str) -> Generator:
    return lambda r: Case({}, operands(r, one_, two))


CASES: Mapping[str, Generator] = {
    "torch.fft.fft": along("float32"),
    "torch.fft.ifft": along("complex64"),
    "torch.fft.rfft": along("float32"),
    "torch.fft.irfft": along("complex64"),
    "torch.fft.fft2": plane("float32"),
    "torch.fft.ifft2": plane("complex64"),
    "torch.fft.rfft2": plane("float32"),
    "torch.fft.irfft2": plane("complex64"),
    "torch.fft.fftshift": shift,
    "torch.fft.ifftshift": shift,
    "torch.real": numbers("complex64", "float32"),
    "torch.imag": numbers("complex64"),
    "torch.angle": numbers("complex64", "float32"),
    "torch.conj": numbers("complex64"),
    "torch.view_as_real": numbers("complex64"),
    "torch.view_as_complex": numbers("float32"),
    "torch.complex": parts("real", "imag"),
    "torch.polar": parts("abs", "angle"),
}
