"""The values a document is made of. All are immutable and compare by content."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from netbuilder.errors import ChangeError

GraphKind = Literal["network", "block", "step"]
Mute = Literal["", "muted", "bypassed"]

Json = Any
"""A JSON value whose arrays are tuples: see `freeze`."""


def new_id(prefix: str = "") -> str:
    """A fresh id. Ids are random, so that two people's edits merge without a clash."""
    # As `secrets` makes it, which would keep the first paint waiting for OpenSSL.
    return prefix + os.urandom(4).hex()


MAX_INT = 2**53
"""Whole numbers beyond this are not the same in every reader of JSON."""


def freeze(value: Any) -> Json:
    """The JSON value with tuples for arrays, so that it can be shared and compared.

    `ChangeError` for what a project file can't hold: other types, NaN and infinity, whole
    numbers beyond 2^53, halves of characters. So what is edited can always be saved.
    """
    # Exact types first: this runs over every value of a document at each analysis.
    kind = type(value)
    if kind is str and value.isascii():
        return value
    if kind is int and -MAX_INT <= value <= MAX_INT:
        return value
    if kind is tuple or kind is list:
        return tuple([freeze(item) for item in value])
    if kind is dict:
        return {_key(key): freeze(item) for key, item in value.items()}
    return _freeze_any(value)


def _freeze_any(value: Any) -> Json:
    if isinstance(value, str):
        _check_characters(value)
        return str(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    if isinstance(value, Mapping):
        return {_key(key): freeze(item) for key, item in value.items()}
    if isinstance(value, int) and abs(value) <= MAX_INT:
        return int(value)
    if isinstance(value, float) and math.isfinite(value):
        return float(value)
    shown = str(value)
    shown = shown if len(shown) <= 40 else f"{shown[:37]}..."
    raise ChangeError(f"A project can't hold {shown} ({type(value).__name__}).")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise ChangeError(f"A key must be a text, not {type(key).__name__}.")
    if not key.isascii():
        _check_characters(key)
    return str(key)


def _check_characters(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ChangeError("A text holds half a character (a lone surrogate).") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An instance of a layer.

    `name` is the attribute in the generated class and the prefix in its `state_dict`.
    `params` holds only what somebody set; defaults and inferred sizes are left out.
    `x`, `y` are the top left corner in scene units. `order` ranks nodes that nothing
    else ranks (the inputs of a network). A `muted` node counts as if it were not there, a
    `bypassed` one hands on what comes in first. `shares` is the id of the node whose weights
    and parameters it uses. `extra` keeps keys that a newer version wrote.
    """

    id: str
    layer: str
    name: str
    params: Mapping[str, Json] = field(default_factory=dict)
    x: float = 0.0
    y: float = 0.0
    order: int = 0
    note: str = ""
    collapsed: bool = False
    mute: Mute = ""
    shares: str = ""
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """A connection from an output port to an input port, by node ids and port names."""

    id: str
    source: str
    source_port: str
    target: str
    target_port: str
    extra: Mapping[str, Json] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A titled rectangle behind some nodes; it has no meaning for the network."""

    id: str
    title: str = ""
    x: float = 0.0
    y: float = 0.0
    width: float = 320.0
    height: float = 200.0
    color: str = ""
    note: str = ""
    extra: Mapping[str, Json] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """An entry of a file that could not be understood: kept, reported, written back as it was."""

    id: str
    section: str
    index: int
    raw: Json
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphInfo:
    """What a graph is, apart from its contents.

    `settings` of a step: `updates` (names of networks), `optimizer`, `schedule`, `every`
    (see `training.settings.StepSettings`); of a block: `parameters`.
    """

    id: str
    kind: GraphKind
    name: str
    order: int = 0
    settings: Mapping[str, Json] = field(default_factory=dict)
    extra: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectInfo:
    """What belongs to the project as a whole.

    `data` is read by `data.settings.DataSettings`, `training` by
    `training.settings.TrainingSettings`; here they are plain JSON. `code` declares the Python
    files beside the project, by path; `layers.own` reads it. `weights` says for networks by
    name which file beside the project they begin with; see `storage.weights`. `flow` is the
    direction in which data runs on the canvas. `about` holds texts of a template (`family`, `task`,
    `paper`, ...).
    """

    title: str = "Untitled"
    description: str = ""
    flow: Literal["down", "right"] = "down"
    data: Mapping[str, Json] = field(default_factory=dict)
    training: Mapping[str, Json] = field(default_factory=dict)
    code: Mapping[str, Json] = field(default_factory=dict)
    weights: Mapping[str, Json] = field(default_factory=dict)
    about: Mapping[str, Json] = field(default_factory=dict)
    extra: Mapping[str, Json] = field(default_factory=dict)


Item = Node | Wire | Frame | Unreadable | GraphInfo | ProjectInfo
"""Everything that a change can add, remove or change."""
