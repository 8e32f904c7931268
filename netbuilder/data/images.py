"""Folders of images, described. Torch-free; see `image_reading` for how they are read."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field as Parameter

from netbuilder.data.files import FileSource, Place
from netbuilder.data.sources import Field, Source

Size = Annotated[int, Parameter(ge=1, le=4096)]
ClassName = Annotated[str, Parameter(min_length=1, max_length=255)]


class ImageFolder(FileSource):
    """Images in a folder with one folder a class: `cats/1.jpg`, `dogs/2.png`.

    JPEG, PNG, WebP, BMP, GIF (its first frame), TIFF and PPM. All are brought to one size; values
    run from 0 to 1, what is transparent becomes white. Without classes all images below the
    folder are samples without labels. An image that can't be used is passed over and counted.
    """

    id: ClassVar[str] = "netbuilder.ImageFolder"
    title: ClassVar[str] = "Folder of images"
    contents_in: ClassVar[str] = "netbuilder.data.reading.image_reading"

    folder: Place = Parameter("", description="Where the images are.")
    classes: tuple[ClassName, ...] = Parameter(
        (), max_length=100_000, description="The folders inside it, one a class, in this order."
    )
    height: Size = Parameter(64, description="Pixels from top to bottom, for all images.")
    width: Size = Parameter(64, description="Pixels from left to right.")
    colour: bool = Parameter(True, description="Red, green and blue; else one grey value.")
    fit: Literal["crop", "pad", "stretch"] = Parameter(
        "crop",
        description="Images of another form: cut to the middle, widened with black, or stretched.",
    )

    def fields(self) -> tuple[Field, ...]:
        meaning = "red, green and blue, 0 to 1" if self.colour else "grey values, 0 black to 1"
        image = Field("image", (3 if self.colour else 1, self.height, self.width), meaning=meaning)
        if not self.classes:
            return (image,)
        count = len(self.classes)
        return (
            image,
            Field("label", (), "int64", "the folder it is in", high=count, classes=self.classes),
        )


SOURCES: tuple[type[Source], ...] = (ImageFolder,)
