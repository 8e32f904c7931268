"""One WAV file as an array, within limits, and its spectrogram. Torch-free.

The header is read here and not by the standard library's `wave`, which refuses numbers with a
fraction and, in Python 3.11, the header of most files with 24 bits. RIFF: Multimedia
Programming Interface and Data Specifications 1.0, IBM and Microsoft, 1991.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from pathlib import Path

import numpy as np

from netbuilder.data.pictures import content
from netbuilder.data.reading.npy import Array, CorruptSample

MAX_BYTES = 256 * 2**20
PCM, FLOAT, EXTENSIBLE = 1, 3, 0xFFFE
QUIET_DB = -80.0


@dataclass(frozen=True, slots=True)
class Sound:
    """The points of all channels, (points, channels) from -1 to 1, and their rate in Hz.

    `seconds` is how long the whole sound is, of which there may be the beginning only.
    """

    rate: int
    points: Array
    seconds: float


def read(data: bytes, most: int | None = None) -> Sound:
    """The sound in a WAV file's bytes, of its beginning `most` seconds' worth of points.

    `CorruptSample` says why it is none. What the header says is believed only as far as there
    are bytes.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise CorruptSample("it is no WAV file")
    kind = channels = rate = bits = 0
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        at += 8
        if name == b"fmt " and at + 16 <= len(data):
            kind, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", data, at)
            if kind == EXTENSIBLE and size >= 26 and at + 26 <= len(data):
                kind = struct.unpack_from("<H", data, at + 24)[0]
        elif name == b"data":
            if not 1 <= channels <= 64 or not 100 <= rate <= 1_000_000:
                raise CorruptSample(f"its header makes no sense: {channels} channels, {rate} Hz")
            frame = channels * (bits // 8)
            size = min(size, len(data) - at)
            seconds = size / (frame * rate) if frame else 0.0
            if most is not None:
                size = min(size, most * rate * frame)
            return Sound(rate, _points(data[at : at + size], kind, bits, channels), seconds)
        at += size + size % 2
    raise CorruptSample("it holds no sound")


def _points(data: bytes, kind: int, bits: int, channels: int) -> Array:
    frame = channels * (bits // 8)
    data = data[: len(data) // frame * frame] if frame else b""
    if not data:
        raise CorruptSample("it holds no sound")
    points: Array
    if kind == PCM and bits == 8:
        points = (np.frombuffer(data, np.uint8).astype(np.float32) - 128) / 128
    elif kind == PCM and bits == 24:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        points = wide.view("<i4")[:, 0].astype(np.float32) / np.float32(2**31)
    elif kind == PCM and bits in (16, 32):
        points = np.frombuffer(data, f"<i{bits // 8}") / np.float32(2 ** (bits - 1))
    elif kind == FLOAT and bits in (32, 64):
        points = np.frombuffer(data, f"<f{bits // 8}")
    else:
        raise CorruptSample(f"its form is not known: {kind} with {bits} bits")
    points = points.astype(np.float32).reshape(-1, channels)
    if not np.isfinite(points).all():
        raise CorruptSample("it holds numbers that are not finite")
    return points


def wave(path: Path, rate: int, length: int) -> Array:
    """The sound in a file as (1, length), at this rate; `CorruptSample` if it can't be used."""
    seconds = length // rate + 1
    return brought(read(content(path, MAX_BYTES), seconds), rate, length)


def brought(sound: Sound, rate: int, length: int) -> Array:
    """The mean of its channels as (1, length) at this rate, cut or filled up with silence."""
    points: Array = sound.points.mean(axis=1)
    if sound.rate != rate:
        from scipy.signal import resample_poly

        shared = gcd(rate, sound.rate)
        points = resample_poly(points, rate // shared, sound.rate // shared).astype(np.float32)
    found = np.zeros((1, length), np.float32)
    found[0, : min(length, len(points))] = points[:length].clip(-1.0, 1.0)
    return found


def spectrogram(points: Array, window: int, hop: int, filters: Array | None = None) -> Array:
    """Loudness of (1, length) points by frequency and time: (1, bands, columns), 0 to 1.

    A sine of full scale gives 1 in its band, -80 dB and less give 0. `filters` are bands of
    `mel_filters`; without, each frequency of the transform is a band.
    """
    pieces = np.lib.stride_tricks.sliding_window_view(points[0], window)[::hop]
    shape = np.hanning(window + 1)[:-1]  # periodic
    power = np.abs(np.fft.rfft(pieces * shape, axis=1)) ** 2 / (shape.sum() / 2) ** 2
    bands = power.T if filters is None else filters @ power.T
    loud = 10 * np.log10(np.maximum(bands, 10 ** (QUIET_DB / 10)))
    found: Array = (1 - loud / QUIET_DB).clip(0.0, 1.0).astype(np.float32)[None]
    return found


@lru_cache(maxsize=16)
def mel_filters(rate: int, window: int, bands: int) -> Array:
    """Triangles over the frequencies of a transform, evenly spaced in mel: (bands, window/2 + 1).

    mel = 2595 log10(1 + f / 700 Hz): O'Shaughnessy, Speech Communication, 1987. A band that is
    narrower than the frequencies are apart takes the nearest one.
    """
    top = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    found = np.fft.rfftfreq(window, 1 / rate)[None]
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    filters: Array = np.minimum((found - low) / (middle - low), (high - found) / (high - middle))
    filters = filters.clip(0.0)
    for band in np.flatnonzero(filters.max(axis=1) == 0):
        filters[band, np.abs(found[0] - middle[band]).argmin()] = 1.0
    return filters
