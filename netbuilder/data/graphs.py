"""Data sets that are graphs, described: a sample is a node, and all samples share the graph.

Edges are pairs of node numbers, once for each direction: `edge_index` (2, E).
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field as Parameter

from netbuilder.data.sources import Field, Source

CLUBS = ("Mr. Hi", "Officer")
CLUB_MEMBERS, CLUB_TIES = 34, 78
CHARACTERS, MEETINGS = 77, 254
CHARACTER_GROUPS = 6


def graph_fields(nodes: int, edges: int, features: int, *, weights: bool) -> tuple[Field, ...]:
    """What the nodes of a graph share: `features`, `edge_index` and, with `weights`, their own.

    `edges` counts both directions.
    """
    ends = "from which node to which, each edge in both directions"
    shared = (
        Field("features", (nodes, features), meaning="a row a node", batched=False),
        Field("edge_index", (2, edges), "int64", ends, high=nodes, batched=False),
    )
    strong = Field("edge_weight", (edges,), meaning="how strong each edge is", batched=False)
    return (*shared, strong) if weights else shared


class KarateClub(Source):
    """Zachary's karate club: 34 people, who knew whom, and which side each took when it split.

    Every sample is a member. All share the graph of their ties; a member's features are its
    number and nothing else (one of 34 is 1), so what can be learnt lies in the ties. W. W. Zachary,
    An Information Flow Model for Conflict and Fission in Small Groups (1977), as networkx has it.
    """

    id: ClassVar[str] = "netbuilder.KarateClub"
    title: ClassVar[str] = "Karate club"
    contents_in: ClassVar[str] = "netbuilder.data.graphs_arrays"

    label: Literal["club", "community"] = Parameter(
        "club",
        description="club: the side that a member took; community: four groups that the ties "
        "alone tell apart best (highest modularity).",
    )

    def fields(self) -> tuple[Field, ...]:
        names = CLUBS if self.label == "club" else tuple("1234")
        meaning = "the side taken" if self.label == "club" else "the group"
        members = CLUB_MEMBERS
        return (
            *graph_fields(members, 2 * CLUB_TIES, members, weights=True),
            Field("node", (), "int64", "the member's number", high=members),
            Field("label", (), "int64", meaning, high=len(names), classes=names),
        )


class LesMiserables(Source):
    """The 77 characters of Victor Hugo's Les Misérables, and who appears together with whom.

    Every sample is a character. All share the graph, whose edges weigh as much as there are
    chapters with both; a character's features are its number (one of 77 is 1). `label` is the group
    that the edges alone tell apart best (highest modularity), `chapters` the sum of its edges'
    weights. D. E. Knuth, The Stanford GraphBase (1993), as networkx has it.
    """

    id: ClassVar[str] = "netbuilder.LesMiserables"
    title: ClassVar[str] = "Les Misérables"
    contents_in: ClassVar[str] = "netbuilder.data.graphs_arrays"

    def fields(self) -> tuple[Field, ...]:
        groups = tuple(str(number + 1) for number in range(CHARACTER_GROUPS))
        count = CHARACTERS
        return (
            *graph_fields(count, 2 * MEETINGS, count, weights=True),
            Field("chapters", (1,), meaning="appearances together with others"),
            Field("node", (), "int64", "the character's number", high=count),
            Field("label", (), "int64", "the group", high=len(groups), classes=groups),
        )


SOURCES: tuple[type[Source], ...] = (KarateClub, LesMiserables)
