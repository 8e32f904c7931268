"""Folders of images with masks, described. Torch-free; see `mask_reading` for how they are read."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field as Parameter
from pydantic import model_validator

from netbuilder.data.files import FileSource, Place
from netbuilder.data.images import ClassName, Size
from netbuilder.data.sources import Field, Source

Inside = Annotated[str, Parameter(pattern=r"^[^/\\.][^/\\]{0,200}$")]
"""The name of a folder right inside another."""


class MaskFolder(FileSource):
    """Images and their masks: `images/1.jpg`, `masks/1.png`, paired by name.

    A mask is an image of one channel, grey or with a palette, whose values tell the class of
    each pixel. Both are brought to one size, the mask by taking the nearest pixel. A pair that
    can't be used is passed over and counted.
    """

    id: ClassVar[str] = "netbuilder.MaskFolder"
    title: ClassVar[str] = "Images with masks"
    contents_in: ClassVar[str] = "netbuilder.data.reading.mask_reading"

    folder: Place = Parameter("", description="Where the two folders are.")
    images: Inside = Parameter("images", description="The folder of the images in it.")
    masks: Inside = Parameter("masks", description="The folder of the masks in it.")
    values: tuple[Annotated[int, Parameter(ge=0, le=65535)], ...] = Parameter(
        (0, 255), max_length=1000, description="The values of masks, one a class, in this order."
    )
    classes: tuple[ClassName, ...] = Parameter(
        (), max_length=1000, description="What the values mean; empty: they have no names."
    )
    height: Size = Parameter(64, description="Pixels from top to bottom, for all images.")
    width: Size = Parameter(64, description="Pixels from left to right.")
    colour: bool = Parameter(True, description="Red, green and blue; else one grey value.")
    fit: Literal["crop", "pad", "stretch"] = Parameter(
        "crop",
        description="Images of another form: cut to the middle, widened with black, or stretched.",
    )

    @model_validator(mode="after")
    def _each_value_is_one_class(self) -> MaskFolder:
        if len(set(self.values)) < len(self.values):
            raise ValueError("each value of a mask is one class")
        if self.classes and len(self.classes) != len(self.values):
            raise ValueError("as many classes as values of masks, or none")
        return self

    def fields(self) -> tuple[Field, ...]:
        meaning = "red, green and blue, 0 to 1" if self.colour else "grey values, 0 black to 1"
        size = (self.height, self.width)
        names = self.classes or tuple(f"value {value}" for value in self.values)
        count = len(self.values)
        return (
            Field("image", (3 if self.colour else 1, *size), meaning=meaning),
            Field("mask", size, "int64", "the class of each pixel", high=count, classes=names),
        )


SOURCES: tuple[type[Source], ...] = (MaskFolder,)
