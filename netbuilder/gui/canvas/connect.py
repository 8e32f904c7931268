"""Connect by keyboard: choose a port of the selected node, type where its wire goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.graph import edits
from netbuilder.gui.canvas import reach
from netbuilder.gui.canvas.reach import Reach
from netbuilder.gui.picker import Offer, Picker, score
from netbuilder.layers.catalogue import ports_of

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView

_NO_WIRE = "No wire"


class ConnectList(Picker):
    """First the ports of a node, unless it has one only; then the ports that fit it."""

    def __init__(self, view: CanvasView, node: str) -> None:
        super().__init__(view.window(), "Type a node or a port", "Connect")
        self._view = view
        self._start: Reach | None = None
        graph = view.shown
        self._node = graph.nodes[node]
        self._own = reach.own_ports(view.past.document, graph, self._node)
        if len(self._own) == 1:
            self._begin(self._own[0])
        else:
            self.say(f"Which port of {self._node.name}?")
            self.offer(self._ports)

    def _ports(self, query: str) -> list[Offer]:
        ranked = [(score(query, own.title), own) for own in self._own]
        return [
            Offer(own.title, own, self._state(own)) for value, own in ranked if value is not None
        ]

    def _state(self, own: Reach) -> str:
        """What a port of the node has now."""
        graph = self._view.shown
        if own.output:
            fed = [w for w in graph.wires_out_of(own.end.node) if w.source_port == own.end.port]
            names = [graph.nodes[wire.target].name for wire in fed]
            return f"feeds {', '.join(names[:3])}{'…' if len(names) > 3 else ''}" if names else ""
        return f"fed by {graph.nodes[own.wire.source].name}" if own.wire else "free"

    def _begin(self, start: Reach) -> None:
        self._start = start
        word = "goes to" if start.output else "comes from"
        self.say(f"{start.title} of {self._node.name} {word}")
        self.offer(self._others)

    def _others(self, query: str) -> list[Offer]:
        assert self._start is not None
        view = self._view
        found = reach.others(view.past.document, view.shown, self._start, query, score)
        offers = [Offer(r.title, r, self._taken(r), r.refusal) for r in found]
        if self._start.wire is not None and score(query, _NO_WIRE) is not None:
            offers.append(Offer(_NO_WIRE, self._start.wire, "Break the wire that is there"))
        return offers

    def _taken(self, other: Reach) -> str:
        if other.wire is None or other.refusal:
            return ""
        return f"in place of {self._view.shown.nodes[other.wire.source].name}"

    def choose(self, data: object) -> None:
        """A port of the node leads on to the ports that fit it; those make the wire."""
        if self._start is None and isinstance(data, Reach):
            self._begin(data)
            return
        super().choose(data)
        view, start = self._view, self._start
        assert start is not None
        if isinstance(data, Reach):
            ends = (start.end, data.end) if start.output else (data.end, start.end)
            view.edit(lambda: edits.connect(view.past, view.shown, *ends, ports_of))
        elif start.wire is not None:
            wire = start.wire.id
            view.edit(lambda: edits.delete(view.past, view.shown, [wire]))


def connect(view: CanvasView) -> None:
    """Ask where a wire of the selected node goes."""
    chosen = view.selection()
    if len(chosen) == 1:
        ConnectList(view, chosen[0]).open()
    elif chosen:
        view.message.emit("Select one node to connect it.")
