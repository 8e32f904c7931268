"""Which data a project trains on: what `ProjectInfo.data` holds, and the types of its fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from netbuilder.data.augmentation import AnyAugmentation, extended
from netbuilder.data.sources import Field as DataField
from netbuilder.data.sources import Source, source_classes
from netbuilder.data.windows import Windows
from netbuilder.errors import NetbuilderError, did_you_mean
from netbuilder.graph.model import freeze
from netbuilder.layers.base import TensorType
from netbuilder.layers.dims import symbol

Fraction = Annotated[float, Field(ge=0.0, lt=1.0, allow_inf_nan=False)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
M = TypeVar("M", bound=BaseModel)
NO_DATA = (
    "No data is chosen.",
    "Choose a data set in the Data panel, then add a training step. On the command line: "
    "--set data.source=netbuilder.Digits; for a model of others, netbuilder import MODEL --data "
    "PATH adds both.",
)
"""Message and hint."""


class DataSettings(BaseModel):
    """Source, split and normalisation of the data of a project."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    source: str | None = Field(None, description="Id of the data source.")
    params: Mapping[str, Any] = Field({}, description="Parameters of the source.")
    validation: Fraction = Field(
        0.2, description="Part of the samples that measures the network and never trains it."
    )
    test: Fraction = Field(
        0.0, description="Part kept aside for a last, unbiased measurement after training."
    )
    stratify: bool = Field(True, description="Give every part the same mix of classes.")
    split_by: Literal["random", "group", "time"] = Field(
        "random",
        description="group: samples with one key stay together; time: what is latest measures.",
    )
    key: Annotated[str, Field(max_length=64)] = Field(
        "",
        description="The field of groups or of time; empty for time: the order of the data.",
    )
    normalise: tuple[str, ...] = Field(
        (), description="Fields shifted and scaled to mean 0 and deviation 1."
    )
    seed: Seed = Field(0, description="Decides which sample goes into which part.")
    folds: Annotated[int, Field(ge=2, le=1000)] | None = Field(
        None,
        description="Cross-validation: parts of which each measures once; empty: one split.",
        json_schema_extra={"further": True},
    )
    fold: Annotated[int, Field(ge=1, le=1000)] = Field(
        1,
        description="Which of the folds measures the network, from 1.",
        json_schema_extra={"further": True},
    )

    windows: Windows | None = Field(
        None,
        description="Makes samples of rows that follow each other, to forecast a series.",
        json_schema_extra={"further": True},
    )
    augment: tuple[AnyAugmentation, ...] = Field(
        (),
        max_length=32,
        description="How samples of the training part are varied, one after another.",
        json_schema_extra={"further": True},
    )
    workers: Annotated[int, Field(ge=0, le=64)] = Field(
        0,
        description="Processes that read data from files; 0: the training reads it itself.",
        json_schema_extra={"further": True},
    )

    @model_validator(mode="after")
    def _parts_leave_something(self) -> DataSettings:
        if self.validation + self.test >= 1.0:
            raise ValueError("validation and test together leave nothing to train on")
        if self.fold > (self.folds or self.fold):
            raise ValueError(f"there is no fold {self.fold} of {self.folds}")
        if self.split_by == "group" and not self.key:
            raise ValueError("to split by group, name the field of the groups as 'key'")
        if self.split_by == "time" and self.folds:
            raise ValueError("there are no folds by time: what is later would train")
        if self.windows and self.split_by == "random":
            raise ValueError("windows overlap: set 'split_by' to time, or to group by the series")
        return self

    def key_names(self) -> tuple[str, ...]:
        """The fields by which samples are parted, told apart and ordered."""
        names = [self.key if self.split_by != "random" else ""]
        if self.windows is not None:
            names += [self.windows.series, self.windows.time]
        return tuple(dict.fromkeys(name for name in names if name))


def parse(kind: type[M], values: Mapping[str, Any], what: str) -> M:
    """The settings as a model; `NetbuilderError` names each wrong value in plain words."""
    try:
        return kind.model_validate(freeze(values))
    except ValidationError as error:
        texts = [_explain(entry, kind) for entry in error.errors()]
        raise NetbuilderError(f"{what}: " + " ".join(texts), "Change the settings.") from None


def _explain(entry: Any, kind: type[BaseModel]) -> str:
    name = ".".join(str(part) for part in entry["loc"])
    if entry["type"] == "extra_forbidden":
        return f"there is no setting '{name}' (there are: {', '.join(kind.model_fields)})."
    if entry["type"] == "union_tag_invalid":
        return _no_such_kind(name, entry["ctx"])
    if entry["type"] == "missing":
        return f"'{name}' needs a value."
    reason = entry["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if entry["type"] == "string_pattern_mismatch" and name in kind.model_fields:
        # A pattern is no help to a person; what the setting is for is.
        reason = (kind.model_fields[name].description or reason).rstrip(".")
    if not name:
        return f"{reason}."
    shown = repr(entry["input"])
    shown = shown if len(shown) <= 60 else shown[:57] + "..."
    return f"'{name}' must be {reason}, not {shown}."


def _no_such_kind(name: str, context: Mapping[str, Any]) -> str:
    """What to write in place of a `kind` that does not exist."""
    tag = str(context["tag"])
    known = [kind.strip("'") for kind in str(context["expected_tags"]).split(", ")]
    meant = did_you_mean(tag, known, 0.5)
    what = next(part for part in reversed(name.split(".")) if not part.isdigit())
    return f"there is no {what} '{tag[:40]}'. {meant}There are: {', '.join(known)}."


def read(data: Mapping[str, Any]) -> DataSettings:
    """`ProjectInfo.data` as settings; `NetbuilderError` says what is wrong with it."""
    return parse(DataSettings, data, "Data settings")


def source_of(settings: DataSettings) -> Source:
    """The chosen source with its parameters; `NetbuilderError` if there is no such source."""
    if settings.source is None:
        raise NetbuilderError(*NO_DATA)
    kind = source_classes().get(settings.source)
    if kind is None:
        known = ", ".join(source_classes())
        raise NetbuilderError(
            f"There is no data source '{settings.source}'.", f"Choose one of: {known}."
        )
    return parse(kind, settings.params, f"Settings of {kind.title}")


def shaped(settings: DataSettings, fields: tuple[DataField, ...]) -> tuple[DataField, ...]:
    """What the fields of the source become: windows, and what augmentations add."""
    if settings.windows is not None:
        fields = settings.windows.of(fields)
    return extended(fields, settings.augment) if settings.augment else fields


def fields_of(settings: DataSettings) -> tuple[DataField, ...]:
    """The fields of a sample; `NetbuilderError` if the settings do not fit the source."""
    return shaped(settings, source_of(settings).fields())


def field_types(data: Mapping[str, Any]) -> dict[str, TensorType]:
    """The tensors that a batch holds, by field: shapes lead with the symbol `N`, but for fields
    that all samples share.

    Empty if no data is chosen; `NetbuilderError` if the settings are wrong.
    """
    settings = read(data)
    if settings.source is None:
        return {}
    fields = fields_of(settings)
    batch = symbol("N")
    return {
        f.name: TensorType((batch, *f.shape) if f.batched else f.shape, f.dtype, f.high)
        for f in fields
    }
