"""Data in files, described: what is in them is declared, so that opening a project reads none.

Torch-free. The files are looked at when a training begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, field_validator
from pydantic import Field as Parameter

from netbuilder.data.sources import Field, Source

Dim = Annotated[int, Parameter(ge=1, le=2**31)]


class FileField(BaseModel):
    """What one file holds: a sample's shape, the numbers as they are trained on, class count."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    shape: tuple[Dim, ...] = ()
    dtype: Literal["float32", "int64"] = "float32"
    high: Annotated[int, Parameter(ge=1, le=2**31)] | None = None
    meaning: str = ""


class NumpyFiles(Source):
    """Samples in .npy files, one file a field, read while the network trains.

    `FIELD.npy` holds an array (samples, ...) of numbers. Nothing is loaded as a whole, so the
    data may be larger than memory.
    """

    id: ClassVar[str] = "netbuilder.NumpyFiles"
    title: ClassVar[str] = "NumPy files"

    folder: str = Parameter("", description="Where the files are, as an absolute path.")
    contents: Mapping[Annotated[str, Parameter(pattern=r"^[A-Za-z_]\w{0,63}$")], FileField] = (
        Parameter({}, description="The fields: each is a file of this name.")
    )

    @field_validator("folder")
    @classmethod
    def _is_absolute(cls, folder: str) -> str:
        if folder and ("://" in folder or not Path(folder).is_absolute()):
            raise ValueError("an absolute path of a folder on this machine")
        return folder

    def fields(self) -> tuple[Field, ...]:
        return tuple(
            Field(name, entry.shape, entry.dtype, entry.meaning, entry.high)
            for name, entry in self.contents.items()
        )

    def path(self, field: str) -> Path:
        """The file of a field."""
        return Path(self.folder) / f"{field}.npy"
