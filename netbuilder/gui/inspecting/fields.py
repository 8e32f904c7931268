"""From a parameter's declaration to what a person may type for it. No Qt here.

A field of a pydantic model is read once into a `FieldSpec`: which kinds of value it takes,
its limits, choices and whether it may be left out. `gui.typed` reads what is typed for it.
"""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Interval, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from netbuilder.graph.document import Graph
from netbuilder.graph.model import Json, freeze
from netbuilder.layers.base import Layer

Editor = Literal["bool", "choice", "number", "text", "model", "table"]
"""`table`: values by name, for which a form of their own is made."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a number may be, ends included; None is no limit."""

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None

    def clamp(self, value: float) -> float:
        """The nearest allowed value of a step up or down."""
        if self.low is not None:
            value = max(self.low, value)
        if self.high is not None:
            value = min(self.high, value)
        return value

    def text(self) -> str:
        """The limits in words, empty if there are none."""
        parts = []
        if self.low is not None:
            parts.append(f"at least {self.low:g}")
        if self.above is not None:
            parts.append(f"more than {self.above:g}")
        if self.high is not None and self.high < 2**31:
            parts.append(f"at most {self.high:g}")
        if self.below is not None:
            parts.append(f"less than {self.below:g}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """How one field is edited.

    `kinds` are the scalar types that it takes, alone or in a tuple; `sizes` the lengths of
    the tuples (0 for any length), empty if it takes none.
    """

    name: str
    editor: Editor
    default: Json
    required: bool
    optional: bool
    inferred: bool
    help: str = ""
    kinds: frozenset[type] = frozenset()
    sizes: frozenset[int] = frozenset()
    scalar: bool = True
    limits: Limits = Limits()
    choices: tuple[Json, ...] = ()
    models: tuple[type[BaseModel], ...] = ()
    """A group of settings: one model, or variants that their `kind` tells apart."""
    unit: str = ""
    """What its number counts: `epochs`, `s`."""
    further: bool = False
    """Whether forms keep it behind a fold."""
    expressions: bool = False
    """Whether it takes expressions, `=2*channels`, for a value or for one of a tuple."""

    @property
    def whole(self) -> bool:
        """Whether its numbers have no fraction."""
        return float not in self.kinds


@dataclass(slots=True)
class _Reading:
    kinds: set[type]
    sizes: set[int]
    choices: list[Json]
    limits: list[Limits]
    optional: bool = False
    scalar: bool = False
    other: bool = False
    table: bool = False
    models: tuple[type[BaseModel], ...] = ()


def _limits(metadata: Any) -> Limits | None:
    low = high = above = below = None
    for mark in metadata:
        if isinstance(mark, FieldInfo):
            inner = _limits(mark.metadata)
            if inner is not None:
                return inner
        if isinstance(mark, Interval):
            low, high, above, below = mark.ge, mark.le, mark.gt, mark.lt
        elif isinstance(mark, Ge):
            low = mark.ge
        elif isinstance(mark, Le):
            high = mark.le
        elif isinstance(mark, Gt):
            above = mark.gt
        elif isinstance(mark, Lt):
            below = mark.lt
    if (low, high, above, below) == (None, None, None, None):
        return None
    numbers = [None if end is None else float(str(end)) for end in (low, high, above, below)]
    return Limits(*numbers)


def _read(annotation: Any, into: _Reading, *, inside: bool = False) -> None:
    origin, args = get_origin(annotation), get_args(annotation)
    if annotation is None or annotation is types.NoneType:
        into.optional = True
    elif hasattr(annotation, "__metadata__"):
        limits = _limits(annotation.__metadata__)
        if limits is not None:
            into.limits.append(limits)
        _read(annotation.__origin__, into, inside=inside)
    elif origin in (Union, types.UnionType):
        for part in args:
            _read(part, into, inside=inside)
    elif origin is Literal:
        into.choices += args
    elif origin is Mapping:
        into.table = True
    elif origin in (tuple, list):
        any_length = origin is list or args[-1] is Ellipsis
        into.sizes.add(0 if any_length else len(args))
        into.other |= inside
        for part in args:
            if part is not Ellipsis:
                _read(part, into, inside=True)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if inside:
            into.table = True
        else:
            into.models += (annotation,)
    elif isinstance(annotation, type) and issubclass(annotation, Enum):
        into.choices += [member.value for member in annotation]
    elif annotation in (int, float, bool, str):
        into.kinds.add(annotation)
        into.scalar |= not inside
    else:
        into.other = True


@cache
def specs(model: type[BaseModel]) -> Mapping[str, FieldSpec]:
    """The fields of a model in their order."""
    # The units are those of settings: a layer's `steps` are no batches.
    units = {} if issubclass(model, Layer) else _UNITS
    return {
        name: replace(_spec(name, field), unit=units.get(name, ""))
        for name, field in model.model_fields.items()
    }


def _spec(name: str, field: FieldInfo) -> FieldSpec:
    reading = _Reading(set(), set(), [], [])
    _read(field.annotation, reading)
    own = _limits(field.metadata)
    if own is not None:
        reading.limits.append(own)
    inferred = any(type(mark).__name__ == "InferredMark" for mark in field.metadata)
    required = field.is_required()
    extra = field.json_schema_extra
    default = None if required else _plain(field.get_default(call_default_factory=True))
    return FieldSpec(
        name=name,
        editor=_editor(reading),
        default=default,
        required=required,
        optional=reading.optional,
        inferred=inferred,
        help=field.description or "",
        kinds=frozenset(reading.kinds),
        sizes=frozenset(reading.sizes),
        scalar=reading.scalar,
        limits=reading.limits[0] if reading.limits else Limits(),
        choices=tuple(freeze(choice) for choice in reading.choices),
        models=reading.models,
        further=isinstance(extra, dict) and bool(extra.get("further")),
    )


def _plain(value: Any) -> Json:
    """A default as a JSON value."""
    if isinstance(value, BaseModel):
        value = value.model_dump()
    return freeze(value.value if isinstance(value, Enum) else value)


def _editor(reading: _Reading) -> Editor:
    if reading.models:
        return "model"
    if reading.table:
        return "table"
    if reading.choices and not reading.kinds and not reading.sizes:
        return "choice"
    if reading.kinds == {bool} and not reading.sizes and not reading.choices:
        return "choice" if reading.optional else "bool"
    numeric = reading.kinds <= {int, float} and bool(reading.kinds)
    if numeric and 0 not in reading.sizes and not (reading.choices or reading.other):
        return "number"
    return "text"


def kind_of(model: type[BaseModel]) -> str:
    """The `kind` that a variant of some settings is told by; empty if it has none."""
    field = model.model_fields.get("kind")
    kinds = get_args(field.annotation) if field is not None else ()
    return str(kinds[0]) if kinds else ""


_KINDS = {
    "none": "constant",
    "cosine_restarts": "cosine with restarts",
    "inverse_sqrt": "inverse square root",
    "multistep": "multi-step",
    "onecycle": "one cycle",
}


def title_of_kind(kind: str) -> str:
    """What a variant of some settings is called in a list."""
    return _KINDS.get(kind, kind)


def help_of_kind(model: type[BaseModel]) -> str:
    """What a variant is, in a line."""
    return next(iter((model.__doc__ or "").strip().splitlines()), "").replace("`", "")


def choices_of(spec: FieldSpec) -> tuple[Json, ...]:
    """What a list of choices offers; None stands for leaving it out."""
    values: tuple[Json, ...] = spec.choices or (True, False)
    return (None, *values) if spec.optional else values


def text_of(value: Json) -> str:
    """A value as a person types it: `3, 3` for a tuple, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        short = f"{value:.10g}"
        return short if float(short) == value else repr(value)
    if isinstance(value, tuple | list):
        return ", ".join(
            f"({text_of(v)})"
            if isinstance(v, tuple | list)
            else text_of(v)
            if v is not None
            else "none"
            for v in value
        )
    return str(value)


_TITLES = {
    "lr": "Learning rate",
    "eps": "Epsilon",
    "checkpoint_s": "Checkpoint every",
    "checkpoint_steps": "Checkpoint after",
    "compile": "torch.compile",
    "ema": "Average (EMA)",
    "T_0": "T_0",
    "T_mult": "T_mult",
    "warmup": "Warm-up",
    "warmup_factor": "Warm-up from",
}
_UNITS = {
    "accumulate": "batches",
    "batch_size": "samples",
    "checkpoint_s": "s",
    "checkpoint_steps": "batches",
    "epochs": "times",
    "every": "batches",
    "patience": "epochs",
    "step_size": "epochs",
    "step_size_down": "epochs",
    "step_size_up": "epochs",
    "steps": "batches",
    "T_0": "epochs",
    "T_max": "epochs",
    "timescale": "epochs",
    "total_iters": "epochs",
    "warmup": "epochs",
}


def hint_of(spec: FieldSpec) -> str:
    """What an empty field stands for: its default, or what its help says of `empty:`."""
    if spec.default is not None:
        return text_of(spec.default)
    return spec.help.partition("empty: ")[2].rstrip(".")


def title_of(name: str) -> str:
    """The label of a setting: `batch_size` is `Batch size`."""
    if name in _TITLES:
        return _TITLES[name]
    words = name.replace("_", " ").strip()
    return words[:1].upper() + words[1:]


# -- fields that come from elsewhere than one model ---------------------------------------------


def declared(block: Graph) -> dict[str, FieldSpec]:
    """The parameters that a block declares, as fields of the node that uses it."""
    entries = block.info.settings.get("parameters", ())
    found = {}
    for entry in entries if isinstance(entries, tuple) else ():
        name = entry.get("name") if isinstance(entry, Mapping) else None
        if isinstance(name, str):
            found[name] = _spec_like(name, entry.get("default"), str(entry.get("help") or ""))
    return found


def _spec_like(name: str, default: Json, help: str) -> FieldSpec:
    """A field that takes what the default is: a number, a switch, a text, a list."""
    sizes: frozenset[int] = frozenset()
    parts: tuple[Json, ...] = (default,)
    if isinstance(default, tuple):
        sizes, parts = frozenset({0}), default
    kinds = {type(part) for part in parts if part is not None}
    if float in kinds:
        kinds.add(int)
    if not kinds or not kinds <= {int, float, bool, str}:
        kinds = {int, float, bool, str}
    numeric = kinds <= {int, float} and not sizes
    return FieldSpec(
        name=name,
        editor="bool" if kinds == {bool} and not sizes else "number" if numeric else "text",
        default=default,
        required=False,
        optional=False,
        inferred=False,
        help=help,
        kinds=frozenset(kinds),
        sizes=sizes,
        scalar=not sizes,
        expressions=True,
    )


def common(models: Iterable[type[BaseModel]]) -> dict[str, FieldSpec]:
    """The fields that several models share: of one name and taking the same values.

    Where their defaults differ the field has none: what is typed is always set.
    """
    first, *rest = (specs(model) for model in models)
    found = {}
    for name, spec in first.items():
        others = [table.get(name) for table in rest]
        if all(other is not None and _alike(spec, other) for other in others):
            same = all(other.default == spec.default for other in others if other is not None)
            found[name] = spec if same else replace(spec, default=None)
    return found


def _alike(left: FieldSpec, right: FieldSpec) -> bool:
    return replace(left, default=None, help="") == replace(right, default=None, help="")
