"""Fetching as the window, the worker and the command line do it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from netbuilder.app.consent import ConsentStore
from netbuilder.app.fetching import Fetching
from netbuilder.app.link import OnDone
from netbuilder.app.settings import SettingsStore
from netbuilder.cli import main
from netbuilder.data import downloads, fetching
from netbuilder.data.downloads import Cancelled, Collection, Remote
from netbuilder.data.made import published
from netbuilder.engine.downloading import Downloads
from netbuilder.engine.protocol import DownloadProgress, decode, encode, event_of
from netbuilder.errors import NetbuilderError
from tests.data.serving import Site, served

DATA = bytes(range(256)) * 100


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    monkeypatch.setenv("NETBUILDER_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(downloads.OFFLINE, raising=False)
    monkeypatch.setattr(downloads, "ROOM", 0)
    monkeypatch.setattr(downloads, "BLOCK", 1000)
    with served(Site({"/a.bin": DATA})) as found:
        remote = Remote(
            "a.bin", f"{found.address}/a.bin", len(DATA), hashlib.sha256(DATA).hexdigest()
        )
        small = Collection("small", "Small", "a few bytes", found.address, (remote,))
        monkeypatch.setattr(published, "COLLECTIONS", {"small": small})
        yield found


def test_the_worker_fetches_and_tells(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netbuilder.engine.downloading.EVERY_S", 0.0)
    told: list[Mapping[str, Any]] = []
    answer = Downloads(told.append).job()({"what": "small"})
    assert answer["bytes"] == len(DATA)
    assert Path(answer["folder"]) == fetching.root() / "small"
    messages = [event_of(decode(encode(event).strip())) for event in told]
    assert all(isinstance(message, DownloadProgress) for message in messages)
    assert messages[0] == DownloadProgress("small", "a.bin", 1000, len(DATA))
    assert messages[-1] == DownloadProgress("small", "", len(DATA), len(DATA))


def test_progress_is_not_a_flood(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netbuilder.engine.downloading.EVERY_S", 1e6)
    told: list[Mapping[str, Any]] = []
    Downloads(told.append).job()({"what": "small"})
    assert all(event["done"] in (1000, len(DATA)) for event in told)


def test_all_that_wait_are_called_off(site: Site) -> None:
    held: list[Downloads] = []
    made = Downloads(lambda event: held[0].cancel({}))
    held.append(made)
    first, second = made.job(), made.job()
    with pytest.raises(Cancelled):
        first({"what": "small"})
    with pytest.raises(Cancelled):
        second({"what": "small"})
    assert made.cancel({}) == {"downloads": 0}


def test_a_worker_answers_other_requests_meanwhile(site: Site) -> None:
    """The real worker's loop: a download does not hold up what comes after it."""
    from netbuilder.engine.protocol import Reply
    from netbuilder.engine.surroundings import Surroundings
    from netbuilder.engine.worker import Worker

    class Outlet:
        def __init__(self) -> None:
            self.replies: dict[int, Reply] = {}
            self.come = threading.Condition()

        def reply(self, reply: Reply, *, after_events: bool = False) -> None:
            with self.come:
                self.replies[reply.id] = reply
                self.come.notify_all()

        def event(self, value: Mapping[str, Any]) -> None:
            waiting.wait(100)

    waiting = threading.Event()
    outlet: Any = Outlet()
    worker = Worker(outlet, Surroundings())
    worker.take(encode({"id": 1, "method": "download", "params": {"what": "small"}}))
    worker.take(encode({"id": 3, "method": "predict", "params": {}}))
    with outlet.come:
        assert outlet.come.wait_for(lambda: 3 in outlet.replies, 60)
    assert 1 not in outlet.replies
    worker.take(encode({"id": 2, "method": "cancel_download", "params": {}}))
    with outlet.come:
        assert outlet.come.wait_for(lambda: 2 in outlet.replies, 60)
    assert outlet.replies[2].result == {"downloads": 1}
    waiting.set()
    with outlet.come:
        assert outlet.come.wait_for(lambda: 1 in outlet.replies, 60)
    assert "cancelled" in str(outlet.replies[1].error)
    worker.leave()


class Asked:
    """What the session would send; answered by the test."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, Any], OnDone]] = []

    def __call__(self, method: str, params: Mapping[str, Any], then: OnDone) -> None:
        self.calls.append((method, params, then))


def test_the_window_hears_and_may_read_what_came(tmp_path: Path) -> None:
    asked, store = Asked(), ConsentStore(tmp_path / "consent.json")
    settings = SettingsStore(tmp_path / "settings.json")
    window = Fetching(asked, lambda: store, lambda: settings)
    heard: list[Any] = []
    window.fetch("small", heard.append, heard.append)
    (_, params, then) = asked.calls[0]
    assert params == {"what": "small", "offline": False}
    progress = DownloadProgress("small", "a.bin", 1, 2)
    window.hear(progress)
    window.hear(DownloadProgress("other", "b", 1, 2))
    then({"folder": str(tmp_path / "small")})
    window.hear(progress)
    assert heard == [progress, {"folder": str(tmp_path / "small")}]
    assert str(tmp_path / "small") in store.paths
    settings.update(offline=True)
    window.fetch("small", heard.append, heard.append)
    assert asked.calls[1][1]["offline"] is True
    asked.calls[1][2](NetbuilderError("no"))
    assert len(store.paths) == 1
    window.cancel()
    assert asked.calls[2][0] == "cancel_download"


def run(*arguments: str) -> int:
    return main.main(list(arguments))


def test_the_command_lists_fetches_and_says_what_follows(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("fetch") == 0
    assert "small" in capsys.readouterr().out
    assert site.asked == []
    assert run("fetch", "small") == 0
    out = capsys.readouterr().out
    folder = fetching.root() / "small"
    assert f"netbuilder data {folder}" in out
    assert (folder / "a.bin").read_bytes() == DATA
    assert str(folder) in ConsentStore().paths
    assert run("fetch", "--json") == 0
    (told,) = json.loads(capsys.readouterr().out)["collections"]
    assert told["there"] is True


def test_a_command_offline_or_for_nothing_known(
    site: Site, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run("fetch", "nothing") != 0
    assert "small" in capsys.readouterr().err
    SettingsStore().update(offline=True)
    assert run("fetch", "small", "--to", str(tmp_path / "x")) != 0
    assert "offline" in capsys.readouterr().err
    assert site.asked == []
    assert not (tmp_path / "x").exists()
