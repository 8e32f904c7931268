"""Commands of what a training shows of itself on the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netbuilder.gui.actions.making import with_bench
from netbuilder.gui.commands import Command

if TYPE_CHECKING:
    from netbuilder.gui.main_window import MainWindow
    from netbuilder.gui.workbench import Workbench

_LENSES = (
    ("family", "Colour nodes by family"),
    ("gradient", "Colour nodes by gradient"),
    ("activation", "Colour nodes by what they give"),
    ("time", "Colour nodes by time"),
)


def commands(window: MainWindow) -> list[Command]:
    """What nodes and wires tell while the network trains."""

    def lens(name: str, title: str) -> Command:
        return Command(
            f"view.lens.{name}",
            title,
            with_bench(window, lambda bench: _set_lens(bench, name)),
            menu="View",
            section=6,
            enabled=window.has_project,
            checked=lambda: window.bench is not None and window.bench.lens == name,
        )

    return [
        *(lens(name, title) for name, title in _LENSES),
        Command(
            "wire.instrument",
            "Show what passes while it trains",
            with_bench(window, _toggle),
            ("Shift+I",),
            "View",
            6,
            enabled=lambda: window.bench is not None and bool(_wires(window.bench)),
            on_canvas=True,
        ),
        Command(
            "view.instruments_off",
            "Remove all instruments",
            with_bench(window, lambda bench: bench.instruments.clear()),
            menu="View",
            section=6,
            enabled=lambda: window.bench is not None and window.bench.has_instruments(),
        ),
    ]


def _set_lens(bench: Workbench, name: str) -> None:
    from netbuilder.gui.canvas.shading import Lens

    bench.instruments.set_lens(Lens(name))
    _tell_limits(bench)


def _toggle(bench: Workbench) -> None:
    bench.instruments.toggle(_wires(bench))
    _tell_limits(bench)


def _tell_limits(bench: Workbench) -> None:
    """Say why nothing will be seen of the run that goes on."""
    run = bench.session.run
    if run is not None and run.active and run.processes > 1 and bench.instruments.wanted:
        text = f"{run.name} is trained by {run.processes} processes: instruments are off there."
        bench.message.emit(f"{text} They show what a single process trains.", "warning")


def _wires(bench: Workbench) -> list[str]:
    """The selected wires; without any, those that leave the selected nodes."""
    scene = bench.canvas.canvas
    if scene.graph is None:
        return []
    chosen = [id for id in scene.graph.wires if id in scene.selection]
    if chosen:
        return chosen
    # One of each port: the others carry the same.
    found: dict[tuple[str, str], str] = {}
    for wire in scene.graph.wires.values():
        if wire.source in scene.selection:
            found.setdefault((wire.source, wire.source_port), wire.id)
    return list(found.values())
