"""How the samples of a batch are varied while one trains, described. Torch-free.

Only the training part is varied. What an augmentation asks of a training step besides stands in
fields of its own: mixed labels, hidden tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Parameter

from netbuilder.data.sources import Field
from netbuilder.errors import NetbuilderError

Probability = Annotated[float, Parameter(ge=0.0, le=1.0, allow_inf_nan=False)]
Strength = Annotated[float, Parameter(ge=0.0, le=1.0, allow_inf_nan=False)]
Alpha = Annotated[float, Parameter(gt=0.0, le=100.0, allow_inf_nan=False)]

SOFT, MASKED, HIDDEN = "_soft", "_masked", "_hidden"
"""Endings of the fields that augmentations add."""
IGNORED = -100
"""What a hidden-token field holds where nothing is hidden: PyTorch's `ignore_index`."""


class Augmentation(BaseModel):
    """What all kinds have."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    fields: tuple[str, ...] = Parameter(
        (), description="The fields that it changes, all in the same way; empty: all that fit."
    )

    def takes(self, field: Field) -> bool:
        """Whether it can change a field that is named."""
        return is_map(field)

    def default(self, own: Sequence[Field]) -> Iterator[Field]:
        """What it changes if no field is named: all that lies over a picture moves with it.

        `NetbuilderError` where that can't be told.
        """
        pictures = [field for field in own if is_image(field)]
        sizes = {field.shape[1:] for field in pictures}
        masks = [f for f in own if f.dtype == "int64" and f.shape in sizes]
        found = [*pictures, *masks]
        stays = [field.name for field in own if len(field.shape) > 1 and field not in found]
        if pictures and stays:
            raise self.unclear(f"{', '.join(stays)} would not change with the pictures")
        yield from found

    def adds(self, field: Field) -> tuple[Field, ...]:
        """The fields that it adds for one of the data's."""
        return ()

    def concerned(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """The fields whose meaning changes, for which `adds` tells others."""
        return self.chosen(fields)

    def chosen(self, fields: Iterable[Field]) -> tuple[Field, ...]:
        """The fields that it changes; `NetbuilderError` names one that it can't."""
        own = [field for field in fields if field.batched]
        if not self.fields:
            found = tuple(self.default(own))
            if not found:
                raise self.unclear("it fits no field of the data")
            return found
        known = {field.name: field for field in own}
        for name in self.fields:
            if name not in known or not self.takes(known[name]):
                reason = "there is no such field" if name not in known else "it has no such values"
                raise NetbuilderError(
                    f"Augmentation '{self.name()}' can't change '{name}': {reason}.",
                    f"Fields of the data: {', '.join(known)}.",
                )
        return tuple(known[name] for name in self.fields)

    def unclear(self, reason: str) -> NetbuilderError:
        """That fields must be named."""
        hint = "Name its fields in the data settings, or remove it."
        return NetbuilderError(f"Augmentation '{self.name()}': {reason}.", hint)

    def name(self) -> str:
        """Its kind, as it stands in a project."""
        return str(getattr(self, "kind", ""))


class InputAugmentation(Augmentation):
    """Base of those that change what a network gets, and never what it is to find."""

    def default(self, own: Sequence[Field]) -> Iterator[Field]:
        pictures = [field for field in own if is_image(field)]
        if len(pictures) > 1:
            names = ", ".join(field.name for field in pictures)
            raise self.unclear(f"which of {names} the network gets is not known")
        yield from pictures


class Flip(Augmentation):
    """Mirrors pictures."""

    kind: Literal["flip"] = "flip"
    horizontal: bool = Parameter(True, description="Left and right change places.")
    vertical: bool = Parameter(False, description="Top and bottom change places.")
    probability: Probability = Parameter(0.5, description="How often, in each direction.")


class Crop(Augmentation):
    """Cuts out a part of a picture and brings it to the picture's size."""

    kind: Literal["crop"] = "crop"
    smallest: Annotated[float, Parameter(gt=0.0, le=1.0, allow_inf_nan=False)] = Parameter(
        1.0, description="The smallest part of its height and width that is kept."
    )
    padding: Annotated[int, Parameter(ge=0, le=1024)] = Parameter(
        4, description="Pixels by which the part may reach over the border, where zeros are."
    )


class Rotate(Augmentation):
    """Turns pictures about their middle; corners become 0."""

    kind: Literal["rotate"] = "rotate"
    degrees: Annotated[float, Parameter(ge=0.0, le=180.0, allow_inf_nan=False)] = Parameter(
        15.0, description="The largest angle, to either side."
    )


class Colour(InputAugmentation):
    """Changes how bright, contrasty and colourful pictures are."""

    kind: Literal["colour"] = "colour"
    brightness: Strength = Parameter(0.2, description="The largest change of brightness: ±20 %.")
    contrast: Strength = Parameter(0.2, description="The largest change of contrast.")
    saturation: Strength = Parameter(
        0.2, description="The largest change of the colours' strength."
    )
    hue: Annotated[float, Parameter(ge=0.0, le=0.5, allow_inf_nan=False)] = Parameter(
        0.0, description="The largest turn of the hue, in whole turns."
    )

    def takes(self, field: Field) -> bool:
        return is_image(field)


class Cutout(InputAugmentation):
    """Hides a square of each picture: it becomes 0."""

    kind: Literal["cutout"] = "cutout"
    size: Annotated[float, Parameter(gt=0.0, le=1.0, allow_inf_nan=False)] = Parameter(
        0.25, description="The square's side, as a part of height and width."
    )
    probability: Probability = Parameter(1.0, description="How often.")


class Noise(InputAugmentation):
    """Adds normal noise to numbers, in the units in which the network sees them."""

    kind: Literal["noise"] = "noise"
    deviation: Annotated[float, Parameter(ge=0.0, le=1000.0, allow_inf_nan=False)] = Parameter(
        0.05, description="Standard deviation of the noise."
    )

    def takes(self, field: Field) -> bool:
        return field.dtype.startswith("float")

    def default(self, own: Sequence[Field]) -> Iterator[Field]:
        numbers = [f for f in own if self.takes(f) and f.name not in ("target", "next")]
        if len(numbers) > 1:
            yield from super().default(own)
        else:
            yield from numbers


class Mixing(Augmentation):
    """Base of those that mix samples: labels mix with them."""

    alpha: Alpha = Parameter(0.2, description="Of the beta distribution of shares: 1 is any share.")
    probability: Probability = Parameter(1.0, description="How many of the samples are mixed.")

    def concerned(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        self.chosen(fields)
        return tuple(field for field in fields if field.is_class)

    def adds(self, field: Field) -> tuple[Field, ...]:
        if not field.is_class or not field.high:
            return ()
        meaning = f"'{field.name}' as the share of each class, mixed as the samples are"
        return (Field(field.name + SOFT, (field.high,), meaning=meaning),)


class Mixup(Mixing):
    """Lays two samples over each other. All fields of numbers mix, targets too."""

    kind: Literal["mixup"] = "mixup"

    def takes(self, field: Field) -> bool:
        return field.dtype.startswith("float")

    def default(self, own: Sequence[Field]) -> Iterator[Field]:
        return filter(self.takes, own)


class Cutmix(Mixing):
    """Pastes a rectangle of another sample into each picture; targets mix by its area."""

    kind: Literal["cutmix"] = "cutmix"
    alpha: Alpha = Parameter(1.0, description="Of the beta distribution of areas: 1 is any area.")


class TokenMasking(Augmentation):
    """Hides tokens of a text, to be found from those around them.

    Adds two fields: NAME_masked is what the network gets; NAME_hidden has the hidden tokens and
    -100 elsewhere, which CrossEntropyLoss passes over. Of the tokens to be found 80 % are hidden,
    10 % are others, 10 % stay (Devlin et al. 2018). The validation part is masked too, always
    in the same way.
    """

    kind: Literal["token_masking"] = "token_masking"
    share: Probability = Parameter(0.15, description="How many of the tokens are to be found.")
    mask: Annotated[int, Parameter(ge=0, le=2**31)] | None = Parameter(
        None, description="The id of the token that hides; empty: any token in its place."
    )
    keep: tuple[int, ...] = Parameter((), description="Ids that are never hidden: padding.")

    def takes(self, field: Field) -> bool:
        return field.dtype == "int64" and len(field.shape) == 1 and bool(field.high)

    def default(self, own: Sequence[Field]) -> Iterator[Field]:
        return filter(self.takes, own)

    def adds(self, field: Field) -> tuple[Field, ...]:
        about = f"'{field.name}' with tokens hidden"
        hidden = f"the hidden tokens of '{field.name}', -100 elsewhere"
        return (
            replace(field, name=field.name + MASKED, meaning=about),
            Field(field.name + HIDDEN, field.shape, "int64", hidden),
        )


AnyAugmentation = Annotated[
    Flip | Crop | Rotate | Colour | Cutout | Noise | Mixup | Cutmix | TokenMasking,
    Parameter(discriminator="kind"),
]


def is_image(field: Field) -> bool:
    """Whether a field is a picture: one channel or three, height, width."""
    return is_map(field) and len(field.shape) == 3 and field.shape[0] in (1, 3)


def is_map(field: Field) -> bool:
    """Whether a field has a height and a width at its end."""
    return (field.dtype.startswith("float") and len(field.shape) == 3) or len(field.shape) == 2


def extended(fields: Sequence[Field], augment: Iterable[Augmentation]) -> tuple[Field, ...]:
    """The data's fields and those that augmentations add."""
    found = {field.name: field for field in fields}
    for each in _added(fields, augment):
        found.setdefault(each.name, each)
    return tuple(found.values())


def _added(fields: Sequence[Field], augment: Iterable[Augmentation]) -> Iterator[Field]:
    for each in augment:
        for field in each.concerned(fields):
            yield from each.adds(field)
