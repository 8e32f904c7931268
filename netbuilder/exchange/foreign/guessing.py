"""Where tensors may belong whose names tell nothing: by the shapes of whole layers. Torch-free.

A layer is the tensors whose names differ in their last part alone (`weight`, `bias`). Layers that
have the same shapes are paired in their order: that of the file where it keeps one, else that of
the names, numbers counted as numbers, and then only if there are as many on both sides; rows of
layers that repeat are paired with rows as long.

Habits of others that are known: query, key and value of an attention that lie apart; matrices of
linear layers that lie the other way round, all of them or none; ones before a shape (1×197×768)
or after a single size (96×1×1).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

from netbuilder.exchange.foreign.slots import Shape, Slot

MOST = 4_000
"""Comparing sequences takes time that grows with the square of their length."""
_TRIPLES = (("query", "key", "value"), ("q_proj", "k_proj", "v_proj"), ("q_lin", "k_lin", "v_lin"))
_JOINED = "in_proj_"
"""What PyTorch's attention calls the three in one."""
_OLD = {"gamma": "weight", "beta": "bias"}
_COUNTER = "num_batches_tracked"
"""Files that are old have none."""
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Source:
    """What fills a tensor: tensors of the file, one after the other along their first dim.

    `turned` ones have their two dims exchanged.
    """

    keys: tuple[str, ...]
    shape: Shape
    floating: bool
    turned: bool = False

    @property
    def why(self) -> str:
        """Why it is taken, for a person."""
        words = "By shape and order"
        if len(self.keys) > 1:
            words += "; query, key and value, one after the other"
        if self.turned:
            words += "; it lies the other way round in the file"
        return f"{words}."


Layer = Mapping[str, Source]
"""A layer's tensors by their last names."""


def guess(
    own: Mapping[str, Slot], theirs: Mapping[str, Slot], *, ordered: bool = True
) -> dict[str, Source]:
    """Sources by keys of the network; none for those that nothing is like.

    `ordered`: the tensors of the file come in the order that its network lists them in.
    """
    if not own or not theirs or max(len(own), len(theirs)) > MOST:
        return {}
    names = {_last(key) for key in own}
    mine, yours = _layers(own, names), _joined(_layers(theirs, names))
    if not ordered:
        yours = {name: yours[name] for name in sorted(yours, key=_by_number)}
    found = _pairs(mine, yours, ordered)
    if len(found) < len(own):
        turned = _pairs(mine, {name: _turned(layer) for name, layer in yours.items()}, ordered)
        if len(turned) > len(found):
            return turned
    return found


def _layers(slots: Mapping[str, Slot], names: Collection[str]) -> dict[str, Layer]:
    """The layers by what their tensors' names begin with.

    A parameter that stands alone (`class_token`) is the weight of a layer of that name.
    """
    layers: dict[str, dict[str, Source]] = {}
    for key, slot in slots.items():
        name, last = (
            (key.rpartition(".")[0], _last(key)) if _last(key) in names else (key, "weight")
        )
        layers.setdefault(name, {})[last] = Source((key,), slot.shape, slot.floating)
    return dict(layers)


def _joined(layers: Mapping[str, Layer]) -> dict[str, Layer]:
    """All layers in their order; a query, a key and a value in one."""
    found: dict[str, Layer] = {}
    done: set[str] = set()
    for name, layer in layers.items():
        if name in done:
            continue
        three = next((each for each in _triples(name) if _alike(each, layers)), None)
        if three is None:
            found[name] = layer
            continue
        done.update(three)
        found[name] = {
            last: Source(
                tuple(layers[each][last].keys[0] for each in three),
                (3 * source.shape[0], *source.shape[1:]),
                source.floating,
            )
            for last, source in layer.items()
        }
    return found


def _triples(name: str) -> Iterator[tuple[str, ...]]:
    """The names of query, key and value, if this is one of them."""
    before, dot, last = name.rpartition(".")
    for names in _TRIPLES:
        if last in names:
            yield tuple(f"{before}{dot}{each}" for each in names)


def _alike(names: Sequence[str], layers: Mapping[str, Layer]) -> bool:
    first = layers.get(names[0])
    return (
        first is not None
        and all(source.shape for source in first.values())
        and all(name in layers and _looks(layers[name]) == _looks(first) for name in names)
    )


def _turned(layer: Layer) -> Layer:
    """A matrix with a bias, turned; a table has none."""
    weight = layer.get("weight")
    if weight is None or len(weight.shape) != 2 or len(weight.keys) > 1 or "bias" not in layer:
        return layer
    return {**layer, "weight": replace(weight, shape=weight.shape[::-1], turned=True)}


def _pairs(
    mine: Mapping[str, Layer], yours: Mapping[str, Layer], ordered: bool
) -> dict[str, Source]:
    """The longest stretches that are alike, then kinds of which both sides have as many."""
    left = [(name, _looks(layer)) for name, layer in mine.items()]
    right = [(name, _looks(layer)) for name, layer in yours.items()]
    found: dict[str, str] = {}
    if ordered:
        a, b = ([looks for _, looks in side] for side in (left, right))
        if a[-1] == b[-1]:
            # The head: other heads before it, which only a training needs, look the same.
            found[left[-1][0]] = right[-1][0]
            a, b = a[:-1], b[:-1]
        for block in SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks():
            for at in range(block.size):
                found[left[block.a + at][0]] = right[block.b + at][0]
    used = set(found.values())
    open_right = _kinds(right, used)
    for kind, places in _kinds(left, found.keys()).items():
        partners = open_right.get(kind, [])
        if len(places) == len(partners):
            found |= zip(*_by_repeats(places, partners), strict=True)
    return {
        source.keys[0]: yours[found[name]][last]
        for name, layer in mine.items()
        if name in found
        for last, source in layer.items()
        if last in yours[found[name]]
    }


Looks = tuple[tuple[str, Shape, bool], ...]


def _kinds(layers: Sequence[tuple[str, Looks]], but: Collection[str]) -> dict[Looks, list[str]]:
    found: dict[Looks, list[str]] = {}
    for name, kind in layers:
        if name not in but:
            found.setdefault(kind, []).append(name)
    return found


def _by_repeats(mine: Sequence[str], yours: Sequence[str]) -> tuple[list[str], list[str]]:
    """Both in an order in which a row of layers that repeats meets one that is as long."""
    rows = _rows(mine), _rows(yours)
    left, right = (sorted(side, key=len) for side in rows)
    if [len(row) for row in left] != [len(row) for row in right]:
        return list(mine), list(yours)
    return [name for row in left for name in row], [name for row in right for name in row]


def _rows(names: Sequence[str]) -> list[list[str]]:
    """Names that differ in numbers between dots alone, together."""
    found: dict[str, list[str]] = {}
    for name in names:
        parts = ("#" if part.isdecimal() else part for part in name.split("."))
        found.setdefault(".".join(parts), []).append(name)
    return list(found.values())


def _looks(layer: Layer) -> Looks:
    return tuple(
        (last, _bare(layer[last].shape), layer[last].floating)
        for last in sorted(layer)
        if last != _COUNTER
    )


def _last(key: str) -> str:
    name = key.rpartition(".")[2]
    return _OLD.get(name, name).removeprefix(_JOINED)


def _bare(shape: Shape) -> Shape:
    if len(shape) > 2 and set(shape[1:]) == {1}:
        return shape[:1]
    while len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape


def _by_number(name: str) -> list[tuple[bool, int, str]]:
    parts = _DIGITS.split(name)
    return [(not at % 2, int(part) if at % 2 else 0, part) for at, part in enumerate(parts)]
