"""What the network makes of a few samples, as it learns, and how that grew over the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QSlider, QVBoxLayout, QWidget

from netbuilder.gui.look.widgets import (
    EmptyState,
    clear,
    column,
    holder,
    label,
    row,
    scroller,
    set_tip,
)
from netbuilder.gui.samples import CurveGrid, ImageGrid, image_of
from netbuilder.gui.training.preview_history import PreviewHistory
from netbuilder.gui.training.preview_views import CertaintyBars, Guess, PointCloud, TextList

_MAX = 16
_MAX_POINTS = 512
View = ImageGrid | CurveGrid | CertaintyBars | TextList | PointCloud


class PreviewGrid(QWidget):
    """The previews of one moment. Updated in place while their kinds stay the same."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(12, 4, 12, 12)
        self._column.setSpacing(8)
        self._shape: Any = None
        self._views: dict[str, View] = {}
        self._captions: dict[str, Any] = {}

    def clear(self) -> None:
        """Show nothing."""
        clear(self._column)
        self._views, self._captions, self._shape = {}, {}, None

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
        view = self._views[name] = _view_for(value)
        view.setAccessibleName(f"Preview {name}")
        self._column.addWidget(view)

    def _fill(self, name: str, value: Mapping[str, Any]) -> None:
        view, title = self._views[name], name.replace("_", " ")
        tones: list[bool | None] = []
        match view:
            case ImageGrid():
                pictures = _pictures(value)
                view.show_images(pictures)
                tones = [tone == "ok" for _, _, tone in pictures if tone]
            case CertaintyBars():
                guesses = _guesses(value)
                view.show_guesses(guesses)
                tones = [guess.right for guess in guesses if guess.right is not None]
            case TextList():
                view.show_texts(_texts(value))
            case PointCloud():
                names = [str(name) for name in _list(value.get("classes"), _MAX_POINTS)]
                labels = [c for c in _list(value.get("target"), _MAX_POINTS) if isinstance(c, int)]
                view.show_points(_points(value), labels, names)
                share = value.get("explained")
                if isinstance(share, int | float):
                    self._captions[name].setText(f"{title}: {share:.0%} of the variance")
            case CurveGrid():
                view.show_curves(_curves(value))
        if tones:
            self._captions[name].setText(f"{title}: {tones.count(True)} of {len(tones)} right")


class PreviewPanel(QWidget):
    """The latest previews of a run, and a slider back through those before."""

    def __init__(self) -> None:
        super().__init__()
        self.history = PreviewHistory()
        self.grid = PreviewGrid()
        self._latest: tuple[int, int, Any] | None = None
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, 0)
        self.slider.setAccessibleName("Epoch of the previews")
        set_tip(self.slider, "Back through the epochs; at the right end the latest are shown")
        self.moment = label("", "small")
        self.moment.setMinimumWidth(self.moment.fontMetrics().horizontalAdvance("epoch 0000"))
        self._row = holder(row(self.slider, self.moment, gap=8, margins=(12, 6, 12, 2)))
        self._row.hide()
        self.empty = EmptyState(
            "No previews yet",
            "Put a Preview node into the training step: it shows what the network makes of a "
            "few samples as it learns.",
        )
        self._scroll = scroller(self.grid)
        self._scroll.hide()
        layout = column(self._row, self.empty, gap=0)
        layout.addWidget(self._scroll, 1)
        layout.setStretch(1, 1)
        self.setLayout(layout)
        self.slider.valueChanged.connect(self._slid)

    def clear(self) -> None:
        """Show nothing, and forget."""
        self.history.clear()
        self.grid.clear()
        self._latest = None
        self.slider.setRange(0, 0)
        self._row.hide()
        self._scroll.hide()
        self.empty.show()

    def take(self, epoch: int, step: int, previews: Any) -> None:
        """Newer previews came; `refresh` shows them."""
        self.history.add(epoch, step, previews)
        self._latest = (epoch, step, previews)

    def refresh(self) -> None:
        """Show the newest that came, unless the person looks at older ones."""
        if self._latest is None:
            return
        _, _, previews = self._latest
        self._latest = None
        follows = self.slider.value() >= self.slider.maximum()
        last = max(0, len(self.history) - 1)
        self.slider.blockSignals(True)
        looked_at = self.slider.value()
        self.slider.setRange(0, last)
        self.slider.setValue(last if follows else min(looked_at, last))
        self.slider.blockSignals(False)
        self._row.setVisible(last > 0)
        self._scroll.show()
        self.empty.hide()
        if follows:
            self.grid.show_previews(previews)
        self._tell()

    def _slid(self, index: int) -> None:
        if index < len(self.history):
            self.grid.show_previews(self.history.previews(index))
            self._tell()

    def _tell(self) -> None:
        self.moment.setText(f"epoch {self.history.moment(self.slider.value()).epoch}")


