"""In which numbers a file may compute. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from netbuilder.errors import NetbuilderError

FP16, INT8, INT8_STATIC = "fp16", "int8", "int8-static"


@dataclass(frozen=True, slots=True)
class Precision:
    """One way to write numbers.

    `tolerance` bounds the error of a file against the one in float32: the root mean square of
    what an output departs by, over that of the output itself, on samples of the data.
    `calibrated`: it needs samples to learn the ranges of values.
    """

    id: str
    title: str
    tolerance: float
    calibrated: bool = False


PRECISIONS: Mapping[str, Precision] = {
    entry.id: entry
    for entry in (
        Precision(FP16, "weights as 16-bit floats", 0.01),
        Precision(INT8, "8-bit weights, ranges found as it runs", 0.2),
        Precision(INT8_STATIC, "8-bit, ranges from training samples", 0.2, calibrated=True),
    )
}
"""float16 has 11 significant bits and 8-bit integers at most 8; what errors add up to over many
layers has room, what is plainly wrong has not."""


def find(name: str) -> Precision:
    """The precision of this name; `NetbuilderError` lists those there are."""
    if name not in PRECISIONS:
        message = f"There is no precision '{name}'."
        raise NetbuilderError(message, f"There are: {', '.join(PRECISIONS)}.")
    return PRECISIONS[name]
