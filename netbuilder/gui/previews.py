"""What the network makes of a few samples, as it learns: pictures, classes, curves, values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QVBoxLayout, QWidget

from netbuilder.gui.samples import CurveGrid, ImageGrid, image_of
from netbuilder.gui.widgets import clear, label

_MAX = 16


class PreviewGrid(QWidget):
    """The latest previews of a run. Updated in place while their kinds stay the same."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 8, 12, 12)
        self._column.setSpacing(8)
        self._shape: Any = None
        self._grids: dict[str, ImageGrid | CurveGrid] = {}
        self._captions: dict[str, Any] = {}

    def clear(self) -> None:
        """Show nothing."""
        clear(self._column)
        self._grids, self._captions, self._shape = {}, {}, None

    def show_previews(self, previews: Any) -> None:
        """Show what a `preview` event holds; what can't be understood is left out."""
        if not isinstance(previews, Mapping):
            return
        shown = {str(name): value for name, value in previews.items() if isinstance(value, Mapping)}
        shape = [(name, value.get("kind"), _has_pictures(value)) for name, value in shown.items()]
        if shape != self._shape:
            self.clear()
            self._shape = shape
            for name, value in shown.items():
                self._add(name, value)
            self._column.addStretch(1)
        for name, value in shown.items():
            self._fill(name, value)

    def _add(self, name: str, value: Mapping[str, Any]) -> None:
        caption = self._captions[name] = label(name.replace("_", " "), "group")
        self._column.addWidget(caption)
        grid = ImageGrid(52) if _has_pictures(value) else CurveGrid()
        self._grids[name] = grid
        self._column.addWidget(grid)

    def _fill(self, name: str, value: Mapping[str, Any]) -> None:
        grid = self._grids[name]
        if isinstance(grid, ImageGrid):
            pictures = _pictures(value)
            grid.show_images(pictures)
            judged = [tone for _, _, tone in pictures if tone]
            if judged:
                right = judged.count("ok")
                title = name.replace("_", " ")
                self._captions[name].setText(f"{title}: {right} of {len(judged)} right")
        else:
            grid.show_curves(_curves(value))


def _list(value: Any) -> list[Any]:
    return list(value[:_MAX]) if isinstance(value, Sequence) else []


def _has_pictures(value: Mapping[str, Any]) -> bool:
    given = value.get("input")
    pictured = isinstance(given, Mapping) and given.get("kind") == "image"
    return value.get("kind") == "image" or (value.get("kind") == "class" and pictured)


def _pictures(value: Mapping[str, Any]) -> list[tuple[QImage, str, str]]:
    if value.get("kind") == "image":
        outputs, targets = _list(value.get("output")), _list(value.get("target"))
        mixed = [(image, "target") for image in targets] + [(image, "output") for image in outputs]
        if len(targets) == len(outputs):
            # Pairs side by side: what came in, what came out.
            pairs = zip(targets, outputs, strict=True)
            mixed = [entry for t, o in pairs for entry in ((t, "target"), (o, "output"))]
        found = [(image_of(values), text, "") for values, text in mixed]
        return [(image, text, tone) for image, text, tone in found if image is not None]
    names = value.get("classes")
    names = names if isinstance(names, Sequence) else []
    images = [image_of(values) for values in _list(value["input"].get("samples"))]
    predicted, odds = _list(value.get("predicted")), _list(value.get("confidence"))
    targets = _list(value.get("target"))
    result = []
    for at, (image, said) in enumerate(zip(images, predicted, strict=False)):
        if image is None:
            continue
        name = str(names[said]) if isinstance(said, int) and 0 <= said < len(names) else str(said)
        sure = f" {odds[at]:.0%}" if at < len(odds) else ""
        tone = ("ok" if targets[at] == said else "error") if at < len(targets) else ""
        result.append((image, name + sure, tone))
    return result


def _curves(value: Mapping[str, Any]) -> list[tuple[Any, float | None]]:
    given = value.get("input")
    outputs = _list(value.get("output"))
    if isinstance(given, Mapping) and given.get("kind") == "curve" and value.get("kind") == "value":
        windows = _list(given.get("samples"))
        return list(zip(windows, [float(output) for output in outputs], strict=False))
    return [(output, None) for output in outputs if isinstance(output, Sequence)]
