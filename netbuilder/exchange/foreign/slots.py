"""What is known of a tensor before it is read. Torch-free."""

from __future__ import annotations

from dataclasses import dataclass

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor's shape and its dtype (`float32`)."""

    shape: Shape
    dtype: str

    @property
    def floating(self) -> bool:
        """Whether it holds numbers with a fraction."""
        return "float" in self.dtype
