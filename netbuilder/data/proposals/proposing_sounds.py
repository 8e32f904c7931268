"""Proposals for folders of WAV files. Torch-free."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from netbuilder.data import pictures, recordings
from netbuilder.data.proposals import surveying
from netbuilder.data.proposals.proposing import Proposal
from netbuilder.data.proposals.surveying import Survey
from netbuilder.data.reading.npy import CorruptSample
from netbuilder.data.sounds import WavFolder
from netbuilder.errors import NetbuilderError

SUFFIXES = frozenset((".wav", ".wave"))
MOST_HZ = 16_000
"""Above this a network mostly learns slower: speech is below 8 kHz."""
LONGEST_S = 4


def propose(path: Path) -> Proposal | None:
    """A folder with sounds, or with folders of sounds."""
    found = surveying.survey(path, SUFFIXES, "sounds")
    if found is None:
        return None
    rate, length, bad = _headers(found)
    notes = list(found.notes)
    if bad:
        notes.append(f"{bad} of {len(found.some())} sounds looked at can't be read.")
    window = 512
    while window > max(16, length // 4):
        window //= 2
    source = WavFolder(
        folder=str(found.path),
        classes=found.classes,
        rate=rate,
        length=length,
        window=window,
        hop=window // 2,
        bands=min(40, window // 4),
    )
    return Proposal(
        source=source.id,
        params=source.model_dump(mode="json", exclude_defaults=True),
        title=found.title("sounds"),
        count=found.count,
        fields=source.fields(),
        task="classification" if found.classes else "reconstruction",
        settings={"normalise": ["spectrogram"]} if found.classes else {},
        notes=tuple(notes),
        problems=found.problems,
    )


def _headers(found: Survey) -> tuple[int, int, int]:
    """Rate and length to bring sounds to, and how many are bad."""
    rates: Counter[int] = Counter()
    seconds: list[float] = []
    bad = 0
    for file in found.some():
        try:
            data = pictures.content(found.path / file.path, recordings.MAX_BYTES)
            sound = recordings.read(data, LONGEST_S)
        except CorruptSample:
            bad += 1
            continue
        rates[sound.rate] += 1
        seconds.append(len(sound.points) / sound.rate)
    if not seconds:
        raise NetbuilderError(
            f"None of the sounds in '{found.path.name}' can be read.",
            "They may be damaged, or no WAV files in spite of their names.",
        )
    rate = min(rates.most_common(1)[0][0], MOST_HZ)
    return rate, max(64, round(sorted(seconds)[len(seconds) // 2] * rate)), bad
