"""Sounds made here, described: short tones of several kinds, to tell apart and to foretell."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field as Parameter

from netbuilder.data.sources import Field, Source

RATE_HZ = 8000
"""Samples a second, as telephones have."""
LEVELS = 256
"""Loudness in codes: the μ-law of ITU-T G.711 with μ = 255."""
KINDS = ("sine", "square", "sawtooth", "rising", "falling", "vibrato", "pulsing", "hiss")


class Tones(Source):
    """Short sounds of eight kinds at 8 kHz, made here: steady, sliding, shaking, pulsing, hissing.

    Each has a random pitch from 200 to 800 Hz, loudness and start; `noise` is laid over them.
    `codes` are the same points in 256 levels, finer near silence (μ-law): what WaveNet foretells.
    """

    id: ClassVar[str] = "netbuilder.Tones"
    title: ClassVar[str] = "Tones"
    contents_in: ClassVar[str] = "netbuilder.data.made.tones_arrays"

    count: Annotated[int, Parameter(ge=16, le=100_000)] = Parameter(
        1200, description="Number of sounds."
    )
    length: Annotated[int, Parameter(ge=64, le=160_000)] = Parameter(
        2048, description="Points of a sound; 8,000 are a second."
    )
    noise: Annotated[float, Parameter(ge=0.0, le=1.0, allow_inf_nan=False)] = Parameter(
        0.05, description="Standard deviation of the noise; the loudest tone reaches 1."
    )
    seed: Annotated[int, Parameter(ge=0, le=2**31 - 1)] = Parameter(
        0, description="Other seeds give other sounds."
    )

    def fields(self) -> tuple[Field, ...]:
        return (
            Field("audio", (1, self.length), meaning="points of a sound, from -1 to 1"),
            Field("label", (), "int64", "the kind of sound", high=len(KINDS), classes=KINDS),
            Field("codes", (self.length,), "int64", "the points in μ-law levels", high=LEVELS),
        )


SOURCES: tuple[type[Source], ...] = (Tones,)
