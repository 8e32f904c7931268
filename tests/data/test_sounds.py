"""Folders of sounds: every form of WAV, spectrograms that are right, and files that lie."""

from __future__ import annotations

import struct
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netbuilder.data import places, recordings
from netbuilder.data.loading import Dataset
from netbuilder.data.places import Places
from netbuilder.data.proposals.proposing import propose
from netbuilder.data.reading import opening
from netbuilder.data.reading.npy import Array, CorruptSample
from netbuilder.data.settings import DataSettings, read, source_of
from netbuilder.data.sounds import WavFolder
from netbuilder.errors import NetbuilderError

RATE = 8000


def sine(hertz: float, seconds: float = 0.5, rate: int = RATE) -> Array:
    """A sine of full scale: (points,)."""
    found: Array = np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    return found


def write(path: Path, points: Array, rate: int = RATE) -> Path:
    """16 bits, one channel, by the standard library."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((points * 32767).astype("<i2").tobytes())
    return path


def header(kind: int, bits: int, data: bytes, channels: int = 1, more: bytes = b"") -> bytes:
    """A file with this form; `more` are chunks between the header and the sound."""
    frame = channels * bits // 8
    form = struct.pack("<HHIIHH", kind, channels, RATE, RATE * frame, frame % 2**16, bits)
    if kind == recordings.EXTENSIBLE:
        form += struct.pack("<HHI", 22, bits, 0) + struct.pack("<H", recordings.PCM) + bytes(14)
    chunks = b"fmt " + struct.pack("<I", len(form)) + form + more
    chunks += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def as_bits(points: Array, kind: int, bits: int) -> bytes:
    whole = np.round(points * (2.0 ** (min(bits, 32) - 1) - 1)).astype("<i8")
    found: Array = whole.astype(f"<i{bits // 8}") if bits in (16, 32) else whole
    if kind == recordings.FLOAT:
        found = points.astype(f"<f{bits // 8}")
    elif bits == 8:
        found = (whole + 128).astype(np.uint8)
    elif bits == 24:
        found = np.ascontiguousarray(whole.view(np.uint8).reshape(-1, 8)[:, :3])
    return bytes(found.tobytes())


@pytest.mark.parametrize(
    ("kind", "bits"),
    [
        (recordings.PCM, 8),
        (recordings.PCM, 16),
        (recordings.PCM, 24),
        (recordings.PCM, 32),
        (recordings.FLOAT, 32),
        (recordings.FLOAT, 64),
        (recordings.EXTENSIBLE, 24),
    ],
)
def test_every_form_gives_the_same_sound(kind: int, bits: int) -> None:
    points = sine(440)
    sound = recordings.read(header(kind, bits, as_bits(points, kind, bits)))
    assert sound.rate == RATE
    assert sound.points.shape == (len(points), 1)
    assert np.abs(sound.points[:, 0] - points).max() < 2.5 * 2.0 ** -(min(bits, 24) - 1)


def test_what_the_standard_library_writes_is_read(tmp_path: Path) -> None:
    points = sine(300)
    path = write(tmp_path / "a.wav", points)
    assert np.abs(recordings.wave(path, RATE, len(points))[0] - points).max() < 1e-4


def test_channels_are_averaged_and_other_chunks_passed_over() -> None:
    left, right = np.full(100, 0.5), np.full(100, -0.25)
    data = np.stack([left, right], axis=1).astype("<f4").tobytes()
    more = b"LIST" + struct.pack("<I", 5) + b"abcde\0"
    sound = recordings.read(header(recordings.FLOAT, 32, data, 2, more))
    assert sound.points.mean(axis=1) == pytest.approx(0.125)


def test_sounds_are_cut_or_filled_up(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.ones(1000))
    assert recordings.wave(path, RATE, 400).min() > 0.99
    long = recordings.wave(path, RATE, 2000)
    assert long[0, :1000].min() > 0.99
    assert not long[0, 1000:].any()


@pytest.mark.parametrize("rate", [4000, 11025, 16000])
def test_another_rate_keeps_the_pitch(tmp_path: Path, rate: int) -> None:
    path = write(tmp_path / "a.wav", sine(500, 1.0))
    points = recordings.wave(path, rate, rate)
    loud = np.abs(np.fft.rfft(points[0]))
    assert abs(int(loud.argmax()) - 500) <= 1  # one second: a line a hertz


def test_a_sine_of_full_scale_is_1_in_its_band_and_silence_0() -> None:
    found = recordings.spectrogram(sine(1000)[None].astype(np.float32), 256, 128)
    assert found.shape == (1, 129, 1 + (4000 - 256) // 128)
    band = round(1000 * 256 / RATE)
    assert found[0].argmax(axis=0).tolist() == [band] * found.shape[2]
    assert found[0, band] == pytest.approx(1.0, abs=1e-3)
    assert found[0, 100] == pytest.approx(0.0, abs=0.05)
    assert not recordings.spectrogram(np.zeros((1, 512), np.float32), 256, 128).any()


def test_half_as_loud_is_six_decibels_less() -> None:
    whole, half = (
        recordings.spectrogram((scale * sine(1000))[None].astype(np.float32), 256, 128).max()
        for scale in (1.0, 0.5)
    )
    assert 80 * (whole - half) == pytest.approx(20 * np.log10(2), abs=0.01)


@pytest.mark.parametrize(("bands", "window"), [(10, 256), (40, 512), (64, 256)])
def test_mel_bands_cover_the_frequencies_in_order(bands: int, window: int) -> None:
    filters = recordings.mel_filters(RATE, window, bands)
    assert filters.shape == (bands, window // 2 + 1)
    assert (filters.max(axis=1) > 0).all()
    assert filters.max() <= 1.0
    peaks = filters.argmax(axis=1)
    assert (np.diff(peaks) >= 0).all()
    # 1000 Hz is 1000 mel.
    edges = 700 * (10 ** (np.array([1000.0]) / 2595) - 1)
    assert edges[0] == pytest.approx(1000, rel=1e-3)


# -- files of strangers --------------------------------------------------------------------------

GOOD = header(recordings.PCM, 16, bytes(2000))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF",
        b"RIFF\0\0\0\0WAVE",
        b"no sound at all, but long enough for a header",
        GOOD[:20],
        header(recordings.PCM, 16, b""),
        header(recordings.PCM, 12, bytes(100)),
        header(recordings.PCM, 0, bytes(100)),
        header(85, 16, bytes(100)),  # MP3 in a WAV file
        header(recordings.PCM, 16, bytes(100), channels=0),
        header(recordings.PCM, 16, bytes(100), channels=60_000),
        header(recordings.FLOAT, 32, np.array([1.0, np.nan], "<f4").tobytes()),
        GOOD.replace(struct.pack("<I", RATE), struct.pack("<I", 2**31), 1),
    ],
)
def test_what_is_no_sound_is_a_corrupt_sample(data: bytes) -> None:
    with pytest.raises(CorruptSample):
        recordings.read(data)


def test_a_header_that_promises_more_is_believed_as_far_as_there_are_bytes() -> None:
    lying = GOOD.replace(struct.pack("<I", 2000), struct.pack("<I", 2**32 - 1))
    assert len(recordings.read(lying).points) == 1000
    endless = GOOD[:12] + b"junk" + struct.pack("<I", 2**32 - 1) + GOOD[12:]
    with pytest.raises(CorruptSample):
        recordings.read(endless)


# -- folders -------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for at in range(10):
        write(tmp_path / "tones" / "low" / f"{at}.wav", sine(200 + at))
        write(tmp_path / "tones" / "high" / f"{at}.WAV", sine(2000 + at, 0.4))
    return tmp_path / "tones"


def dataset(folder: Path, settings: DataSettings) -> Dataset:
    source = source_of(settings)
    assert isinstance(source, WavFolder)
    with places.given(Places(None, (str(folder),))):
        return opening.prepare(source, settings)


def settings_of(folder: Path, **more: Any) -> DataSettings:
    found = propose(folder)
    params = {**found.params, **more}
    return read({"source": found.source, "params": params, "validation": 0.2})


def test_a_proposal_is_read(folder: Path) -> None:
    (folder / "low" / "notes.txt").write_text("x")
    found = propose(folder)
    assert (found.task, found.count) == ("classification", 20)
    assert found.params["classes"] == ["high", "low"]
    assert (found.params["rate"], found.params["length"]) == (RATE, 4000)
    assert found.notes == ("Files that are no sounds, left out: 1.",)
    data = dataset(folder, settings_of(folder))
    image, label = data.train["spectrogram"], data.train["label"]
    assert tuple(image.shape[1:]) == found.fields[0].shape
    loudest = image[:, 0].mean(dim=2).argmax(dim=1)
    assert loudest[label == 0].min() > loudest[label == 1].max()


@pytest.mark.parametrize(("form", "shape"), [("wave", (1, 4000)), ("log", (1, 257, 14))])
def test_other_forms(folder: Path, form: str, shape: tuple[int, ...]) -> None:
    data = dataset(folder, settings_of(folder, form=form))
    assert tuple(next(iter(data.train.values())).shape[1:]) == shape


def test_bad_sounds_are_passed_over_and_counted(folder: Path) -> None:
    settings = settings_of(folder)
    (folder / "low" / "3.wav").write_bytes(b"no sound")
    (note,) = (text for code, text in dataset(folder, settings).notes if code == "corrupt")
    assert "low/3.wav: it is no WAV file" in note


def test_nothing_but_bad_sounds(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "a.wav").write_bytes(b"x")
    with pytest.raises(NetbuilderError, match="None of the sounds"):
        propose(tmp_path / "bad")


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"length": 100, "window": 512}, "the window is longer than the sound"),
        ({"bands": 512}, "so many bands need a longer window"),
    ],
)
def test_settings_that_do_not_go_together(params: dict[str, Any], words: str) -> None:
    with pytest.raises(NetbuilderError, match=words):
        source_of(read({"source": WavFolder.id, "params": params}))
