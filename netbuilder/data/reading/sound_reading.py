"""Opens folders of sounds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from netbuilder.data import recordings
from netbuilder.data.proposals import class_folders
from netbuilder.data.reading.npy import Array
from netbuilder.data.reading.opening import Opened, opened
from netbuilder.data.sounds import WavFolder

SUFFIXES = frozenset((".wav", ".wave"))


@opened.register
def _(source: WavFolder) -> Opened:
    read = partial(_sound, source)
    return class_folders.open_folder(source.folder, source.classes, SUFFIXES, "sounds", read)


def _sound(source: WavFolder, path: Path) -> Mapping[str, Array]:
    return formed(source, recordings.wave(path, source.rate, source.length))


def formed(source: WavFolder, points: Array) -> Mapping[str, Array]:
    """The field of a sound with these points, (1, length)."""
    if source.form == "wave":
        return {"audio": points}
    mel = source.form == "mel"
    filters = recordings.mel_filters(source.rate, source.window, source.bands) if mel else None
    return {"spectrogram": recordings.spectrogram(points, source.window, source.hop, filters)}
