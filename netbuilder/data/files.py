"""Data in files, described: what is in them is declared, so that opening a project reads none.

Torch-free. The files are looked at when a training begins, or when a person asks to see them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic import Field as Parameter

from netbuilder.data.sources import Field, Source

Dim = Annotated[int, Parameter(ge=1, le=2**31)]
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[\\/]")
_DEVICES = ("/dev/", "/proc/", "/sys/")


def local(path: str) -> str:
    """The path, if it may name files of this computer; `ValueError` for URLs and devices."""
    slashed = path.replace("\\", "/")
    if _URL.match(path):
        raise ValueError("a path on this computer: fetch the data first")
    if slashed.startswith("//"):
        raise ValueError("a path on this computer, not one of the network")
    if f"{slashed}/".startswith(_DEVICES):
        raise ValueError("a path of files, not of devices")
    if any(ord(letter) < 32 for letter in path):
        raise ValueError("a path without control characters")
    return path


Place = Annotated[str, Parameter(max_length=4096), AfterValidator(local)]
"""A path, absolute or relative to the project's folder."""


class FileSource(Source):
    """Base of the sources whose samples are files of a person.

    Its parameters declare what the files hold; a proposal writes them (`data.proposing`).
    """

    on_disk: ClassVar[bool] = True
    places_in: ClassVar[tuple[str, ...]] = ("folder",)
    """The parameters that name files and folders."""

    def paths(self) -> tuple[str, ...]:
        """The files and folders that are read, as the project names them."""
        return tuple(getattr(self, name) for name in self.places_in)


class FileField(BaseModel):
    """What one file holds: a sample's shape, the numbers as they are trained on, class count."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    shape: tuple[Dim, ...] = ()
    dtype: Literal["float32", "int64"] = "float32"
    high: Annotated[int, Parameter(ge=1, le=2**31)] | None = None
    meaning: str = ""


class NumpyFiles(FileSource):
    """Samples in .npy files, one file a field.

    `FIELD.npy` holds an array (samples, ...) of numbers; one of (samples,) may be declared as
    rows of one, which is what a Linear layer takes and gives. What does not fit in memory is read
    while the network trains.
    """

    id: ClassVar[str] = "netbuilder.NumpyFiles"
    title: ClassVar[str] = "NumPy files"
    contents_in: ClassVar[str] = "netbuilder.data.reading.numpy_reading"

    folder: Place = Parameter("", description="Where the files are.")
    contents: Mapping[Annotated[str, Parameter(pattern=r"^[A-Za-z_]\w{0,63}$")], FileField] = (
        Parameter({}, description="The fields: each is a file of this name.")
    )

    def fields(self) -> tuple[Field, ...]:
        return tuple(
            Field(name, entry.shape, entry.dtype, entry.meaning, entry.high)
            for name, entry in self.contents.items()
        )


SOURCES: tuple[type[Source], ...] = (NumpyFiles,)
