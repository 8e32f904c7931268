"""Instruments on the canvas: they follow the run that the session follows."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal

from netbuilder.app.looks import Looks, NodeLook, Watcher, along
from netbuilder.app.runs import RunView
from netbuilder.gui.canvas.gauge import Gauge
from netbuilder.gui.canvas.scene import CanvasScene
from netbuilder.gui.canvas.shading import Lens, shades
from netbuilder.layers.catalogue import ports_of

LOOK_MS = 400


class Instruments(QObject):
    """Colours nodes and fills the gauges on wires from what a training shows of itself.

    It asks the training only while something here is on. What was seen last stays when the
    run is over.
    """

    looked = Signal()
    """There are other figures."""

    def __init__(self, scene: CanvasScene) -> None:
        super().__init__(scene)
        self._scene = scene
        self.lens = Lens.FAMILY
        self.gauges: set[str] = set()
        """Wires with an instrument."""
        self.looks = Looks()
        self._watcher: Watcher | None = None
        self._running = False
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self.poll)

    # -- what is wanted ------------------------------------------------------------------

    def set_lens(self, lens: Lens) -> None:
        """Let the colours of nodes tell something else."""
        self.lens = lens
        self._follow()
        self.apply()

    def toggle(self, wires: Iterable[str]) -> None:
        """Put instruments on these wires; take them off if all have one."""
        chosen = set(wires)
        self.gauges = self.gauges - chosen if chosen <= self.gauges else self.gauges | chosen
        self._follow()
        self.apply()

    def clear(self) -> None:
        """No instruments, and the usual colours."""
        self.gauges = set()
        self.set_lens(Lens.FAMILY)

    @property
    def wanted(self) -> bool:
        """Whether any figure is to be seen."""
        return self.lens is not Lens.FAMILY or bool(self.gauges)

    # -- the run -------------------------------------------------------------------------

    def show_run(self, run: RunView | None) -> None:
        """Follow this run; what was seen of another is forgotten."""
        path = run.path if run is not None else None
        if path != self._path:
            self._leave()
            self._watcher = Watcher(path) if path is not None else None
            self.looks = Looks()
            self.apply()
        running = run is not None and run.active
        if self._running and not running:
            self.poll()
            self._leave()
        self._running = running
        self._follow()

    @property
    def _path(self) -> Path | None:
        return self._watcher.run if self._watcher is not None else None

    def _follow(self) -> None:
        """Ask while somebody wants to see and there is something to be seen."""
        if self.wanted and self._running:
            if not self._timer.isActive():
                self._timer.start()
                self.poll()
        elif self._timer.isActive():
            self._leave()

    def _leave(self) -> None:
        self._timer.stop()
        if self._watcher is not None:
            self._watcher.leave()

    def poll(self) -> None:
        """Take what is new."""
        if self._watcher is None or not self.wanted:
            return
        found = self._watcher.poll()
        if found is not None:
            self.looks = found
            self.apply()

    # -- on the canvas -------------------------------------------------------------------

    def apply(self) -> None:
        """Show the figures on the graph that is shown."""
        scene, graph = self._scene, self._scene.graph
        if graph is None:
            return
        seen = self.looks.nodes.get(graph.id, {})
        told = {} if self.lens is Lens.FAMILY else shades(self.lens, seen)
        for id, item in scene.nodes.items():
            if item.set_shade(told.get(id)):
                scene.touched.add(id)
                scene.revision += 1
        for id, wire in scene.wires.items():
            if id not in self.gauges:
                if wire.gauge is not None:
                    scene.removeItem(wire.gauge)
                    wire.gauge = None
                continue
            if wire.gauge is None:
                wire.gauge = Gauge(wire, scene.flow)
                if wire.course is not None:
                    wire.gauge.place(wire.course)
            assert scene.document is not None
            found = along(self.looks, scene.document, graph, graph.wires[id], ports_of)
            wire.gauge.show_look(found)
        self.looked.emit()

    def node(self, id: str) -> NodeLook | None:
        """What was seen of a node of the graph that is shown."""
        graph = self._scene.graph
        return self.looks.node(graph.id, id) if graph is not None else None
