"""A row of the list of what the canvas can do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netbuilder.gui.canvas.view import CanvasView


@dataclass(frozen=True, slots=True)
class CanvasCommand:
    """Something that a canvas can do; one without a `menu` is in the command list alone."""

    id: str
    title: str
    run: Callable[[CanvasView], object]
    keys: tuple[str, ...] = ()
    menu: str = ""
    section: int = 0
    needs_selection: bool = False
    edits: bool = True
    """Not possible while the graph can only be looked at."""

    def possible(self, view: CanvasView) -> bool:
        """Whether it can be done now."""
        if view.canvas.graph is None or (self.edits and not view.editable):
            return False
        return not self.needs_selection or bool(view.canvas.selection)


def later(module: str, name: str, *values: str) -> Callable[[CanvasView], object]:
    """A function of a module of this folder, called with the view and `values`.

    It is imported when it is first called: the window paints before it knows of layers.
    """

    def run(view: CanvasView) -> object:
        found = import_module(f"netbuilder.gui.canvas.{module}")
        return getattr(found, name)(view, *values)

    return run
