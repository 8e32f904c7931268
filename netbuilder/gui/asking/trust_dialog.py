"""The question whether a person's own file may run. Asked only when it is about to."""

from __future__ import annotations

import unicodedata
from functools import partial
from typing import Literal

from PySide6.QtWidgets import QDialog, QWidget

from netbuilder.errors import DocumentError
from netbuilder.gui.code_panel import CodeView
from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import button, column, row, selectable
from netbuilder.layers import signatures
from netbuilder.storage.code_files import Found

Answer = Literal["", "code", "folder"]
"""Nothing, this content, or all files of its folder are trusted."""
ANSWERS: tuple[Answer, ...] = ("", "code", "folder")


def visible(text: str) -> str:
    """The text with characters that show nothing, or turn the line round, as escapes."""
    return "".join(_shown(letter) for letter in text.replace("\r\n", "\n"))


def _shown(letter: str) -> str:
    if letter in "\n\t" or unicodedata.category(letter) not in ("Cf", "Cc", "Zl", "Zp", "Co", "Cn"):
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"


class TrustDialog(QDialog):
    """Shows the whole source and what it imports; keeping it restricted is the default."""

    def __init__(self, found: Found, where: str, *, folder: bool, parent: QWidget | None) -> None:
        """`where` is the file's place; `folder` offers to trust all of its folder."""
        super().__init__(parent)
        name = found.file.path
        self.setWindowTitle("netbuilder")
        self.setObjectName("trust")
        self.setStyleSheet(style.sheet())
        self.setMinimumSize(560, 480)
        self.resize(760, 680)
        changed = " has changed. Trust it as it is now?" if found.state == "changed" else "?"
        self.title = selectable(f"Trust {name}{changed}", "title")
        self.text = selectable(
            "Training and export run this file, and the shapes of its layers need it too. Code can "
            "do whatever you can do on this computer. Read it, and trust it only if you know what "
            "it does."
        )
        self.limits = selectable(
            "It runs in a process apart from this window. That protects from accidents, not from "
            "malice.",
            "muted",
        )
        self.imports = selectable(f"It imports {_imports(found)}.")
        self.place = selectable(f"{where}\nsha256:{found.sha256}", "small")
        self.source = CodeView()
        self.source.setPlainText(visible(found.source.decode("utf-8", "replace")))
        self.source.setAccessibleName(f"Source of {name}")
        keep = button("Keep restricted", partial(self.done, 0), "primary")
        keep.setDefault(True)
        trust = button("Trust this code", partial(self.done, 1))
        self.choices = [keep, trust]
        line = [None, trust, keep]
        if folder:
            whole = button("Trust this folder", partial(self.done, 2))
            whole.setAutoDefault(False)
            self.choices.append(whole)
            line = [whole, *line]
        trust.setAutoDefault(False)
        layout = column(self.title, self.text, self.limits, gap=8, margins=(24, 24, 24, 16))
        layout.addSpacing(8)
        layout.addWidget(self.imports)
        layout.addWidget(self.source, 1)
        layout.addWidget(self.place)
        layout.addSpacing(8)
        layout.addLayout(row(*line))
        self.setLayout(layout)
        keep.setFocus()

    def reject(self) -> None:
        self.done(0)

    def ask(self) -> Answer:
        """Show it and wait for the answer; Escape keeps the file restricted."""
        try:
            return ANSWERS[self.exec()]
        finally:
            self.deleteLater()


def _imports(found: Found) -> str:
    try:
        names = signatures.read(found.source).imports
    except DocumentError as error:
        return f"something that can't be told. {str(error).rstrip('.')}"
    return ", ".join(names) or "nothing"
