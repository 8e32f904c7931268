"""What the inspector's page for some nodes is made of. The page is rebuilt when this differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netbuilder.graph import blocks
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.model import Json
from netbuilder.gui.canvas.search import holds
from netbuilder.gui.inspecting import fields
from netbuilder.gui.inspecting.fields import FieldSpec
from netbuilder.gui.training.settings_panel import field_names
from netbuilder.layers import catalogue
from netbuilder.layers.base import Layer, Role

WEIGHTY = frozenset({"linear", "convolution", "normalisation", "recurrent", "attention"})
"""Families whose layers have weights."""

Choices = Mapping[str, Sequence[tuple[Json, str]]]


@dataclass(frozen=True, slots=True)
class NodeOutline:
    """The layers of the nodes, and what the project offers for their fields."""

    kinds: tuple[type[Layer], ...]
    """Each layer once, in the order of the nodes."""
    counts: tuple[int, ...]
    choices: Choices = field(default_factory=dict)
    scope: Mapping[str, Json] = field(default_factory=dict)
    """Parameters of the block that the nodes stand in: what expressions may speak of."""
    declared: Mapping[str, FieldSpec] = field(default_factory=dict)
    """For a block's node: what the block declares."""
    shareable: bool = False
    """Whether the node could use the weights of another one."""
    inner_scope: Mapping[str, Json] = field(default_factory=dict)
    """What the values of a block's node may speak of: where it is repeated, also of `index`."""

    @property
    def kind(self) -> type[Layer] | None:
        """The one layer of the nodes; None if they are of several."""
        return self.kinds[0] if len(self.kinds) == 1 else None


def outline(
    document: Document, graph: Graph, ids: Sequence[str], values: Mapping[str, Json] | None = None
) -> NodeOutline | None:
    """The outline of these nodes' page; None if a layer among them is not known here.

    `values` are those of the parameters for the use of the block that one looks at.
    """
    counts: dict[type[Layer], int] = {}
    for id in ids:
        kind = catalogue.find(graph.nodes[id].layer)
        if kind is None:
            return None
        counts[kind] = counts.get(kind, 0) + 1
    scope = {**catalogue.parameters_of(graph), **(values or {})}
    if len(counts) > 1:
        return NodeOutline(tuple(counts), tuple(counts.values()), scope=scope)
    (kind,) = counts
    return NodeOutline(
        (kind,),
        tuple(counts.values()),
        choices_for(document, graph, kind),
        scope,
        _declared(document, graph, ids) if kind.role is Role.BLOCK else {},
        len(ids) == 1 and _shareable(graph, ids[0], kind),
        _inner_scope(graph, ids, scope),
    )


def _inner_scope(graph: Graph, ids: Sequence[str], scope: Mapping[str, Json]) -> Mapping[str, Json]:
    """What the values of these nodes may all speak of."""
    each = [catalogue.scope_of(graph.nodes[id], "values", scope) for id in ids]
    return min(each, key=len)


def choices_for(
    document: Document, graph: Graph, kind: type[Layer]
) -> dict[str, list[tuple[Json, str]]]:
    """What the project offers for a layer's parameters: networks, blocks, fields of its data."""
    found: dict[str, list[tuple[Json, str]]] = {}
    match kind.role:
        case Role.CALL:
            inner = document.of_kind("network")
            found["network"] = [(n.name, n.name) for n in inner if not holds(document, n, graph)]
        case Role.BLOCK:
            names = [block.name for block in document.of_kind("block")]
            fit = [name for name in names if blocks.refusal(document, graph, name) is None]
            found["block"] = [(name, name) for name in fit]
        case Role.DATA:
            found["field"] = [(name, name) for name in field_names(document)]
    return found


def _declared(document: Document, graph: Graph, ids: Sequence[str]) -> Mapping[str, FieldSpec]:
    """The parameters of the one block that all these nodes use."""
    names = {graph.nodes[id].params.get("block") for id in ids}
    block = document.block(str(names.pop())) if len(names) == 1 else None
    return fields.declared(block) if block is not None else {}


def _shareable(graph: Graph, id: str, kind: type[Layer]) -> bool:
    weighty = kind.role is Role.LAYER and kind.family.value in WEIGHTY and kind.model_fields
    if not weighty and kind.role is not Role.BLOCK:
        return False
    alike = [node for node in graph.nodes.values() if node.layer == kind.id]
    # What others use can't itself be another's.
    return len(alike) > 1 and not any(node.shares == id for node in alike)
