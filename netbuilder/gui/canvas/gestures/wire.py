"""Draw a wire from a port, or take the ends of wires that are there somewhere else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainterPath
from PySide6.QtWidgets import QGraphicsPathItem

from netbuilder.graph import edits, rules, topology, wiring
from netbuilder.graph.model import Wire
from netbuilder.graph.places import Box
from netbuilder.graph.routing import course
from netbuilder.graph.rules import End
from netbuilder.gui.canvas import offers
from netbuilder.gui.canvas.edit import LooseEnd
from netbuilder.gui.canvas.gestures.base import Gesture, Mouse
from netbuilder.gui.canvas.hits import Hit, port_at, port_reach
from netbuilder.gui.canvas.wire_item import painter_path, pen
from netbuilder.gui.look import theme
from netbuilder.layers.catalogue import ports_of

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView


class DrawWire(Gesture):
    """A preview from `fixed` to the mouse; ports that refuse are dimmed and say why.

    With `moved`, those wires are hidden meanwhile: their other ends stay, and they go to the
    port where the mouse lets go. A single one is removed in empty space.
    """

    cursor = Qt.CursorShape.CrossCursor

    def __init__(
        self, view: CanvasView, press: Mouse, hit: Hit, fixed: LooseEnd, moved: Sequence[Wire] = ()
    ) -> None:
        super().__init__(view, press, hit)
        self.moved = tuple(moved)
        self.output = fixed.output
        """The side of the ends that stay; the mouse looks for a port of the other one."""
        self.fixed = [_other_end(wire, fixed.output) for wire in self.moved] or [fixed]
        self.target: End | None = None
        self.refusal: str | None = None
        self._same_side = False
        self._answers: dict[End, str | None] = {}
        """What the rules said to each port that the mouse was over: asking walks the graph."""
        self._doubts: dict[End, str] = {}

    def begin(self) -> None:
        graph = self.view.shown
        self._preview = QGraphicsPathItem()
        self._preview.setZValue(5)
        self.scene.add_overlay(self._preview)
        # Whatever feeds an output can't be fed by it; the rule itself answers at the port.
        reach = topology.ancestors if self.output else topology.descendants
        self._blocked = reach(graph, {end.node for end in self.fixed})
        self._shaded: set[str] = set()
        self._sight: Box | None = None
        self._shade()
        for end in self.fixed:
            self.scene.nodes[end.node].set_hot((end.output, end.port))
        for wire in self.moved:
            self.scene.set_shown(wire.id, False)

    def _shade(self) -> None:
        """Let what is in sight tell whether it fits: a large graph has far more nodes."""
        sight = self.scene.sight()
        if sight == self._sight:
            return
        self._sight = sight
        near = self.scene.nodes if sight is None else self.scene.places.near(sight)
        ends = {end.node for end in self.fixed}
        for id in set(near) - self._shaded:
            item = self.scene.nodes[id]
            fits = bool(item.face.ports(not self.output)) and id not in self._blocked
            item.set_state(dimmed=not fits and id not in ends)
            item.set_offered(not self.output if fits else None)
        self._shaded.update(near)

    def drag(self, mouse: Mouse) -> None:
        self._shade()
        starts = []
        for end in self.fixed:
            item = self.scene.nodes.get(end.node)
            at = item.port(end.output, end.port) if item else None
            if at is None:
                self.view.cancel_gesture()
                return
            starts.append(at)
        self._aim(mouse)
        to = (mouse.at.x(), mouse.at.y())
        if self.target is not None:
            side = self.output if self._same_side else not self.output
            to = self.scene.nodes[self.target.node].port(side, self.target.port) or to
        path = QPainterPath()
        for start in starts:
            ends = (start, to) if self.output else (to, start)
            path.addPath(painter_path(course(*ends, self.scene.flow)))
        self._preview.setPath(path)
        tokens = theme.current()
        line = pen(tokens.error if self.refusal else tokens.accent, 2.0)
        if self.refusal:
            line.setStyle(Qt.PenStyle.DashLine)
        self._preview.setPen(line)
        self.view.refresh()

    # -- where it would go ---------------------------------------------------------------

    def _aim(self, mouse: Mouse) -> None:
        target, refusal = self._target(mouse)
        if (target, refusal) != (self.target, self.refusal):
            self._unmark()
            self.target, self.refusal = target, refusal
            if target is not None and target.port and refusal is None:
                item = self.scene.nodes[target.node]
                item.set_hot((not self.output, target.port))
        if refusal:
            self.view.hint.show_at(mouse.pixel, refusal, "error")
        elif target is not None:
            self._tell(mouse, target)
        else:
            self.view.hint.hide()

    def _tell(self, mouse: Mouse, target: End) -> None:
        """The port that takes it, and what will have to be mended then."""
        if target not in self._doubts:
            ends = (self._ends(end, target) for end in self.fixed)
            found = (offers.misfit(self.view, source, into) for source, into in ends)
            self._doubts[target] = next(filter(None, found), "")
        text = f"{self.view.shown.nodes[target.node].name} · {target.port}"
        doubt = self._doubts[target]
        if doubt:
            self.view.hint.show_at(mouse.pixel, f"{text}\n{doubt}", "warning")
        else:
            self.view.hint.show_at(mouse.pixel, text)

    def _target(self, mouse: Mouse) -> tuple[End | None, str | None]:
        """The port under the mouse, or the one that a node there would use; why not."""
        x, y = mouse.at.x(), mouse.at.y()
        reach = port_reach(self.view.zoom) * 1.6
        for side in (not self.output, self.output):
            found = port_at(self.scene, x, y, reach, side)
            if found is not None and LooseEnd(found[0].id, found[1], side) not in self.fixed:
                self._same_side = side == self.output
                end = End(found[0].id, found[1])
                return end, self._refusal(end)
        self._same_side = False
        return self._over_card(Box(x, y, x + 0.01, y + 0.01))

    def _over_card(self, spot: Box) -> tuple[End | None, str | None]:
        wanted = not self.output
        for id in self.scene.places.near(spot):
            name = self.view.shown.nodes[id].name
            if any(end.node == id for end in self.fixed):
                return None, None
            ports = self.scene.nodes[id].face.ports(wanted)
            if not ports:
                lacking = "output" if wanted else "input"
                return End(id, ""), f"'{name}' has no {lacking}."
            ends = [End(id, port.name) for port in ports if wanted or not port.wired]
            end = next((e for e in ends if self._refusal(e) is None), End(id, ports[0].name))
            return end, self._refusal(end)
        return None, None

    def _refusal(self, target: End) -> str | None:
        """Why not, in the words of the rules."""
        if self._same_side:
            side = "outputs" if self.output else "inputs"
            return f"Both ends are {side}: a wire goes from an output to an input."
        if target not in self._answers:
            self._answers[target] = self._ask(target)
        return self._answers[target]

    def _ask(self, target: End) -> str | None:
        if self._same_as_moved(target):
            return None
        document, graph = self.view.past.document, self.view.shown
        for end in self.fixed:
            source, into = self._ends(end, target)
            refusal = rules.may_connect(document, graph, source, into, ports_of)
            if refusal:
                return refusal
        return None

    def _ends(self, fixed: LooseEnd, target: End) -> tuple[End, End]:
        end = End(fixed.node, fixed.port)
        return (end, target) if self.output else (target, end)

    def _same_as_moved(self, target: End) -> bool:
        """Whether the wires that are moved would be where they are already."""
        return bool(self.moved) and all(
            _other_end(wire, not self.output) == LooseEnd(target.node, target.port, not self.output)
            for wire in self.moved
        )

    # -- the end -------------------------------------------------------------------------

    def drop(self, mouse: Mouse) -> None:
        target, refusal = self.target, self.refusal
        over_own = target is None and self._over_own(mouse)
        self.cancel()
        if refusal:
            self.view.message.emit(refusal)
        elif target is None:
            if not over_own:
                self._drop_in_space(mouse)
        elif not self._same_as_moved(target):
            self.view.edit(lambda: self._connect(target))

    def _over_own(self, mouse: Mouse) -> bool:
        """Whether the mouse is still over the node where the wire begins."""
        x, y = mouse.at.x(), mouse.at.y()
        near = self.scene.places.near(Box(x, y, x + 0.01, y + 0.01))
        return any(end.node in near for end in self.fixed)

    def _drop_in_space(self, mouse: Mouse) -> None:
        history, graph = self.view.past, self.view.shown
        if not self.moved:
            self.view.start_add(mouse.at, self.fixed[0])
        elif len(self.moved) == 1 and not self.keep:
            wires = [wire.id for wire in self.moved]
            self.view.edit(lambda: edits.delete(history, graph, wires))

    keep = False
    """Whether moved wires stay where they were when they are dropped in empty space."""

    def _connect(self, target: End) -> None:
        history, graph = self.view.past, self.view.shown
        if self.moved:
            wiring.take_wires(history, graph, self.moved, target, not self.output, ports_of)
            return
        source, end = self._ends(self.fixed[0], target)
        edits.connect(history, graph, source, end, ports_of)

    def cancel(self) -> None:
        if not self.dragged:
            return
        self._unmark()
        self.scene.drop_overlay(self._preview)
        ends = {end.node for end in self.fixed}
        for id in (self._shaded | ends).intersection(self.scene.nodes):
            item = self.scene.nodes[id]
            item.set_state(dimmed=False)
            item.set_offered(None)
            item.set_hot(None)
        for wire in self.moved:
            if wire.id in self.scene.wires:
                self.scene.set_shown(wire.id, True)
        self.view.hint.hide()
        self.view.refresh()

    def _unmark(self) -> None:
        if self.target is not None and self.target.node in self.scene.nodes:
            self.scene.nodes[self.target.node].set_hot(None)


class MoveWires(DrawWire):
    """All wires of a port go to another one; in empty space they stay."""

    keep = True


def _other_end(wire: Wire, output: bool) -> LooseEnd:
    """The end of a wire on one side."""
    if output:
        return LooseEnd(wire.source, wire.source_port, True)
    return LooseEnd(wire.target, wire.target_port, False)
