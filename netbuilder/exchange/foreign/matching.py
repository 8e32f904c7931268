"""Which tensor of a file goes where in a network: by name and shape. Torch-free.

Names are one if they differ in dots and underscores alone, and in a prefix that all share
(`module.`, `state_dict.`). What is left may be taken by its order, where shapes and last names
agree; that is a guess, so it is done only on demand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from difflib import SequenceMatcher
from typing import Any, Literal

from netbuilder.errors import DocumentError

State = Literal["same", "renamed", "order", "shape", "kind", "missing", "spare"]
Shape = tuple[int, ...]
TAKEN: tuple[State, ...] = ("same", "renamed", "order")
MOST_IN_ORDER = 4_000
"""Comparing sequences takes time that grows with the square of their length."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A tensor's shape and its dtype (`float32`)."""

    shape: Shape
    dtype: str

    @property
    def floating(self) -> bool:
        """Whether it holds numbers with a fraction."""
        return "float" in self.dtype


@dataclass(frozen=True, slots=True)
class Item:
    """One tensor: `key` in the network, `source` in the file; empty where there is none."""

    state: State
    key: str = ""
    source: str = ""
    wanted: Shape | None = None
    found: Shape | None = None
    why: str = ""

    def to_json(self) -> dict[str, Any]:
        """The item as a JSON object."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Match:
    """What goes where. `in_order` tells how many more would be taken by their order."""

    items: tuple[Item, ...]
    prefix: str = ""
    own_prefix: str = ""
    in_order: int = 0

    def taken(self) -> dict[str, str]:
        """Keys of the file by keys of the network."""
        return {item.key: item.source for item in self.items if item.state in TAKEN}

    def to_json(self) -> dict[str, Any]:
        """The match as a JSON object."""
        return {
            "items": [item.to_json() for item in self.items],
            "counts": dict(Counter(item.state for item in self.items)),
            "matched": sum(item.state in TAKEN for item in self.items),
            "of": sum(bool(item.key) for item in self.items),
            "prefix": self.prefix,
            "in_order": self.in_order,
        }


def match(own: Mapping[str, Slot], theirs: Mapping[str, Slot], *, by_order: bool = False) -> Match:
    """The places of all tensors: those of the network in its order, then what is spare.

    With `by_order` what names don't tell is matched by the order of equal shapes.
    """
    prefix, own_prefix = _prefixes(own, theirs)
    known = _by_name(theirs, prefix)
    found: dict[str, Item] = {}
    for key, wanted in own.items():
        name = key.removeprefix(own_prefix) if key.startswith(own_prefix) else ""
        source = known.get(name) or known.get(_plain(name))
        found[key] = _item(key, wanted, source, theirs)
    used = {item.source for item in found.values()}
    spare = {key: slot for key, slot in theirs.items() if key not in used}
    open_ones = {key: own[key] for key, item in found.items() if item.state == "missing"}
    ordered = {k: slot for k, slot in spare.items() if k.startswith(prefix)}
    pairs = dict(_in_order(open_ones, ordered))
    if by_order:
        for key, source in pairs.items():
            found[key] = replace(
                found[key],
                state="order",
                source=source,
                found=theirs[source].shape,
                why="By order and shape.",
            )
            del spare[source]
    left = [Item("spare", "", key, None, slot.shape) for key, slot in spare.items()]
    rest = 0 if by_order else len(pairs)
    return Match((*found.values(), *left), prefix, own_prefix, rest)


def _item(key: str, wanted: Slot, source: str | None, theirs: Mapping[str, Slot]) -> Item:
    if source is None:
        return Item("missing", key, "", wanted.shape, None, "The file has nothing of that name.")
    found = theirs[source]
    if found.shape != wanted.shape:
        why = f"It has {words(found.shape)} in the file, {words(wanted.shape)} here."
        return Item("shape", key, source, wanted.shape, found.shape, why)
    if found.floating != wanted.floating:
        why = f"It is {found.dtype} in the file, {wanted.dtype} here."
        return Item("kind", key, source, wanted.shape, found.shape, why)
    state: State = "same" if key == source else "renamed"
    return Item(state, key, source, wanted.shape, found.shape)


def words(shape: Shape) -> str:
    """`64×3×3`, `one number`."""
    return "×".join(map(str, shape)) or "one number"


def _plain(name: str) -> str:
    return name.replace(".", "_")


def _by_name(theirs: Mapping[str, Slot], prefix: str) -> dict[str, str]:
    """Keys of the file by their names without the prefix; plain names where just one has it."""
    names = {k.removeprefix(prefix): k for k in theirs if k.startswith(prefix)}
    plain = Counter(_plain(name) for name in names)
    loose = {_plain(name): key for name, key in names.items() if plain[_plain(name)] == 1}
    return {**loose, **names}


def _ends(key: str) -> Iterator[tuple[str, str]]:
    """All ways to part a key at a dot: `("", "a.b")`, `("a.", "b")`."""
    yield "", key
    at = key.find(".")
    while 0 <= at < len(key) - 1:
        yield key[: at + 1], key[at + 1 :]
        at = key.find(".", at + 1)


def _prefixes(own: Mapping[str, Slot], theirs: Mapping[str, Slot]) -> tuple[str, str]:
    """What to leave out of the file's keys, or of the network's, so that most are at home."""
    mine = {_plain(key): slot for key, slot in own.items()}
    yours = {_plain(key): slot for key, slot in theirs.items()}
    points: Counter[tuple[str, str]] = Counter({("", ""): 0})
    for key, slot in theirs.items():
        for prefix, rest in _ends(key):
            wanted = mine.get(_plain(rest))
            points[prefix, ""] += wanted is not None and wanted.shape == slot.shape
    for key, slot in own.items():
        for prefix, rest in _ends(key):
            found = yours.get(_plain(rest))
            if prefix:
                points["", prefix] += found is not None and found.shape == slot.shape
    return max(points, key=lambda pair: (points[pair], -len(pair[0]) - len(pair[1])))


def _in_order(own: Mapping[str, Slot], theirs: Mapping[str, Slot]) -> Iterator[tuple[str, str]]:
    """Pairs of keys in the same order on both sides, where shape and last name are equal."""
    if not own or not theirs or max(len(own), len(theirs)) > MOST_IN_ORDER:
        return
    mine, yours = list(own), list(theirs)
    left = [_looks(key, own[key]) for key in mine]
    right = [_looks(key, theirs[key]) for key in yours]
    for block in SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks():
        for at in range(block.size):
            yield mine[block.a + at], yours[block.b + at]


def _looks(key: str, slot: Slot) -> tuple[str, Shape, bool]:
    return key.rpartition(".")[2], slot.shape, slot.floating


def refuse_nothing(match: Match, name: str) -> None:
    """`DocumentError` if nothing of the file has a place."""
    if not match.taken():
        more = f" {match.in_order} would fit by their order." if match.in_order else ""
        raise DocumentError(
            f"Nothing in '{name}' has a place in the network.",
            f"Names and shapes must agree.{more}",
        )
