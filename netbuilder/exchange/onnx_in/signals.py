"""Windows over signals and Fourier transforms."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from netbuilder.exchange.onnx_in.nodes import dtype as dtype_of
from netbuilder.exchange.onnx_in.ops import Call, Function, Numbers, Unsupported, op

_WAVES = {
    "HannWindow": (0.5, -0.5),
    "HammingWindow": (25 / 46, -21 / 46),
    "BlackmanWindow": (0.42, -0.5, 0.08),
}
"""The cosines that a window is the sum of, by their factors."""


@op(*_WAVES, since=17, known=(0,))
def window(call: Call) -> Function:
    """A window, periodic or symmetric."""
    dtype, periodic = dtype_of(call.attr("output_datatype", 1)), call.attr("periodic", 1)

    def run(size: Numbers) -> Tensor:
        count = size[0]
        turn = 2 * math.pi / max(1, count if periodic else count - 1)
        angle = torch.arange(count, dtype=torch.float64) * turn
        made = torch.zeros_like(angle)
        for at, factor in enumerate(_WAVES[call.op]):
            made = made + factor * torch.cos(at * angle)
        return made.to(dtype)

    return run


def _transformed(x: Tensor, dim: int, count: Any, back: bool, half: bool) -> Tensor:
    """The transform of a signal with a last dim of one (real) or two (complex)."""
    real = x.shape[-1] == 1
    if half and back:
        signal = torch.view_as_complex(x.contiguous())
        made: Tensor = torch.fft.irfft(signal, count, dim)
        return made.unsqueeze(-1)
    signal = x.squeeze(-1) if real else torch.view_as_complex(x.contiguous())
    if half:
        signal = torch.fft.rfft(signal, count, dim)
        return torch.view_as_real(signal)
    function = torch.fft.ifft if back else torch.fft.fft
    return torch.view_as_real(function(signal, count, dim))


def _dft(call: Call, x: Tensor, length: Numbers | None, axis: int) -> Tensor:
    dim = axis % x.dim()
    count = length[0] if length else None
    back, half = bool(call.attr("inverse", 0)), bool(call.attr("onesided", 0))
    return _transformed(x, dim, count, back, half)


@op("DFT", since=17, known=(1,))
def dft_by_attribute(call: Call) -> Function:
    """The axis of version 17: an attribute."""
    axis = call.attr("axis", 1)
    return lambda x, length=None: _dft(call, x, length, axis)


@op("DFT", since=20, known=(1, 2))
def dft(call: Call) -> Function:
    """The Fourier transform along an axis."""
    return lambda x, length=None, axis=None: _dft(call, x, length, axis[0] if axis else -2)


@op("STFT", since=17, known=(1, 3))
def stft(call: Call) -> Function:
    """Fourier transforms of a signal, window by window."""
    half = bool(call.attr("onesided", 1))

    def run(
        x: Tensor, step: Numbers, window: Tensor | None = None, length: Numbers | None = None
    ) -> Tensor:
        size = length[0] if length else window.shape[0] if window is not None else 0
        frames = (x.squeeze(-1) if x.dim() == 3 else x).unfold(1, size, step[0])
        frames = frames if window is None else frames * window
        whole = torch.fft.rfft(frames) if half else torch.fft.fft(frames)
        return torch.view_as_real(whole)

    return run


@op("MelWeightMatrix", since=17, known=(0, 1, 2, 3, 4))
def mel(call: Call) -> Function:
    """Triangles, evenly spread over the mel scale, as weights of frequencies."""
    dtype = dtype_of(call.attr("output_datatype", 1))

    def run(bins: Numbers, length: Numbers, rate: Numbers, low: Numbers, high: Numbers) -> Tensor:
        given = (bins[0], length[0], rate[0], low[0], high[0])
        if not all(isinstance(one, int | float) for one in given):
            raise Unsupported("the frequencies depend on the size of the input")
        return _triangles(*given).to(dtype)

    return run


def _triangles(bins: int, length: int, rate: int, low: float, high: float) -> Tensor:
    ends = [2595 * math.log10(1 + one / 700) for one in (low, high)]
    step = (ends[1] - ends[0]) / (bins + 2)
    mels = [ends[0] + step * at for at in range(bins + 2)]
    places = [int((length + 1) * 700 * (10 ** (one / 2595) - 1) // rate) for one in mels]
    made = torch.zeros(length // 2 + 1, bins)
    for at in range(bins):
        first, middle, last = places[at : at + 3]
        rising = middle - first
        if rising == 0:
            made[middle, at] = 1
        for place in range(first, middle + 1 if rising else first):
            made[place, at] = (place - first) / rising
        for place in range(middle, last):
            made[place, at] = (last - place) / (last - middle)
    return made
