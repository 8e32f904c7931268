"""Training on another computer; here a worker with an environment of its own stands for it."""

from __future__ import annotations

import base64
import hashlib
import os
import shlex
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from netbuilder.engine import mirroring, remote, transfer
from netbuilder.engine.mirroring import Mirror
from netbuilder.engine.protocol import Message, Reply, RunEvent, WorkerError
from netbuilder.engine.remote import RemoteClient
from netbuilder.errors import NetbuilderError, RunError
from netbuilder.training import control
from netbuilder.training.checkpointing import sealed
from netbuilder.training.records.folder import RunFolder, read_events
from tests.engine.workers import PATIENCE_S, project

posix_only = pytest.mark.skipif(os.name != "posix", reason="env, sessions")
SHORT = {"training.epochs": 3, "training.checkpoint_steps": 10}
LONG = {"training.epochs": 100_000, "training.checkpoint_steps": 200}

RELAY = """
import subprocess, sys, threading
far = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL, bufsize=0, start_new_session=True)
def back():
    while data := far.stdout.read(65536):
        sys.stdout.buffer.write(data); sys.stdout.buffer.flush()
threading.Thread(target=back, daemon=True).start()
while data := sys.stdin.buffer.raw.read(65536):
    far.stdin.write(data)
far.stdin.close()
far.wait()
"""


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a run that belong to no computer."""
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and transfer.safe(name):
            found[name] = path.read_bytes()
    return found


def wait_for(condition: Callable[[], object], what: str) -> None:
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, what
        threading.Event().wait(0.02)


class NoWorker:
    """In place of the worker here, which these tests do not need."""

    def __init__(self, on_message: Callable[[Message], None]) -> None:
        self.asked: list[str] = []

    def start(self) -> None: ...
    def close(self) -> None: ...
    def leave(self) -> None: ...
    def stop_training(self) -> None: ...
    def request(self, method: str, params: Mapping[str, Any], on_reply: Any = None) -> int:
        self.asked.append(method)
        return 1


class There:
    """Another user's environment: own home, own place, nothing of ours."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "other"
        self.home.mkdir()
        variables = {"HOME": str(self.home), "PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1"}
        words = ["env", "-i", "-C", str(self.home), *(f"{k}={v}" for k, v in variables.items())]
        words += [sys.executable, "-m", "netbuilder", "worker"]
        # The connection is a process of its own: it can break without the worker.
        self.command = shlex.join([sys.executable, "-S", "-c", RELAY, *words])

    def run(self) -> Path:
        (found,) = (self.home / remote.FOLDER).iterdir()
        return found

    def break_connection(self) -> None:
        me = psutil.Process()
        relays = [c for c in me.children() if "far.stdin.close" in " ".join(c.cmdline())]
        assert relays
        for relay in relays:
            relay.kill()


class Client:
    """A remote client with ears."""

    def __init__(self, there: There | SimpleNamespace, **more: Any) -> None:
        self.heard: list[Any] = []
        self.done = threading.Event()
        self.reply: Reply | None = None
        self.client = RemoteClient(
            self._hear, command=there.command, here=NoWorker, update_every_s=0.1, **more
        )
        self.client.start()

    def _hear(self, message: Message) -> None:
        assert isinstance(message, RunEvent)
        self.heard.append((message.run, message.data["seq"], message.data["event"]))

    def train(self, run: Path, overrides: Mapping[str, Any] = SHORT, **more: Any) -> None:
        self.done.clear()
        params = {"project": project(), "run": str(run), "overrides": overrides, **more}
        self.client.request("train", params, self._take)

    def _take(self, reply: Reply) -> None:
        self.reply = reply
        self.done.set()

    def end(self) -> Reply:
        assert self.done.wait(PATIENCE_S), "it does not end"
        assert self.reply is not None
        return self.reply


@posix_only
def test_the_run_comes_back_as_it_is_there(tmp_path: Path) -> None:
    there, run = There(tmp_path), tmp_path / "run"
    client = Client(there)
    client.train(run)
    reply = client.end()
    assert reply.error is None, reply.error
    assert (reply.result["status"], reply.result["run"]) == ("finished", str(run))
    assert contents(run) == contents(there.run())
    assert RunFolder(run).read_checkpoint("last")[0].info["epoch"] == 3
    assert RunFolder(run).read_checkpoint("best")
    assert {path for path, _, _ in client.heard} == {str(run)}
    assert client.heard[-1][2] == "finished"
    assert not (run / mirroring._PARTS).exists()
    client.client.close()


