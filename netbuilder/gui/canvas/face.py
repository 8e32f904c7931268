"""What a node shows: texts, colours and ports, worked out from the document and the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from netbuilder.compiler.report import NodeReport
from netbuilder.errors import Problem
from netbuilder.graph import rules
from netbuilder.graph.document import Document, Graph
from netbuilder.graph.expressions import MARK
from netbuilder.graph.loops import LOOP
from netbuilder.graph.model import Json, Mute, Node
from netbuilder.graph.parameters import counts
from netbuilder.layers import catalogue
from netbuilder.layers.base import Family, Layer, Role
from netbuilder.layers.blocks import Block

_NOTHING: Mapping[str, Json] = {}

Kind = Literal["card", "dot", "stack"]
"""A layer; a reroute dot; a node that stands for a graph of its own."""


@dataclass(frozen=True, slots=True)
class PortFace:
    """A port as it is shown; `text` is the shape that leaves it, empty while unknown."""

    name: str
    wired: bool = False
    optional: bool = False
    text: str = ""
    dtype: str = ""


@dataclass(frozen=True, slots=True)
class Face:
    """All that a node's picture depends on; equal faces look equal."""

    name: str
    subtitle: str = ""
    count: str = ""
    family: str = Family.UNKNOWN.value
    known: bool = True
    inputs: tuple[PortFace, ...] = ()
    outputs: tuple[PortFace, ...] = ()
    errors: int = 0
    warnings: int = 0
    note: str = ""
    mute: Mute = ""
    collapsed: bool = False
    kind: Kind = "card"
    repeat: int = 1
    over_time: bool = False
    """Whether it runs a block once for each step of a sequence."""

    def ports(self, output: bool) -> tuple[PortFace, ...]:
        return self.outputs if output else self.inputs


def face_of(
    document: Document,
    graph: Graph,
    node: Node,
    report: NodeReport | None,
    problems: Sequence[Problem],
    values: Mapping[str, Json] = _NOTHING,
) -> Face:
    """The face of a node; `report` and `problems` are those of this node.

    `values` are those of a block's parameters in the use that is shown.
    """
    kind = catalogue.find(node.layer)
    ports = catalogue.ports_of(document, graph, node)
    outgoing = {wire.source_port for wire in graph.wires_out_of(node.id)}
    incoming = {wire.target_port for wire in graph.wires_into(node.id)}
    outputs = []
    for port in ports.outputs:
        tensor = report.outputs.get(port.name) if report else None
        outputs.append(
            PortFace(
                port.name,
                port.name in outgoing,
                text=tensor.text if tensor else "",
                dtype=tensor.dtype if tensor else "",
            )
        )
    inputs = [PortFace(p.name, p.name in incoming, p.optional) for p in ports.inputs]
    layer = _as_drawn(node, catalogue.read(node, {**catalogue.parameters_of(graph), **values}))
    return Face(
        name=node.name,
        subtitle=_subtitle(node, kind, layer if isinstance(layer, Layer) else None),
        count=_count(graph, node, report),
        family=kind.family.value if kind else Family.UNKNOWN.value,
        known=kind is not None,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        errors=sum(problem.severity == "error" for problem in problems),
        warnings=sum(problem.severity == "warning" for problem in problems),
        note=node.note,
        mute=node.mute,
        collapsed=node.collapsed,
        kind=_KINDS.get(kind.role, "card") if kind else "card",
        repeat=_repeat(kind, layer),
        over_time=node.layer == LOOP and not _steps(layer),
    )


def _as_drawn(node: Node, layer: object) -> object:
    """A use whose values differ in each repetition says how, not what they are in the first."""
    drawn = node.params.get("values")
    if not isinstance(layer, Block) or not isinstance(drawn, Mapping) or not counts(drawn):
        return layer
    texts = {name: value for name, value in drawn.items() if counts(value)}
    shown = {name: str(value).removeprefix(MARK) for name, value in texts.items()}
    return layer.model_copy(update={"values": {**layer.values, **shown}})


def _steps(layer: object) -> int:
    """How often a loop runs, where that is a number."""
    return getattr(layer, "steps", None) or 0


def _repeat(kind: type[Layer] | None, layer: object) -> int:
    if kind is None or kind.role is not Role.BLOCK:
        return 1
    return _steps(layer) or getattr(layer, "repeat", 1)


_KINDS: Mapping[Role, Kind] = {Role.REROUTE: "dot", Role.BLOCK: "stack", Role.CALL: "stack"}


def _count(graph: Graph, node: Node, report: NodeReport | None) -> str:
    """The number of weights, or whose they are."""
    owner = catalogue.owner_of(graph, node)
    if owner is not node:
        return f"= {owner.name}"
    return count_text(report.parameters) if report and report.parameters else ""


def _subtitle(node: Node, kind: type[Layer] | None, layer: Layer | None) -> str:
    """What matters of the layer; its title too where the name doesn't tell."""
    if kind is None:
        return node.layer
    shown = layer.subtitle() if layer is not None else ""
    if kind.role in _KINDS and shown:
        # What it calls says more than that it calls.
        return shown
    if node.name.startswith(rules.default_name(node.layer).rstrip("_")):
        return shown
    return f"{kind.title} · {shown}" if shown else kind.title


def count_text(number: int) -> str:
    """A number of weights in few characters: 896, 12.3k, 1.2M."""
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if number >= size:
            value = number / size
            return f"{value:.1f}{unit}" if value < 100 else f"{value:.0f}{unit}"
    return str(number)


def problem_text(problems: Sequence[Problem]) -> str:
    """The problems of a node as plain lines."""
    return "\n\n".join("\n".join(filter(None, (p.message, p.hint))) for p in problems)
