"""Data sets from the network: what there is, how large; fetched on request, shown as it comes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QWidget,
)

from netbuilder.app.settings import SettingsStore
from netbuilder.engine.protocol import DownloadProgress
from netbuilder.errors import NetbuilderError
from netbuilder.gui.look import style
from netbuilder.gui.look.widgets import Switch, button, column, label, row, selectable, set_role

HUB = "hf:owner/name"


class Fetches(Protocol):
    """What the dialog needs of `app.fetching.Fetching`."""

    def listed(self) -> list[dict[str, Any]]: ...
    def fetch(
        self, what: str, tell: Callable[[DownloadProgress], None], then: Callable[[Any], None]
    ) -> None: ...
    def cancel(self) -> None: ...


class FetchDialog(QDialog):
    """Nothing is fetched before *Download* is pressed; closing calls off what is under way."""

    fetched = Signal(object)
    """The folder of a data set that is here now."""

    def __init__(
        self, fetching: Fetches, settings: SettingsStore, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._fetching, self._settings = fetching, settings
        self._under_way = ""
        self.setWindowTitle("Download data")
        self.setObjectName("fetch")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setStyleSheet(style.sheet())
        self.setMinimumWidth(520)
        self.list = QListWidget()
        self.list.setAccessibleName("Data sets")
        self.list.setFixedHeight(148)
        self.list.currentItemChanged.connect(lambda: self._show())
        self.list.itemActivated.connect(lambda: self._begin())
        self.about = selectable("", "muted")
        self.hub = QLineEdit()
        self.hub.setPlaceholderText(f"Or a data set of the Hugging Face Hub: {HUB}")
        self.hub.setAccessibleName("Data set of the Hub")
        self.hub.textChanged.connect(lambda: self._show())
        self.offline = Switch("Stay offline")
        self.offline.setChecked(settings.value.offline)
        self.offline.toggled.connect(self._stay_offline)
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.hide()
        self.verdict = selectable("")
        self.verdict.hide()
        self.close_ = button("Close", self.reject)
        self.download = button("Download", self._begin, "primary")
        self.download.setDefault(True)
        layout = column(
            label("Download data", "title"),
            self.list,
            self.about,
            self.hub,
            self.progress,
            self.verdict,
            gap=8,
            margins=(24, 24, 24, 16),
        )
        layout.addSpacing(8)
        layout.addLayout(row(self.offline, None, self.close_, self.download))
        self.setLayout(layout)
        self._fill()

    def _fill(self) -> None:
        """What there is, with the same one chosen as before."""
        at = max(0, self.list.currentRow())
        self.list.clear()
        for each in self._fetching.listed():
            here = "on this computer" if each.get("there") else megabytes(each.get("bytes"))
            item = QListWidgetItem(f"{each['title']}   {here}")
            item.setData(Qt.ItemDataRole.UserRole, each)
            self.list.addItem(item)
        self.list.setCurrentRow(min(at, self.list.count() - 1))
        self._show()

    def _chosen(self) -> dict[str, Any]:
        item = self.list.currentItem()
        found = item.data(Qt.ItemDataRole.UserRole) if item is not None else None
        return dict(found) if isinstance(found, dict) else {}

    def _wanted(self) -> str:
        return self.hub.text().strip() or str(self._chosen().get("id", ""))

    def _show(self) -> None:
        chosen, hub = self._chosen(), bool(self.hub.text().strip())
        about = "" if hub else f"{chosen.get('about', '')} {chosen.get('page', '')}".strip()
        self.about.setText(about)
        here = bool(chosen.get("there")) and not hub
        self.download.setText("Use" if here else "Download")
        may = here or not self._settings.value.offline
        self.download.setEnabled(bool(self._wanted()) and not self._under_way and may)

    def _stay_offline(self, on: bool) -> None:
        self._settings.update(offline=on)
        self._show()

    # -- fetching -------------------------------------------------------------------------

    def _begin(self) -> None:
        what = self._wanted()
        if not what or self._under_way:
            return
        if not self.hub.text().strip() and self._chosen().get("there"):
            self.fetched.emit(Path(self._chosen()["folder"]))
            self.accept()
            return
        self._under_way = what
        self._say("Asking for it…")
        self.progress.setValue(0)
        self.progress.show()
        self.close_.setText("Cancel")
        self._show()
        self._fetching.fetch(what, self._tell, self._done)

    def _tell(self, progress: DownloadProgress) -> None:
        if progress.what == self._under_way:
            done, total = megabytes(progress.done), megabytes(progress.total)
            self.progress.setValue(round(1000 * progress.done / max(1, progress.total)))
            self._say(f"{progress.file}: {done} of {total}")

    def _done(self, answer: Any) -> None:
        if not self._under_way:
            return
        self._under_way = ""
        self.progress.hide()
        self.close_.setText("Close")
        if isinstance(answer, NetbuilderError) or not isinstance(answer, dict):
            hint = getattr(answer, "hint", "")
            self._say(f"{answer} {hint}".strip(), "error")
            self._show()
            return
        self.fetched.emit(Path(answer["folder"]))
        self.accept()

    def reject(self) -> None:
        if self._under_way:
            # What came so far stays: the next time it goes on from there.
            self._under_way = ""
            self._fetching.cancel()
        super().reject()

    def _say(self, text: str, role: str = "muted") -> None:
        set_role(self.verdict, role)
        self.verdict.setText(text)
        self.verdict.setVisible(bool(text))


def megabytes(count: Any) -> str:
    """A number of bytes for people."""
    if not isinstance(count, int | float):
        return ""
    return f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.2f} GB"