@pytest.mark.nightly
@posix_only
def test_a_broken_connection_costs_nothing(tmp_path: Path) -> None:
    there, run = There(tmp_path), tmp_path / "run"
    client = Client(there)
    client.train(run, LONG)
    wait_for(lambda: RunFolder(run).checkpoints("last"), "no checkpoint came")
    there.break_connection()
    at = read_events(there.run())[0][-1].step
    wait_for(lambda: read_events(there.run())[0][-1].step > at, "it does not go on there")
    assert not client.done.is_set()
    seen = len(client.heard)
    wait_for(lambda: len(client.heard) > seen, "it is not followed again")
    client.client.stop_training()
    reply = client.end()
    assert reply.error is None, reply.error
    assert reply.result["status"] == "stopped"
    assert contents(run) == contents(there.run())
    numbers = [number for _, number, _ in client.heard]
    assert numbers == sorted(set(numbers)), "in order, none twice"
    # And on it goes, there, from where it stopped.
    steps = reply.result["steps"]
    client.train(run, {**LONG, "training.steps": steps + 5}, resume=True)
    assert client.end().result["steps"] == steps + 5
    assert contents(run) == contents(there.run())
    client.client.close()


@posix_only
@pytest.mark.nightly
def test_who_leaves_can_follow_again(tmp_path: Path) -> None:
    there, run = There(tmp_path), tmp_path / "run"
    first = Client(there)
    first.train(run, LONG)
    wait_for(lambda: len(first.heard) > 3, "nothing is heard")
    first.client.leave()
    second = Client(there)
    second.train(run, LONG, resume=True)
    wait_for(lambda: len(second.heard) > 10, "it is not followed")
    starts = [event for event in read_events(there.run())[0] if event.event == "started"]
    assert len(starts) == 1, "it was followed, not begun again"
    second.client.request("pause", {})
    wait_for(lambda: RunFolder(there.run()).status()["status"] == "paused", "no pause")
    second.client.close()
    wait_for(lambda: RunFolder(there.run()).status()["status"] == "stopped", "no end")
    assert second.end().result["status"] == "stopped"


@posix_only
@pytest.mark.nightly
def test_a_project_with_errors_leaves_nothing_here(tmp_path: Path) -> None:
    there, run = There(tmp_path), tmp_path / "run"
    client = Client(there)
    client.train(run, {"training.nonsense": 1})
    error = client.end().error
    assert error is not None
    assert "nonsense" in str(error)
    assert not run.exists()
    client.client.close()


@pytest.mark.parametrize("command", ["", "ssh 'unfinished"])
def test_a_command_that_is_none_is_told(tmp_path: Path, command: str) -> None:
    replies: list[Reply] = []
    client = RemoteClient(lambda message: None, command=command, here=NoWorker)
    params = {"project": project(), "run": str(tmp_path / "run")}
    client.request("train", params, replies.append)
    assert isinstance(replies[0].error, RunError)


def test_other_work_stays_here(tmp_path: Path) -> None:
    client = RemoteClient(lambda message: None, command="ssh nowhere", here=NoWorker)
    client.request("analyse", {})
    client.request("stop", {})
    assert client._here.asked == ["analyse", "stop"]


def test_without_a_command_all_stays_here(tmp_path: Path) -> None:
    client = RemoteClient(lambda message: None, command=lambda: "", here=NoWorker)
    client.request("train", {"run": str(tmp_path / "run")})
    client.request("pause", {})
    client.request("train", {"run": str(tmp_path / "old"), "resume": True})
    assert client._here.asked == ["train", "pause", "train"]


# -- files, without a process -----------------------------------------------------------------


