"""Pictures in the binary files of MNIST and CIFAR, described. Torch-free.

They are read by `picture_reading`: nothing in them is run, and every size is checked first.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field as Parameter

from netbuilder.data.files import FileSource, Place
from netbuilder.data.sources import Field, Source

Size = Annotated[int, Parameter(ge=1, le=4096)]
Count = Annotated[int, Parameter(ge=0, le=2**31)]
ClassName = Annotated[str, Parameter(min_length=1, max_length=255)]
FileName = Annotated[str, Parameter(max_length=255, pattern=r"^[A-Za-z0-9_.-]+$")]

CIFAR_SIDE = 32
CIFAR_FILES = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
DIGITS = tuple("0123456789")
CLOTHES = (
    "T-shirt/top",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)
CIFAR_10 = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


class IdxPictures(FileSource):
    """Grey pictures and their labels in two IDX files, as MNIST and Fashion-MNIST have them.

    Plain or compressed (.gz). Values run from 0 to 1.
    """

    id: ClassVar[str] = "netbuilder.IdxPictures"
    title: ClassVar[str] = "MNIST files"
    contents_in: ClassVar[str] = "netbuilder.data.reading.picture_reading"
    places_in: ClassVar[tuple[str, ...]] = ("images", "labels")

    images: Place = Parameter("", description="The file of the pictures: ...-images-idx3-ubyte.")
    labels: Place = Parameter("", description="The file of the labels: ...-labels-idx1-ubyte.")
    height: Size = Parameter(28, description="Pixels from top to bottom.")
    width: Size = Parameter(28, description="Pixels from left to right.")
    classes: tuple[ClassName, ...] = Parameter(
        DIGITS, min_length=1, max_length=256, description="What the labels stand for, from 0."
    )

    def fields(self) -> tuple[Field, ...]:
        image = Field("image", (1, self.height, self.width), meaning="grey values, 0 to 1")
        names = self.classes
        return (image, Field("label", (), "int64", "the class", high=len(names), classes=names))


class CifarPictures(FileSource):
    """Colour photographs of 32×32 pixels in CIFAR's binary files, with their labels.

    CIFAR-10 has one label a picture, CIFAR-100 a coarse one before the fine one. A. Krizhevsky,
    Learning Multiple Layers of Features from Tiny Images (2009).
    """

    id: ClassVar[str] = "netbuilder.CifarPictures"
    title: ClassVar[str] = "CIFAR files"
    contents_in: ClassVar[str] = "netbuilder.data.reading.picture_reading"

    folder: Place = Parameter("", description="Where the files are.")
    files: tuple[FileName, ...] = Parameter(
        CIFAR_FILES, min_length=1, max_length=64, description="The files, in this order."
    )
    kind: Literal["cifar10", "cifar100"] = Parameter(
        "cifar10", description="cifar100: two labels stand before every picture."
    )
    classes: tuple[ClassName, ...] = Parameter(
        CIFAR_10, min_length=1, max_length=256, description="What the labels stand for, from 0."
    )

    def fields(self) -> tuple[Field, ...]:
        side, names = CIFAR_SIDE, self.classes
        return (
            Field("image", (3, side, side), meaning="red, green and blue, 0 to 1"),
            Field("label", (), "int64", "the class", high=len(names), classes=names),
        )


SOURCES: tuple[type[Source], ...] = (IdxPictures, CifarPictures)
