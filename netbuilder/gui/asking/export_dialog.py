"""Export: choose format and place, wait, and see what was checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog, QGridLayout, QHBoxLayout, QLineEdit, QWidget

from netbuilder.app.smaller import data_size
from netbuilder.engine.protocol import ExportProgress
from netbuilder.errors import ExportError, NetbuilderError
from netbuilder.exchange.options import FORMATS, ExportOptions
from netbuilder.gui.asking.export_errors import ErrorTable
from netbuilder.gui.asking.waiting_dialog import CallsOff, WaitingDialog
from netbuilder.gui.look.widgets import Choice, Switch, button, label

TITLES: Mapping[str, tuple[str, str, str]] = {
    "onnx": ("ONNX", ".onnx", "Runs nearly everywhere. Checked against ONNX Runtime."),
    "pt2": ("PyTorch program (pt2)", ".pt2", "torch.export: runs in PyTorch without the code."),
    "safetensors": ("Weights (safetensors)", ".safetensors", "The weights alone, by name."),
    "code": ("Python code", ".py", "The PyTorch source, without weights."),
    "package": (
        "PyTorch package",
        "",
        "A new folder: source, data and a script that trains to the same loss without netbuilder.",
    ),
}

VALUES: Mapping[str | None, str] = {
    None: "As the network sees them",
    "probabilities": "As in the data; classes as probabilities",
    "class": "As in the data; the likeliest class",
    "scores": "As in the data; classes as scores",
}
"""What the file takes and gives: with all but the first, normalisation is built in."""
PRECISIONS: Mapping[str | None, str] = {
    None: "As trained",
    "fp16": "16-bit floats (fp16)",
    "int8": "8-bit integers (int8)",
    "int8-static": "8-bit, ranges from training samples",
}
OPSETS = range(15, 24)
"""Those that the exporter writes."""

Answer = dict[str, Any] | NetbuilderError


class Exports(CallsOff, Protocol):
    """What the dialog needs of `app.session.Session`."""

    def export(
        self,
        options: ExportOptions,
        out: Path,
        on_done: Callable[[Answer], None],
        *,
        tell: Callable[[ExportProgress], None] | None = None,
    ) -> None: ...


class ExportDialog(WaitingDialog):
    """What is verified, and by how much each node departs, is shown in the end.

    `node_wanted`: show the node at which it departs or failed; its graph and its id.
    """

    node_wanted = Signal(str, str)

    def __init__(
        self,
        session: Exports,
        networks: Sequence[str],
        folder: Path,
        stem: str,
        trained: bool,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(session, "export", parent)
        self._session = session
        self._folder, self._stem = folder, stem
        self._result: Path | None = None
        self._node = ("", "")
        self._build(networks, trained)
        self._format_changed()

    def _build(self, networks: Sequence[str], trained: bool) -> None:
        self.format = Choice()
        for id, (title, _, _) in TITLES.items():
            self.format.addItem(title, id)
        self.format.currentIndexChanged.connect(self._format_changed)
        self.about = label("", "muted", wrap=True)
        self.network = Choice()
        for name in networks:
            self.network.addItem(name, name)
        self.values = Choice()
        self.values.setAccessibleName("Values that the file takes and gives")
        for value, title in VALUES.items():
            self.values.addItem(title, value)
        self.values_label = label("Values", "field")
        self.precision = Choice()
        self.precision.setAccessibleName("Precision of the weights")
        for value, title in PRECISIONS.items():
            self.precision.addItem(title, value)
        self.opset = Choice()
        self.opset.setAccessibleName("Opset of the ONNX file")
        self.opset.addItem("The usual one", None)
        for number in OPSETS:
            self.opset.addItem(str(number), number)
        self.per_node = Switch("Compare node by node too")
        self.per_node.setToolTip(
            "Holds what each node gives against the file's values on the same samples."
        )
        self.path = QLineEdit()
        self.path.setAccessibleName("File to write")
        self.path.textChanged.connect(lambda _: self._check())
        self.choose = button("Choose…", self._choose)
        weights = (
            "The weights are those of the last training."
            if trained
            else "Nothing was trained yet: the weights will be random."
        )
        self.nodes = ErrorTable()
        self.nodes.hide()
        self.show_file = button("Show in folder", self._show_file)
        self.show_file.hide()
        self.show_node = button("Show the node", self._show_node)
        self.show_node.hide()
        self.export = button("Export", self._export, "primary")
        self.export.setDefault(True)
        grid = QGridLayout()
        grid.addWidget(label("Format", "field"), 0, 0)
        grid.addWidget(self.format, 0, 1, 1, 2)
        grid.addWidget(self.about, 1, 1, 1, 2)
        if len(networks) > 1:
            grid.addWidget(label("Network", "field"), 2, 0)
            grid.addWidget(self.network, 2, 1, 1, 2)
        grid.addWidget(self.values_label, 3, 0)
        grid.addWidget(self.values, 3, 1, 1, 2)
        self.precision_label = label("Precision", "field")
        self.opset_label = label("Opset", "field")
        grid.addWidget(self.precision_label, 4, 0)
        grid.addWidget(self.precision, 4, 1, 1, 2)
        grid.addWidget(self.opset_label, 5, 0)
        grid.addWidget(self.opset, 5, 1, 1, 2)
        grid.addWidget(self.per_node, 6, 1, 1, 2)
        self._choices: Mapping[str, Sequence[QWidget]] = {
            "prepared": (self.values, self.values_label),
            "precision": (self.precision, self.precision_label),
            "opset": (self.opset, self.opset_label),
            "per_node": (self.per_node,),
        }
        grid.addWidget(label("File", "field"), 7, 0)
        grid.addWidget(self.path, 7, 1)
        grid.addWidget(self.choose, 7, 2)
        page = self._page("Export", weights, grid)
        page.addStretch(1)
        # Beside the rest: below it they would not fit on a small screen.
        both = QHBoxLayout()
        both.setSpacing(24)
        both.addLayout(page, 1)
        both.addWidget(self.nodes)
        self._lay_out(both, self.show_file, self.show_node, None, self.close_button, self.export)

    def _format_changed(self) -> None:
        _, suffix, about = TITLES[self.format.currentData()]
        self.about.setText(about)
        offered = FORMATS[self.format.currentData()]
        for name, parts in self._choices.items():
            for part in parts:
                part.setVisible(name in offered)
        current = Path(self.path.text()) if self.path.text() else self._folder / self._stem
        known = {entry[1] for entry in TITLES.values()}
        stem = current.with_suffix("") if current.suffix in known else current
        self.path.setText(f"{stem}{suffix}")

    def _choose(self) -> None:
        title, suffix, _ = TITLES[self.format.currentData()]
        path, _ = QFileDialog.getSaveFileName(
            self, "Export to", self.path.text(), f"{title} (*{suffix})"
        )
        if path:
            self.path.setText(path if Path(path).suffix else path + suffix)

    def _check(self) -> None:
        self.export.setEnabled(bool(self.path.text().strip()) and not self.busy)

    def _export(self) -> None:
        out = Path(self.path.text().strip()).expanduser()
        self.nodes.hide()
        self.show_file.hide()
        self.show_node.hide()
        self._begin("Waiting for the worker")
        self._check()
        self._session.export(self._options(), out, self._done, tell=self._tell)

    def _options(self) -> ExportOptions:
        """What was chosen beside the place; of the format, what it has."""
        to = self.format.currentData()
        chosen = {
            "prepared": self.values.currentData(),
            "precision": self.precision.currentData(),
            "opset": self.opset.currentData(),
            "per_node": self.per_node.isChecked(),
        }
        known = {name: value for name, value in chosen.items() if name in FORMATS[to]}
        return ExportOptions(to, self.network.currentData(), **known)

    def _done(self, answer: Answer) -> None:
        if self._closed:
            return
        self._end()
        self._check()
        self._node = _node_of(answer)
        self.show_node.setVisible(bool(self._node[1]))
        errors = answer.nodes if isinstance(answer, ExportError) else ()
        if not isinstance(answer, NetbuilderError):
            errors = answer.get("nodes") or ()
        self.nodes.show_errors(errors)
        if isinstance(answer, NetbuilderError):
            self._say("errorbox", str(answer), answer.hint)
            return
        self._result = Path(str(answer.get("path", "")))
        verified, error = answer.get("verified"), answer.get("max_rel_error")
        lines = [f"{self._result}", *_beside(answer)]
        sizes = answer.get("batch_sizes") or answer.get("checked_batch_sizes")
        if isinstance(sizes, Sequence) and sizes:
            lines.append("Compared at batch sizes " + ", ".join(map(str, sizes)) + ".")
        for side in ("inputs", "outputs"):
            ports = answer.get(side)
            if isinstance(ports, Mapping) and ports:
                shown = (f"{name} {_dims(dims)}" for name, dims in ports.items())
                lines.append(f"{side.title()}: " + ", ".join(shown))
        departs = answer.get("departs")
        if verified and isinstance(departs, Mapping):
            text = f"Written and verified; but the node '{departs.get('name')}' departs."
            self._say("errorbox", text, "\n".join(lines))
        elif verified:
            deviation = f" Largest relative error {error:.1e}." if _real(error) else ""
            self._say("okbox", f"Written and verified.{deviation}", "\n".join(lines))
        elif verified is None or self.format.currentData() == "code":
            self._say("okbox", "Written.", "\n".join(lines))
        else:
            self._say("errorbox", "Written, but the check did not hold.", "\n".join(lines))
        self.show_file.show()

    def _show_node(self) -> None:
        self.node_wanted.emit(*self._node)

    def _show_file(self) -> None:
        if self._result is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._result.parent)))


def _node_of(answer: Answer) -> tuple[str, str]:
    """The graph and the node that an answer blames; empty texts if none."""
    if isinstance(answer, ExportError):
        return answer.graph, answer.node
    departs = None if isinstance(answer, NetbuilderError) else answer.get("departs")
    if not isinstance(departs, Mapping):
        return "", ""
    return str(departs.get("graph", "")), str(departs.get("node", ""))


def _beside(answer: Mapping[str, Any]) -> list[str]:
    """Files beside the one that was asked for, and what another precision changed."""
    lines = [f"{each} (keep it beside)" for each in answer.get("files", ())[1:]]
    sizes, metrics = answer.get("bytes"), answer.get("metrics")
    if isinstance(sizes, Mapping):
        before, now = (data_size(sizes.get(when)) for when in ("before", "after"))
        lines.append(f"{before} before, {now} now.")
    elif "size" in answer:
        lines.append(f"{data_size(answer['size'])} in all.")
    if isinstance(metrics, Mapping):
        after = metrics.get("after") or {}
        for name, value in (metrics.get("before") or {}).items():
            if _real(value) and _real(after.get(name)):
                lines.append(f"{name}: {value:.4g} before, {after[name]:.4g} now.")
    if answer.get("precision") and answer.get("nodes"):
        lines.append("The table of nodes is of the file before it was made smaller.")
    return lines


def _real(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _dims(dims: Any) -> str:
    return "×".join(map(str, dims)) if isinstance(dims, Sequence) else str(dims)