class Wire:
    """Asks for files as over a connection; it may break or lie."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.breaks_at = -1
        self.spoils = False

    def __call__(self, method: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append((method, params))
        if len(self.asked) == self.breaks_at:
            raise WorkerError("gone")
        answer = dict(transfer.REQUESTS[method](params))
        if method == "fetch" and self.spoils:
            answer["data"] = base64.b64encode(b"other bytes").decode()
        return answer

    def offsets(self, name: str) -> list[int]:
        return [p["offset"] for m, p in self.asked if m == "fetch" and p["path"].endswith(name)]


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Wire]:
    """A run there with a checkpoint and events, and an empty folder here."""
    monkeypatch.setattr(transfer, "CHUNK", 1000)
    there, here = tmp_path / "there", tmp_path / "here"
    here.mkdir()
    folder = RunFolder.create(there, b"{}")
    sealed.write(folder.next_checkpoint("last"), {"a": os.urandom(4500), "b": b""}, {"n": 1})
    folder.events_path.write_bytes(b"".join(b"event %d\n" % n for n in range(400)))
    folder.write_json("status.json", {"status": "finished"})
    return there, here, Wire()


def test_a_copy_equals_and_is_fetched_once(pair: tuple[Path, Path, Wire]) -> None:
    there, here, wire = pair
    mirror = Mirror(here, str(there), wire)
    assert mirror.update() == "finished"
    assert contents(here) == contents(there)
    before = mirror.fetched
    mirror.update()
    assert mirror.fetched == before
    with open(there / "events.jsonl", "ab") as file:
        file.write(b"one more\n")
    mirror.update()
    assert mirror.fetched == before + len(b"one more\n")
    assert contents(here) == contents(there)


def test_half_a_file_is_gone_on_with(pair: tuple[Path, Path, Wire]) -> None:
    there, here, wire = pair
    wire.breaks_at = 5
    with pytest.raises(WorkerError):
        Mirror(here, str(there), wire).update()
    assert wire.offsets("/a")[-1] == 3000
    assert not (here / "checkpoints").exists(), "half a checkpoint is none"
    wire.asked.clear()
    wire.breaks_at = -1
    Mirror(here, str(there), wire).update()
    assert wire.offsets("/a") == [3000, 4000]
    assert contents(here) == contents(there)


@pytest.mark.parametrize("calls", range(1, 14))
def test_wherever_it_breaks_the_next_copy_equals(pair: tuple[Path, Path, Wire], calls: int) -> None:
    there, here, wire = pair
    wire.breaks_at = calls
    with pytest.raises(WorkerError):
        Mirror(here, str(there), wire).update()
    for checkpoint in RunFolder(here).checkpoints():
        sealed.read(checkpoint.path)
    wire.breaks_at = -1
    mirror = Mirror(here, str(there), wire)
    mirror.update()
    mirror.tidy()
    assert contents(here) == contents(there)


def test_what_is_spoilt_on_the_way_is_not_kept(pair: tuple[Path, Path, Wire]) -> None:
    there, here, wire = pair
    wire.spoils = True
    with pytest.raises(WorkerError, match="did not come"):
        Mirror(here, str(there), wire).update()
    assert contents(here) == {}
    wire.spoils = False
    Mirror(here, str(there), wire).update()
    assert contents(here) == contents(there)


def test_other_beginnings_of_a_file_are_not_gone_on_with(pair: tuple[Path, Path, Wire]) -> None:
    there, here, wire = pair
    (here / "events.jsonl").write_bytes(b"another run\n")
    Mirror(here, str(there), wire).update()
    assert contents(here)["events.jsonl"] == contents(there)["events.jsonl"]


def test_checkpoints_that_go_there_go_here_once_the_next_is_whole(
    pair: tuple[Path, Path, Wire],
) -> None:
    there, here, wire = pair
    mirror = Mirror(here, str(there), wire)
    mirror.update()
    folder = RunFolder(there)
    (old,) = folder.checkpoints()
    sealed.write(folder.next_checkpoint("last"), {"a": b"new"}, {"n": 2})
    mirror.update()
    assert len(RunFolder(here).checkpoints()) == 2
    for path in sorted(old.path.rglob("*"), reverse=True):
        path.unlink()
    old.path.rmdir()
    mirror.update()
    assert contents(here) == contents(there)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "..",
            "../x",
            "/etc/passwd",
            "a/../../x",
            "./a",
            "a//b",
            "C:/x",
            "a\\b",
            "x\0y",
            ".x",
            "a/.new-b/c",
        ),
        *("lock", "a/" * 10 + "x", "a" * 2000, control.FILE, "remote.json"),
    ],
)
def test_no_name_leads_out_of_the_folder(tmp_path: Path, name: str) -> None:
    assert not transfer.safe(name)
    folder = RunFolder.create(tmp_path / "run", b"{}")
    (tmp_path / "x").write_text("secret")
    with pytest.raises(NetbuilderError):
        transfer.fetch({"run": str(folder.path), "path": name})
    answer = {"status": "running", "files": [{"path": name, "bytes": 1, "changed": 1}]}
    here = tmp_path / "here"
    here.mkdir()
    Mirror(here, "r", lambda method, params: answer).update()
    assert list(here.rglob("*")) == []


@posix_only
def test_no_link_leads_out_of_the_folder(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", b"{}")
    (tmp_path / "x").write_text("secret")
    (folder.path / "link").symlink_to(tmp_path / "x")
    (folder.path / "inner").symlink_to(tmp_path)
    for name in ("link", "inner/x"):
        with pytest.raises(RunError):
            transfer.fetch({"run": str(folder.path), "path": name})
    listed = [entry["path"] for entry in transfer.files({"run": str(folder.path)})["files"]]
    assert listed == ["project.netb"]


def test_chunks_fit_a_line_and_have_their_hash(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", os.urandom(transfer.CHUNK + 5))
    params = {"run": str(folder.path), "path": "project.netb"}
    first, rest = transfer.fetch(params), transfer.fetch({**params, "offset": transfer.CHUNK})
    assert len(first["data"]) < 1_000_000
    data = base64.b64decode(first["data"]) + base64.b64decode(rest["data"])
    assert data == folder.project_path.read_bytes()
    assert rest["sha256"] == hashlib.sha256(data[-5:]).hexdigest()


@posix_only
@pytest.mark.parametrize(
    ("command", "reason"),
    [("false", "gives no answer"), ("no-such-command-anywhere x", "no-such-command-anywhere")],
)
def test_a_command_that_never_answers_ends_the_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, reason: str
) -> None:
    """There was no connection that could come back: it is told, and nothing is left here."""
    monkeypatch.setattr(remote, "BACK_OFF_S", (0.05,) * 600)
    there = SimpleNamespace(command=command)
    client = Client(there)
    client.train(tmp_path / "run")
    error = client.end().error
    assert error is not None
    assert reason in str(error)
    assert not (tmp_path / "run").exists()
    client.client.close()
