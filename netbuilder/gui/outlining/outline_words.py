"""How the outline says things."""

from __future__ import annotations

from collections.abc import Sequence

from netbuilder.compiler.report import NodeReport
from netbuilder.graph.document import Graph
from netbuilder.graph.model import Node
from netbuilder.gui.canvas.face import Face
from netbuilder.gui.canvas.reach import titled
from netbuilder.layers import catalogue


def port_texts(graph: Graph, node: str, face: Face, report: NodeReport) -> list[tuple[str, str]]:
    """The ports of a node by name, and what there is to say of each."""
    found = []
    for port in face.inputs:
        wire = graph.wire_into(node, port.name)
        shape = report.inputs.get(port.name)
        origin = f"from {graph.nodes[wire.source].name}" if wire else "not connected"
        if wire is not None and wire.source_port != "output":
            origin += f".{wire.source_port}"
        text = shape.text if shape is not None else ""
        found.append((port.name, joined(titled("Input", port.name), origin, text)))
    for port in face.outputs:
        fed = [w for w in graph.wires_out_of(node) if w.source_port == port.name]
        names = ", ".join(graph.nodes[wire.target].name for wire in fed)
        to = f"to {names}" if names else "not connected"
        found.append((port.name, joined(titled("Output", port.name), to, port.text)))
    return found


def spoken_node(node: Node, face: Face, problems: int) -> str:
    """A node in words: its name, layer, sizes, state and problems."""
    kind = catalogue.find(node.layer)
    title = kind.title if kind is not None else node.layer
    shapes = [port.text for port in face.outputs if port.text]
    return joined(
        face.name,
        "" if face.subtitle.startswith(title) else title,
        face.subtitle,
        f"gives {', '.join(shapes)}" if shapes else "",
        face.mute,
        f"{problems} problem{'s' if problems != 1 else ''}" if problems else "",
        node.note,
    )


def joined(*parts: str | None) -> str:
    """The parts that say something, with commas."""
    return ", ".join(part for part in parts if part)


def runs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """Sorted numbers as ranges of neighbours: the ends of each."""
    found: list[tuple[int, int]] = []
    for row in rows:
        if found and found[-1][1] == row - 1:
            found[-1] = found[-1][0], row
        else:
            found.append((row, row))
    return found
