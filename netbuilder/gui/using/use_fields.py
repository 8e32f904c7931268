"""Fields in which one tells a trained network what to look at, one kind for each kind of input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QImageReader, qGray
from PySide6.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QPlainTextEdit,
    QSpinBox,
    QWidget,
)

from netbuilder.data.pictures import SUFFIXES
from netbuilder.gui.look.flow import Flow
from netbuilder.gui.look.widgets import Choice, Switch, button, column, holder, label
from netbuilder.gui.using.drawing_pad import DrawingPad

PICTURES = "Pictures (*.png *.jpg *.jpeg *.webp *.bmp *.gif *.tif *.tiff)"
TEXT_BYTES = 2**16
"""So much of a text file is taken: what is longer than a sample is cut anyway."""
MOST = 2**31 - 1
LOOK = 32
"""Pixels a side by which it is told what is ink in a picture."""


class UseField(QWidget):
    """One input. `changed` tells that there is something new to look at."""

    changed = Signal()
    suffixes: tuple[str, ...] = ()
    """How files end that it takes."""

    def value(self) -> dict[str, Any] | None:
        """What `engine.using.ask` takes for this input; None while nothing is given."""
        raise NotImplementedError

    def show_file(self, path: str) -> None:
        """Take a file that ends in one of `suffixes`."""
        raise NotImplementedError

    def show_heard(self, heard: Mapping[str, Any]) -> None:
        """What the network heard of a recording; other fields hear nothing."""


class PictureField(UseField):
    """A sheet to draw on, or a file."""

    suffixes = tuple(sorted(SUFFIXES))

    def __init__(self, invert: bool) -> None:
        super().__init__()
        self.pad = DrawingPad()
        self.pad.drawn.connect(self._drew)
        self.open = button("Open a picture…", self._choose)
        self.clear = button("Clear", self.pad.clear)
        self.file = label("", "muted", wrap=True)
        self._counts_ink = invert
        self.invert = Switch("Dark is ink")
        self.invert.setChecked(invert)
        self.invert.toggled.connect(self.changed)
        self.invert.hide()
        self._path = ""
        # Beside the sheet where there is room, in a narrow window under it.
        flow = Flow()
        flow.addWidget(self.pad)
        flow.addWidget(holder(column(self.open, self.clear, self.file, self.invert, None)))
        self.setLayout(column(holder(flow)))

    def _drew(self) -> None:
        self.show_file("")

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a picture", "", PICTURES)
        if path:
            self.show_file(path)

    def show_file(self, path: str) -> None:
        """Look at a file in place of the drawing; empty for the drawing."""
        self._path = path
        self.file.setText(path.replace("\\", "/").rsplit("/", 1)[-1])
        self.invert.setVisible(bool(path))
        if path and self._counts_ink:
            # What is drawn on a dark ground is as the data has it.
            with QSignalBlocker(self.invert):
                self.invert.setChecked(not dark_ground(path))
            self.invert.update()
        self.changed.emit()

    def value(self) -> dict[str, Any] | None:
        if self._path:
            return {"path": self._path, "invert": self.invert.isChecked()}
        return None if self.pad.empty else {"pixels": self.pad.pixels(), "fit": True}


def dark_ground(path: str) -> bool:
    """Whether a picture's edge is dark by half and more; not of what can't be read here."""
    reader = QImageReader(path)
    reader.setScaledSize(QSize(LOOK, LOOK))
    image = reader.read()
    if image.isNull() or image.hasAlphaChannel():
        return False
    last = LOOK - 1
    edge = [at for n in range(LOOK) for at in ((n, 0), (n, last), (0, n), (last, n))]
    return sum(qGray(image.pixel(x, y)) < 128 for x, y in edge) * 2 >= len(edge)


class WordsField(UseField):
    """A text."""

    suffixes = (".txt", ".md", ".py")

    def __init__(self, hint: str = "") -> None:
        super().__init__()
        self.edit = QPlainTextEdit()
        self.edit.setPlaceholderText(hint or "Write a text")
        self.edit.setTabChangesFocus(True)
        self.edit.setFixedHeight(72)
        self.edit.textChanged.connect(self.changed)
        self.setLayout(column(self.edit))

    def show_file(self, path: str) -> None:
        """Write the text of a file here."""
        with suppress(OSError), open(path, "rb") as file:
            self.edit.setPlainText(file.read(TEXT_BYTES).decode("utf-8", "replace"))

    def value(self) -> dict[str, Any] | None:
        text = self.edit.toPlainText()
        return {"text": text} if text else None


class NumbersField(UseField):
    """Numbers with commas between them, or a list of lists as JSON has it."""

    def __init__(self, shape: Sequence[Any], meaning: str) -> None:
        super().__init__()
        self.edit = QLineEdit()
        count = "×".join(map(str, shape)) or "one number"
        self.edit.setPlaceholderText(f"{count}, with commas between them")
        self.edit.setToolTip(meaning)
        self.edit.textChanged.connect(self.changed)
        self.setLayout(column(self.edit))

    def value(self) -> dict[str, Any] | None:
        text = self.edit.text().strip()
        if not text:
            return None
        values = _nested(text)
        return {"values": text if values is None else values}


class ClassField(UseField):
    """One of some classes."""

    def __init__(self, classes: Sequence[str]) -> None:
        super().__init__()
        self.choice = Choice()
        self.choice.addItems(list(classes))
        self.choice.currentIndexChanged.connect(lambda: self.changed.emit())
        self.setLayout(column(self.choice))

    def value(self) -> dict[str, Any] | None:
        return {"class": self.choice.currentIndex()}


class SeedField(UseField):
    """Noise, told by its seed."""

    def __init__(self) -> None:
        super().__init__()
        self.seed = QSpinBox()
        self.seed.setRange(0, MOST)
        self.seed.setAccessibleName("Seed")
        self.seed.valueChanged.connect(lambda: self.changed.emit())
        another = button("Another", lambda: self.seed.setValue(self.seed.value() + 1))
        flow = Flow()
        for each in (label("Seed"), self.seed, another):
            flow.addWidget(each)
        self.setLayout(flow)

    def value(self) -> dict[str, Any] | None:
        return {"seed": self.seed.value()}


class SharedField(UseField):
    """What all samples of the data share; there is nothing to give."""

    def __init__(self) -> None:
        super().__init__()
        self.setLayout(column(label("As in the data", "muted")))

    def value(self) -> dict[str, Any] | None:
        return {}


class RowFields(QWidget):
    """A row of a table: a field for each column."""

    changed = Signal()

    def __init__(self, columns: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        form = QFormLayout(self)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setContentsMargins(0, 0, 0, 0)
        self._values: dict[str, Callable[[], str]] = {}
        for about in columns:
            name, classes = str(about.get("name")), about.get("classes") or ()
            field: Choice | QLineEdit
            if classes:
                field = Choice()
                field.addItems(["", *map(str, classes)])
                field.currentIndexChanged.connect(lambda: self.changed.emit())
                self._values[name] = field.currentText
            else:
                field = QLineEdit()
                field.textChanged.connect(lambda: self.changed.emit())
                self._values[name] = field.text
            field.setAccessibleName(name)
            caption = label(name)
            caption.setAlignment(Qt.AlignmentFlag.AlignVCenter)
            form.addRow(caption, field)

    def value(self) -> dict[str, str]:
        """What is written, by column."""
        return {name: value() for name, value in self._values.items()}


def field_for(about: Mapping[str, Any]) -> UseField:
    """The field for an input as `engine.using.describe` tells of it."""
    match about.get("kind"):
        case "image":
            return PictureField(bool(about.get("invert")))
        case "sound":
            from netbuilder.gui.using.use_sound import SoundField

            return SoundField()
        case "text":
            return WordsField(str(about.get("meaning", "")))
        case "class":
            return ClassField([str(name) for name in about.get("classes", ())])
        case "noise":
            return SeedField()
        case "shared":
            return SharedField()
    return NumbersField(about.get("shape", ()), str(about.get("meaning", "")))


def _nested(text: str) -> Any:
    """The numbers of a text; None if it has something else."""
    import json

    try:
        return json.loads(text if text.startswith("[") else f"[{text}]")
    except (ValueError, RecursionError):
        return None
