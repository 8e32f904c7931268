"""Padding: more rows and columns around the input."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from netbuilder.layers.base import (
    Complaint,
    Family,
    Index,
    Layer,
    Real,
    Types,
    start_with,
)
from netbuilder.layers.checks import check_floating, check_rank, first_of, set_to
from netbuilder.layers.windows import LAYOUTS

Pads1 = Index | tuple[Index, Index]
Pads2 = Index | tuple[Index, Index, Index, Index]
Pads3 = Index | tuple[Index, Index, Index, Index, Index, Index]
"""One number for all sides, or (before, after) for each dim, the last dim first."""


class _Padding(Layer):
    """Padding of the last `spatial` dims; a negative number crops."""

    family = Family.RESIZE
    positional: ClassVar[tuple[str, ...]] = ("padding",)
    starting = start_with(padding=1)
    spatial: ClassVar[int]
    most: ClassVar[int | None] = None
    """How much less than the size a padding made of the input must be; None for any."""
    other: ClassVar[str] = ""
    """What to say of padding that may be larger."""

    padding: Index | tuple[Index, ...]

    def complaints(self, inputs: Types) -> Iterator[Complaint]:
        return first_of(
            check_rank(self, inputs, "input", (self.spatial + 2,), LAYOUTS[self.spatial]),
            self._numbers(inputs),
            self._fits(inputs),
        )

    def _numbers(self, inputs: Types) -> Iterator[Complaint]:
        """What is made of the input exists for floating point numbers only."""
        return check_floating(self, inputs, "input")

    def pads(self) -> list[tuple[int, int]]:
        """What is added before and after, by spatial dim."""
        given = self.padding
        flat = given if isinstance(given, tuple) else (given,) * (2 * self.spatial)
        return list(zip(flat[::2], flat[1::2], strict=True))[::-1]

    def _fits(self, inputs: Types) -> Iterator[Complaint]:
        tensor = inputs.get("input")
        if tensor is None:
            return
        for size, (before, after) in zip(tensor.shape[2:], self.pads(), strict=True):
            if not isinstance(size, int):
                continue
            if size + before + after < 1:
                yield Complaint(
                    f"{self.title} crops {-before} and {-after} from a size of {size}: nothing is "
                    "left.",
                    "Crop less: a negative padding takes away.",
                    "input",
                    code="shape.window",
                    fixes=(set_to("padding", 0),),
                )
                return
            if self.most is not None and max(before, after) > size - self.most:
                yield Complaint(
                    f"{self.title} can't add {max(before, after)} to a size of {size}: it is made "
                    f"of the input, which has {size - self.most} to give.",
                    f"Use a padding of at most {size - self.most}, or {self.other}.",
                    "input",
                    code="shape.window",
                    fixes=(set_to("padding", self._fitting(tensor.shape[2:])),),
                )
                return

    def _fitting(self, sizes: tuple[object, ...]) -> int | tuple[int, ...]:
        """The padding, as much of it as there is room for."""
        room = [size - (self.most or 0) if isinstance(size, int) else None for size in sizes]
        fitting = [
            (before, after) if most is None else (min(before, most), min(after, most))
            for most, (before, after) in zip(room, self.pads(), strict=True)
        ]
        flat = tuple(pad for pair in fitting[::-1] for pad in pair)
        return flat[0] if len(set(flat)) == 1 else flat

    def subtitle(self) -> str:
        given = self.padding
        return ", ".join(map(str, given)) if isinstance(given, tuple) else str(given)


class _FilledPadding(_Padding):
    """Padding with a number, which suits any dtype."""

    def _numbers(self, inputs: Types) -> Iterator[Complaint]:
        return iter(())


class _ConstantPadding(_FilledPadding):
    positional = ("padding", "value")
    starting = start_with(padding=1, value=0.0)

    padding: Index | tuple[Index, ...]
    value: Real


class _ReflectionPadding(_Padding):
    most = 1
    other = "replication, which repeats the edge"


class _CircularPadding(_Padding):
    most = 0
    other = "zeros"


class ZeroPad1d(_FilledPadding):
    """Puts zeros around sequences N×C×L.

    `padding` is one number for all sides, or (left, right). A negative one crops.
    """

    id = "torch.nn.ZeroPad1d"
    title = "ZeroPad1d"
    keywords = "pad border margin crop"
    spatial = 1

    padding: Pads1


class ZeroPad2d(_FilledPadding):
    """Puts zeros around images N×C×H×W.

    `padding` is one number for all sides, or (left, right, top, bottom). A negative one
    crops.
    """

    id = "torch.nn.ZeroPad2d"
    title = "ZeroPad2d"
    keywords = "pad border margin crop"
    spatial = 2

    padding: Pads2


class ZeroPad3d(_FilledPadding):
    """Puts zeros around volumes N×C×D×H×W.

    `padding` is one number for all sides, or (left, right, top, bottom, front, back). A
    negative one crops.
    """

    id = "torch.nn.ZeroPad3d"
    title = "ZeroPad3d"
    keywords = "pad border margin crop volume video"
    spatial = 3

    padding: Pads3


class ConstantPad1d(_ConstantPadding):
    """Puts the number `value` around sequences N×C×L.

    `padding` is one number for all sides, or (left, right). A negative one crops.
    """

    id = "torch.nn.ConstantPad1d"
    title = "ConstantPad1d"
    keywords = "pad border margin fill crop"
    spatial = 1

    padding: Pads1


class ConstantPad2d(_ConstantPadding):
    """Puts the number `value` around images N×C×H×W.

    `padding` is one number for all sides, or (left, right, top, bottom). A negative one
    crops.
    """

    id = "torch.nn.ConstantPad2d"
    title = "ConstantPad2d"
    keywords = "pad border margin fill crop"
    spatial = 2

    padding: Pads2


class ConstantPad3d(_ConstantPadding):
    """Puts the number `value` around volumes N×C×D×H×W.

    `padding` is one number for all sides, or (left, right, top, bottom, front, back). A
    negative one crops.
    """

    id = "torch.nn.ConstantPad3d"
    title = "ConstantPad3d"
    keywords = "pad border margin fill crop volume video"
    spatial = 3

    padding: Pads3


class ReflectionPad1d(_ReflectionPadding):
    """Mirrors sequences N×C×L at their edges, without repeating the edge itself.

    `padding` is one number for all sides, or (left, right). It must be less than the
    size.
    """

    id = "torch.nn.ReflectionPad1d"
    title = "ReflectionPad1d"
    keywords = "pad mirror border"
    spatial = 1

    padding: Pads1


class ReflectionPad2d(_ReflectionPadding):
    """Mirrors images N×C×H×W at their edges, without repeating the edge itself.

    `padding` is one number for all sides, or (left, right, top, bottom). It must be
    less than the size.
    """

    id = "torch.nn.ReflectionPad2d"
    title = "ReflectionPad2d"
    keywords = "pad mirror border"
    spatial = 2

    padding: Pads2


class ReflectionPad3d(_ReflectionPadding):
    """Mirrors volumes N×C×D×H×W at their edges, without repeating the edge itself.

    `padding` is one number for all sides, or (left, right, top, bottom, front, back).
    It must be less than the size.
    """

    id = "torch.nn.ReflectionPad3d"
    title = "ReflectionPad3d"
    keywords = "pad mirror border volume video"
    spatial = 3

    padding: Pads3


class ReplicationPad1d(_Padding):
    """Repeats the edges of sequences N×C×L outwards.

    `padding` is one number for all sides, or (left, right).
    """

    id = "torch.nn.ReplicationPad1d"
    title = "ReplicationPad1d"
    keywords = "pad edge border clamp"
    spatial = 1

    padding: Pads1


class ReplicationPad2d(_Padding):
    """Repeats the edges of images N×C×H×W outwards.

    `padding` is one number for all sides, or (left, right, top, bottom).
    """

    id = "torch.nn.ReplicationPad2d"
    title = "ReplicationPad2d"
    keywords = "pad edge border clamp"
    spatial = 2

    padding: Pads2


class ReplicationPad3d(_Padding):
    """Repeats the edges of volumes N×C×D×H×W outwards.

    `padding` is one number for all sides, or (left, right, top, bottom, front, back).
    """

    id = "torch.nn.ReplicationPad3d"
    title = "ReplicationPad3d"
    keywords = "pad edge border clamp volume video"
    spatial = 3

    padding: Pads3


class CircularPad1d(_CircularPadding):
    """Goes on with the opposite side of sequences N×C×L, as on a ring.

    `padding` is one number for all sides, or (left, right). It can't be more than the
    size.
    """

    id = "torch.nn.CircularPad1d"
    title = "CircularPad1d"
    keywords = "pad wrap periodic ring"
    spatial = 1

    padding: Pads1


class CircularPad2d(_CircularPadding):
    """Goes on with the opposite side of images N×C×H×W, as on a ring.

    `padding` is one number for all sides, or (left, right, top, bottom). It can't be
    more than the size.
    """

    id = "torch.nn.CircularPad2d"
    title = "CircularPad2d"
    keywords = "pad wrap periodic ring"
    spatial = 2

    padding: Pads2


class CircularPad3d(_CircularPadding):
    """Goes on with the opposite side of volumes N×C×D×H×W, as on a ring.

    `padding` is one number for all sides, or (left, right, top, bottom, front, back).
    It can't be more than the size.
    """

    id = "torch.nn.CircularPad3d"
    title = "CircularPad3d"
    keywords = "pad wrap periodic ring volume video"
    spatial = 3

    padding: Pads3
