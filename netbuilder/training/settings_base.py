"""What all settings of a training have in common. Torch-free."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Beta = Annotated[float, Field(ge=0.0, lt=1.0)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1)]


class Settings(BaseModel):
    """Base of the settings: immutable, strict, nothing extra."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def further(default: Any, description: str) -> Any:
    """A field that few people change: forms keep it behind a fold."""
    return Field(default, description=description, json_schema_extra={"further": True})
