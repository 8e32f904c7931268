"""Cases of `netbuilder.layers.stft`."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import symbol
from tests.layers.cases.common import Case, Generator, batch, either, some

T = symbol("T")
NAMED = ["hann", "hamming", "blackman", "bartlett", "rectangular"]


def lengths(r: Random) -> tuple[dict[str, Any], int]:
    n_fft = r.choice([4, 5, 8])
    params = {"n_fft": n_fft, **some(r, hop_length=[2, 1], win_length=[4], normalized=True)}
    return params, params.get("win_length", n_fft)


def stft(r: Random) -> Case:
    params, length = lengths(r)
    if length > 5 or params["n_fft"] > 5:
        params["n_fft"] = length = params.get("win_length", 5)
    modes = ["reflect", "constant", "replicate", "circular"]
    params |= some(r, pad_mode=modes, onesided=[True, False])
    if r.random() < 0.3:
        params["center"] = False
    inputs = {"input": batch(either(r, T, 20))}
    if r.random() < 0.5:
        return Case(params, {**inputs, "window": TensorType((length,))})
    return Case({**params, "window": r.choice(NAMED)}, inputs)


def istft(r: Random) -> Case:
    params, length = lengths(r)
    params |= some(r, onesided=[True, False], length=[3, 4])
    full = params.get("onesided") is False
    count = params["n_fft"] if full else params["n_fft"] // 2 + 1
    inputs = {"input": batch(count, either(r, T, 6), dtype="complex64")}
    if r.random() < 0.3 and length == params["n_fft"]:
        params |= {"center": False, "window": "hamming"}
    elif r.random() < 0.5:
        params["window"] = r.choice(NAMED)
    else:
        inputs["window"] = TensorType((length,))
    return Case(params, inputs)


CASES: Mapping[str, Generator] = {"torch.stft": stft, "torch.istft": istft}
