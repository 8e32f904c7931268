"""A recording for a trained network: chosen or dropped, and shown as the network hears it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFileDialog

from netbuilder.gui.bringing.data_pictures import unpacked
from netbuilder.gui.look.cells import Sounds
from netbuilder.gui.look.flow import Flow
from netbuilder.gui.look.widgets import button, column, holder, label
from netbuilder.gui.using.use_fields import UseField

WAVES = (".wav", ".wave")
WIDEST, TALL = 420, 150
INVITATION = (
    "Open or drop a WAV file. There is no microphone here: record with another program, as WAV."
)


class OneSound(Sounds):
    """One recording, as wide as there is room."""

    def resizeEvent(self, event: object) -> None:
        self.CELL = QSize(max(80, min(WIDEST, self.width())), TALL)
        super().resizeEvent(event)


class SoundField(UseField):
    """A WAV file."""

    suffixes = WAVES

    def __init__(self) -> None:
        super().__init__()
        self._path = ""
        self.open = button("Open a recording…", self._choose)
        self.file = label("", "muted")
        self.words = label(INVITATION, "muted", wrap=True)
        self.wave = OneSound()
        self.wave.hide()
        flow = Flow()
        flow.addWidget(self.open)
        flow.addWidget(self.file)
        self.setLayout(column(holder(flow), self.words, self.wave))

    def _choose(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open a recording", "", "Sounds (*.wav *.wave)")
        if path:
            self.show_file(path)

    def show_file(self, path: str) -> None:
        """Ask about a file."""
        self._path = path
        self.file.setText(path.replace("\\", "/").rsplit("/", 1)[-1])
        self.words.setText("")
        self.words.hide()
        self.wave.hide()
        self.changed.emit()

    def show_heard(self, heard: Mapping[str, Any]) -> None:
        """What the network heard of it, as `engine.giving.Heard` tells."""
        own, rate = float(heard["own_seconds"]), float(heard["own_rate"])
        seconds = float(heard["seconds"])
        cut = "silence follows" if own < seconds else "its beginning" if own > seconds else ""
        told = f"{own:.2f} s at {rate / 1000:g} kHz"
        if (own, rate) != (seconds, float(heard["rate"])):
            told += f"; heard: {seconds:.2f} s at {float(heard['rate']) / 1000:g} kHz"
            told += f", {cut}" if cut else ""
        self.words.setText(told)
        self.words.show()
        low, high = ([x or 0.0 for x in heard[name]] for name in ("low", "high"))
        self.wave.show_sounds([(low, high, unpacked(heard["spectrum"]), "")])
        self.wave.setAccessibleName("The recording, as the network hears it")
        self.wave.setAccessibleDescription(told)
        self.wave.show()

    def value(self) -> dict[str, Any] | None:
        return {"path": self._path} if self._path else None
