"""Folders of sounds, described. Torch-free; see `sound_reading` for how they are read."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field as Parameter
from pydantic import model_validator

from netbuilder.data.files import FileSource, Place
from netbuilder.data.images import ClassName
from netbuilder.data.sources import Field, Source


class WavFolder(FileSource):
    """Sounds in a folder with one folder a class: `yes/1.wav`, `no/2.wav`.

    Every sound is brought to one rate and length: cut at its end or filled up with silence; of
    several channels the mean is taken. It comes as its wave, from -1 to 1, or as a spectrogram:
    loudness by frequency and time, from 0 for -80 dB and less to 1 for full scale. A file that
    can't be used is passed over and counted.
    """

    id: ClassVar[str] = "netbuilder.WavFolder"
    title: ClassVar[str] = "Folder of sounds"
    contents_in: ClassVar[str] = "netbuilder.data.reading.sound_reading"

    folder: Place = Parameter("", description="Where the sounds are.")
    classes: tuple[ClassName, ...] = Parameter(
        (), max_length=100_000, description="The folders inside it, one a class, in this order."
    )
    rate: Annotated[int, Parameter(ge=100, le=192_000)] = Parameter(
        16_000, description="Points a second, in Hz, for all sounds."
    )
    length: Annotated[int, Parameter(ge=64, le=10_000_000)] = Parameter(
        16_000, description="Points of a sound."
    )
    form: Literal["mel", "log", "wave"] = Parameter(
        "mel",
        description="mel: a spectrogram in bands as ears have them; log: in equal bands; wave.",
    )
    bands: Annotated[int, Parameter(ge=2, le=512)] = Parameter(
        40, description="Bands of frequency of a mel spectrogram."
    )
    window: Annotated[int, Parameter(ge=16, le=16_384)] = Parameter(
        512, description="Points that one column of a spectrogram is made of."
    )
    hop: Annotated[int, Parameter(ge=1, le=16_384)] = Parameter(
        256, description="Points from one column to the next."
    )

    @model_validator(mode="after")
    def _a_window_fits(self) -> WavFolder:
        if self.form != "wave" and self.window > self.length:
            raise ValueError("the window is longer than the sound")
        if self.form == "mel" and self.bands > self.window // 4:
            raise ValueError("so many bands need a longer window: four times the bands or more")
        return self

    def fields(self) -> tuple[Field, ...]:
        if self.form == "wave":
            sound = Field("audio", (1, self.length), meaning="points of a sound, from -1 to 1")
        else:
            bands = self.bands if self.form == "mel" else self.window // 2 + 1
            columns = 1 + (self.length - self.window) // self.hop
            meaning = "loudness by frequency, low ones first, and time; 1 is full scale"
            sound = Field("spectrogram", (1, bands, columns), meaning=meaning)
        if not self.classes:
            return (sound,)
        count = len(self.classes)
        return (
            sound,
            Field("label", (), "int64", "the folder it is in", high=count, classes=self.classes),
        )


SOURCES: tuple[type[Source], ...] = (WavFolder,)
