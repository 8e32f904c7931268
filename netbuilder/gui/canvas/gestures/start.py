"""Which gesture a press begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.graph import edits
from netbuilder.gui.canvas.edit import LooseEnd
from netbuilder.gui.canvas.gestures.base import Gesture, Modifiers, Mouse
from netbuilder.gui.canvas.gestures.move import Move
from netbuilder.gui.canvas.gestures.select import BoxSelect, Select
from netbuilder.gui.canvas.gestures.wire import DrawWire
from netbuilder.gui.canvas.hits import Hit

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView


def start(view: CanvasView, press: Mouse, hit: Hit) -> Gesture | None:
    """The gesture of the left button at what is under it."""
    match hit.kind:
        case "port":
            return _at_port(view, press, hit)
        case "node" | "frame":
            return Move(view, press, hit)
        case "wire":
            if hit.port:
                return _TakeEnd(view, press, hit)
            return Select(view, press, hit)
        case _:
            return BoxSelect(view, press, hit)


def _at_port(view: CanvasView, press: Mouse, hit: Hit) -> Gesture | None:
    graph = view.shown
    if press.holds(Modifiers.AltModifier):
        wires = graph.wires_out_of(hit.id) if hit.output else graph.wires_into(hit.id)
        ports = [(w.id, w.source_port if hit.output else w.target_port) for w in wires]
        broken = [id for id, port in ports if port == hit.port]
        if broken:
            view.edit(lambda: edits.delete(view.past, graph, broken))
        return None
    if not hit.output:
        wire = graph.wire_into(hit.id, hit.port)
        if wire is not None:
            fixed = LooseEnd(wire.source, wire.source_port, True)
            return DrawWire(view, press, hit, fixed, wire)
    return DrawWire(view, press, hit, LooseEnd(hit.id, hit.port, hit.output))


class _TakeEnd(DrawWire):
    """A press near the end of a wire: a click selects the wire, a drag takes its end."""

    def __init__(self, view: CanvasView, press: Mouse, hit: Hit) -> None:
        wire = view.shown.wires[hit.id]
        if hit.output:
            fixed = LooseEnd(wire.target, wire.target_port, False)
        else:
            fixed = LooseEnd(wire.source, wire.source_port, True)
        super().__init__(view, press, hit, fixed, wire)
        self._select = Select(view, press, hit)

    def click(self, mouse: Mouse) -> None:
        self._select.click(mouse)
