"""Downloads by hand: nothing before it is asked for, progress, cancelling, staying offline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from netbuilder.app.settings import SettingsStore
from netbuilder.engine.protocol import DownloadProgress
from netbuilder.errors import NetbuilderError
from netbuilder.gui.bringing.fetch_dialog import FetchDialog
from tests.gui.window_hand import settle

LEFT = Qt.MouseButton.LeftButton


class StandIn:
    """A network that does what it is told."""

    def __init__(self) -> None:
        self.there: set[str] = set()
        self.asked: list[str] = []
        self.cancelled = 0
        self.tell: Callable[[DownloadProgress], None] = lambda progress: None
        self.then: Callable[[Any], None] = lambda answer: None

    def listed(self) -> list[dict[str, Any]]:
        return [
            {
                "id": id,
                "title": id.upper(),
                "about": f"About {id}.",
                "page": "",
                "bytes": 11_500_000,
                "there": id in self.there,
                "folder": f"/data/{id}",
            }
            for id in ("mnist", "cifar10")
        ]

    def fetch(
        self, what: str, tell: Callable[[DownloadProgress], None], then: Callable[[Any], None]
    ) -> None:
        self.asked.append(what)
        self.tell, self.then = tell, then

    def cancel(self) -> None:
        self.cancelled += 1


@pytest.fixture
def network() -> StandIn:
    return StandIn()


@pytest.fixture
def dialog(qapp: QApplication, network: StandIn, tmp_path: Path) -> Iterator[FetchDialog]:
    made = FetchDialog(network, SettingsStore(tmp_path / "settings.json"))
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    made.show()
    yield made
    made.close()
    made.deleteLater()
    settle()


def test_a_data_set_comes_when_it_is_asked_for(dialog: FetchDialog, network: StandIn) -> None:
    came: list[Any] = []
    dialog.fetched.connect(came.append)
    assert network.asked == []
    assert "11.5 MB" in dialog.list.item(0).text()
    assert dialog.about.text() == "About mnist."
    QTest.mouseClick(dialog.download, LEFT)
    assert network.asked == ["mnist"]
    assert not dialog.download.isEnabled()
    network.tell(DownloadProgress("mnist", "train.gz", 5_000_000, 11_500_000))
    assert dialog.progress.value() == 435
    assert dialog.verdict.text() == "train.gz: 5.0 MB of 11.5 MB"
    network.then({"folder": "/data/mnist", "title": "MNIST"})
    assert came == [Path("/data/mnist")]
    assert not dialog.isVisible()


def test_what_went_wrong_is_told_and_it_can_be_tried_again(
    dialog: FetchDialog, network: StandIn
) -> None:
    QTest.mouseClick(dialog.download, LEFT)
    network.then(NetbuilderError("There is no connection.", "Try again later."))
    assert dialog.verdict.text() == "There is no connection. Try again later."
    assert dialog.progress.isHidden()
    QTest.mouseClick(dialog.download, LEFT)
    assert network.asked == ["mnist", "mnist"]


def test_cancel_calls_it_off(dialog: FetchDialog, network: StandIn) -> None:
    came: list[Any] = []
    dialog.fetched.connect(came.append)
    QTest.mouseClick(dialog.download, LEFT)
    QTest.mouseClick(dialog.close_, LEFT)
    assert network.cancelled == 1
    network.then(NetbuilderError("Cancelled."))
    network.then({"folder": "/data/mnist"})
    assert came == []


def test_offline_means_offline(dialog: FetchDialog, network: StandIn) -> None:
    QTest.mouseClick(dialog.offline, LEFT, pos=dialog.offline.rect().center())
    assert dialog._settings.value.offline
    assert not dialog.download.isEnabled()
    QTest.keyClicks(dialog.hub, "hf:owner/name")
    assert not dialog.download.isEnabled()
    # What is here already needs no network.
    network.there.add("mnist")
    dialog.hub.clear()
    dialog._fill()
    came: list[Any] = []
    dialog.fetched.connect(came.append)
    assert dialog.download.text() == "Use"
    QTest.mouseClick(dialog.download, LEFT)
    assert came == [Path("/data/mnist")]
    assert network.asked == []


def test_the_hub_by_name(dialog: FetchDialog, network: StandIn) -> None:
    QTest.keyClicks(dialog.hub, "hf:owner/name")
    QTest.mouseClick(dialog.download, LEFT)
    assert network.asked == ["hf:owner/name"]
