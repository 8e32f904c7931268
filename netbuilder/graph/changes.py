"""The three things that can happen to a document, as values that know their inverse.

Listeners `match` on the change and on the item in it::

    match change:
        case Added(item=Node() as node): ...
        case Changed(before=Node(), after=Node() as node): ...
        case Removed(item=Wire() as wire): ...
"""

from __future__ import annotations

from dataclasses import dataclass

from netbuilder.graph.model import Item


@dataclass(frozen=True, slots=True)
class Added:
    """`item` came into the graph with the id `graph` (empty for the project itself)."""

    graph: str
    item: Item

    def inverse(self) -> Removed:
        return Removed(self.graph, self.item)


@dataclass(frozen=True, slots=True)
class Removed:
    """`item` left the graph."""

    graph: str
    item: Item

    def inverse(self) -> Added:
        return Added(self.graph, self.item)


@dataclass(frozen=True, slots=True)
class Changed:
    """The item with this id has new contents; both values have the same type and id."""

    graph: str
    before: Item
    after: Item

    def inverse(self) -> Changed:
        return Changed(self.graph, self.after, self.before)


Change = Added | Removed | Changed
