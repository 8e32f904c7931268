"""Which tensor of a file goes where in a network: by name and shape. Torch-free.

Names are one if they differ in dots and underscores alone, and in a prefix that all share
(`module.`, `state_dict.`). What is left may be taken by its order, see `guessing`; that is a guess,
so it is done only on demand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from netbuilder.errors import DocumentError
from netbuilder.exchange.foreign import guessing
from netbuilder.exchange.foreign.guessing import Source
from netbuilder.exchange.foreign.slots import Shape, Slot

State = Literal["same", "renamed", "order", "shape", "kind", "missing", "spare"]
TAKEN: tuple[State, ...] = ("same", "renamed", "order")


@dataclass(frozen=True, slots=True)
class Item:
    """One tensor: `key` in the network, `source` in the file; empty where there is none.

    A guess may join several tensors of the file, `sources`, or turn one whose two dims lie the
    other way round.
    """

    state: State
    key: str = ""
    source: str = ""
    wanted: Shape | None = None
    found: Shape | None = None
    why: str = ""
    sources: tuple[str, ...] = ()
    turned: bool = False

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

    def guesses(self) -> dict[str, Item]:
        """Of those that are taken, the guesses, by keys of the network."""
        return {item.key: item for item in self.items if item.state == "order"}

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


def match(
    own: Mapping[str, Slot],
    theirs: Mapping[str, Slot],
    *,
    by_order: bool = False,
    ordered: bool = True,
) -> Match:
    """The places of all tensors: those of the network in its order, then what is spare.

    With `by_order` what names don't tell is guessed; `ordered` says that the order of `theirs` is
    that of the network they are from.
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
    missing = {key: own[key] for key, item in found.items() if item.state == "missing"}
    pairs = _guessed(missing, spare, prefix, ordered)
    if by_order:
        for key, filling in pairs.items():
            found[key] = _guess(key, own[key], filling)
            for taken in filling.keys:
                del spare[taken]
    left = [Item("spare", "", key, None, slot.shape) for key, slot in spare.items()]
    rest = 0 if by_order else len(pairs)
    return Match((*found.values(), *left), prefix, own_prefix, rest)


def _guessed(
    own: Mapping[str, Slot], spare: Mapping[str, Slot], prefix: str, ordered: bool
) -> dict[str, Source]:
    """What may fill the rest: of the tensors with the prefix, or of all if that fills more."""
    inside = {key: slot for key, slot in spare.items() if key.startswith(prefix)}
    found = guessing.guess(own, inside, ordered=ordered)
    if len(inside) == len(spare) or len(found) == len(own):
        return found
    return max(found, guessing.guess(own, spare, ordered=ordered), key=len)


def _guess(key: str, wanted: Slot, source: Source) -> Item:
    name = ", ".join(source.keys)
    return Item(
        "order", key, name, wanted.shape, source.shape, source.why, source.keys, source.turned
    )


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


def refuse_nothing(match: Match, name: str) -> None:
    """`DocumentError` if nothing of the file has a place."""
    if not match.taken():
        more = f" {match.in_order} would fit by their order." if match.in_order else ""
        raise DocumentError(
            f"Nothing in '{name}' has a place in the network.",
            f"Names and shapes must agree.{more}",
        )
