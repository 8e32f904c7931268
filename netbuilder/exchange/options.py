"""What is asked of an export: the format, and what goes into the file. Torch-free."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from netbuilder.errors import NetbuilderError
from netbuilder.exchange.smaller import precisions

PROBABILITIES, CLASS = "probabilities", "class"
ANSWERS = ("scores", PROBABILITIES, CLASS)
"""What a prepared network says of classes: its scores as they are, the probability of each class,
or the number of the likeliest."""
FORMATS: Mapping[str, frozenset[str]] = {
    "onnx": frozenset({"opset", "prepared", "precision", "per_node"}),
    "pt2": frozenset({"prepared"}),
    "safetensors": frozenset(),
    "code": frozenset(),
    "package": frozenset(),
}
"""The formats, each with what can be chosen of it."""
_LACKS: Mapping[str, str] = {
    "opset": "has no opset",
    "prepared": "holds no preparation",
    "precision": "has no other precision",
    "per_node": "is not compared node by node",
}


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What every way into an export chooses; `NetbuilderError` for what a format does not have.

    `network` may be left out where there is one. With `prepared`, one of `ANSWERS`, the file takes
    values as they are in the data and answers in them. A `precision` stores the weights in fewer
    bits. With `per_node` the file is held against the network node by node as well.
    """

    to: str
    network: str | None = None
    opset: int | None = None
    prepared: str | None = None
    precision: str | None = None
    per_node: bool = False

    def __post_init__(self) -> None:
        if self.to not in FORMATS:
            known = ", ".join(FORMATS)
            raise NetbuilderError(f"There is no format '{self.to}'.", f"There are: {known}.")
        for name, reason in _LACKS.items():
            if getattr(self, name) not in (None, False) and name not in FORMATS[self.to]:
                having = " or ".join(to for to, names in FORMATS.items() if name in names)
                raise NetbuilderError(f"{self.to} {reason}.", f"Choose {having}.")
        if self.prepared is not None and self.prepared not in ANSWERS:
            known = ", ".join(ANSWERS)
            message = f"A file can't answer with '{self.prepared}'."
            raise NetbuilderError(message, f"There are: {known}.")
        if self.precision is not None:
            precisions.find(self.precision)

    def to_json(self) -> dict[str, Any]:
        """The JSON object of a request; what was left out is null."""
        return asdict(self)

    @staticmethod
    def from_json(params: Mapping[str, Any]) -> ExportOptions:
        """What `to_json` wrote, among other entries; what is missing was left out."""

        def text(name: str) -> str | None:
            value = params.get(name)
            return value if isinstance(value, str) else None

        opset = params.get("opset")
        return ExportOptions(
            text("to") or "",
            text("network"),
            opset if isinstance(opset, int) else None,
            text("prepared"),
            text("precision"),
            params.get("per_node") is True,
        )
