"""What the compiler says of a node: the shapes that come in and go out, its weights."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from netbuilder.app.looks import NodeLook
from netbuilder.compiler.report import NodeReport, TensorReport
from netbuilder.gui.inspecting.field_row import LABEL_WIDTH
from netbuilder.gui.look.widgets import label, selectable
from netbuilder.layers.base import Ports


def tensor_text(tensor: TensorReport | None) -> str:
    """`N×64×28×28`, with the dtype where that is not the usual one."""
    if tensor is None:
        return "–"
    return tensor.text if tensor.dtype == "float32" else f"{tensor.text}  {tensor.dtype}"


def cost_text(macs: int, total: int) -> str:
    """`1.18 M, 12 %`: multiply-accumulates of a sample, and their share of the network's."""
    size, unit = float(macs), ""
    for unit in ("", " k", " M", " G", " T"):
        if size < 1000 or unit == " T":
            break
        size /= 1000
    shown = f"{size:.3g}{unit}" if macs >= 1000 else str(macs)
    return f"{shown}, {100 * macs / total:.0f} %" if total else shown


def memory_text(size: int) -> str:
    """`12.3 kB`: memory that training keeps of a sample; empty for none."""
    if not size:
        return ""
    shown, unit = float(size), ""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if shown < 1000 or unit == "TB":
            break
        shown /= 1000
    return f"{shown:.3g} {unit}"


def facts(
    ports: Ports, report: NodeReport, *, weighty: bool, cost: str = "", kept: str = ""
) -> list[tuple[str, str]]:
    """Name and value of each line; `weighty` nodes show their count even while it is 0."""
    lines = [
        (f"{port.name} in", tensor_text(report.inputs.get(port.name)))
        for port in ports.inputs
        if not (port.optional and port.name not in report.inputs)
    ]
    lines += [(f"{p.name} out", tensor_text(report.outputs.get(p.name))) for p in ports.outputs]
    if report.parameters or weighty:
        lines.append(("parameters", f"{report.parameters:,}"))
    if cost:
        lines.append(("multiply-adds", cost))
    if kept:
        lines.append(("kept in training", kept))
    return lines


def look_lines(look: NodeLook | None) -> list[tuple[str, str]]:
    """What a training shows of a node: how strongly it learns, what it gives, its time."""
    if look is None:
        return []
    lines = []
    if look.gradient is not None:
        lines.append(("gradient length", f"{look.gradient:.3g}"))
    if look.weight is not None:
        lines.append(("weight length", f"{look.weight:.3g}"))
    first = next((output for output in look.outputs if output is not None), None)
    if first is not None and first.mean is not None and first.std is not None:
        lines.append(("gives", f"{first.mean:.3g} ± {first.std:.3g}"))
        lines.append(("from, to", f"{first.low or 0.0:.3g}, {first.high or 0.0:.3g}"))
    if first is not None and first.dead:
        lines.append(("dead units", f"{first.dead:.1%}"))
    if first is not None and first.bad:
        lines.append(("not finite", f"{first.bad:,}"))
    if look.ms is not None:
        lines.append(("time", f"{look.ms:.3g} ms"))
    return lines


class Facts(QWidget):
    """Lines of a name and a value that change in place."""

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnMinimumWidth(0, LABEL_WIDTH)
        self._grid.setColumnStretch(1, 1)
        self._labels: list[tuple[QLabel, QLabel]] = []

    def show_lines(self, lines: Sequence[tuple[str, str]]) -> None:
        """Show these and no others."""
        while len(self._labels) < len(lines):
            pair = label("", "field"), selectable("", "shape")
            for column, part in enumerate(pair):
                self._grid.addWidget(part, len(self._labels), column)
            self._labels.append(pair)
        for at, parts in enumerate(self._labels):
            shown = at < len(lines)
            for part, text in zip(parts, lines[at] if shown else ("", ""), strict=True):
                if part.text() != text:
                    part.setText(text)
                part.setVisible(shown)

    def lines(self) -> dict[str, str]:
        """What is shown, by name."""
        return {name.text(): value.text() for name, value in self._labels if name.text()}
