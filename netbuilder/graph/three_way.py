"""Three-way merging of JSON values: what only one side changed is taken, key by key.

Values are those of `model.freeze`. An absent one is `ABSENT`: a key that was removed counts as a
change like any other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, Final


class Nothing(Enum):
    """The type of `ABSENT`."""

    ABSENT = "absent"


ABSENT: Final = Nothing.ABSENT
Tell = Callable[[str, Any, Any, Any], None]
"""Hears of a conflict: dotted path, and the value in the base, ours and theirs."""
WHOLE = ("kind", "source", "sha256")
"""Keys that say what the rest of an object belongs to: another optimizer has other parameters."""


def text(value: Any) -> str:
    """Equal for equal JSON: in Python True is 1 and 1 is 1.0."""
    return "" if value is ABSENT else json.dumps(value, sort_keys=True)


def same(one: Any, other: Any) -> bool:
    """Whether two values, each of which may be absent, are equal as JSON."""
    return one is other or text(one) == text(other)


def merged(base: Any, ours: Any, theirs: Any, path: str, tell: Tell) -> Any:
    """What both sides made of a value; ours where they disagree, which `tell` hears."""
    if same(ours, theirs) or same(base, theirs):
        return ours
    if same(base, ours):
        return theirs
    before = {} if base is ABSENT else base
    sides = (before, ours, theirs)
    if not all(isinstance(side, Mapping) for side in sides) or _parted(before, ours, theirs):
        tell(path, base, ours, theirs)
        return ours
    return by_key(before, ours, theirs, path, tell)


def by_key(
    base: Mapping[str, Any],
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    path: str,
    tell: Tell,
) -> dict[str, Any]:
    """An object merged key by key."""
    result = {}
    for key in sorted({*base, *ours, *theirs}):
        at = f"{path}.{key}" if path else key
        was, own, other = (side.get(key, ABSENT) for side in (base, ours, theirs))
        value = merged(was, own, other, at, tell)
        if value is not ABSENT:
            result[key] = value
    return result


def _parted(*sides: Mapping[str, Any]) -> bool:
    """Whether objects are of several kinds, so that keys of one mean nothing in the other."""
    first = sides[0] or sides[1]
    return any(
        not same(first.get(key, ABSENT), side.get(key, ABSENT))
        for key in WHOLE
        for side in sides[1:]
    )
