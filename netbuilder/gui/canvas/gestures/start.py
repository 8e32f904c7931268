"""Which gesture a press begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.graph import edits, wiring
from netbuilder.gui.canvas.edit import LooseEnd
from netbuilder.gui.canvas.gestures.base import Gesture, Modifiers, Mouse
from netbuilder.gui.canvas.gestures.move import Move
from netbuilder.gui.canvas.gestures.resize import Resize
from netbuilder.gui.canvas.gestures.select import BoxSelect, Select
from netbuilder.gui.canvas.gestures.wire import DrawWire, MoveWires
from netbuilder.gui.canvas.hits import Hit

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView


def start(view: CanvasView, press: Mouse, hit: Hit) -> Gesture | None:
    """The gesture of the left button at what is under it."""
    match hit.kind:
        case "port":
            return _at_port(view, press, hit)
        case "frame" if hit.edge != (0, 0):
            return Resize(view, press, hit, hit.edge)
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
    wires = wiring.wires_at_port(graph, hit.id, hit.port, output=hit.output)
    if press.holds(Modifiers.AltModifier):
        broken = [wire.id for wire in wires]
        if broken:
            view.edit(lambda: edits.delete(view.past, graph, broken))
        return None
    if press.holds(Modifiers.ControlModifier):
        # The other ends stay: the fixed side is the one that the port is not on.
        fixed = LooseEnd(hit.id, hit.port, not hit.output)
        return MoveWires(view, press, hit, fixed, wires) if wires else None
    if wires and not hit.output:
        return DrawWire(view, press, hit, LooseEnd(hit.id, hit.port, True), wires)
    return DrawWire(view, press, hit, LooseEnd(hit.id, hit.port, hit.output))


class _TakeEnd(DrawWire):
    """A press near the end of a wire: a click selects the wire, a drag takes its end."""

    def __init__(self, view: CanvasView, press: Mouse, hit: Hit) -> None:
        fixed = LooseEnd(hit.id, hit.port, not hit.output)
        super().__init__(view, press, hit, fixed, [view.shown.wires[hit.id]])
        self._select = Select(view, press, hit)

    def click(self, mouse: Mouse) -> None:
        self._select.click(mouse)
