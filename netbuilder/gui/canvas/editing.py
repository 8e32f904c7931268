"""What menus and keys can do with the shown graph. Each is one step to undo."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from PySide6.QtCore import QPoint, QPointF, QRect, Signal
from PySide6.QtWidgets import QWidget

from netbuilder.errors import ChangeError
from netbuilder.graph import edits, frames, rules
from netbuilder.graph.document import Graph
from netbuilder.graph.history import History
from netbuilder.gui.canvas import arrange, clipboard, framing
from netbuilder.gui.canvas.camera import Camera
from netbuilder.gui.canvas.hint import Hint
from netbuilder.gui.canvas.hits import DOT
from netbuilder.gui.canvas.minimap import Minimap
from netbuilder.gui.canvas.note_field import NoteField
from netbuilder.gui.canvas.rename import RenameField
from netbuilder.gui.canvas.swatches import Swatches
from netbuilder.gui.canvas.walk import Way, neighbour
from netbuilder.layers.catalogue import ports_of

T = TypeVar("T")


class EditingView(Camera):
    """Edits through the history, and says why when something is refused."""

    message = Signal(str)
    """Why something was refused, in words for a person."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._history: History | None = None
        self.hint = Hint(self)
        self.renamer = RenameField(self)
        self.noter = NoteField(self)
        self.snapping = True
        """Whether what is dragged comes to stand in line with others."""
        self.minimap = Minimap(self)
        self.swatches = Swatches(self)
        self.swatches.chosen.connect(lambda color: framing.colour(self, color))
        self.swatches.closed.connect(self.setFocus)

    @property
    def shown(self) -> Graph:
        """The graph that is shown; there is one whenever an edit is possible."""
        assert self.canvas.graph is not None
        return self.canvas.graph

    @property
    def past(self) -> History:
        """The history of the document that is shown."""
        assert self._history is not None
        return self._history

    @property
    def editable(self) -> bool:
        """Whether there is a graph to edit, and all of a large one is there."""
        here = self._history is not None and self.canvas.graph is not None
        return here and not self.canvas.filling

    def edit(self, change: Callable[[], T]) -> T | None:
        """Make a change and bring the picture up to date; a refusal becomes a message."""
        try:
            return change()
        except ChangeError as error:
            self.message.emit(str(error))
            return None
        finally:
            self.canvas.settle()
            self.refresh()

    # -- selection and edits: what menus and keys call -----------------------------------

    def select(self, ids: Iterable[str]) -> None:
        """Select these nodes, wires and frames, and nothing else."""
        self.canvas.select(ids)

    def selection(self) -> list[str]:
        """Ids of the selected nodes."""
        return self.canvas.selected_nodes()

    def select_all(self) -> None:
        self.canvas.select([*self.canvas.nodes, *self.canvas.frames])

    def walk(self, down: Way, right: Way) -> None:
        """Select the next node `down` or, where data flows to the right, `right`."""
        chosen = self.selection()
        if not chosen:
            first = next(iter(self.shown.ordered()), None) if self.editable else None
            found = first.id if first else None
        else:
            way = down if self.canvas.flow == "down" else right
            found = neighbour(self.canvas, chosen[-1], way)
        if found is not None:
            self.select([found])
            self.show_selected()

    def copy(self) -> None:
        if self.editable:
            clipboard.copy(self, self._copied())

    def cut(self) -> None:
        chosen = self._copied()
        if chosen:
            self.select(chosen)
            self.copy()
            self.delete()

    def paste(self, keep_inputs: bool = False) -> None:
        """Paste around the mouse, or in the middle; with `keep_inputs`, fed as before."""
        if self.editable:
            at = self.place_meant()
            self._select_added(self.edit(lambda: self._paste(at, keep_inputs)))

    def _paste(self, at: QPointF | None, keep_inputs: bool) -> list[str]:
        point = None if at is None else (at.x(), at.y())
        return clipboard.paste(self, point, keep_inputs=keep_inputs)

    def place_meant(self) -> QPointF | None:
        """Where the person points at, if anywhere."""
        return self.mouse_in_scene()

    def duplicate(self) -> None:
        chosen = self._copied()
        if chosen:
            self._select_added(self.edit(lambda: clipboard.duplicate(self, chosen)))

    def _copied(self) -> list[str]:
        """The selected nodes and frames, and what stands in those frames."""
        framed = sorted(id for id in self.canvas.selection if id in self.canvas.frames)
        chosen = [*self.selection(), *framed]
        return frames.with_contents(self.shown, arrange.sizes(self), chosen) if framed else chosen

    def _select_added(self, added: list[str] | None) -> None:
        if added:
            self.select(added)
            self.show_selected()

    def delete(self, reconnect: bool = False) -> None:
        """Delete what is selected; with `reconnect`, what fed it feeds what it fed.

        A reroute dot only leads a wire: the wire is whole again without it.
        """
        chosen = sorted(self.canvas.selection)
        if chosen and self.editable:
            self.edit(lambda: self._delete(chosen, reconnect))

    def _delete(self, chosen: list[str], reconnect: bool) -> None:
        history, graph = self.past, self.shown
        dots = [id for id in chosen if id in graph.nodes and graph.nodes[id].layer == DOT]
        if not dots or reconnect:
            edits.delete(history, graph, chosen, reconnect=reconnect, ports_of=ports_of)
            return
        with history.step(f"Delete {len(chosen)} items" if len(chosen) > 1 else "Delete the dot"):
            edits.delete(history, graph, dots, reconnect=True, ports_of=ports_of)
            edits.delete(history, graph, [id for id in chosen if graph.item(id) is not None])

    def nudge(self, dx: float, dy: float) -> None:
        """Move the selected nodes and frames by scene units; repeated nudges are one step."""
        graph = self.canvas.graph
        if graph is None:
            return
        items = {id: graph.nodes.get(id) or graph.frames.get(id) for id in self.canvas.selection}
        places = {id: (item.x + dx, item.y + dy) for id, item in items.items() if item is not None}
        if any(id in graph.frames for id in places):
            places = frames.carry(graph, arrange.sizes(self), places)
        if places:
            merge = ("nudge", tuple(sorted(places)))
            self.edit(lambda: edits.move(self.past, graph, places, merge=merge))

    def tidy(self) -> None:
        """Lay out what is selected if it is several nodes, else the whole graph."""
        arrange.tidy(self)

    def rename(self) -> None:
        """Edit the name of the one selected node or frame where it stands."""
        chosen = self.selection()
        framed = [id for id in self.canvas.selection if id in self.canvas.frames]
        if len(framed) == 1 and not chosen and self.editable:
            framing.edit_text(self, framed[0])
        if len(chosen) != 1 or not self.editable:
            return
        node, graph = chosen[0], self.shown
        box = self.canvas.nodes[node].box
        corner = self.mapFromScene(QPointF(box.left + 36, box.top + 6))
        width = max(150, round((box.right - box.left - 44) * self.zoom))
        place = QRect(corner, QPoint(corner.x() + width, corner.y() + 26))
        self.renamer.open_at(
            place,
            graph.nodes[node].name,
            lambda name: rules.name_refusal(graph, name, node),
            lambda name: self._take_name(node, name),
            self._complain,
        )

    def _take_name(self, node: str, name: str) -> None:
        if self.editable and node in self.shown.nodes:
            self.edit(lambda: edits.rename(self.past, self.shown, node, name))

    def _complain(self, reason: str | None) -> None:
        if reason:
            self.hint.show_at(self.renamer.geometry().bottomLeft(), reason, "error")
        else:
            self.hint.hide()
