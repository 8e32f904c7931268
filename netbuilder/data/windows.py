"""Windows over series of rows, described. Torch-free."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict
from pydantic import Field as Parameter

from netbuilder.data.sources import Field
from netbuilder.errors import NetbuilderError

WINDOW, NEXT = "window", "next"
Steps = Annotated[int, Parameter(ge=1, le=100_000)]


class Windows(BaseModel):
    """Rows in their order become samples: `window`, the rows of so many steps, and `next`.

    Classes become those of the row that `next` is of. No window reaches over the border of two
    parts or of two series.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    length: Steps = Parameter(32, description="Rows in a window.")
    ahead: Steps = Parameter(1, description="Which row after the window is to be found.")
    stride: Steps = Parameter(1, description="Rows between the beginnings of two windows.")
    fields: tuple[str, ...] = Parameter(
        (), description="What is in a window; empty: all fields of numbers."
    )
    targets: tuple[str, ...] = Parameter(
        (), description="What is to be found; empty: the target, else all that is in a window."
    )
    series: str = Parameter("", description="The field that tells several series apart.")
    time: str = Parameter(
        "", description="The field that orders the rows; empty: the key of time, else as they come."
    )

    def inputs(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """The data's fields that are in a window; `NetbuilderError` if that can't be."""
        return self._joined(fields, self.fields or tuple(f.name for f in fields if _row(f)))

    def outputs(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """The data's fields that are to be found."""
        inside = tuple(field.name for field in self.inputs(fields))
        usual = ("target",) if any(field.name == "target" for field in fields) else inside
        return self._joined(fields, self.targets or usual)

    def classes(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """The data's fields of classes, which stay what they are."""
        return tuple(f for f in fields if f.is_class and f.name != self.series)

    def of(self, fields: Sequence[Field]) -> tuple[Field, ...]:
        """The fields of a sample."""
        inputs, outputs = self.inputs(fields), self.outputs(fields)
        rows, after = _shape(inputs), _shape(outputs)
        what = ", ".join(field.name for field in inputs)
        found = ", ".join(field.name for field in outputs)
        fills = tuple(kind for field in inputs for kind in field.fills or [""] * _width(field))
        return (
            Field(
                WINDOW,
                (self.length, *rows),
                meaning=f"{self.length} rows of {what}",
                fills=fills if any(fills) else (),
            ),
            Field(NEXT, after, meaning=f"{found}, {self.ahead} after the window"),
            *self.classes(fields),
        )

    def _joined(self, fields: Sequence[Field], names: Sequence[str]) -> tuple[Field, ...]:
        known = {field.name: field for field in fields if field.batched}
        for name in names:
            if name not in known or not known[name].dtype.startswith("float"):
                numbers = ", ".join(f.name for f in fields if _row(f))
                raise NetbuilderError(
                    f"Windows can't hold '{name}': it is no field of numbers.",
                    f"Fields of numbers: {numbers or 'none'}.",
                )
        found = tuple(known[name] for name in names)
        if not found:
            raise NetbuilderError("The data has no numbers to make windows of.", "Remove windows.")
        if len(found) > 1 and not all(_row(field) for field in found):
            raise NetbuilderError(
                "Windows can't hold several fields that are not rows of numbers.",
                "Name one field in the windows' settings.",
            )
        return found


def _row(field: Field) -> bool:
    """Whether a sample of a field is a number or a row of numbers."""
    return field.batched and field.dtype.startswith("float") and len(field.shape) <= 1


def _width(field: Field) -> int:
    return field.shape[-1] if field.shape else 1


def _shape(fields: Sequence[Field]) -> tuple[int, ...]:
    if len(fields) == 1:
        return fields[0].shape or (1,)
    return (sum(_width(field) for field in fields),)
