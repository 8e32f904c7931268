"""Graphs in files of a person, described. Torch-free; see `graph_reading` for how they are read."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field as Parameter

from netbuilder.data.files import FileSource, Place
from netbuilder.data.graphs import graph_fields
from netbuilder.data.sources import Field, Source

Count = Annotated[int, Parameter(ge=0, le=2**31)]
ClassName = Annotated[str, Parameter(min_length=1, max_length=255)]
MAX_IDENTITY = 2048
"""Nodes up to which a node's number makes a row of features: V×V numbers."""


class EdgeList(FileSource):
    """A graph in a text file, a line an edge: two names of nodes, perhaps a number of strength.

    Between them stand blanks, tabs, commas or semicolons; a line with # or % in front is a
    comment. A second file may have a line a node: its name, its class, numbers about it. Every
    sample is a node, and all share the graph.
    """

    id: ClassVar[str] = "netbuilder.EdgeList"
    title: ClassVar[str] = "Edge list"
    contents_in: ClassVar[str] = "netbuilder.data.reading.graph_reading"
    places_in: ClassVar[tuple[str, ...]] = ("edges", "nodes")

    edges: Place = Parameter("", description="The file with a line an edge.")
    nodes: Place = Parameter("", description="The file with a line a node; empty: there is none.")
    classes: tuple[ClassName, ...] = Parameter(
        (), max_length=100_000, description="The classes of the nodes; empty: they have none."
    )
    class_at: Literal["first", "last"] = Parameter(
        "first", description="Where a node's class stands: before or after the numbers about it."
    )
    node_count: Count = Parameter(0, description="Nodes there are.")
    edge_count: Count = Parameter(
        0, description="Edges there are: each pair once, without those from a node to itself."
    )
    features: Count = Parameter(0, description="Numbers about a node in its line.")
    stand_in: Literal["number", "degree"] = Parameter(
        "number",
        description="What a node has where its line has no numbers. number: a row that is 1 at the "
        "node's own number; degree: how many edges it has.",
    )
    weights: bool = Parameter(False, description="Whether edges have a strength.")
    directed: bool = Parameter(False, description="Whether an edge goes one way alone.")

    def fields(self) -> tuple[Field, ...]:
        width = self.features or (self.node_count if self.stand_in == "number" else 1)
        count = self.edge_count if self.directed else 2 * self.edge_count
        node = Field("node", (), "int64", "the node's number", high=max(1, self.node_count))
        fields = (*graph_fields(self.node_count, count, width, weights=self.weights), node)
        if not self.classes:
            return fields
        names = self.classes
        return (*fields, Field("label", (), "int64", "the class", high=len(names), classes=names))


SOURCES: tuple[type[Source], ...] = (EdgeList,)
