"""What happens under a mouse that presses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt

from netbuilder.graph import wiring
from netbuilder.gui.canvas.face import problem_text
from netbuilder.gui.canvas.gestures.resize import CURSORS
from netbuilder.gui.canvas.hint import Tone
from netbuilder.gui.canvas.hits import NOTHING, Hit
from netbuilder.layers import catalogue

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView


def follow(view: CanvasView, before: Hit, now: Hit, pixel: QPoint) -> Hit:
    """Mark what is under the mouse now instead of what was; returns `now`."""
    if now == before:
        return now
    scene = view.canvas
    for seen, marked in ((before, False), (now, True)):
        node = scene.nodes.get(seen.id)
        if node is not None:
            node.set_state(hovered=marked)
            node.set_hot((seen.output, seen.port) if marked and seen.kind == "port" else None)
    scene.mark_wire(now.id if now.kind == "wire" else None)
    view.hint.hide()
    if now.kind == "port":
        view.hint.show_at(pixel, _port_text(view, now))
        view.viewport().setCursor(Qt.CursorShape.CrossCursor)
    elif now.edge != (0, 0):
        view.viewport().setCursor(CURSORS[now.edge])
    elif now == NOTHING or before.kind == "port" or before.edge != (0, 0):
        view.viewport().unsetCursor()
    view.refresh()
    return now


def explain(view: CanvasView, hit: Hit, pixel: QPoint) -> None:
    """After a while over the same thing: problems and note, a port's help, what a wire carries."""
    if hit.kind == "port":
        view.hint.show_at(pixel, _port_help(view, hit))
    elif hit.kind == "wire":
        view.hint.show_at(pixel, _wire_text(view, hit.id))
    if hit.kind != "node":
        return
    problems = view.canvas.problems_of(hit.id)
    note = view.shown.nodes[hit.id].note
    text = "\n\n".join(filter(None, (problem_text(problems), note)))
    if text:
        errors = any(problem.severity == "error" for problem in problems)
        tone: Tone = "error" if errors else "warning" if problems else "plain"
        view.hint.show_at(pixel, text, tone)


def _port_help(view: CanvasView, hit: Hit) -> str:
    """What the port is for, and what can be done with its wires."""
    document, graph = view.past.document, view.shown
    ports = catalogue.ports_of(document, graph, graph.nodes[hit.id])
    side = ports.outputs if hit.output else ports.inputs
    lines = [_port_text(view, hit), *(port.help for port in side if port.name == hit.port)]
    if wiring.wires_at_port(graph, hit.id, hit.port, output=hit.output):
        lines.append("Alt+click breaks its wires, Ctrl+drag moves them.")
    return "\n".join(filter(None, lines))


def _wire_text(view: CanvasView, id: str) -> str:
    """Where a wire comes from and goes to, and what it carries as far as it is known."""
    graph = view.shown
    wire = graph.wires[id]
    report = view.canvas.node_report(wire.source)
    tensor = report.outputs.get(wire.source_port) if report else None
    ends = f"{graph.nodes[wire.source].name} → {graph.nodes[wire.target].name}"
    return ends if tensor is None else f"{ends} · {tensor.text} · {tensor.dtype}"


def _port_text(view: CanvasView, hit: Hit) -> str:
    """The port's name, and what passes through it as far as it is known."""
    node = view.canvas.node_report(hit.id)
    tensors = (node.outputs if hit.output else node.inputs) if node else {}
    tensor = tensors.get(hit.port)
    parts = [hit.port] if tensor is None else [hit.port, tensor.text, tensor.dtype]
    port = next(
        (p for p in view.canvas.nodes[hit.id].face.ports(hit.output) if p.name == hit.port), None
    )
    if port is not None and port.optional:
        parts.append("optional")
    return " · ".join(parts)
