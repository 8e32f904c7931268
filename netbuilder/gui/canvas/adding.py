"""Adding layers: the search list over the canvas, the palette's drag, and where things go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from PySide6.QtCore import QPoint, QPointF
from PySide6.QtWidgets import QWidget

from netbuilder.graph.document import Graph
from netbuilder.graph.model import Json
from netbuilder.gui.canvas import edit, offers, popup
from netbuilder.gui.canvas.edit import LooseEnd, Spot
from netbuilder.gui.canvas.editing import EditingView
from netbuilder.gui.canvas.gestures.drop import PaletteDrag
from netbuilder.gui.canvas.popup import AddPopup
from netbuilder.gui.canvas.search import Entry

BESIDE_LIST = 32
"""Pixels between a node and the list beside it."""


class AddingView(EditingView):
    """Offers layers and puts the chosen one where it belongs."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.used: Counter[str] = Counter()
        """How often each layer was added, also in earlier sessions: the list ranks by it."""
        self.favourites: tuple[str, ...] = ()
        """What the person starred, by `search.key_of`."""
        self._drag: PaletteDrag | None = None
        self._spot = Spot((0.0, 0.0))
        self.popup = AddPopup(self)
        self.popup.chosen.connect(self._add_chosen)
        self.popup.closed.connect(self.setFocus)

    # -- the list ------------------------------------------------------------------------

    def start_add(self, scene_pos: QPointF | None = None, from_end: LooseEnd | None = None) -> None:
        """Open the search list; what is chosen goes to `scene_pos`, wired to `from_end`.

        Without a place it goes after the selected nodes, into the selected wire, or where
        the mouse is.
        """
        if not self.editable:
            return
        self.canvas.settle()
        spot = self.spot_meant() if scene_pos is None else None
        if spot is None:
            at = scene_pos or self.place_meant() or self._middle()
            ends = (from_end,) if from_end is not None else ()
            spot = Spot((at.x(), at.y()), ends, drawn=from_end is not None)
        self._open_list(spot)

    def spot_meant(self) -> Spot | None:
        """Where a layer goes that is asked for by key or menu; None for the mouse's place."""
        return edit.spot_after_selection(self)

    def _open_list(self, spot: Spot) -> None:
        self._spot = spot
        offered = offers.offered(self, spot)
        used = Counter(node.layer for node in self.shown.nodes.values()) + self.used
        place, words = self._list_place(spot), offers.words(self, spot)
        self.popup.open_at(place, offered, used, words, self.favourites)

    def _list_place(self, spot: Spot) -> QPoint:
        """Where the list opens: at the place, or beside the node that it goes on from."""
        if spot.at is not None:
            return self.mapFromScene(QPointF(*spot.at))
        self.show_selected()
        box = self.canvas.nodes[spot.ends[0].node].box
        right = self.mapFromScene(QPointF(box.right, box.top)) + QPoint(2 * BESIDE_LIST, 0)
        left = self.mapFromScene(QPointF(box.left, box.top)) - QPoint(BESIDE_LIST, 0)
        if self.width() - right.x() >= min(popup.WIDTH + BESIDE_LIST, left.x()):
            return right
        return left - QPoint(popup.WIDTH, 0)

    def _add_chosen(self, entry: Entry, branch: bool) -> None:
        self._add(entry.layer, entry.params, self._spot, branch=branch)

    # -- from elsewhere ------------------------------------------------------------------

    def add(self, layer: str, params: Mapping[str, Json] | None = None) -> None:
        """Add a layer after the selected nodes, wired to them, or in the middle."""
        if not self.editable:
            return
        self.canvas.settle()
        spot = self.spot_meant()
        if spot is None or not offers.takes(self, layer, params or {}, spot):
            middle = self._middle()
            spot = Spot((middle.x(), middle.y()))
        self._add(layer, params, spot)

    def _middle(self) -> QPointF:
        return self.mapToScene(self.viewport().rect().center())

    def _add(
        self, layer: str, params: Mapping[str, Json] | None, spot: Spot, *, branch: bool = False
    ) -> None:
        spot = _still_there(spot, self.shown)
        if spot.at is None and not spot.ends:
            spot = Spot((self._middle().x(), self._middle().y()))
        node = self.edit(lambda: edit.add_layer(self, layer, spot, params, branch=branch))
        if node is not None:
            self.tell_used(layer)
            self.select([node.id])
            if spot.at is None or not self._in_sight(node.id):
                self.show_selected()

    def _in_sight(self, node: str) -> bool:
        """Whether all of a node can be seen: the view is not to jump under the mouse."""
        box = self.canvas.nodes[node].box
        corners = QPointF(box.left, box.top), QPointF(box.right, box.bottom)
        return all(self.viewport().rect().contains(self.mapFromScene(at)) for at in corners)

    def tell_used(self, layer: str) -> None:
        """Somebody has added this layer by hand."""
        self.used[layer] += 1

    # -- from the palette ----------------------------------------------------------------

    def begin_palette_drag(self, layer: str, params: Mapping[str, Json] | None = None) -> None:
        """A layer is being dragged out of the palette."""
        if self.editable:
            self._drag = PaletteDrag(self, layer, params or {})

    def move_palette_drag(self, global_pos: QPoint, *, free: bool = False) -> bool:
        """It is at this place of the screen; True if it can be dropped there."""
        pixel = self.viewport().mapFromGlobal(global_pos)
        inside = self.viewport().rect().contains(pixel) and self.isVisible()
        if self._drag is not None:
            self._drag.move(self.mapToScene(pixel) if inside else None, free=free)
        return inside and self._drag is not None

    def drop_palette_drag(self, global_pos: QPoint, *, free: bool = False) -> None:
        """It was let go: added if it is over the canvas."""
        drag = self._drag
        if drag is None:
            return
        inside = self.move_palette_drag(global_pos, free=free)
        self._drag = None
        if inside:
            drag.drop(self.mapToScene(self.viewport().mapFromGlobal(global_pos)))
        else:
            drag.cancel()

    def cancel_palette_drag(self) -> None:
        """It was called off."""
        drag, self._drag = self._drag, None
        if drag is not None:
            drag.cancel()


def _still_there(spot: Spot, graph: Graph) -> Spot:
    """The spot without what has gone while the list was open."""
    ends = tuple(end for end in spot.ends if end.node in graph.nodes)
    wire = spot.wire if spot.wire in graph.wires else ""
    return Spot(spot.at, ends, wire, spot.drawn and bool(ends), spot.exact)
