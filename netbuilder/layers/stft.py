"""Spectra of a signal over time: short-time Fourier transforms."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from typing import Literal

from netbuilder.layers import code
from netbuilder.layers.base import (
    Complaint,
    Family,
    Port,
    Size,
    TensorType,
    Types,
    start_with,
)
from netbuilder.layers.checks import bad_parameter, cast, check_floating, first_of, set_to
from netbuilder.layers.dims import Dim
from netbuilder.layers.operands import Operands

WINDOWS = {
    "hann": "torch.hann_window",
    "hamming": "torch.hamming_window",
    "blackman": "torch.blackman_window",
    "bartlett": "torch.bartlett_window",
    "rectangular": "torch.ones",
}
"""What makes each window, given its length."""


class _ShortTime(Operands):
    family = Family.SIGNAL
    inputs = (
        Port("input"),
        Port("window", "A vector of win_length weights; or set the parameter `window`."),
    )
    positional = ("n_fft",)
    starting = start_with(n_fft=400, hop_length=160, window="hann")

    n_fft: Size
    hop_length: Size | None = None
    win_length: Size | None = None
    window: Literal["hann", "hamming", "blackman", "bartlett", "rectangular"] | None = None
    center: bool = True

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return self.hop_length or max(1, self.n_fft // 4)

    def check_lengths(self, inputs: Types) -> Iterator[Complaint]:
        """Complains about a window that does not fit its parameters."""
        window = inputs.get("window")
        length = self.win_length or self.n_fft
        if length > self.n_fft:
            yield bad_parameter(
                f"The window of {length} is longer than n_fft {self.n_fft}.",
                "Make win_length smaller, or n_fft larger.",
                set_to("win_length", self.n_fft),
            )
        elif window is not None and window.dtype != self._weights(inputs):
            yield Complaint(
                f"The window must be {self._weights(inputs)}, is {window.dtype}.",
                "Convert it.",
                "window",
                code="dtype.mismatch",
                fixes=(cast("window", self._weights(inputs)),),
            )
        elif window is not None and window.shape != (length,):
            yield Complaint(
                f"The window is {window}, expected are {length} weights.",
                "Connect a vector of win_length numbers, or of n_fft if that is empty.",
                "window",
            )

    def _weights(self, inputs: Types) -> str:
        """The dtype of a window for the input."""
        tensor = inputs.get("input")
        precise = tensor is not None and tensor.dtype in ("float64", "complex128")
        return "float64" if precise else "float32"

    def written_window(self, inputs: Mapping[str, ast.expr]) -> ast.expr:
        """The wire, or the call that makes the window."""
        if self.window is None:
            return inputs["window"]
        given = self.arguments()
        length = code.const(given.get("win_length", given["n_fft"]))
        device = code.attribute(inputs["input"], "device")
        return code.call(WINDOWS[self.window], length, device=device)

    def written_call(self, inputs: Mapping[str, ast.expr], **more: ast.expr) -> ast.expr:
        """The call with its window, and `more` arguments."""
        named = self.settings()
        size = named.pop("n_fft")
        window = self.written_window(inputs)
        return code.call(self.id, inputs["input"], size, window=window, **named, **more)

    def subtitle(self) -> str:
        return f"{self.n_fft} every {self.hop}"

    def onnx_refusal(self) -> str:
        return "PyTorch's export to ONNX has no complex numbers."


class STFT(_ShortTime):
    """The spectrum of each short piece of a signal: N×L becomes N×frequencies×frames, complex.

    `n_fft` is the length of a piece, `hop_length` (n_fft/4 if empty) the way from one to the
    next. `window` names its weights, or comes by wire. `center` pads both ends so that
    pieces lie around their place.
    """

    id = "torch.stft"
    title = "stft"
    keywords = "short time fourier spectrogram audio speech"

    pad_mode: Literal["reflect", "constant", "replicate", "circular"] = "reflect"
    normalized: bool = False
    onesided: bool | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_floating(self, inputs, "input"),
            self.check_lengths(inputs),
            self._long(inputs),
        )

    def _long(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        if tensor.rank not in (1, 2):
            yield Complaint(
                f"stft takes signals N×L, gets {tensor}.",
                "Squeeze a channel of 1, or flatten channels into the batch.",
                "input",
                code="shape.rank",
            )
            return
        length = tensor.shape[-1]
        needed = self.n_fft // 2 + 1 if self.center else self.n_fft
        padded = not self.center or self.pad_mode == "reflect"
        if isinstance(length, int) and length < needed and padded:
            yield Complaint(
                f"Pieces of n_fft {self.n_fft} are too long for signals of {length}.",
                f"Set n_fft to {length} or less.",
                "input",
                fixes=(set_to("n_fft", length),),
            )

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return self.written_call(inputs, return_complex=code.const(True))


class ISTFT(_ShortTime):
    """The signal with these spectra: undoes stft with the same parameters.

    `length` cuts or pads the signal, whose end stft may have lost.
    """

    id = "torch.istft"
    title = "istft"
    keywords = "inverse short time fourier audio speech vocoder"

    normalized: bool = False
    onesided: bool | None = None
    length: Size | None = None

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self.check_lengths(inputs),
            self._spectra(inputs),
            self._hops(),
            self._edges(),
            self._padded(inputs),
        )

    def _spectra(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        wanted = self.n_fft if self.onesided is False else self.n_fft // 2 + 1
        if not tensor.dtype.startswith("complex"):
            yield Complaint(
                f"istft takes complex spectra, gets {tensor.dtype}.",
                "Use torch.view_as_complex on pairs, or torch.polar on magnitude and angle.",
                "input",
                code="dtype.complex",
            )
        elif tensor.rank not in (2, 3):
            yield Complaint(
                f"istft takes spectra N×frequencies×frames, gets {tensor}.",
                "Bring them to three dims.",
                "input",
                code="shape.rank",
            )
        elif tensor.shape[-2] != wanted:
            yield Complaint(
                f"istft with n_fft {self.n_fft} takes {wanted} frequencies, gets {tensor}.",
                "Use the n_fft of the stft that made them.",
                "input",
            )

    def _hops(self) -> Iterator[Complaint]:
        length = self.win_length or self.n_fft
        if self.hop > length:
            yield bad_parameter(
                f"hop_length {self.hop} leaves gaps between windows of {length}.",
                "Make hop_length smaller.",
                set_to("hop_length", length // 4 or 1),
            )

    def _edges(self) -> Iterator[Complaint]:
        short = (self.win_length or self.n_fft) < self.n_fft
        if not self.center and (short or self.window in ("hann", "blackman", "bartlett")):
            yield bad_parameter(
                "Without center these windows leave the first samples open.",
                "Turn center on, there and in the stft.",
                set_to("center", True),
            )

    def _padded(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        frames = None if tensor is None else tensor.shape[-1]
        if self.length is None or not isinstance(frames, int):
            return
        there = self.n_fft + self.hop * (frames - 1) - (self.n_fft // 2 if self.center else 0)
        if self.length > there:
            yield Complaint(
                f"{frames} frames make {there} samples, length is {self.length}: the end would be "
                "zeros.",
                "Make length smaller, or leave it empty.",
                "input",
                severity="warning",
                fixes=(set_to("length", there),),
            )

    def output_types(self, inputs: Types) -> Mapping[str, TensorType] | None:
        """PyTorch looks at the window's numbers, which the meta device lacks."""
        tensor = inputs.get("input")
        if tensor is None or tensor.rank < 2:
            return None
        length: Dim = self.length or 0
        if self.length is None:
            cut = 2 * (self.n_fft // 2) if self.center else 0
            length = (tensor.shape[-1] - 1) * self.hop + (self.n_fft - cut)
        dtype = "float64" if tensor.dtype == "complex128" else "float32"
        return {"output": TensorType((*tensor.shape[:-2], length), dtype)}

    def forward(self, module: ast.expr | None, inputs: Mapping[str, ast.expr]) -> ast.expr:
        return self.written_call(inputs)
