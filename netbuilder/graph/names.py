"""Names that two sides gave without knowing of each other, made different again."""

from __future__ import annotations

from collections.abc import Mapping

from netbuilder.graph.rules import unique_name


def settled(
    names: Mapping[str, str], ours: Mapping[str, str], theirs: Mapping[str, str]
) -> dict[str, str]:
    """The names by id, with a number where two are equal that were not so on either side.

    The smaller id keeps its name: so it is the same whichever side is ours.
    """
    holders: dict[str, list[str]] = {}
    for id, name in names.items():
        holders.setdefault(name, []).append(id)
    result, taken = dict(names), set(names.values())
    for name, ids in holders.items():
        first, *others = sorted(ids)
        kept = [first]
        for id in others:
            if any(
                side.get(id) == name and side.get(other) == name
                for side in (ours, theirs)
                for other in kept
            ):
                kept.append(id)
                continue
            result[id] = unique_name(name, taken)
            taken.add(result[id])
    return result
