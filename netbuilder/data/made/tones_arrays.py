"""The contents of the sounds made here."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from netbuilder.data.arrays import Array, contents
from netbuilder.data.made.tones import KINDS, LEVELS, RATE_HZ, Tones


@contents.register
def tones(source: Tones) -> Mapping[str, Array]:
    """Sounds (count, 1, length), their kinds (count,) by turns, and codes (count, length)."""
    random = np.random.default_rng(source.seed)
    count, length = source.count, source.length
    label = np.arange(count) % len(KINDS)
    pitch = np.exp(random.uniform(np.log(200.0), np.log(800.0), count))
    phase = random.uniform(0.0, 1.0, count)
    rate = random.uniform(6.0, 14.0, count)
    loudness = random.uniform(0.3, 1.0, count)
    hiss = np.clip(0.4 * random.standard_normal((count, length)), -1.0, 1.0)

    seconds = np.arange(length) / RATE_HZ
    along = np.arange(length) / length
    audio = np.empty((count, length))
    for row in range(count):
        kind = KINDS[label[row]]
        audio[row] = _tone(kind, pitch[row], phase[row], rate[row], seconds, along, hiss[row])
    audio *= loudness[:, None]
    audio += source.noise * random.standard_normal((count, length))
    # The loudest sound fills the levels.
    audio = np.clip(audio / min(1.0, float(np.abs(audio).max())), -1.0, 1.0)
    audio = audio.astype(np.float32)
    return {"audio": audio[:, None], "label": label, "codes": encode(audio)}


def _tone(
    kind: str, pitch: float, phase: float, rate: float, seconds: Array, along: Array, hiss: Array
) -> Array:
    """A sound of a kind: (length,), from -1 to 1. `pitch` and `rate` in Hz, `phase` in turns."""
    if kind == "hiss":
        return hiss
    slides = {"rising": 2.0, "falling": 0.5}
    frequency = pitch * slides.get(kind, 1.0) ** along
    if kind == "vibrato":
        frequency = pitch * (1.0 + 0.25 * np.sin(2 * np.pi * (2.0 * rate * seconds + phase)))
    turns = phase + np.cumsum(frequency) / RATE_HZ
    if kind == "square":
        return np.where(turns % 1.0 < 0.5, 1.0, -1.0)
    if kind == "sawtooth":
        return 2.0 * (turns % 1.0) - 1.0
    wave: Array = np.sin(2 * np.pi * turns)
    if kind == "pulsing":
        wave = wave * (np.sin(2 * np.pi * (2.0 * rate * seconds + phase)) > 0.0)
    return wave


def encode(audio: Array) -> Array:
    """Points from -1 to 1 as levels 0 to 255 of equal steps in sign(x)·ln(1 + μ|x|)/ln(1 + μ)."""
    top = LEVELS - 1
    folded = np.sign(audio) * np.log1p(top * np.abs(audio)) / np.log1p(top)
    levels: Array = np.floor((folded + 1.0) / 2.0 * top + 0.5).astype(np.int64)
    return levels


def decode(codes: Array) -> Array:
    """Points from -1 to 1 of their levels."""
    top = LEVELS - 1
    folded = 2.0 * codes / top - 1.0
    audio: Array = np.sign(folded) * np.expm1(np.abs(folded) * np.log1p(top)) / top
    return audio
