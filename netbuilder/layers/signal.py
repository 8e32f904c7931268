"""Fourier transforms and complex numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Layer,
    Port,
    Size,
    Types,
    start_with,
)
from netbuilder.layers.checks import (
    cast,
    check_dim,
    check_over_batch,
    check_real,
    check_same_dtype,
    first_of,
    insert,
)
from netbuilder.layers.operands import check_broadcast

Norm = Literal["forward", "backward", "ortho"] | None
MIXED = "mixes the samples of a batch"


class _Signal(Layer):
    family = Family.SIGNAL

    def onnx_refusal(self) -> str:
        return "PyTorch's export to ONNX has no Fourier transforms and no complex numbers."


class _Transform(_Signal):
    """Transforms over a `dim`, or several."""

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            self.check_types(inputs),
            self._precise(inputs),
            check_dim(self, "dim", inputs),
            check_over_batch(self, inputs, "dim", MIXED),
        )

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        """What the layer has against the dtype of its input."""
        return iter(())

    def _precise(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and tensor.dtype in ("float16", "bfloat16"):
            yield Complaint(
                f"{self.title} can't take {tensor.dtype}.",
                "Convert to float32.",
                "input",
                code="dtype.mismatch",
                fixes=(cast("input", "float32"),),
            )

    def subtitle(self) -> str:
        dim = getattr(self, "dim", None)
        if dim in (None, -1, (-2, -1)):
            return ""
        return f"dim {', '.join(map(str, dim)) if isinstance(dim, tuple) else dim}"


class _Along(_Transform):
    n: Size | None = None
    dim: Index = -1
    norm: Norm = None


class _Plane(_Transform):
    s: tuple[Size, Size] | None = None
    dim: tuple[Index, Index] = (-2, -1)
    norm: Norm = None


class FFT(_Along):
    """The Fourier transform along `dim`: complex amplitudes of all frequencies.

    `n` cuts or pads the signal with zeros. `norm` 'ortho' scales both ways alike.
    """

    id = "torch.fft.fft"
    title = "fft"
    keywords = "fourier transform frequency spectrum complex"


class IFFT(_Along):
    """The signal with these amplitudes along `dim`: undoes fft. It is complex."""

    id = "torch.fft.ifft"
    title = "ifft"
    keywords = "inverse fourier transform complex"


class RFFT(_Along):
    """The Fourier transform of real signals along `dim`: n/2 + 1 complex amplitudes.

    `n` cuts or pads the signal with zeros. The other half of fft tells nothing new.
    """

    id = "torch.fft.rfft"
    title = "rfft"
    keywords = "real fourier transform frequency spectrum"

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return check_real(self, inputs, "input")


class IRFFT(_Along):
    """The real signal with these amplitudes along `dim`: undoes rfft.

    Its length is even, 2·(amplitudes - 1), unless `n` says it.
    """

    id = "torch.fft.irfft"
    title = "irfft"
    keywords = "inverse real fourier transform"


class FFT2(_Plane):
    """The Fourier transform of images: complex amplitudes over the last two dims.

    `s` cuts or pads to this height and width.
    """

    id = "torch.fft.fft2"
    title = "fft2"
    keywords = "fourier transform image frequency spectrum"


class IFFT2(_Plane):
    """The image with these amplitudes: undoes fft2. It is complex."""

    id = "torch.fft.ifft2"
    title = "ifft2"
    keywords = "inverse fourier transform image"


class RFFT2(_Plane):
    """The Fourier transform of real images: the last dim has W/2 + 1 complex amplitudes.

    For layers that work on frequencies, as Fourier neural operators do.
    """

    id = "torch.fft.rfft2"
    title = "rfft2"
    keywords = "real fourier transform image operator fno"

    def check_types(self, inputs: Types) -> Iterator[Complaint]:
        return check_real(self, inputs, "input")


class IRFFT2(_Plane):
    """The real image with these amplitudes: undoes rfft2; `s` gives height and width."""

    id = "torch.fft.irfft2"
    title = "irfft2"
    keywords = "inverse real fourier transform image operator fno"


class _Shift(_Transform):
    dim: Index | Annotated[tuple[Index, ...], Field(max_length=16)] | None = None
    starting = start_with(dim=-1)

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(self._all(inputs), super().complaints(inputs))

    def _all(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if self.dim is None and tensor is not None and tensor.rank > 1:
            yield Complaint(
                f"{self.title} without dim shifts all dims of {tensor}, the batch too.",
                "Set dim to the dims of the spectrum.",
                "input",
                code="shape.batch",
                severity="warning",
            )

    def onnx_refusal(self) -> str:
        return ""  # real numbers change their places; complex ones are refused where they come from


class FFTShift(_Shift):
    """A spectrum with frequency zero in the middle of `dim` (one or several)."""

    id = "torch.fft.fftshift"
    title = "fftshift"
    keywords = "fourier centre zero frequency"


class IFFTShift(_Shift):
    """A spectrum with frequency zero at the start of `dim`: undoes fftshift."""

    id = "torch.fft.ifftshift"
    title = "ifftshift"
    keywords = "fourier centre zero frequency undo"


# -- complex numbers -------------------------------------------------------------------------


class _Complex(_Signal):
    """Layers that take complex numbers alone."""

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        for port, tensor in inputs.items():
            if not tensor.dtype.startswith("complex"):
                yield Complaint(
                    f"{self.title} needs complex numbers, gets {tensor.dtype}.",
                    "Use torch.complex to make them of a real and an imaginary part.",
                    port,
                    code="dtype.complex",
                    fixes=(cast(port, "complex64"),),
                )


class Real(_Signal):
    """The real part of complex numbers."""

    id = "torch.real"
    title = "real"
    keywords = "complex part"
    is_view = True


class Imag(_Complex):
    """The imaginary part of complex numbers."""

    id = "torch.imag"
    title = "imag"
    keywords = "complex imaginary part"
    is_view = True


class Angle(_Signal):
    """The angle of complex numbers in radians, from -π to π: the phase of a spectrum."""

    id = "torch.angle"
    title = "angle"
    keywords = "complex phase argument"


class Conj(_Complex):
    """Complex numbers with the sign of their imaginary part turned."""

    id = "torch.conj"
    title = "conj"
    keywords = "complex conjugate correlation"
    is_view = True


class ViewAsReal(_Complex):
    """Complex numbers as pairs: a last dim of 2 with real and imaginary part.

    So that layers for real numbers can work on a spectrum.
    """

    id = "torch.view_as_real"
    title = "view as real"
    keywords = "complex pairs parts channels"
    is_view = True


class ViewAsComplex(_Signal):
    """Pairs in the last dim as complex numbers: undoes view as real."""

    id = "torch.view_as_complex"
    title = "view as complex"
    keywords = "pairs parts"
    is_view = True

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(_fraction(self, inputs, "input"), self._pairs(inputs))

    def _pairs(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is not None and (not tensor.rank or tensor.shape[-1] != 2):
            yield Complaint(
                f"view as complex needs pairs in the last dim, gets {tensor}.",
                "Put real and imaginary part into a last dim of 2, as stack with dim -1 does.",
                "input",
            )


def _fraction(layer: Layer, inputs: Types, port: str) -> Iterator[Complaint]:
    tensor = inputs.get(port)
    if tensor is not None and tensor.dtype not in ("float32", "float64", "float16"):
        fix = insert("Take the real part", port, "torch.real")
        known = tensor.dtype.startswith("complex")
        yield Complaint(
            f"{layer.title} takes real numbers with a fraction, gets {tensor.dtype}.",
            "Convert to float32." if not known else "Take the real part or the magnitude.",
            port,
            code="dtype.complex" if known else "dtype.integer",
            fixes=(fix,) if known else (cast(port, "float32"),),
        )


class _Parts(_Signal):
    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        one, two = (port.name for port in self.inputs)
        return first_of(
            *(_fraction(self, inputs, port) for port in inputs),
            check_same_dtype(self, inputs, one, two),
            check_broadcast(self, inputs),
        )


class Complex(_Parts):
    """Complex numbers of a real and an imaginary part."""

    id = "torch.complex"
    title = "complex"
    keywords = "real imaginary parts"
    inputs = (Port("real"), Port("imag"))


class Polar(_Parts):
    """Complex numbers of a magnitude and an angle in radians."""

    id = "torch.polar"
    title = "polar"
    keywords = "magnitude phase angle rotation rotary"
    inputs = (Port("abs"), Port("angle"))

    def saves_output(self) -> bool:
        return True