def _view_for(value: Mapping[str, Any]) -> View:
    if _has_pictures(value):
        return ImageGrid(52)
    match value.get("kind"):
        case "class":
            return CertaintyBars()
        case "text":
            return TextList()
        case "embedding":
            return PointCloud()
    return CurveGrid()


def _list(value: Any, most: int = _MAX) -> list[Any]:
    return list(value[:most]) if isinstance(value, Sequence) and not isinstance(value, str) else []


def _has_pictures(value: Mapping[str, Any]) -> bool:
    given = value.get("input")
    pictured = isinstance(given, Mapping) and given.get("kind") == "image"
    return value.get("kind") == "image" or (value.get("kind") == "class" and pictured)


def _pictures(value: Mapping[str, Any]) -> list[tuple[QImage, str, str]]:
    if value.get("kind") == "image":
        outputs, targets = _list(value.get("output")), _list(value.get("target"))
        mixed = [(image, "target") for image in targets] + [
            (image, "output" * bool(targets)) for image in outputs
        ]
        if len(targets) == len(outputs):
            # Pairs side by side: what came in, what came out.
            pairs = zip(targets, outputs, strict=True)
            mixed = [entry for t, o in pairs for entry in ((t, "target"), (o, "output"))]
        found = [(image_of(values), text, "") for values, text in mixed]
        return [(image, text, tone) for image, text, tone in found if image is not None]
    images = [image_of(values) for values in _list(value["input"].get("samples"))]
    result = []
    for image, guess in zip(images, _guesses(value), strict=False):
        if image is not None:
            tone = "" if guess.right is None else "ok" if guess.right else "error"
            result.append((image, f"{guess.name} {guess.confidence:.0%}", tone))
    return result


def _guesses(value: Mapping[str, Any]) -> list[Guess]:
    names = _list(value.get("classes"), 10_000)

    def name(number: Any) -> str:
        known = isinstance(number, int) and 0 <= number < len(names)
        return str(names[number]) if known else str(number)

    odds, targets = _list(value.get("confidence")), _list(value.get("target"))
    found = []
    for at, said in enumerate(_list(value.get("predicted"))):
        sure = odds[at] if at < len(odds) and isinstance(odds[at], int | float) else 0.0
        judged = at < len(targets)
        right = targets[at] == said if judged else None
        found.append(Guess(name(said), float(sure), right, name(targets[at]) if judged else ""))
    return found


def _texts(value: Mapping[str, Any]) -> list[tuple[str, str]]:
    said, right = _list(value.get("output")), _list(value.get("target"))
    texts = [str(text) for text in right] + [""] * (len(said) - len(right))
    return list(zip([str(text) for text in said], texts, strict=False))


def _points(value: Mapping[str, Any]) -> list[Any]:
    points = _list(value.get("points"), _MAX_POINTS)
    good = all(isinstance(p, Sequence) and len(p) == 2 for p in points)
    return points if good else []


def _curves(value: Mapping[str, Any]) -> list[tuple[Any, float | None]]:
    given = value.get("input")
    outputs = _list(value.get("output"))
    if isinstance(given, Mapping) and given.get("kind") == "curve" and value.get("kind") == "value":
        windows = _list(given.get("samples"))
        return list(zip(windows, [float(output) for output in outputs], strict=False))
    return [(output, None) for output in outputs if isinstance(output, Sequence)]


def pictures_of(previews: Any, truth: int, said: int) -> list[tuple[QImage, str, str]]:
    """The pictures among previews that are of one class and were taken for another."""
    found = []
    for value in previews.values() if isinstance(previews, Mapping) else ():
        if isinstance(value, Mapping) and value.get("kind") == "class" and _has_pictures(value):
            pairs = zip(_list(value.get("target")), _list(value.get("predicted")), strict=False)
            shown = _pictures(value)
            fitting = [at for at, pair in enumerate(pairs) if pair == (truth, said)]
            found += [shown[at] for at in fitting if at < len(shown)]
    return found
