"""Downloads from a server on this machine: only what was asked for, and only what is right."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from netbuilder.data import downloads
from netbuilder.data.downloads import Cancelled, Collection, Order, Progress, Remote, fetch
from netbuilder.data.made import published
from netbuilder.errors import NetbuilderError
from tests.data.serving import Site, served

ONE, TWO = bytes(range(256)) * 40, b"two" * 1000


@pytest.fixture
def site() -> Iterator[Site]:
    with served(Site({"/one.bin": ONE, "/two.bin": TWO})) as found:
        yield found


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "BLOCK", 1000)
    monkeypatch.setattr(downloads, "ROOM", 0)
    monkeypatch.delenv(downloads.OFFLINE, raising=False)


def collection(site: Site) -> Collection:
    files = tuple(
        Remote(name, f"{site.address}/{name}", len(data), hashlib.sha256(data).hexdigest())
        for name, data in (("one.bin", ONE), ("two.bin", TWO))
    )
    return Collection("test", "Test", "for tests", site.address, files)


def test_files_come_whole_and_in_order(site: Site, tmp_path: Path) -> None:
    told: list[Progress] = []
    wanted = collection(site)
    assert len(downloads.missing(wanted, tmp_path)) == 2
    paths = fetch(wanted, Order(tmp_path / "new", told.append))
    assert [path.read_bytes() for path in paths] == [ONE, TWO]
    counts = [progress.done for progress in told]
    assert counts == sorted(counts)
    assert counts[0] == 1000
    assert counts[-1] == wanted.bytes
    assert {progress.total for progress in told} == {wanted.bytes}
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["one.bin", "two.bin"]
    assert not downloads.missing(wanted, tmp_path / "new")


def test_what_is_there_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    fetch(collection(site), Order(tmp_path))
    site.asked.clear()
    fetch(collection(site), Order(tmp_path, offline=True))
    assert site.asked == []
    (tmp_path / "two.bin").write_bytes(b"x" * len(TWO))
    fetch(collection(site), Order(tmp_path))
    assert site.asked == [("/two.bin", "")]
    assert (tmp_path / "two.bin").read_bytes() == TWO


def test_a_connection_that_breaks_goes_on_where_it_was(site: Site, tmp_path: Path) -> None:
    site.breaks = [3000, 2000]
    fetch(collection(site), Order(tmp_path))
    assert (tmp_path / "one.bin").read_bytes() == ONE
    assert [asked for path, asked in site.asked if path == "/one.bin"] == [
        "",
        "bytes=3000-",
        "bytes=5000-",
    ]


def test_a_server_without_ranges_begins_again(site: Site, tmp_path: Path) -> None:
    site.ranges, site.breaks = False, [3000]
    fetch(collection(site), Order(tmp_path))
    assert (tmp_path / "one.bin").read_bytes() == ONE


def test_one_that_always_breaks_is_given_up_and_kept(site: Site, tmp_path: Path) -> None:
    site.breaks = [10] * 20
    with pytest.raises(NetbuilderError, match=r"could not be fetched|broke off"):
        fetch(collection(site), Order(tmp_path))
    assert (tmp_path / "one.bin.part").stat().st_size == 10 * downloads.ATTEMPTS
    site.breaks = []
    fetch(collection(site), Order(tmp_path))
    assert (tmp_path / "one.bin").read_bytes() == ONE


def test_cancelling_keeps_what_has_come(site: Site, tmp_path: Path) -> None:
    cancelled = threading.Event()

    def tell(progress: Progress) -> None:
        if progress.done >= 4000:
            cancelled.set()

    with pytest.raises(Cancelled):
        fetch(collection(site), Order(tmp_path, tell, cancelled))
    assert not (tmp_path / "one.bin").exists()
    assert (tmp_path / "one.bin.part").stat().st_size == 4000
    fetch(collection(site), Order(tmp_path))
    assert ("/one.bin", "bytes=4000-") in site.asked


@pytest.mark.parametrize("data", [ONE[:-1] + b"!", ONE + b"more", ONE + bytes(10**6)])
def test_another_file_is_not_kept(site: Site, tmp_path: Path, data: bytes) -> None:
    site.files["/one.bin"] = data
    with pytest.raises(NetbuilderError, match="not the file that was published"):
        fetch(collection(site), Order(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_part_of_another_file_is_found_out(site: Site, tmp_path: Path) -> None:
    (tmp_path / "one.bin.part").write_bytes(b"z" * 5000)
    with pytest.raises(NetbuilderError, match="not the file"):
        fetch(collection(site), Order(tmp_path))
    fetch(collection(site), Order(tmp_path))
    (tmp_path / "one.bin").unlink()
    (tmp_path / "one.bin.part").write_bytes(ONE + b"z")
    fetch(collection(site), Order(tmp_path))
    assert (tmp_path / "one.bin").read_bytes() == ONE


def test_offline_means_nothing_is_asked(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NetbuilderError, match="stay offline"):
        fetch(collection(site), Order(tmp_path, offline=True))
    monkeypatch.setenv(downloads.OFFLINE, "1")
    with pytest.raises(NetbuilderError, match="stay offline"):
        fetch(collection(site), Order(tmp_path))
    monkeypatch.setenv(downloads.OFFLINE, "0")
    assert not downloads.offline()
    assert site.asked == []


def test_errors_of_server_and_network_say_what_to_do(site: Site, tmp_path: Path) -> None:
    wanted = collection(site)
    site.status = 503
    with pytest.raises(NetbuilderError, match="503") as caught:
        fetch(wanted, Order(tmp_path))
    assert wanted.files[0].url in caught.value.hint
    gone = Remote("one.bin", "http://127.0.0.1:1/one.bin", len(ONE), "0" * 64)
    with pytest.raises(NetbuilderError, match="could not be fetched") as caught:
        fetch(Collection("t", "T", "", "", (gone,)), Order(tmp_path))
    assert "works without a network" in caught.value.hint


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("one.bin", "file:///etc/passwd"),
        ("one.bin", "ftp://127.0.0.1/one.bin"),
        ("../one.bin", "http://127.0.0.1:1/one.bin"),
    ],
)
def test_only_the_web_and_only_into_the_folder(tmp_path: Path, name: str, url: str) -> None:
    files = (Remote(name, url, 10, "0" * 64),)
    with pytest.raises(NetbuilderError, match="no address to fetch a file from"):
        fetch(Collection("t", "T", "", "", files), Order(tmp_path))


def test_a_file_that_was_moved_is_followed_but_not_to_the_disk(site: Site, tmp_path: Path) -> None:
    site.moved["/one.bin"] = "/two.bin"
    site.files["/two.bin"] = ONE
    one = Collection("t", "T", "", "", collection(site).files[:1])
    fetch(one, Order(tmp_path))
    assert (tmp_path / "one.bin").read_bytes() == ONE
    (tmp_path / "one.bin").unlink()
    site.moved["/one.bin"] = "file:///etc/hostname"
    with pytest.raises(NetbuilderError, match="could not be fetched"):
        fetch(one, Order(tmp_path))


def test_a_disk_without_room_is_told_before(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads, "ROOM", 2**60)
    with pytest.raises(NetbuilderError, match="MB free"):
        fetch(collection(site), Order(tmp_path))
    assert site.asked == []


def test_a_folder_that_can_not_be_written_is_told(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NetbuilderError, match="can't be written"):
        fetch(collection(site), Order(tmp_path / "file"))


def test_what_is_published_is_complete() -> None:
    for each in published.COLLECTIONS.values():
        assert all(len(bytes.fromhex(file.sha256)) == 32 for file in each.files)
        assert all(file.url.startswith("https://") and file.bytes > 1000 for file in each.files)
        assert each.to_json()["bytes"] == each.bytes
    assert set(published.COLLECTIONS) == {"mnist", "fashion_mnist", "cifar10"}


def test_loading_the_module_opens_nothing() -> None:
    code = (
        "import sys; "
        "sys.addaudithook(lambda event, args: sys.exit(3) if event == 'socket.connect' else None); "
        "import netbuilder.data.made.published; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
